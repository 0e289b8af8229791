"""The radius at which noise neurons of a network are switched off, in closed form: before and after training."""

import math
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
import xarray

from simulate import (
    SAM,
    SGD,
    Cell,
    Instance,
    Loss,
    NegGrad,
    Phase,
    Problem,
    RandomLabel,
    Record,
    State,
    deactivated_fraction,
    deactivation_radius,
    run,
    run_ensemble,
)
from simulate.dynamics.deactivation import switching_radii
from simulate.problems.scales import sam_radius, step_size, with_sam_weights
from tests.simulate.watched_runs import RADIUS, every_scenario, random_instance, watched

PROBLEM = with_sam_weights(Problem(d=20_000, n=40, m=10, signal=6.0, forget=0.25))
LOSSES, ALPHAS, MULTIPLES = (0.3, 0.05, 0.01), (0.75, 0.95), (1.0, 3.0, 10.0)


# --- by hand, and by definition --------------------------------------------------------------------------------


def orthogonal_instance(n: int = 4, m: int = 3, forget: int = 2) -> Instance:
    """Noise vectors and a signal along axes of their own, of different lengths."""
    rng = np.random.default_rng(1)
    lengths = 1.0 + rng.random(n + 1)
    rows = np.diag(lengths)
    y = np.array([1, -1, -1, 1])[:n]
    return Instance.from_arrays(
        phi=rows[0], xi=rows[1:], w0=rng.normal(size=(2, m, n + 1)), y=y, forget=np.arange(n) < forget, P=3
    )  # fmt: skip


def radius_by_hand(instance: Instance, weight: np.ndarray, j: int, r: int, k: int) -> float:
    """⟨w, ξ_k⟩ m ‖∇L‖ / (c_k (P - 1) ‖ξ_k‖²), every sum a loop; infinite if ε̂ pushes the neuron up."""
    w, signs, copies = instance.w0, (1, -1), instance.multiplicity
    outputs = [
        sum(
            sign * (max(y * (v @ instance.phi), 0.0) + copies * max(v @ xi, 0.0)) / instance.m
            for sign, half in zip(signs, w, strict=True)
            for v in half
        )
        for y, (xi,) in zip(instance.y_true, instance.xi, strict=True)
    ]
    slopes = [omega * y / (1 + math.exp(y * f)) for omega, y, f in zip(weight, instance.y, outputs, strict=True)]
    square = 0.0
    for sign, half in zip(signs, w, strict=True):
        for v in half:
            total = np.zeros_like(v)
            for slope, y, (xi,) in zip(slopes, instance.y_true, instance.xi, strict=True):
                total -= slope * sign / instance.m * (y * (y * (v @ instance.phi) > 0)) * instance.phi
                total -= slope * sign / instance.m * copies * (v @ xi > 0) * xi
            square += total @ total
    xi = instance.xi[k, 0]
    falls = slopes[k] * signs[j] * copies * (xi @ xi) / (instance.m * math.sqrt(square))
    before = w[j, r] @ xi
    return math.nan if before <= 0 else before / falls if falls > 0 else math.inf


@pytest.mark.parametrize("make", [orthogonal_instance, random_instance])
@pytest.mark.parametrize("alpha", [0.75, 0.2])
def test_switching_radii_are_those_by_hand(make, alpha: float) -> None:
    instance = make()
    weight = np.where(instance.forget, (alpha - 1) / instance.forget.sum(), alpha / (~instance.forget).sum())
    radii = switching_radii(instance, weight, instance.y, instance.geometry.start)
    expected = [
        [[radius_by_hand(instance, weight, j, r, k) for k in range(instance.n)] for r in range(instance.m)]
        for j in range(2)
    ]
    np.testing.assert_allclose(radii, expected, rtol=1e-10)
    assert np.isfinite(radii).any()
    assert np.isinf(radii).any()


def test_the_closed_form_is_exact_for_orthogonal_vectors() -> None:
    instance, objective = orthogonal_instance(), NegGrad(alpha=0.6)
    for fraction in (1e-9, 0.4, 0.8, 1.0):
        needed = deactivation_radius(instance, objective, fraction=fraction)
        assert math.isfinite(needed)
        for tau in (needed * (1 - 1e-9), needed * (1 + 1e-9)):
            look = Phase("look", objective, SAM(tau=tau), steps=0)
            measured = run(instance, [look], record=Record(observe=("deactivation",))).trace.deactivated[0]
            np.testing.assert_array_equal(deactivated_fraction(instance, objective, tau), measured)
            assert (float(measured.sel(relation="own", set="retain")) >= fraction) == (tau > needed)


def test_own_class_of_r_and_opposite_class_of_f_are_all_that_goes_off() -> None:
    found = deactivated_fraction(orthogonal_instance(), NegGrad(alpha=0.6), 1e9)
    np.testing.assert_array_equal(found, [[1.0, 0.0], [0.0, 1.0]])
    relabelled = deactivated_fraction(orthogonal_instance(), RandomLabel(), 1e9)
    np.testing.assert_array_equal(relabelled, [[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(deactivated_fraction(orthogonal_instance(), Loss(), 1e9), [[1.0, 1.0], [0.0, 0.0]])


def test_what_nothing_switches_off_asks_for_an_infinite_radius() -> None:
    instance = orthogonal_instance()
    assert deactivation_radius(instance, Loss(on="forget")) == math.inf
    inactive = replace(instance, w0=-np.abs(instance.w0))
    assert math.isnan(deactivation_radius(inactive, Loss()))
    assert np.isnan(deactivated_fraction(inactive, Loss(), 1.0)).all()


def test_arrays_of_radii_and_fractions_keep_their_shape() -> None:
    instance, objective = orthogonal_instance(), NegGrad(alpha=0.6)
    fractions = np.array([[0.2, 0.9], [0.5, 1.0]])
    needed = deactivation_radius(instance, objective, fraction=fractions)
    assert needed.shape == (2, 2)
    one_by_one = [deactivation_radius(instance, objective, fraction=share) for share in fractions.ravel()]
    assert needed.ravel().tolist() == one_by_one
    found = deactivated_fraction(instance, objective, needed)
    assert found.shape == (2, 2, 2, 2)
    assert (found[..., 0, 0] >= fractions).all()


# --- in trained networks -----------------------------------------------------------------------------------------


@cache
def trained() -> xarray.Dataset:
    """SGD to one loss after another, and at each of them a look at every α and radius; mean over eight instances."""
    phases: list[Phase] = []
    for number, loss in enumerate(LOSSES):
        phases.append(Phase(f"fit_{number}", Loss(), SGD(lr=step_size(PROBLEM)), steps=5000, stop_loss=loss))
        for alpha, multiple in product(ALPHAS, MULTIPLES):
            tau = multiple * sam_radius(PROBLEM)
            phases.append(Phase(f"look_{len(phases)}", NegGrad(alpha=alpha), SAM(tau=tau), steps=0))
    cells = [Cell(PROBLEM, tuple(phases), seed) for seed in range(8)]
    data = run_ensemble(cells, observe=("deactivation", "deactivation_radius"), test_directions=16)
    return data.isel(phase=[number for number, phase in enumerate(phases) if phase.name.startswith("look")])


@pytest.mark.parametrize(("number", "cell"), [*enumerate(product(LOSSES, ALPHAS, MULTIPLES))])
def test_fractions_after_pretraining_are_predicted_within_three_hundredths(number: int, cell) -> None:
    looked = trained().isel(phase=number)
    predicted, measured = (looked[name].mean("cell") for name in ("deactivated_predicted", "deactivated"))
    np.testing.assert_allclose(predicted.sel(relation="own"), measured.sel(relation="own"), atol=0.03)
    assert measured.sel(relation="own", set="forget") <= 0.01
    there = looked["deactivated_at_radius"].sel(relation="own").mean("cell")
    assert there.sel(set="retain") >= 0.93  # inner products that are left out push the last ones down
    assert there.sel(set="forget") <= 0.01


def test_a_trained_network_asks_for_another_radius() -> None:
    asked = trained()["radius_asked"].mean("cell").values.reshape(3, 2, 3)[:, 0, 0] / sam_radius(PROBLEM)
    fresh = Instance.draw(PROBLEM, 0)
    ratios = [deactivation_radius(fresh, NegGrad(alpha=0.75)) / sam_radius(PROBLEM), *asked]
    assert ratios == sorted(ratios)
    assert ratios[0] < 1 < 3 < ratios[2] < 1.5 * ratios[2] < ratios[3]


# --- as an observable --------------------------------------------------------------------------------------------


@every_scenario
def test_the_observable_says_the_same(name: str) -> None:
    phase, result = watched(name)
    if getattr(phase.optimizer, "on", "joint") != "joint":
        return
    trace, instance, z = result.trace, result.instance, result.state.preactivations
    state = State(result.state.coefficients, z, "watched", 0, 0)
    if getattr(phase.objective, "flip", 1.0) == 1.0:
        last = trace.isel(step=-1)
        predicted = deactivated_fraction(instance, phase.objective, RADIUS, state)
        np.testing.assert_allclose(last.deactivated_predicted, predicted, rtol=1e-12)
        asked = deactivation_radius(instance, phase.objective, state)
        np.testing.assert_allclose(last.radius_asked, asked, rtol=1e-10)


def test_what_is_off_at_the_radius_asked_for_is_measured_there() -> None:
    phase, instance = Phase("look", NegGrad(alpha=0.6), SAM(tau=0.4), steps=0), random_instance()
    seen = run(instance, [phase], record=Record(observe=("deactivation_radius",))).trace.isel(step=0)
    asked = float(seen.radius_asked)
    there = run(instance, [phase], record=Record(observe=("deactivation",), tau=asked)).trace.isel(step=0)
    np.testing.assert_array_equal(seen.deactivated_at_radius, there.deactivated)
    assert not np.isfinite(deactivation_radius(instance, Loss(on="forget")))
    never = replace(phase, objective=Loss(on="forget"))
    other = run(instance, [never], record=Record(observe=("deactivation_radius",))).trace
    assert np.isnan(other.deactivated_at_radius).all()


@pytest.mark.parametrize(
    ("argument", "change"),
    [
        ("instance", {"instance": PROBLEM}), ("objective", {"objective": SGD()}), ("state", {"state": 3}),
        ("fraction", {"fraction": 0.0}), ("fraction", {"fraction": [0.5, 1.5]}), ("fraction", {"fraction": "all"}),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(argument: str, change: dict) -> None:
    given = {"instance": random_instance(), "objective": Loss(), **change}
    with pytest.raises(ValueError, match=rf"^Argument `{argument}` must .*\.$"):
        deactivation_radius(**given)


def test_wrong_radii_and_states_are_named() -> None:
    with pytest.raises(ValueError, match=r"^Argument `tau` must not be negative"):
        deactivated_fraction(random_instance(), Loss(), [1.0, -1.0])
    foreign = State(np.zeros((2, 3, 2)), np.zeros((2, 3, 2)), "fit", 0, 0)
    with pytest.raises(ValueError, match=r"^Argument `state` must"):
        deactivated_fraction(random_instance(), Loss(), 1.0, foreign)
