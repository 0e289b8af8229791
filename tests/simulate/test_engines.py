"""All engines take the same steps: each other's, and those of the definitions differentiated by PyTorch."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
import scipy.stats
import xarray

from simulate import Instance, Problem, Record, Result, Status, ensemble, lanes, run
from simulate.ensemble import Cell
from simulate.optimizers import SAM, SGD, SharpMinMax
from simulate.phases import Loss, NegGrad, Phase, RandomLabel
from simulate.plan import compile_phase
from tests.oracles.configurations import (
    ADAPTIVE_SAMS,
    DENSE_MIN_MAXES,
    DENSE_OPTIMIZERS,
    MIN_MAXES,
    OPTIMIZERS,
    SAMS,
    Configuration,
    configurations,
)

ENGINES = ("dense", "numpy", "numba")
PROBLEM = Problem(d=400, n=12, m=3, signal=3.0, forget=0.25)
SAMPLE = 48
MANY = 240
ORACLE_SAMPLE = 40

TOLERANCE = 1e-10
"""Largest error of a weight, relative to the largest weight; also the kink margin under which a ReLU may fall on
either side, so that engines may differ."""


def reconstructed_weights(result: Result) -> np.ndarray:
    """Weights (2, m, D) from the coefficients κ and ζ."""
    instance = result.instance
    phi, xi = instance.phi, instance.xi.reshape(-1, len(instance.phi))
    signs = np.array([1, -1])[:, None, None]
    signal = signs * result.kappa[..., None] * phi / (phi @ phi)
    noise = result.zeta.reshape(2, instance.m, -1) @ (xi / np.sum(xi**2, axis=1, keepdims=True))
    return instance.w0 + signal + noise / instance.multiplicity


def relative_error(weights: np.ndarray, reference: np.ndarray) -> float:
    return float(np.abs(weights - reference).max() / np.abs(reference).max())


# --- equal weights ---------------------------------------------------------------------------------------


def draw(problem: Problem, seed: int, space: str = "ambient") -> Instance:
    """An instance, by default in R^d, where every engine can go; without noise law, for no test error to take time."""
    return replace(Instance.draw(problem, seed, space=space), noise_law=None)


def instance_of(configuration: Configuration) -> Instance:
    return draw(configuration.problem, configuration.seed)


@cache
def end_of(configuration: Configuration, engine: str, *, shaken: bool = False) -> tuple[np.ndarray, float]:
    """Weights (2, m, D) after all steps, and the kink margin; shaken: from weights that are wrong by 1e-12."""
    instance = instance_of(configuration)
    if shaken:
        noise = np.random.default_rng(configuration.seed).standard_normal(instance.w0.shape)
        instance = replace(instance, w0=instance.w0 * (1 + 1e-12 * noise))
    result = run(instance, configuration.phases, engine=engine, record=Record(every=10**6))
    return result.state.weights if engine == "dense" else reconstructed_weights(result), result.kink_margin


def compare(
    runs: list[Configuration], engine: str, reference: Callable[[Configuration], tuple[np.ndarray, float]], record
) -> None:
    """Require the weights of an engine to equal those of a reference, but for what rounding alone can change.

    Two kinds of trajectories cannot be compared to the last digits, and must be rare: those that come so close to a
    kink that rounding decides a ReLU, and those that amplify rounding, which are excused up to three times the error
    that the dense engine itself makes of one of 1e-12 in its initial weights.
    """
    errors = {True: 0.0, False: 0.0}
    on_kink, unstable, unequal = [], [], []
    for each in runs:
        (weights, margin), (expected, other_margin) = end_of(each, engine), reference(each)
        error = relative_error(weights, expected)
        if min(margin, other_margin) < TOLERANCE:
            on_kink.append(each)
        elif error <= TOLERANCE:
            batched = each.phases[1].optimizer.batch is not None
            errors[batched] = max(error, errors[batched])
        elif error <= 3 * relative_error(end_of(each, "dense", shaken=True)[0], end_of(each, "dense")[0]):
            unstable.append(each)
        else:
            unequal.append(f"{each}: {error:.1e}")
    findings = {
        "trajectories": len(runs), "on a kink": len(on_kink), "unstable": len(unstable),
        "largest error with full batches": errors[False], "largest error with minibatches": errors[True],
    }  # fmt: skip
    print(f"\n{engine}: " + ", ".join(f"{name} {value:.2g}" for name, value in findings.items()))
    for name, value in findings.items():
        record(name, value)
    assert not unequal
    assert len(on_kink) < 0.02 * len(runs)
    assert len(unstable) < 0.02 * len(runs)


@pytest.mark.parametrize("number", [SAMPLE, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_coefficient_engines_reach_the_weights_of_the_dense_engine(engine, number, record_property):
    compare(configurations(number), engine, lambda each: end_of(each, "dense"), record_property)


def test_engines_agree_in_the_exact_frame_too():
    for each in configurations(6):
        instance = draw(each.problem, each.seed, space="frame")
        dense, *others = (run(instance, each.phases, engine=engine, record=Record(every=500)) for engine in ENGINES)
        for other in others:
            assert min(dense.kink_margin, other.kink_margin) > TOLERANCE
            assert relative_error(reconstructed_weights(other), dense.state.weights) <= TOLERANCE


def oracle_sample(number: int, steps: int) -> list[Configuration]:
    """A quarter each of what is partitioned and what is not, with what all engines and the dense one alone can do."""
    kinds = ((SGD(), *SAMS), MIN_MAXES, ADAPTIVE_SAMS, DENSE_MIN_MAXES)
    return [each for kind in kinds for each in configurations(number // 4, steps=steps, optimizers=kind, seed=3)]


@pytest.mark.parametrize(("number", "steps"), [(ORACLE_SAMPLE, 200), pytest.param(MANY, 400, marks=pytest.mark.slow)])
def test_dense_engine_reaches_the_weights_of_automatic_differentiation(number, steps, record_property):
    pytest.importorskip("torch", reason="the autograd oracle needs PyTorch")
    from tests.oracles import autograd

    def oracle(each: Configuration) -> tuple[np.ndarray, float]:
        return autograd.train(instance_of(each), each.phases)[-1], np.inf

    compare(oracle_sample(number, steps), "dense", oracle, record_property)


def test_a_step_size_wrong_in_its_seventh_digit_would_be_noticed():
    for each in configurations(SAMPLE // 4):
        faster = [replace(phase.optimizer, lr=phase.optimizer.lr * (1 + 1e-7)) for phase in each.phases]
        phases = tuple(replace(phase, optimizer=to) for phase, to in zip(each.phases, faster, strict=True))
        other, _ = end_of(replace(each, phases=phases), "numba")
        assert relative_error(other, end_of(each, "dense")[0]) > 10 * TOLERANCE


# --- the configurations use what there is --------------------------------------------------------------------


@pytest.mark.parametrize("optimizers", [OPTIMIZERS, DENSE_OPTIMIZERS], ids=["all engines", "dense only"])
def test_configurations_combine_every_option_with_every_other(optimizers):
    def pairs(number: int) -> set[tuple[str, str]]:
        runs = configurations(number, optimizers=optimizers)
        return {pair for each in runs for pair in combinations(sorted(each.options), 2)}

    assert pairs(MANY) == pairs(12 * MANY)


def test_the_default_samples_use_every_option():
    def options(runs: list[Configuration]) -> set[str]:
        return set().union(*(each.options for each in runs))

    assert options(configurations(SAMPLE)) == options(configurations(12 * MANY))
    assert options(oracle_sample(ORACLE_SAMPLE, 200)) == options(oracle_sample(12 * MANY, 200))


def test_the_oracle_sees_every_way_to_partition_a_network():
    chosen = [each.phases[1].optimizer for each in oracle_sample(ORACLE_SAMPLE, 200)]
    ways = {(each.polarity, each.partition, each.adaptive) for each in chosen if isinstance(each, SharpMinMax)}
    assert len(ways) == 2 * 2 * 2


@pytest.mark.parametrize(
    ("of", "change"),
    [
        *((SGD, {"batch": batch}) for batch in (1, 2)),
        *((SAM, {"tau": 0.0}), (SAM, {"mixing": 0.1}), (SAM, {"sharpness": "min"}), (SAM, {"sharpness": "max"})),
        *((SAM, {"on": on}) for on in ("joint", "retain", "forget")),
        *((SharpMinMax, {name: 0.0}) for name in ("tau", "tau_forget", "mixing")),
        *((SharpMinMax, {"fraction": 0.4}), (SharpMinMax, {"polarity": "top"}), (SharpMinMax, {"polarity": "bottom"})),
        *((NegGrad, {"alpha": 0.1}), (NegGrad, {"reduction": "mean"}), (NegGrad, {"reduction": "sum"})),
        *((RandomLabel, {"flip": flip}) for flip in (0.5, 1.0)),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_every_option_moves_the_weights(of, change):
    """Otherwise engines could agree because none of them heeds it."""
    errors = []
    for each in configurations(MANY):
        pretrain, phase = each.phases
        part = "optimizer" if isinstance(phase.optimizer, of) else "objective"
        if isinstance(phase.objective, Loss) or not isinstance(getattr(phase, part), of):
            continue
        changed = replace(phase, **{part: replace(getattr(phase, part), **change)})
        if changed != phase and len(errors) < 8:
            other, _ = end_of(replace(each, phases=(pretrain, changed)), "numba")
            errors.append(relative_error(other, end_of(each, "numba")[0]))
    assert len(errors) >= 3
    assert np.median(errors) > 1e-6


# --- what the oracle takes on trust ---------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_random_labels_are_the_loss_with_other_labels_in_the_forget_set(engine):
    for each in configurations(4, steps=200):
        instance, optimizer = instance_of(each), SAM(lr=each.phases[0].optimizer.lr)
        flipped = replace(instance, y=np.where(instance.forget, -instance.y, instance.y))
        for flip, labelled in ((1.0, flipped), (0.0, instance)):
            relabelled = run(instance, [Phase("only", RandomLabel(flip=flip), optimizer, steps=200)], engine=engine)
            trained = run(labelled, [Phase("only", Loss(), optimizer, steps=200)], engine=engine)
            np.testing.assert_array_equal(relabelled.state.coefficients, trained.state.coefficients)


@pytest.mark.parametrize(("claimed", "true"), [(0.5, True), (0.4, False)])
def test_random_labels_are_flipped_as_often_as_asked(claimed, true):
    phase = Phase("only", RandomLabel(flip=0.5))
    instances = [Instance.draw(PROBLEM, seed) for seed in range(400)]
    flips = [(compile_phase(phase, each).target != each.y)[each.forget] for each in instances]
    tail = scipy.stats.binomtest(int(np.sum(flips)), np.size(flips), claimed).pvalue
    assert bool(tail > 1e-4) is true


@pytest.mark.parametrize("batch", [1, 2, 4, 5])
@pytest.mark.parametrize(
    ("objective", "pools"),
    [
        (Loss(), ["all"]),
        (RandomLabel(), ["all"]),
        (Loss(on="retain"), ["retain"]),
        (NegGrad(), ["retain", "forget"]),
    ],
    ids=str,
)
def test_batches_of_an_epoch_are_disjoint_and_of_one_size(objective, pools, batch):
    instance = Instance.draw(PROBLEM, 1)
    sets = {"all": np.full(PROBLEM.n, True), "retain": ~instance.forget, "forget": instance.forget}
    present = compile_phase(Phase("only", objective, SGD(batch=batch)), instance).batches.present(0, 600)
    assert not present[:, ~np.any([sets[pool] for pool in pools], axis=0)].any()
    for pool in pools:
        chosen = present[:, sets[pool]]
        size = min(batch, chosen.shape[1])
        epoch = chosen.shape[1] // size
        assert (chosen.sum(axis=1) == size).all()
        epochs = chosen[: 600 // epoch * epoch].reshape(-1, epoch, chosen.shape[1])
        assert epochs.sum(axis=1).max() == 1
        assert (epochs.sum(axis=(0, 1)) > 0).all()
        assert size * epoch == chosen.shape[1] == size or len(np.unique(epochs[:, 0], axis=0)) > 1


@pytest.mark.parametrize(("engine", "adaptive"), [*((engine, False) for engine in ENGINES), ("dense", True)])
@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_a_network_that_is_all_one_part_is_trained_by_the_step_of_that_part(engine, adaptive, fraction):
    instance = draw(PROBLEM, 3)
    both = SharpMinMax(lr=0.05, tau=0.01, tau_forget=0.02, fraction=fraction, adaptive=adaptive)
    retain = SAM(lr=0.75 * 0.05, tau=0.01, adaptive=adaptive)
    forget = SAM(lr=0.25 * 0.05, tau=0.02, sharpness="max", adaptive=adaptive)
    alone = (NegGrad(alpha=0.0), forget) if fraction else (Loss(on="retain"), retain)
    one, other = (
        run(instance, [Phase("only", objective, optimizer, steps=100)], engine=engine)
        for objective, optimizer in ((NegGrad(alpha=0.75), both), alone)
    )
    scale = np.abs(one.state.coefficients).max()
    np.testing.assert_allclose(one.state.coefficients, other.state.coefficients, rtol=0, atol=1e-12 * scale)


# --- kinks --------------------------------------------------------------------------------------------------


def instance_at(first_filter: tuple[float, float]) -> Instance:
    """One sample with φ and ξ along the axes and one filter of each sign; all gradients are along (1, 1)."""
    phi, xi = np.eye(2)
    w0 = np.array([[first_filter], [(0.4, 0.2)]])
    return Instance.from_arrays(phi=phi, xi=xi[None], y=np.array([1]), w0=w0, forget=np.array([False]), space="ambient")


KINKS = [(SGD(lr=0.1), 0.0), (SAM(lr=0.1, tau=0.25), 0.125)]
"""Where an optimizer takes a gradient at the kink: on `instance_at` ε̂ is -τ/2 in both weights of the first filter."""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("optimizer", "kink"), KINKS)
@pytest.mark.parametrize(("distance", "rounded"), [(1e-14, True), (-1e-14, True), (1e-7, False), (-1e-7, False)])
def test_kink_margin_tells_how_close_a_gradient_was_taken_to_a_kink(engine, optimizer, kink, distance, rounded):
    phases = [Phase("pretrain", Loss(), optimizer, steps=1)]
    result = run(instance_at((0.3, kink + distance)), phases, engine=engine)
    largest = np.abs(result.state.preactivations).max()
    assert result.kink_margin * largest == pytest.approx(abs(distance), rel=0.01)
    assert (result.kink_margin < TOLERANCE) is rounded


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("column", range(4))
def test_every_pre_activation_is_watched_for_kinks(engine, column):
    """Column 0 is the signal's, the others those of three noise vectors."""
    axes, y, forget = np.eye(4), np.array([1, -1, 1]), np.array([False, True, False])
    for sign, number in ((0, 0), (0, 1), (1, 0), (1, 1)):
        w0 = np.full((2, 2, 4), 0.3)
        w0[sign, number, column] = 1e-7
        instance = Instance.from_arrays(phi=axes[0], xi=axes[1:], y=y, w0=w0, forget=forget, space="ambient")
        result = run(instance, [Phase("pretrain", Loss(), SGD(lr=0.1), steps=1)], engine=engine)
        assert result.kink_margin * np.abs(result.state.preactivations).max() == pytest.approx(1e-7, rel=0.01)


@pytest.mark.parametrize(("optimizer", "kink"), KINKS)
def test_trajectories_part_at_a_kink(optimizer, kink):
    """Why these are excused: rounding decides which side of the ReLU they see."""
    phases = [Phase("pretrain", Loss(), optimizer, steps=1)]
    sides = (instance_at((0.3, kink + distance)) for distance in (1e-14, -1e-14))
    above, below = (reconstructed_weights(run(instance, phases)) for instance in sides)
    assert relative_error(above, below) > 0.01


# --- equal runs ----------------------------------------------------------------------------------------------


def stopping_phases(batch: int | None) -> list[Phase]:
    return [
        Phase("pretrain", Loss(), SGD(lr=0.02, batch=batch), steps=900, stop_loss=0.1),
        Phase("unlearn", NegGrad(alpha=0.5), SAM(lr=0.02, batch=batch), steps=900, stop_forget_below=0.0),
        Phase("relearn", Loss(on="forget"), SAM(lr=0.02, batch=batch), steps=900, stop_forget_above=1.0),
    ]


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("seed", range(3))
def test_engines_record_the_same_trace_and_stop_at_the_same_steps(batch, seed):
    everything = ("coefficients_full", "loss", "accuracy", "deactivation", "gradient_norm", "sharpness", "hessian")
    record = Record(observe=("coefficients", *everything), tau=0.03, points=12)
    instance = draw(PROBLEM, seed)
    dense, *others = (run(instance, stopping_phases(batch), engine=engine, record=record) for engine in ENGINES)
    assert {status for _, status in dense.phases.values()} == {Status.CONVERGED}
    for other in others:
        assert (other.phases, other.status, other.steps) == (dense.phases, dense.status, dense.steps)
        xarray.testing.assert_allclose(other.trace, dense.trace, rtol=1e-9, atol=1e-12)


RULES = [
    (Loss(), "stop_loss", "train", 12),
    (Loss(on="retain"), "stop_loss", "retain", 9),
    (Loss(on="forget"), "stop_loss", "forget", 3),
    (NegGrad(alpha=0.9), "stop_loss", "retain", 9),
    (RandomLabel(), "stop_loss", "objective", 12),
    (NegGrad(alpha=0.3), "stop_forget_below", "forget", 9),
    (Loss(on="forget"), "stop_forget_above", "forget", 3),
]
"""An objective, a rule, what the rule watches, and how many samples an epoch goes through."""


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize(("objective", "rule", "watched", "samples"), RULES)
def test_a_rule_stops_a_phase_the_first_time_it_is_read_and_met(batch, objective, rule, watched, samples):
    before = Phase("before", RandomLabel() if rule == "stop_forget_above" else Loss(), SGD(lr=0.02), steps=60)
    phase = Phase("ruled", objective, SGD(lr=0.02, batch=batch), steps=200)
    instance = draw(PROBLEM, 1)
    trace = run(instance, [before, phase], engine="numpy", record=Record(every=1)).trace
    trace = trace.isel(step=trace.phase == "ruled")
    seen = trace.loss.sel(part=watched) if rule == "stop_loss" else trace.accuracy.sel(set=watched)
    limit = {"stop_loss": 1.000001 * float(seen[:60].min()), "stop_forget_below": 0.4, "stop_forget_above": 0.6}[rule]
    met = (seen >= limit if rule == "stop_forget_above" else seen <= limit).values
    epoch = 1 if batch is None else samples // batch
    expected = next(step for step in range(0, 201, epoch) if met[step])
    assert 0 < expected < 200
    for engine in ENGINES:
        ruled = run(instance, [before, replace(phase, **{rule: limit})], engine=engine, record=Record(every=500))
        assert ruled.phases["ruled"] == (expected, Status.CONVERGED)


@pytest.mark.parametrize("record", [Record(points=2), Record(points=7), Record(every=17), Record(every=10**6)], ids=str)
def test_what_is_recorded_does_not_change_where_a_run_goes(record):
    phases = [Phase(name, Loss(), SGD(lr=0.02, batch=5), steps=40) for name in ("first", "second")]
    watched, other = (run(draw(PROBLEM, 1), phases, record=each) for each in (record, Record(every=1)))
    assert watched.phases == other.phases
    np.testing.assert_array_equal(watched.state.coefficients, other.state.coefficients)


# --- ensembles ------------------------------------------------------------------------------------------------


def mixed_cells() -> list[Cell]:
    """Cells of three shapes in turn, with different problems, options, batches, stops and numbers of steps."""
    pretrain = Phase("pretrain", Loss(), SGD(lr=0.02), steps=50)
    unlearn = Phase("unlearn", NegGrad(), SAM(lr=0.02), steps=40)
    sharp = replace(unlearn, optimizer=SharpMinMax(lr=0.02, batch=2))
    forgetful = Problem(d=10_000, n=12, m=3, signal=20.0, sigma_p=0.3, forget=0.4, label_flip=0.1, noise="isotropic")
    patchy = Problem(d=150, n=8, m=2, P=3, patches="independent", forget=0.25)
    on_forget = replace(unlearn, optimizer=SAM(lr=0.03, tau=0.1, on="forget", sharpness="max", mixing=0.5))
    return [
        Cell(PROBLEM, (pretrain, unlearn), seed=1),
        Cell(patchy, (pretrain, sharp), seed=2),
        Cell(PROBLEM, (replace(pretrain, steps=7), replace(on_forget, stop_forget_below=0.5)), seed=3),
        Cell(forgetful, (replace(pretrain, optimizer=SGD(lr=0.01, batch=5)), replace(unlearn, steps=90)), seed=4),
        Cell(PROBLEM, (pretrain,), seed=5),
        Cell(forgetful, (replace(pretrain, stop_loss=0.3), on_forget), seed=6),
        Cell(patchy, (pretrain, replace(sharp, name="other", optimizer=SharpMinMax(fraction=0.25))), seed=7),
        Cell(PROBLEM, (replace(pretrain, steps=0), unlearn), seed=1),
    ]


def summary_of(cell: Cell, engine: str) -> dict[str, object]:
    """What an ensemble reports of a cell, from a run of this cell alone."""
    record = Record(every=10**6)
    result = run(cell.problem, cell.phases, seed=cell.seed, engine=engine, record=record, test_directions=64)
    return {
        "test_error": result.test_error,
        "test_error_se": result.test_error_se,
        "test_error_ess": result.test.effective_sample_size,
        "log_clean_error": result.test.log_clean_error,
        "train_loss": result.train_loss,
        "retain_accuracy": result.retain_accuracy,
        "forget_accuracy": result.forget_accuracy,
        "kappa_mean": result.kappa.mean(),
        "steps": result.steps,
        "status": result.status.value,
    }


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("small_chunks", [False, True])
def test_an_ensemble_gives_each_cell_the_bits_of_its_own_run(engine, small_chunks, monkeypatch):
    if small_chunks:
        monkeypatch.setattr(lanes, "CHUNK_BYTES", 1)
        monkeypatch.setattr(ensemble, "SEGMENT", 16)
    cells = [cell for cell in mixed_cells() if engine != "dense" or cell.problem.d < 1000]
    together = ensemble.run_ensemble(cells, engine=engine, test_directions=64)
    for number, cell in enumerate(cells):
        row = together.isel(cell=number)
        for name, alone in summary_of(cell, engine).items():
            np.testing.assert_array_equal(row[name].values, alone, err_msg=f"{name} of cell {number}")


def test_an_ensemble_summarises_the_noise_coefficients_of_filters_of_the_samples_own_class():
    cells = mixed_cells()
    together = ensemble.run_ensemble(cells, test_directions=16)
    for number, cell in enumerate(cells):
        result = run(cell.problem, cell.phases, seed=cell.seed, test_directions=16)
        y, forget = result.instance.y, result.instance.forget
        own = np.array([result.zeta[0 if y[i] == 1 else 1, :, i].mean() for i in range(len(y))])
        row = together.isel(cell=number)
        assert float(row.zeta_mean_retain) == pytest.approx(own[~forget].mean(), rel=1e-12)
        assert float(row.zeta_mean_forget) == pytest.approx(own[forget].mean(), rel=1e-12)


def test_an_ensemble_reports_its_progress_cell_by_cell():
    done = []
    ensemble.run_ensemble(mixed_cells(), test_directions=16, progress=done.append)
    assert sum(done) == len(mixed_cells())
