"""Rows on closer looks, on made-up data: which cells they take, in which direction, and what their nulls see."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray
from scipy.special import expit, ndtr

from theory.claims import (
    alpha_curves,
    error_by_class,
    filters_boundary,
    floor,
    forgetting_time,
    independent_patches,
    memory_bounds,
    minibatch_boundary,
    sharp_minmax_rivals,
    signal_neurons,
)
from theory.experiments.forgetting import classes, durations, needed
from theory.experiments.forgetting.floor import over_label_noise
from theory.experiments.forgetting.retrained import scored
from theory.experiments.lab import Lab
from theory.experiments.training.filters import boundary_by_filters
from theory.experiments.training.memory import Path
from theory.experiments.training.minibatches import boundary_by_batch
from theory.experiments.training.patches import boundary_by_patches, patch_scale, sized
from theory.experiments.training.signal_neurons import CELLS, Neurons, over_cells, predicted_depth

NOISE = np.random.default_rng(0)


class Told(Lab):
    """A laboratory that is told what its experiments find."""

    def __init__(self, found: dict[Any, Any]) -> None:
        super().__init__()
        self.found = found

    def once(self, experiment):
        return self.found[experiment] if experiment in self.found else super().once(experiment)


def evidence_of(module: Any, name: str, found: dict[Any, Any]) -> Any:
    """What a claim makes of what was found."""
    claim = next(each for each in module.CLAIMS if each.name == name)
    return claim.measure(Told(found))


def grid(dims: tuple[str, ...], coords: dict[str, Any], **tables: np.ndarray) -> xarray.Dataset:
    """A dataset as `Lab.grid` makes it, with one condition that lies inside in the first cell alone."""
    data = xarray.Dataset({name: (dims, table) for name, table in tables.items()}, coords=coords)
    cells = tuple(dim for dim in dims if dim != "seed")
    margin = np.full([len(coords[dim]) for dim in cells], -1.0)
    margin.flat[0] = 1.0
    data["margin"] = (("condition", *cells), margin[None])
    return data.assign_coords(condition=["label_flip"]).assign_attrs(
        n_runs=7, endings={"converged": 1.0}, conditions={"label_flip": (-1.0, 0.5)}
    )


def falling(places: Any, critical: np.ndarray, seeds: int = 8) -> np.ndarray:
    """Errors (…, places, seeds) that cross 0.3 at a critical place, with the same small noise everywhere."""
    clean = 0.3 - 0.1 * np.log(np.asarray(places) / np.asarray(critical)[..., None])
    return clean[..., None] + 0.003 * NOISE.standard_normal(seeds)


# --- boundaries ----------------------------------------------------------------------------------------------


def by_batch(exponent: float) -> xarray.Dataset:
    """Errors of the pooled model with an exponent of d that is 1/4 for all samples, and twice the signal at B = 1."""
    coords = {"batch": [1, 5, 10], "d": [400, 3200], "place": [0.45, 0.65, 0.9, 1.3]}
    d, place = np.array(coords["d"], dtype=float)[:, None], np.array(coords["place"])
    signal = place * (d / 10.0) ** 0.25
    critical = np.array([2.0, 1.0, 1.0])[:, None, None] * 0.8 * (d / 10.0) ** exponent
    clean = ndtr(-0.67 * (signal / critical) ** 2)
    error = (0.1 + 0.8 * clean)[..., None] + 1e-3 * NOISE.standard_normal(8)
    return grid(("batch", "d", "place", "seed"), coords, test_error=error)


@pytest.mark.parametrize("exponent", [0.25, 0.1])
def test_the_exponent_of_one_batch_is_found(exponent: float) -> None:
    found = evidence_of(minibatch_boundary, "sgd-boundary-d-batch-5", {boundary_by_batch: by_batch(exponent)})
    assert found.effect.value == pytest.approx(exponent, abs=0.01)
    assert abs(found.null.value) < 0.01
    assert found.conditions == {"label_flip": (-1.0, 1.0)}  # the cells of B = 5, not of B = 1


def test_the_shift_of_single_samples_is_theirs_over_all_at_the_largest_dimension() -> None:
    data = by_batch(0.25)
    data["test_error"][{"batch": 0}] = data["test_error"][{"batch": 2}].values  # no shift
    data["test_error"][{"batch": 0, "d": 1}] = falling(data["place"], np.array(0.9))
    data["test_error"][{"batch": 2, "d": 1}] = falling(data["place"], np.array(0.6))
    found = evidence_of(minibatch_boundary, "sgd-boundary-batch", {boundary_by_batch: data})
    assert found.effect.value == pytest.approx(np.log(1.5), abs=0.05)
    assert found.details["the same at B = 5"].value < found.effect.value


def test_patches_are_compared_in_the_derived_units() -> None:
    coords = {"P": [2, 3, 5], "place": [0.8, 1.1, 1.5, 2.0]}
    error = falling(coords["place"], np.array([1.0, 1.1, 1.3]))
    data = grid(("P", "place", "seed"), coords, test_error=error)
    found = evidence_of(independent_patches, "independent-patches-boundary", {boundary_by_patches: data})
    assert found.effect.value == pytest.approx(np.log(1.3), abs=0.03)
    assert found.details["the same at P = 3"].value == pytest.approx(np.log(1.1), abs=0.03)
    base = sized(Lab())
    one, four = (patch_scale(replace(base, P=P, patches="independent")) for P in (2, 5))
    assert found.control.value == pytest.approx(found.effect.value + np.log(four / one / 4.0))
    roots = found.details["log ratio in units of √(P-1) σ_p"].value
    assert roots == pytest.approx(found.control.value + np.log(2.0))


def test_two_filters_are_the_control_and_not_the_effect() -> None:
    coords = {"m": [2, 5, 20], "place": [0.2, 0.35, 0.55, 0.75, 1.0]}
    data = grid(
        ("m", "place", "seed"), coords, test_error=falling(coords["place"], np.array([0.3, 0.5, 0.6])),
    )  # fmt: skip
    found = evidence_of(filters_boundary, "sgd-boundary-filters", {boundary_by_filters: data})
    assert found.effect.value == pytest.approx(np.log(1.2), abs=0.03)
    assert found.control.value == pytest.approx(np.log(2.0), abs=0.03)
    assert found.conditions == {"label_flip": (-1.0, 1.0)}


# --- unlearning ----------------------------------------------------------------------------------------------


def ends(gaps: dict[str, float]) -> xarray.Dataset:
    """Errors by class at every end; in every other replicate the other class is the worse one."""
    table = np.zeros((3, 10, 2))
    for k, end in enumerate(classes.ENDS):
        table[k, ::2, 0] = table[k, 1::2, 1] = gaps[end]
    table += 1e-4 * NOISE.random(table.shape)
    coords = {"end": list(classes.ENDS), "label": [1, -1]}
    data = grid(("end", "seed"), {"end": coords["end"]}, test_error=0.1 + 0.4 * table.sum(axis=-1))
    status = (("end", "seed"), np.full((3, 10), "converged"))
    return data.assign(clean_error_by_label=(("end", "seed", "label"), table), status=status)


def test_gaps_are_those_of_one_end_less_another() -> None:
    data = ends({"retrained": 0.01, "matched": 0.03, "accuracy 1/2": 0.13})
    at = evidence_of(error_by_class, "error-by-class-at-the-match", {classes.by_class: data})
    beyond = evidence_of(error_by_class, "error-by-class-beyond-the-match", {classes.by_class: data})
    assert at.effect.value == pytest.approx(0.02, abs=1e-3)
    assert at.null.value == pytest.approx(0.01, abs=1e-3)
    assert beyond.effect.value == pytest.approx(0.10, abs=1e-3)
    assert abs(beyond.null.value) < 1e-3
    assert len(at.distributions) == 6
    np.testing.assert_allclose(at.distributions["clean error of the worse class, matched"], 0.03, atol=2e-4)
    np.testing.assert_allclose(at.distributions["clean error of the better class, matched"], 0.0, atol=2e-4)


def methods() -> xarray.Dataset:
    """Five replicates: nothing to forget in the first; the rival does not get there in the second."""
    names = ["Sharp MinMax", "random label SGD"]
    tow = np.array([[[0.0, 0.0, 0.9, 0.8, 0.91], [1.0, 1.0, 0.7, 0.7, 0.7]]])
    coords = {"pretraining": ["SGD"], "unlearner": names}
    steps = np.array([[[0, 5, 5, 5, 5], [0, 9, 9, 9, 9.0]]])
    forgotten = np.array([[[True] * 5, [True, False, True, True, True]]])
    dims = ("pretraining", "unlearner", "seed")
    plain = dict.fromkeys(("tow", "test_error", "retain_accuracy", "forget_accuracy"), tow)
    return grid(dims, coords, **plain, steps=steps, forgotten=forgotten)


def test_rivals_are_compared_where_both_forget_something() -> None:
    found = evidence_of(sharp_minmax_rivals, "sharp-minmax-against-random-label", {scored: methods()})
    assert found.effect.value == pytest.approx((0.2 + 0.1 + 0.21) / 3)
    assert found.details["share of the replicates that count"].value == pytest.approx(0.6)
    assert found.details["gradients to forget, Sharp MinMax"].value == 20.0
    assert abs(found.null.value) <= found.effect.value


def test_the_floor_is_looked_at_far_above_the_boundary() -> None:
    flips, places = [0.05, 0.1, 0.2], [1.0, 4.0]
    error = np.array(flips)[:, None, None] + np.array([[0.2, 0.003], [0.2, 0.001], [0.3, 0.002]])[..., None]
    table = error + 1e-5 * NOISE.standard_normal(6)
    status = np.full(table.shape, "converged")
    data = grid(
        ("p", "place", "seed"), {"p": flips, "place": places}, test_error=table, log_clean_error=table, status=status
    )
    found = evidence_of(floor, "floor-of-label-noise", {over_label_noise: data})
    assert found.effect.value == pytest.approx(0.003, abs=1e-4)
    assert found.control.value == pytest.approx(0.3, abs=1e-4)
    assert found.effect.comparisons == 3
    low, high = found.effect.interval()
    assert low < 0.0
    assert high > 0.1  # one network in eight may guess, and six have not met it
    assert found.control.interval()[0] > 0.29


def times(factor: str, values: list[float], exponent: float, forgotten: float = 1.0) -> xarray.Dataset:
    """Times that are a power of a factor; the last cell is forgotten in a share of its ten replicates."""
    base = 1.0 - np.array(values) if factor == "alpha" else np.array(values, dtype=float)
    table = base[:, None] ** exponent * np.exp(0.01 * NOISE.standard_normal(10))
    done = np.ones(table.shape, dtype=bool)
    done[-1, : round(10 * (1.0 - forgotten))] = False
    return grid((factor, "seed"), {factor: values}, time=table, forgotten=done)


def test_the_exponent_of_a_time_is_found() -> None:
    over_d = {durations.over_dimension: times("d", [500, 2000, 8000], -0.8)}
    assert evidence_of(forgetting_time, "forgetting-time-d", over_d).effect.value == pytest.approx(-0.8, abs=0.01)
    over_alpha = {durations.over_alpha: times("alpha", [0.5, 0.7, 0.9], -1.3)}
    found = evidence_of(forgetting_time, "forgetting-time-alpha", over_alpha)
    assert found.effect.value == pytest.approx(-1.3, abs=0.01)


def test_there_is_no_time_where_too_few_forget() -> None:
    few = {durations.over_dimension: times("d", [500, 2000, 8000], -0.8, forgotten=0.8)}
    assert np.isnan(evidence_of(forgetting_time, "forgetting-time-d", few).effect.value)


def test_the_gap_in_alpha_is_that_of_sgd_over_sam() -> None:
    rng, alpha = np.random.default_rng(3), np.array(needed.ALPHAS)
    factors = np.array([[1.0, 1.0, 0, 0, 0], [1.0, 0.0, 0, 0, 0]])
    odds = factors @ [-1.5, 1.0, 0, 0, 0] + 0.6 * rng.standard_normal((80, 2))
    low, high = needed.brackets(alpha, 1.0 / (1.0 + np.exp(-odds[..., None])) <= alpha)
    setting: dict[str, list[Any]] = {"pretraining": ["SGD", "SAM"], "d": [500], "n": [10], "place": [2.5]}
    dims = tuple(setting)
    target = grid((*dims, "seed"), setting, test_error=np.zeros((2, 1, 1, 1, 80)))
    half = np.arange(80) < 40
    error, done = np.zeros((2, 1, 1, 1, 4, 80)), np.broadcast_to(half, (2, 1, 1, 1, 4, 80))
    grids = grid((*dims, "alpha", "seed"), {**setting, "alpha": list(alpha)}, test_error=error, forgotten=done)
    found = evidence_of(
        alpha_curves, "alpha-curves-gap",
        {needed.needed: needed.Needed(factors, low, high), needed.beyond: grids, needed.retrained: target},
    )  # fmt: skip
    assert found.effect.value == pytest.approx(1.0 / 0.6, abs=0.3)
    assert 0.1 < found.effect.standard_error < 0.4
    assert found.control.value == 0.5
    assert abs(found.null.value) < 0.3
    details = {name: estimate.value for name, estimate in found.details.items()}
    assert details["share of the thresholds below the least α tried"] < 0.2
    for name, median in (("SGD", -0.5), ("SAM", -1.5)):
        assert details[f"α needed by 50% of the replicates, {name}, mean setting"] == pytest.approx(
            expit(median), abs=0.05
        )
    assert np.isnan(details["the same over log n"])  # there is one n
    assert {curve.style for curve in found.picture.curves} == {"points", "line"}


def test_an_alpha_beyond_those_that_were_tried_has_no_number() -> None:
    """Nine thresholds in ten lie below the least α, and the rest above the largest: no median, and a shift of 0."""
    factors = np.array([[1.0, 1.0, 0, 0, 0], [1.0, 0.0, 0, 0, 0]])
    well = np.arange(40)[:, None, None] % 10 > 0
    low, high = needed.brackets(np.array(needed.ALPHAS), np.broadcast_to(well, (40, 2, 4)))
    found = alpha_curves._details(needed.Needed(factors, low, high))
    for name in ("SGD", "SAM"):
        assert np.isnan(found[f"α needed by 50% of the replicates, {name}, mean setting"].value)
    assert alpha_curves._shift(needed.Needed(factors, low, high), "SGD", np.arange(40)) == pytest.approx(0.0, abs=1e-3)


def test_an_alpha_is_enough_near_the_retrained_network() -> None:
    dims, setting = (
        ("pretraining", "d", "n", "place"),
        {"pretraining": ["SGD", "SAM"], "d": [500], "n": [10], "place": [2.5]},
    )
    target = grid((*dims, "seed"), setting, test_error=np.full((2, 1, 1, 1, 4), 0.1))

    def run(alphas: tuple[float, ...], after_sgd: float) -> xarray.Dataset:
        error = np.full((2, 1, 1, 1, len(alphas), 4), 0.12)
        error[0, ..., 0, :] = after_sgd
        done = np.ones(error.shape, dtype=bool)
        return grid((*dims, "alpha", "seed"), {**setting, "alpha": list(alphas)}, test_error=error, forgotten=done)

    found = evidence_of(
        alpha_curves, "alpha-enough-at-the-match",
        {needed.unlearned: run(needed.LEAST, 0.14), needed.beyond: run(needed.ALPHAS, 0.3), needed.retrained: target},
    )  # fmt: skip
    assert (found.effect.value, found.control.value, found.null.value) == (1.0, 1.0, 1.0)
    assert found.details["share for which α = 0.02 is enough, until F is guessed"].value == 0.5


# --- neurons and memory --------------------------------------------------------------------------------------


def test_the_law_of_signal_neurons_is_judged_by_its_depth() -> None:
    depth = np.array([predicted_depth(*cell) for cell in CELLS])
    share = np.tile(2.0 * ndtr(0.9 * depth) - 1.0, (8, 1))
    found = evidence_of(signal_neurons, "signal-deactivation-law", {over_cells: share})
    assert found.effect.value == pytest.approx(0.9)
    assert found.null.value == pytest.approx(0.0, abs=1e-12)
    far = [(d, signal, ratio) for d, signal, ratio in CELLS if d == 200_000]
    assert found.control.value == pytest.approx(np.mean([0.9 * predicted_depth(*cell) / cell[2] for cell in far]))


def test_the_step_of_the_signal_is_sharp_over_plain_at_the_radius() -> None:
    def at(ratio: float) -> list[Neurons]:
        return [Neurons(0.8, 0.0, 0.9, 2.0, 2.0 + ratio + 1e-3 * k * (ratio > 0)) for k in range(4)]

    looks = {look: at(radius) for radius, look in signal_neurons._LOOKS.items()}
    found = evidence_of(signal_neurons, "signal-step-under-sam", looks)
    assert found.effect.value == pytest.approx(1.5, abs=1e-2)
    assert found.null.value == 1.0
    assert found.details["own-class signal neurons switched off"].value == pytest.approx(0.8)


def test_the_memory_is_judged_by_the_worst_moment_of_each_training() -> None:
    steps = np.array([10, 100])
    found = []
    for top in (1.0, 2.0, 3.0, 2.0):
        own = np.array([[0.0, top], [0.0, 0.1]])
        found.append(Path(steps, own, -own[:, ::-1] / 2.0, {"label_flip": 0.5}))
    seen = evidence_of(memory_bounds, "memory-bounds-sgd", {memory_bounds._PATHS["SGD"]: found})
    assert seen.effect.value == pytest.approx(2.0 / (4.0 * np.log(10.0)))
    assert seen.details["wrong sign, over the largest |ζ|, worst training"].value == 0.0
    assert seen.conditions == {"label_flip": (0.5, 0.0)}
