"""Every observable of a trace against the definitions, written out in R^d, and the steps at which it is recorded."""

from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import numpy as np
import pytest

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
from simulate.optimizers import Optimizer
from simulate.phases import Objective

SIGNS = np.array([1, -1])
RADIUS = 0.4
EVERYTHING = (
    "coefficients", "coefficients_full", "loss", "accuracy", "test_error", "deactivation", "gradient_norm", "sharpness",
    "hessian",
)  # fmt: skip


# The model, written out


def outputs(instance: Instance, w: np.ndarray) -> np.ndarray:
    """f of every sample at the weights w (2, m, D)."""
    signal = np.maximum(instance.y_true * (w @ instance.phi)[..., None], 0)
    noise = np.maximum(np.einsum("jrd,npd->jrnp", w, instance.xi), 0).sum(axis=-1)
    return np.einsum("j,jrn->n", SIGNS, signal + instance.multiplicity * noise) / w.shape[1]


def output_gradients(instance: Instance, w: np.ndarray) -> np.ndarray:
    """∇f of every sample, (n, 2mD)."""
    on_signal = instance.y_true * (w @ instance.phi)[..., None] > 0
    on_noise = np.einsum("jrd,npd->jrnp", w, instance.xi) > 0
    gradients = np.einsum("jrn,n,d->njrd", on_signal, instance.y_true, instance.phi)
    gradients = gradients + instance.multiplicity * np.einsum("jrnp,npd->njrd", on_noise, instance.xi)
    return (SIGNS[:, None, None] * gradients).reshape(instance.n, -1) / w.shape[1]


@dataclass(frozen=True)
class WeightedLoss:
    """Σ ω_i log(1 + exp(-t_i f_i)) with its derivatives."""

    instance: Instance
    weight: np.ndarray
    label: np.ndarray

    def __call__(self, w: np.ndarray) -> float:
        return float(self.weight @ np.log1p(np.exp(-self.label * outputs(self.instance, w))))

    def gradient(self, w: np.ndarray) -> np.ndarray:
        slope = -self.label / (1 + np.exp(self.label * outputs(self.instance, w)))
        return ((self.weight * slope) @ output_gradients(self.instance, w)).reshape(w.shape)

    def perturbation(self, w: np.ndarray, radius: float) -> np.ndarray:
        gradient = self.gradient(w)
        return radius * gradient / np.linalg.norm(gradient)

    def hessian(self, w: np.ndarray) -> np.ndarray:
        sigmoid = 1 / (1 + np.exp(-outputs(self.instance, w)))
        gradients = output_gradients(self.instance, w)
        return (gradients.T * (self.weight * sigmoid * (1 - sigmoid))) @ gradients

    def on(self, part: np.ndarray) -> "WeightedLoss":
        return replace(self, weight=self.weight * part)


def mean_over(part: np.ndarray) -> np.ndarray:
    return part / part.sum()


def objective_of(phase: Phase, instance: Instance) -> WeightedLoss:
    """The objective of a phase over all its samples; random labels are all flipped."""
    forget = instance.forget
    match phase.objective:
        case Loss(on=on):
            part = {"all": np.ones(instance.n), "retain": ~forget, "forget": forget}[on]
            return WeightedLoss(instance, mean_over(part), instance.y)
        case NegGrad(alpha=alpha, reduction="mean"):
            weight = alpha * mean_over(~forget) - (1 - alpha) * mean_over(forget)
        case NegGrad(alpha=alpha, reduction="sum"):
            weight = alpha * ~forget - (1 - alpha) * forget
        case RandomLabel(flip=1.0):
            return WeightedLoss(instance, mean_over(np.ones(instance.n)), np.where(forget, -instance.y, instance.y))
    return WeightedLoss(instance, weight, instance.y)


def losses_of(phase: Phase, instance: Instance) -> list[WeightedLoss]:
    """The four losses of a trace: the phase's objective, and the means over all, retained and forgotten samples."""
    parts = (np.ones(instance.n), ~instance.forget, instance.forget)
    return [
        objective_of(phase, instance),
        *(WeightedLoss(instance, mean_over(part), instance.y) for part in parts),
    ]


# The runs that are watched

SCENARIOS: dict[str, tuple[int, Objective, Optimizer]] = {
    "loss": (2, Loss(), SAM(lr=0.4, tau=0.1)),
    "retain loss": (1, Loss(on="retain"), SGD(lr=0.4)),
    "forget loss": (1, Loss(on="forget"), SAM(lr=0.4, tau=0.1, on="forget")),
    "loss, sharp where forgotten": (1, Loss(), SAM(lr=0.4, tau=0.1, on="forget", sharpness="max")),
    "minibatches": (2, Loss(), SGD(lr=0.3, batch=3)),
    "ascent": (2, NegGrad(alpha=0.6), SGD(lr=0.4)),
    "ascent, sharp where retained": (1, NegGrad(alpha=0.6), SAM(lr=0.4, tau=0.1, on="retain")),
    "ascent, sharp where forgotten": (1, NegGrad(alpha=0.6), SAM(lr=0.4, tau=0.1, on="forget")),
    "ascent alone": (1, NegGrad(alpha=0.0), SGD(lr=0.4)),
    "sums": (2, NegGrad(alpha=0.7, reduction="sum"), SAM(lr=0.1, tau=0.1)),
    "relabelling": (1, RandomLabel(flip=1.0), SGD(lr=0.4)),
    "sharp minmax": (1, NegGrad(alpha=0.6), SharpMinMax(lr=0.4, tau=0.1, tau_forget=0.2)),
}


def random_instance(patches: int = 1, forget: int = 3) -> Instance:
    """A small data set in R^d with flipped labels; one patch is copied twice, more are independent."""
    rng = np.random.default_rng(3)
    n, d = 8, 9
    y_true = np.array([1, 1, 1, -1, 1, -1, -1, -1])
    return Instance.from_arrays(
        phi=rng.normal(size=d) * 0.6,
        xi=rng.normal(size=(n, d) if patches == 1 else (n, patches, d)) * 0.7,
        w0=rng.normal(size=(2, 3, d)) * 0.2,
        y_true=y_true,
        y=y_true * np.array([1, -1, 1, 1, 1, 1, -1, 1]),
        forget=rng.permutation(n) < forget,
        P=3,
        space="ambient",
    )


@cache
def watched(name: str, engine: str = "numba") -> tuple[Phase, Result]:
    patches, objective, optimizer = SCENARIOS[name]
    phase = Phase("watched", objective, optimizer, steps=18)
    record = Record(every=6, observe=EVERYTHING, tau=RADIUS)
    return phase, run(random_instance(patches), [phase], engine=engine, record=record)


def weights_at(result: Result, k: int) -> np.ndarray:
    """Weights at record k, rebuilt from the κ and ζ of the trace."""
    instance, now = result.instance, result.trace.isel(step=k)
    phi, xi = instance.phi, instance.xi
    signal = SIGNS[:, None, None] * now.kappa.values[..., None] * phi / (phi @ phi)
    directions = xi / (xi**2).sum(axis=-1, keepdims=True) / instance.multiplicity
    return instance.w0 + signal + np.einsum("jrnp,npd->jrd", now.zeta.values, directions)


def moments(name: str, engine: str = "numba"):
    """Phase, instance, weights and trace at every record of a scenario."""
    phase, result = watched(name, engine)
    assert result.trace.sizes["step"] == 4
    for k in range(4):
        yield phase, result.instance, weights_at(result, k), result.trace.isel(step=k)


def cells(instance: Instance):
    """Noise neurons (2, m, n, patches) by relation and set, in the order of the trace."""
    own = SIGNS[:, None] == instance.y
    for relation, part in product((own, ~own), (~instance.forget, instance.forget)):
        chosen = (relation & part)[:, None, :, None]
        yield np.broadcast_to(chosen, (2, instance.m, instance.n, instance.patches))


every_scenario = pytest.mark.parametrize("name", SCENARIOS)


# The oracle itself


def test_gradient_is_that_of_the_loss() -> None:
    phase, result = watched("ascent")
    loss, w = objective_of(phase, result.instance), weights_at(result, 2)
    step = 1e-6
    directions = np.eye(w.size).reshape(-1, *w.shape)
    differences = [(loss(w + step * e) - loss(w - step * e)) / (2 * step) for e in directions]
    np.testing.assert_allclose(loss.gradient(w).ravel(), differences, atol=1e-8)


def test_hessian_is_that_of_the_loss() -> None:
    phase, result = watched("ascent")
    loss, w = objective_of(phase, result.instance), weights_at(result, 2)
    step = 1e-6
    directions = np.eye(w.size).reshape(-1, *w.shape)
    differences = [(loss.gradient(w + step * e) - loss.gradient(w - step * e)) / (2 * step) for e in directions]
    np.testing.assert_allclose(loss.hessian(w), np.reshape(differences, (w.size, w.size)), atol=1e-8)


@every_scenario
def test_coefficients_rebuild_the_weights(name: str) -> None:
    _, result = watched(name, "dense")
    weights = result.state.weights
    assert weights is not None
    np.testing.assert_allclose(weights_at(result, -1), weights, atol=1e-12)
    assert np.abs(weights - result.instance.w0).max() > 0.05


# The observables


@every_scenario
def test_losses(name: str) -> None:
    for phase, instance, w, now in moments(name):
        np.testing.assert_allclose(now.loss, [loss(w) for loss in losses_of(phase, instance)], rtol=1e-11)


@every_scenario
def test_accuracies(name: str) -> None:
    for _, instance, w, now in moments(name):
        right = instance.y * outputs(instance, w) > 0
        np.testing.assert_allclose(now.accuracy, [right[~instance.forget].mean(), right[instance.forget].mean()])


@every_scenario
def test_gradient_norms(name: str) -> None:
    for phase, instance, w, now in moments(name):
        norms = [np.linalg.norm(loss.gradient(w)) for loss in losses_of(phase, instance)]
        np.testing.assert_allclose(now.gradient_norm, norms, rtol=1e-10)


@every_scenario
def test_sharpness(name: str) -> None:
    for phase, instance, w, now in moments(name):
        rises = [loss(w + loss.perturbation(w, RADIUS)) - loss(w) for loss in losses_of(phase, instance)]
        np.testing.assert_allclose(now.sharpness, rises, atol=1e-11)


@every_scenario
def test_hessian_eigenvalues(name: str) -> None:
    for phase, instance, w, now in moments(name):
        largest = [np.linalg.eigvalsh(loss.hessian(w))[-1] for loss in losses_of(phase, instance)]
        np.testing.assert_allclose(now.hessian_eigenvalue, largest, rtol=1e-9, atol=1e-11)


@every_scenario
def test_summaries_of_coefficients(name: str) -> None:
    for _, instance, _, now in moments(name):
        kappa = now.kappa.values
        groups = [now.zeta.values[chosen] for chosen in cells(instance)]
        for word, summary in (("mean", np.mean), ("max", np.max), ("min", np.min)):
            np.testing.assert_allclose(now[f"kappa_{word}"], summary(kappa, axis=1), rtol=1e-13)
            expected = np.reshape([summary(group) for group in groups], (2, 2))
            np.testing.assert_allclose(now[f"zeta_{word}"], expected, rtol=1e-13)


@every_scenario
def test_deactivation(name: str) -> None:
    for phase, instance, w, now in moments(name):
        np.testing.assert_allclose(now.deactivated, deactivation(phase, instance, w, RADIUS), rtol=1e-13)


def deactivation(phase: Phase, instance: Instance, w: np.ndarray, radius: float) -> np.ndarray:
    """Fraction of the active noise neurons that are switched off, by relation and set."""
    part = getattr(phase.optimizer, "on", "joint")
    followed = {"joint": np.ones(instance.n), "retain": ~instance.forget, "forget": instance.forget}[part]
    moved = w + objective_of(phase, instance).on(followed).perturbation(w, radius)
    before, after = (np.einsum("jrd,npd->jrnp", v, instance.xi) for v in (w, moved))
    groups = [(before[chosen] > 0, after[chosen] <= 0) for chosen in cells(instance)]
    return np.reshape([(on & off).sum() / on.sum() if on.any() else np.nan for on, off in groups], (2, 2))


def test_deactivation_is_seen() -> None:
    values = np.concatenate([watched(name)[1].trace.deactivated.values.ravel() for name in SCENARIOS])
    assert np.mean((values > 0) & (values < 1)) > 0.3


def test_radius_of_the_optimizer_is_the_default() -> None:
    phase = Phase("watched", NegGrad(alpha=0.6), SAM(lr=0.4, tau=0.25), steps=0)
    instance = random_instance()
    trace = run(instance, [phase], record=Record(observe=("deactivation", "sharpness"))).trace.isel(step=0)
    np.testing.assert_allclose(trace.deactivated, deactivation(phase, instance, instance.w0, 0.25))
    loss = objective_of(phase, instance)
    rise = loss(instance.w0 + loss.perturbation(instance.w0, 0.25)) - loss(instance.w0)
    assert trace.sharpness.sel(part="objective") == pytest.approx(rise, rel=1e-10)


@pytest.mark.parametrize("word", ["deactivation", "sharpness"])
def test_radius_must_be_known(word: str) -> None:
    with pytest.raises(ValueError, match="tau"):
        run(random_instance(), [Phase("watched", Loss(), SGD())], record=Record(observe=(word,)))


def test_random_labels_are_one_relabelling_of_the_forget_set() -> None:
    phase = Phase("relabel", RandomLabel(flip=0.5), SGD(lr=0.4), steps=12)
    observe = ("coefficients_full", "loss", "gradient_norm", "hessian")
    result = run(random_instance(), [phase], record=Record(every=4, observe=observe))
    instance, explained = result.instance, []
    for flips in product((1, -1), repeat=3):
        label = instance.y.copy()
        label[instance.forget] *= flips
        loss = WeightedLoss(instance, np.full(8, 1 / 8), label)
        weights = [weights_at(result, k) for k in range(4)]
        norms = [np.linalg.norm(loss.gradient(w)) for w in weights]
        now = result.trace.sel(part="objective")
        alike = np.allclose(now.loss, [loss(w) for w in weights], rtol=1e-11)
        explained.append(alike and np.allclose(now.gradient_norm, norms, rtol=1e-10))
    assert sum(explained) == 1


@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
@every_scenario
def test_engines_see_the_same(name: str, engine: str) -> None:
    reference, other = watched(name)[1].trace, watched(name, engine)[1].trace
    for variable, values in reference.items():
        np.testing.assert_allclose(other[variable], values, rtol=1e-8, atol=1e-10, err_msg=variable)


@pytest.mark.parametrize("word", [word for word in EVERYTHING if word not in ("coefficients_full", "test_error")])
def test_empty_forget_set_is_not_a_number(word: str) -> None:
    phase = Phase("watched", Loss(), SAM(lr=0.4, tau=0.1), steps=3)
    trace = run(random_instance(forget=0), [phase], record=Record(observe=(word,))).trace
    for values in trace.data_vars.values():
        for dim in {"part", "set"}.intersection(values.dims):
            assert np.isnan(values.sel({dim: "forget"})).all()
            assert np.isfinite(values.drop_sel({dim: "forget"})).all()


@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
def test_overflow_is_recorded_like_anything_else(engine: str) -> None:
    phase = Phase("watched", NegGrad(alpha=0.3), SGD(lr=1e308), steps=12)
    record = Record(every=1, observe=EVERYTHING, tau=0.1)
    result = run(random_instance(), [phase], engine=engine, record=record)
    assert result.status is Status.NONFINITE
    assert not np.isfinite(result.trace.gradient_norm[-1]).all() or not np.isfinite(result.trace.loss[-1]).all()


def test_last_record_is_the_end_of_the_run() -> None:
    phases = [Phase("first", Loss(), SGD(lr=0.1), steps=20), Phase("second", NegGrad(), SGD(lr=0.1), steps=5)]
    record = Record(points=5, observe=EVERYTHING, tau=0.1)
    result = run(Problem(d=80, n=12, m=3, signal=2.0, sigma_p=0.3), phases, record=record)
    last = result.trace.isel(step=-1)
    np.testing.assert_array_equal(last.kappa, result.kappa)
    np.testing.assert_array_equal(last.zeta.squeeze("patch"), result.zeta)
    assert last.test_error == result.test_error
    assert last.test_error_se == result.test_error_se
    assert last.test_error_ess == result.test.effective_sample_size
    assert last.loss.sel(part="train") == pytest.approx(result.train_loss, rel=1e-13)
    assert last.accuracy.values.tolist() == [result.retain_accuracy, result.forget_accuracy]


# The steps


def steps_of(record: Record, *phases: Phase) -> list[tuple[int, str, int]]:
    """Step of the run, phase and step of the phase of every record."""
    trace = run(random_instance(), phases, record=record).trace
    columns = (trace[word].values.tolist() for word in ("step", "phase", "phase_step"))
    return list(zip(*columns, strict=True))


def test_every_so_many_steps() -> None:
    phases = Phase("a", Loss(), SGD(), steps=10), Phase("b", NegGrad(), SGD(), steps=4)
    assert steps_of(Record(every=4), *phases) == [
        (0, "a", 0), (4, "a", 4), (8, "a", 8), (10, "a", 10), (10, "b", 0), (14, "b", 4),
    ]  # fmt: skip


def test_phase_without_steps_is_recorded_once() -> None:
    phases = Phase("a", steps=0), Phase("b", steps=2)
    assert steps_of(Record(every=4), *phases) == [(0, "a", 0), (0, "b", 0), (2, "b", 2)]
    assert steps_of(Record(points=4), Phase("a", steps=0)) == [(0, "a", 0)]


@pytest.mark.parametrize("points", [2, 3, 4, 7, 40])
@pytest.mark.parametrize("total", [1, 2, 3, 50, 1000, 10**6])
def test_log_spaced_steps(points: int, total: int) -> None:
    steps = Record(points=points).steps(total)
    assert steps[0] == 0
    assert steps[-1] == total
    assert np.all(np.diff(steps) > 0)
    assert len(steps) <= points
    inner = steps[1:]
    large = inner[inner >= 100]
    if len(large) > 2:
        np.testing.assert_allclose(np.diff(np.log(large)), np.log(large[1] / large[0]), atol=0.02)


@pytest.mark.parametrize("record", [Record(points=2), Record(points=3), Record(every=7), Record(every=100)])
def test_all_steps_are_taken_however_few_are_recorded(record: Record) -> None:
    assert run(random_instance(), [Phase("a", steps=50)], record=record).steps == 50


@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
@pytest.mark.parametrize("every", [1, 5, 7])
def test_early_stop_is_the_last_record(every: int, engine: str) -> None:
    phase = Phase("a", Loss(), SGD(lr=0.1), steps=60)
    instance = random_instance()
    fine = run(instance, [phase], engine=engine, record=Record(every=1)).trace
    loss = fine.loss.sel(part="train").values
    stop = int(np.flatnonzero(loss <= loss[14])[0])
    ruled = replace(phase, stop_loss=float(loss[14]) + 1e-9)
    result = run(instance, [ruled, Phase("b", steps=1)], engine=engine, record=Record(every=every))
    assert stop == 14
    assert result.phases == {"a": (14, Status.CONVERGED), "b": (1, Status.MAX_STEPS)}
    expected = [*range(0, 14, every), 14, 0, 1]
    assert result.trace.phase_step.values.tolist() == expected
    assert result.trace.step.values.tolist() == [*expected[:-2], 14, 15]


def test_rule_met_at_once_is_recorded_once() -> None:
    stopped = Phase("a", Loss(), SGD(), steps=60, stop_loss=10.0)
    assert steps_of(Record(every=7), stopped) == [(0, "a", 0)]


@pytest.mark.parametrize(("steps", "every"), [(9, 3), (14, 7), (14, 100)])
def test_rule_met_after_the_last_step(steps: int, every: int) -> None:
    phase = Phase("a", Loss(), SGD(lr=0.1), steps=steps)
    trace = run(random_instance(), [phase], record=Record(every=1)).trace
    met = replace(phase, stop_loss=float(trace.loss.sel(part="train")[-1]) + 1e-9)
    recorded = run(random_instance(), [met], record=Record(every=every)).trace.phase_step.values.tolist()
    assert recorded == [*range(0, steps, every), steps]


def test_resumed_run_counts_on() -> None:
    phase = Phase("a", Loss(), SGD(lr=0.1), steps=10)
    begun = run(random_instance(), [replace(phase, steps=4)]).state
    trace = run(random_instance(), [phase, Phase("b", steps=2)], start=begun, record=Record(every=5)).trace
    assert trace.step.values.tolist() == [5, 10, 10, 12]
    assert trace.phase.values.tolist() == ["a", "a", "b", "b"]
    assert trace.phase_step.values.tolist() == [5, 10, 0, 2]


def test_coordinates_name_what_they_hold() -> None:
    trace = watched("loss")[1].trace
    assert trace.sign.values.tolist() == [1, -1]
    assert trace.relation.values.tolist() == ["own", "opposite"]
    assert trace.set.values.tolist() == ["retain", "forget"]
    assert trace.part.values.tolist() == ["objective", "train", "retain", "forget"]
    assert trace.loss.dims == ("step", "part")
    assert trace.deactivated.dims == ("step", "relation", "set")
    assert trace.zeta.dims == ("step", "sign", "filter", "sample", "patch")


@pytest.mark.parametrize("word", EVERYTHING)
def test_what_is_not_asked_for_is_not_recorded(word: str) -> None:
    phase, record = Phase("a", Loss(), SAM(), steps=0), Record(observe=(word,))
    trace = run(random_instance(), [phase], record=record).trace
    full = watched("loss")[1].trace
    assert 1 <= len(trace.data_vars) <= 6
    assert set(trace.data_vars) < set(full.data_vars)
