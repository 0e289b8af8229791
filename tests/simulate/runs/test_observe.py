"""Every observable of a trace against the definitions, written out in R^d."""

from itertools import product

import numpy as np
import pytest

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, RandomLabel, Record, run
from tests.oracles.definitions import SIGNS, WeightedLoss, losses_of, objective_of, outputs
from tests.simulate.watched_runs import RADIUS, SCENARIOS, every_scenario, moments, random_instance, watched, weights_at


def cells(instance: Instance):
    """Noise neurons (2, m, n, patches) by relation and set, in the order of the trace."""
    own = SIGNS[:, None] == instance.y
    for relation, part in product((own, ~own), (~instance.forget, instance.forget)):
        chosen = (relation & part)[:, None, :, None]
        yield np.broadcast_to(chosen, (2, instance.m, instance.n, instance.patches))


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


def deactivation(phase: Phase, instance: Instance, w: np.ndarray, radius: float) -> np.ndarray:
    """Fraction of the active noise neurons that are switched off, by relation and set."""
    part = getattr(phase.optimizer, "on", "joint")
    followed = {"joint": np.ones(instance.n), "retain": ~instance.forget, "forget": instance.forget}[part]
    moved = w + objective_of(phase, instance).on(followed).perturbation(w, radius)
    before, after = (np.einsum("jrd,npd->jrnp", v, instance.xi) for v in (w, moved))
    groups = [(before[chosen] > 0, after[chosen] <= 0) for chosen in cells(instance)]
    return np.reshape([(on & off).sum() / on.sum() if on.any() else np.nan for on, off in groups], (2, 2))


@every_scenario
def test_deactivation(name: str) -> None:
    for phase, instance, w, now in moments(name):
        np.testing.assert_allclose(now.deactivated, deactivation(phase, instance, w, RADIUS), rtol=1e-13)


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


@pytest.mark.parametrize("word", ["deactivation", "deactivation_radius", "sharpness"])
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
