"""Symmetries of the model: copied patches, units, orders, names of classes and axes change no trajectory."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, RandomLabel, Result, SharpMinMax, run
from simulate.dynamics.engines.base import largest
from simulate.dynamics.objectives import Objective
from simulate.dynamics.optimizers import Optimizer
from tests.simulate.small_trainings import (
    SEEDS,
    assert_close,
    assert_same,
    few,
    moved_alike,
    random_arrays,
    train,
    weights_of,
)

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


def rotated_pair(seed: int, objective: Objective, optimizer: Optimizer) -> tuple[Result, Result, np.ndarray]:
    """The dense engine on data as they are, and rotated by a random orthogonal matrix."""
    arrays = random_arrays(seed)
    rotation = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(16, 16)))[0]
    turned = arrays | {name: arrays[name] @ rotation for name in ("phi", "xi", "w0")}
    one, other = (train(a, objective, optimizer, engine="dense") for a in (arrays, turned))
    return one, other, rotation


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


@pytest.mark.parametrize("noise", [0.0, 1e-16, 1e-12])
@pytest.mark.parametrize("count", range(7))
def test_scores_that_differ_by_rounding_are_taken_in_order(noise: float, count: int) -> None:
    # The best entry, four that are equal up to rounding, and one that is clearly less.
    order = np.random.default_rng(0).permutation(4)
    score = np.array([0.5, *(1.0 + noise * order), 3.0])
    expected = np.array([5, 1, 2, 3, 4, 0])[:count]
    assert set(np.flatnonzero(largest(score, count / 6))) == set(expected)


def test_scores_that_differ_by_more_are_ranked() -> None:
    score = np.array([1.0, 1.0 + 1e-6, 1.0 + 2e-6])
    assert largest(score, 1 / 3).tolist() == [False, False, True]
    assert largest(-score, 2 / 3).tolist() == [True, True, False]
