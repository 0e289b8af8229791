"""What must not change a trajectory: symmetries of the model, options that do nothing, cuts, threads, company."""

from dataclasses import replace
from typing import Literal

import numba
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulate import (
    SAM,
    SGD,
    Instance,
    Loss,
    NegGrad,
    Phase,
    Problem,
    RandomLabel,
    Record,
    Result,
    SharpMinMax,
    Status,
    run,
)
from simulate.ensemble import Cell, run_ensemble
from simulate.optimizers import Optimizer
from simulate.phases import Objective

SEEDS = st.integers(0, 2**31)

UPDATES: dict[str, tuple[Objective, Optimizer]] = {
    "descent": (Loss(), SGD(lr=0.5)),
    "ascent": (NegGrad(alpha=0.6), SGD(lr=0.5)),
    "sums": (NegGrad(alpha=0.7, reduction="sum"), SGD(lr=0.1)),
    "relabelling": (RandomLabel(flip=1.0), SAM(lr=0.5, tau=0.3)),
    "sharpness": (Loss(), SAM(lr=0.5, tau=0.3, mixing=0.7)),
    "sharpness of the retain loss": (NegGrad(alpha=0.6), SAM(lr=0.5, tau=0.3, on="retain")),
    "largest sharpness of the forget loss": (NegGrad(alpha=0.6), SAM(lr=0.5, tau=0.3, on="forget", sharpness="max")),
    "sharp minmax": (NegGrad(alpha=0.6), SharpMinMax(lr=0.5, tau=0.3, tau_forget=0.2, fraction=0.5)),
}
every_update = pytest.mark.parametrize("update", UPDATES)
few = settings(max_examples=3)


def random_arrays(seed: int, P: int = 3, patches: int | None = None, m: int = 3) -> dict:
    """A small training set with weights, as `Instance.from_arrays` takes it; copied patches unless counted."""
    rng = np.random.default_rng(seed)
    n, d = 7, 16
    shape = (n, d) if patches is None else (n, patches, d)
    y_true = np.where(rng.permutation(n) < n // 2, 1, -1)
    return {
        "phi": rng.normal(size=d) * 0.4,
        "xi": rng.normal(size=shape) * 0.5,
        "w0": rng.normal(size=(2, m, d)) * 0.2,
        "y_true": y_true,
        "y": np.where(rng.random(n) < 0.2, -y_true, y_true),
        "forget": rng.permutation(n) < 3,
        "P": P if patches is None else patches + 1,
    }


def train(
    arrays: dict,
    objective: Objective,
    optimizer: Optimizer,
    *,
    engine: str = "numba",
    space: Literal["frame", "ambient"] = "frame",
) -> Result:
    """Train from arrays for a few steps."""
    instance = Instance.from_arrays(**arrays, space="ambient" if engine == "dense" else space)
    return run(instance, [Phase("train", objective, optimizer, steps=25)], engine=engine, record=Record(every=25))


def weights_of(result: Result) -> np.ndarray:
    """The weights that the dense engine ends with."""
    assert result.state.weights is not None
    return result.state.weights


def assert_close(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-12) -> None:
    """Require agreement up to `tolerance` times the largest number in `expected`."""
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def assert_same(found: Result, expected: Result) -> None:
    """Require the same coefficients up to rounding, and that there is a trajectory to speak of."""
    assert_close(found.kappa, expected.kappa)
    assert_close(found.zeta, expected.zeta)
    assert np.abs(expected.zeta).max() > 1e-3


def assert_same_bits(found: Result, expected: Result) -> None:
    """Require the very same end of a run."""
    np.testing.assert_array_equal(found.kappa, expected.kappa)
    np.testing.assert_array_equal(found.zeta, expected.zeta)
    np.testing.assert_array_equal(found.state.preactivations, expected.state.preactivations)
    assert found.train_loss == expected.train_loss
    assert (found.steps, found.status) == (expected.steps, expected.status)


def parts_are_clear(arrays: dict) -> bool:
    """Whether half of the filters have distinctly larger forget gradients than the others.

    Filters with the same active samples have equal gradients, up to the sign; which of them is taken is a convention.
    """
    instance = Instance.from_arrays(**arrays, space="ambient")
    forget, y_true = instance.forget, instance.y_true
    on_signal = y_true * (instance.w0 @ instance.phi)[..., None]
    on_noise = np.einsum("jrd,npd->jrnp", instance.w0, instance.xi)
    noise = instance.multiplicity * np.maximum(on_noise, 0).sum(axis=-1)
    output = np.einsum("j,jrn->n", [1, -1], np.maximum(on_signal, 0) + noise) / instance.m
    slope = forget * instance.y / (1 + np.exp(instance.y * output))
    gradient = np.einsum("n,jrn,d->jrd", slope * y_true, on_signal > 0, instance.phi)
    gradient += instance.multiplicity * np.einsum("n,jrnp,npd->jrd", slope, on_noise > 0, instance.xi)
    norms = np.sort(np.linalg.norm(gradient, axis=-1), axis=None)
    return bool(norms[instance.m] > norms[instance.m - 1] * (1 + 1e-6))


def moved_alike(found: Result, expected: Result) -> bool:
    """Whether two runs have the same signal coefficients up to a tenth of a percent."""
    return bool(np.abs(found.kappa - expected.kappa).max() < 1e-3 * np.abs(expected.kappa).max())


# Symmetries of the model


@every_update
@given(seed=SEEDS, P=st.integers(3, 6))
@few
def test_copied_patches_are_one_longer_patch(update: str, seed: int, P: int) -> None:
    # (P-1) σ(⟨w,ξ⟩) = σ(⟨w,(P-1)ξ⟩). The change of a weight is ζ ξ / ((P-1)‖ξ‖²) in the one and ζ' ξ' / ‖ξ'‖² in the
    # other model, with ξ' = (P-1)ξ: the same, so that κ and ζ map to themselves.
    arrays = random_arrays(seed, P)
    longer = arrays | {"xi": (P - 1) * arrays["xi"], "P": 2}
    assert_same(train(longer, *UPDATES[update]), train(arrays, *UPDATES[update]))


def test_copied_patches_are_larger_noise() -> None:
    phases = [Phase("train", Loss(), SAM(lr=0.05, tau=0.1), steps=40)]
    copied = Problem(d=500, n=12, m=4, P=4, signal=0.5, sigma_p=0.3, label_flip=0.1)
    louder = replace(copied, P=2, sigma_p=0.9)
    one, other = run(copied, phases, seed=4), run(louder, phases, seed=4)
    assert_same(other, one)
    assert 0.2 < one.test_error < 0.3
    assert other.test_error == pytest.approx(one.test_error, rel=1e-9)


@pytest.mark.parametrize("patches", [None, 2])
@every_update
@given(seed=SEEDS, factor=st.sampled_from([1 / 3, 0.7, 1.9, 10.0]))
@few
def test_scale_of_data_is_a_unit(update: str, patches: int | None, seed: int, factor: float) -> None:
    arrays, (objective, optimizer) = random_arrays(seed, patches=patches), UPDATES[update]
    scaled = train(rescaled(arrays, factor), objective, rescaled_steps(optimizer, factor))
    assert_same(scaled, train(arrays, objective, optimizer))


@every_update
@given(seed=SEEDS, factor=st.sampled_from([0.25, 2.0, 64.0]))
@few
def test_scale_by_a_power_of_two_keeps_all_bits(update: str, seed: int, factor: float) -> None:
    # Instances in R^d, as the QR reduction might pick other pivots: no rounding differs, so nothing does.
    arrays, (objective, optimizer) = random_arrays(seed), UPDATES[update]
    one = train(arrays, objective, optimizer, engine="dense")
    other = train(rescaled(arrays, factor), objective, rescaled_steps(optimizer, factor), engine="dense")
    np.testing.assert_array_equal(weights_of(other) * factor, weights_of(one))


@given(seed=SEEDS)
@few
def test_adaptive_radius_has_no_unit(seed: int) -> None:
    # ε̂ = τ w² g / ‖w g‖ scales like w itself; only the step size must follow.
    arrays, optimizer = random_arrays(seed), SAM(lr=0.5, tau=0.3, adaptive=True)
    one = train(arrays, Loss(), optimizer, engine="dense")
    other = train(rescaled(arrays, 1.7), Loss(), replace(optimizer, lr=0.5 / 1.7**2), engine="dense")
    assert_same(other, one)


def rescaled(arrays: dict, factor: float) -> dict:
    """Data times a factor and weights divided by it: the same outputs."""
    return arrays | {
        "phi": factor * arrays["phi"],
        "xi": factor * arrays["xi"],
        "w0": arrays["w0"] / factor,
    }


def rescaled_steps(optimizer: Optimizer, factor: float) -> Optimizer:
    """The optimizer in the units of the divided weights."""
    radii = {name: getattr(optimizer, name) / factor for name in ("tau", "tau_forget") if hasattr(optimizer, name)}
    return replace(optimizer, lr=optimizer.lr / factor**2, **radii)


@pytest.mark.parametrize("patches", [None, 2])
@every_update
@given(seed=SEEDS, data=st.data())
@few
def test_samples_have_no_order(update: str, patches: int | None, seed: int, data: st.DataObject) -> None:
    arrays = random_arrays(seed, patches=patches)
    order = np.array(data.draw(st.permutations(range(7))))
    shuffled = arrays | {name: arrays[name][order] for name in ("xi", "y", "y_true", "forget")}
    one, other = train(arrays, *UPDATES[update]), train(shuffled, *UPDATES[update])
    assert_close(other.kappa, one.kappa)
    assert_close(other.zeta, one.zeta[:, :, order])


@every_update
@given(seed=SEEDS, data=st.data())
@few
def test_filters_have_no_order(update: str, seed: int, data: st.DataObject) -> None:
    arrays = random_arrays(seed, m=4)
    assume(parts_are_clear(arrays))
    orders = np.array([data.draw(st.permutations(range(4))) for _ in range(2)])
    signs = np.array([[0], [1]])
    one = train(arrays, *UPDATES[update])
    other = train(arrays | {"w0": arrays["w0"][signs, orders]}, *UPDATES[update])
    assert_close(other.kappa, one.kappa[signs, orders])
    assert_close(other.zeta, one.zeta[signs, orders])


@every_update
@given(seed=SEEDS)
@few
def test_classes_have_no_names(update: str, seed: int) -> None:
    # With -φ and swapped layers, flipped labels leave every patch and every margin as they were.
    arrays = random_arrays(seed)
    assume(parts_are_clear(arrays))
    renamed = arrays | {"phi": -arrays["phi"], "w0": arrays["w0"][::-1]}
    renamed |= {name: -arrays[name] for name in ("y", "y_true")}
    one, other = train(arrays, *UPDATES[update]), train(renamed, *UPDATES[update])
    assert_close(other.kappa, one.kappa[::-1])
    assert_close(other.zeta, one.zeta[::-1])


@every_update
@given(seed=SEEDS)
@few
def test_space_has_no_axes(update: str, seed: int) -> None:
    one, other, rotation = rotated_pair(seed, *UPDATES[update])
    assert_same(other, one)
    assert_close(weights_of(other), weights_of(one) @ rotation)


def test_tied_filters_are_parted_alike() -> None:
    # All filters of both signs see all of the forget set: their gradients are equal, up to rounding.
    arrays, update = random_arrays(2), UPDATES["sharp minmax"]
    arrays["w0"] = arrays["w0"] * 1e-3 + arrays["xi"][arrays["forget"]].sum(axis=0) + arrays["phi"]
    assert not parts_are_clear(arrays)
    parts = [train(arrays, *update, engine=engine).state.forget_part for engine in ("numba", "numpy", "dense")]
    for seed in range(3):
        rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(16, 16)))[0]
        turned = arrays | {name: arrays[name] @ rotation for name in ("phi", "xi", "w0")}
        parts.append(train(turned, *update).state.forget_part)
    for part in parts:
        np.testing.assert_array_equal(part, parts[0])


@given(seed=SEEDS)
@few
def test_adaptive_radius_knows_the_axes(seed: int) -> None:
    one, other, _ = rotated_pair(seed, Loss(), SAM(lr=0.5, tau=0.5, adaptive=True))
    assert not moved_alike(other, one)


@given(seed=SEEDS)
@few
def test_partition_of_coordinates_knows_the_axes(seed: int) -> None:
    one, other, rotation = rotated_pair(seed, NegGrad(alpha=0.6), SharpMinMax(lr=0.5, partition="coordinate"))
    gap = np.abs(weights_of(other) - weights_of(one) @ rotation).max()
    assert gap > 1e-3 * np.abs(weights_of(one)).max()


def rotated_pair(seed: int, objective: Objective, optimizer: Optimizer) -> tuple[Result, Result, np.ndarray]:
    """The dense engine on data as they are, and rotated by a random orthogonal matrix."""
    arrays = random_arrays(seed)
    rotation = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(16, 16)))[0]
    turned = arrays | {name: arrays[name] @ rotation for name in ("phi", "xi", "w0")}
    one, other = (train(a, objective, optimizer, engine="dense") for a in (arrays, turned))
    return one, other, rotation


# Options that do nothing


@pytest.mark.parametrize("idle", [SAM(lr=0.5, tau=0.0), SAM(lr=0.5, tau=0.3, mixing=0.0)], ids=["radius", "mixing"])
@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
@pytest.mark.parametrize("objective", [Loss(), NegGrad(alpha=0.6), RandomLabel()])
@given(seed=SEEDS)
@few
def test_idle_sharpness_is_plain_descent(objective, engine: str, idle: SAM, seed: int) -> None:
    arrays = random_arrays(seed)
    one, other = (train(arrays, objective, optimizer, engine=engine) for optimizer in (SGD(lr=0.5), idle))
    assert_same_bits(other, one)


def test_sharpness_is_not_idle() -> None:
    arrays = random_arrays(5)
    assert not moved_alike(train(arrays, Loss(), SAM(lr=0.5, tau=0.3)), train(arrays, Loss(), SGD(lr=0.5)))


@pytest.mark.parametrize("optimizer", [SGD(lr=0.5), SAM(lr=0.5, tau=0.3), SAM(lr=0.5, tau=0.3, on="retain")])
@given(seed=SEEDS)
@few
def test_full_retain_weight_ignores_the_forget_set(optimizer, seed: int) -> None:
    arrays = random_arrays(seed)
    others = random_arrays(seed + 1)["xi"]
    forget, ignored = arrays["forget"], NegGrad(alpha=1.0)
    replaced = arrays | {"xi": np.where(forget[:, None], 3 * others, arrays["xi"])}
    replaced |= {"y": np.where(forget, -arrays["y"], arrays["y"])}
    # In R^d, as the QR reduction would mix the forgotten vectors into the coordinates' rounding.
    one, other, alone = (
        train(a, objective, optimizer, space="ambient")
        for a, objective in ((arrays, ignored), (replaced, ignored), (arrays, Loss(on="retain")))
    )
    np.testing.assert_array_equal(other.kappa, one.kappa)
    np.testing.assert_array_equal(other.zeta, one.zeta)
    assert np.all(one.zeta[:, :, forget] == 0)
    assert_same(alone, one)


@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
@pytest.mark.parametrize(
    ("alpha", "optimizer"), [(1.0, SAM(lr=0.5, tau=0.3, on="forget")), (0.0, SAM(lr=0.5, tau=0.3, on="retain"))]
)
def test_sharpness_of_a_weightless_part_is_idle(alpha: float, optimizer: SAM, engine: str) -> None:
    arrays, objective = random_arrays(11), NegGrad(alpha=alpha)
    idle = train(arrays, objective, optimizer, engine=engine)
    assert_same_bits(idle, train(arrays, objective, SGD(lr=0.5), engine=engine))


@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
@pytest.mark.parametrize("optimizer", [SAM(tau=0.3), SAM(tau=0.3, sharpness="max")])
def test_dead_network_stays_dead(optimizer: SAM, engine: str) -> None:
    axes = np.eye(4)
    dead = -np.ones((2, 3, 4)) * axes[1:].sum(axis=0)  # orthogonal to φ, against every noise vector
    arrays = {"phi": axes[0], "xi": axes[1:], "y": np.array([1, -1, 1]), "w0": dead, "forget": np.zeros(3, bool)}
    result = train(arrays, Loss(), optimizer, engine=engine)
    assert np.all(result.kappa == 0)
    assert np.all(result.zeta == 0)
    assert result.status is Status.MAX_STEPS


# Cuts, threads and company

PRETRAIN = Phase("pretrain", Loss(), SAM(lr=0.1, tau=0.1), steps=12)
MINIBATCHES = Phase("pretrain", Loss(), SGD(lr=0.1, batch=3), steps=12)
RUNS = {
    "full batches": [PRETRAIN, Phase("unlearn", NegGrad(alpha=0.6), SGD(lr=0.1), steps=9)],
    "minibatches": [MINIBATCHES, Phase("unlearn", NegGrad(alpha=0.6), SAM(lr=0.1, tau=0.2, batch=2), steps=9)],
    "random labels": [MINIBATCHES, Phase("unlearn", RandomLabel(flip=0.5), SGD(lr=0.1, batch=4), steps=9)],
    "sharp minmax": [PRETRAIN, Phase("unlearn", NegGrad(), SharpMinMax(lr=0.1, tau=0.2), steps=9)],
    "sharp minmax of minibatches": [MINIBATCHES, Phase("unlearn", NegGrad(), SharpMinMax(lr=0.1, batch=2), steps=9)],
    "stopped": [replace(MINIBATCHES, stop_loss=0.63), Phase("unlearn", NegGrad(alpha=0.3), SGD(lr=0.3), steps=9)],
}
SMALL = Problem(d=60, n=11, m=3, signal=2.0, sigma_p=0.3, sigma_0=0.05, forget=0.4, label_flip=0.1)


def cut(phases: list[Phase], steps: int) -> list[Phase]:
    """The phases up to a number of steps."""
    first, second = phases
    if steps <= first.steps:
        return [replace(first, steps=steps)]
    return [first, replace(second, steps=steps - first.steps)]


def end_of(phases: list[Phase], **options) -> Result:
    return run(SMALL, phases, seed=8, record=Record(every=100), test_directions=16, **options)


@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
@pytest.mark.parametrize("name", RUNS)
def test_cut_run_is_the_whole_run(name: str, engine: str) -> None:
    whole = end_of(RUNS[name], engine=engine)
    for steps in (5, 12, 16):
        start = end_of(cut(RUNS[name], steps), engine=engine).state
        assert_same_bits(end_of(RUNS[name], engine=engine, start=start), whole)


@pytest.mark.parametrize("name", RUNS)
def test_run_cut_at_every_step_is_the_whole_run(name: str) -> None:
    whole, state = end_of(RUNS[name]), None
    for steps in range(22):
        phases = cut(RUNS[name], steps)
        result = end_of(phases, start=state)
        state = result.state
    assert_same_bits(result, whole)


def test_stop_of_the_cut_runs_waits_for_the_epoch() -> None:
    # An epoch has three steps: the loss is low after five, which is seen after six.
    trace = run(SMALL, [MINIBATCHES], seed=8, record=Record(every=1), test_directions=16).trace
    assert int(np.argmax(trace.loss.sel(part="train").values <= 0.63)) == 5
    assert end_of(RUNS["stopped"][:1]).phases == {"pretrain": (6, Status.CONVERGED)}


def test_later_phase_alone_goes_on_from_the_state() -> None:
    first, second = RUNS["minibatches"]
    alone = end_of([second], start=end_of([first]).state)
    assert_same_bits(alone, end_of([first, second]))


def test_later_partition_knows_nothing_of_an_earlier_one() -> None:
    # Coordinates are ranked in the first phase, filters in the second.
    phases = [Phase(word, NegGrad(), SharpMinMax(lr=0.1, partition=word), steps=4) for word in ("coordinate", "filter")]
    first = end_of(phases[:1], engine="dense")
    whole, alone = end_of(phases, engine="dense"), end_of(phases[1:], engine="dense", start=first.state)
    np.testing.assert_array_equal(weights_of(whole), weights_of(alone))
    assert np.any(weights_of(whole) != weights_of(first))


def test_state_keeps_the_partition() -> None:
    first, second = RUNS["sharp minmax"]
    begun = end_of([first, replace(second, steps=3)]).state
    assert begun.forget_part is not None
    assert begun.forget_part.sum() == 3
    ended = end_of([first, second], start=begun).state
    np.testing.assert_array_equal(ended.forget_part, begun.forget_part)


def test_partition_that_is_not_kept_shows() -> None:
    # A rival partition, put into the state, must lead elsewhere: the test of cuts can fail.
    first, second = RUNS["sharp minmax"]
    begun = end_of([first, replace(second, steps=3)]).state
    assert begun.forget_part is not None
    other = replace(begun, forget_part=~begun.forget_part)
    assert not moved_alike(end_of([first, second], start=other), end_of([first, second]))


@pytest.mark.parametrize("name", RUNS)
def test_recording_changes_no_bit(name: str) -> None:
    watched = run(SMALL, RUNS[name], seed=8, record=Record(every=1), test_directions=16)
    assert_same_bits(watched, end_of(RUNS[name]))


@pytest.mark.parametrize("name", RUNS)
def test_same_seed_same_bits(name: str) -> None:
    assert_same_bits(end_of(RUNS[name]), end_of(RUNS[name]))


def test_other_seed_other_bits() -> None:
    batches = [replace(MINIBATCHES, steps=30)]
    instance = Instance.draw(SMALL, seed=8)
    assert not moved_alike(run(instance, batches, seed=9), run(instance, batches, seed=8))


VARIED = [replace(SMALL, d=d, signal=signal) for d, signal in ((60, 2.0), (90, 1.0), (10**6, 3.0))]
CELLS = [
    *(Cell(problem, tuple(phases), seed) for phases in RUNS.values() for seed, problem in enumerate(VARIED)),
    *(Cell(SMALL, (replace(MINIBATCHES, optimizer=SGD(lr=0.1, batch=batch)),), 3) for batch in (None, 1, 4, 11)),
    *(Cell(SMALL, (replace(PRETRAIN, optimizer=SAM(lr=0.1, tau=tau)),), 3) for tau in (0.0, 0.1, 1.0)),
    Cell(SMALL, (replace(MINIBATCHES, steps=4500),), 5),
    Cell(replace(SMALL, forget=0.1, label_flip=0.0, noise="isotropic"), (replace(MINIBATCHES, steps=0),), 6),
    Cell(Problem(d=200, n=9, m=2, P=3, patches="independent"), (PRETRAIN,), 1),
]


@pytest.fixture(scope="module")
def company():
    """Summaries of all cells, run at once with as many threads as there are; cells of equal shape share an engine."""
    return run_ensemble(CELLS, test_directions=64)


@pytest.mark.parametrize("number", range(len(CELLS)))
def test_company_changes_no_bit(number: int, company) -> None:
    cell = CELLS[number]
    alone = run(cell.problem, cell.phases, seed=cell.seed, record=Record(every=100), test_directions=64)
    zeta = alone.zeta.mean(axis=1).reshape(2, cell.problem.n, -1).mean(axis=-1)
    own = zeta[(alone.instance.y < 0).astype(int), np.arange(cell.problem.n)]
    row = company.isel(cell=number)
    assert row.test_error == alone.test_error
    assert row.test_error_se == alone.test_error_se
    assert row.log_clean_error == alone.test.log_clean_error
    assert row.train_loss == alone.train_loss
    assert row.retain_accuracy == alone.retain_accuracy
    assert row.forget_accuracy == alone.forget_accuracy
    assert row.kappa_mean == alone.kappa.mean()
    assert row.zeta_mean_retain == pytest.approx(own[~alone.instance.forget].mean(), rel=1e-13)
    assert row.zeta_mean_forget == pytest.approx(own[alone.instance.forget].mean(), rel=1e-13)
    assert (int(row.steps), str(row.status.values)) == (alone.steps, alone.status.value)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two threads")
def test_threads_change_no_bit(company) -> None:
    before = numba.get_num_threads()
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            assert run_ensemble(CELLS, test_directions=64).identical(company)
    finally:
        numba.set_num_threads(before)


@given(order=st.permutations(range(len(CELLS))))
@settings(max_examples=1)
def test_order_of_company_changes_no_bit(order: list[int], company) -> None:
    shuffled = run_ensemble([CELLS[number] for number in order], test_directions=64)
    assert shuffled.identical(company.isel(cell=order))
