"""Closer looks at training, on made-up data whose answer is known by hand."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import xarray
from scipy.special import ndtr

from simulate import Instance, Problem
from theory.experiments.lab import Lab
from theory.experiments.training import filters, minibatches, patches
from theory.experiments.training.memory import Path
from theory.experiments.training.patches import patch_quantile, patch_scale
from theory.experiments.training.places import log_critical, shift, shift_of_chance
from theory.experiments.training.signal_neurons import depth_of, look, predicted_depth
from theory.formulas.conditions import HYPOTHESES, problem_margins

PLACES = [1.0, 2.0, 4.0]


def crossing_at(*places: float) -> xarray.Dataset:
    """Six equal replicates whose error falls through 0.3 at a place for each value of a factor m = 0, 1, …"""
    error = 0.3 - 0.1 * (np.log(PLACES)[None, :] - np.log(places)[:, None])
    table = np.repeat(error[None], 6, axis=0)
    coords = {"place": PLACES, "m": range(len(places))}
    return xarray.Dataset({"test_error": (("seed", "m", "place"), table)}, coords=coords)


def test_critical_places_are_where_the_error_crosses() -> None:
    data = crossing_at(1.5, 3.0)
    np.testing.assert_allclose(np.exp(log_critical(data, "m", np.arange(6))), [1.5, 3.0])
    assert shift(data, "m", (0, 1), np.random.default_rng(0)).value == pytest.approx(np.log(2.0))
    assert shift(data, "m", (1, 0), np.random.default_rng(0)).value == pytest.approx(-np.log(2.0))


def test_a_boundary_beyond_the_places_has_no_number() -> None:
    assert np.isnan(log_critical(crossing_at(1.5, 9.0), "m", np.arange(6))).tolist() == [False, True]
    assert np.isnan(shift(crossing_at(0.5, 2.0), "m", (0, 1), np.random.default_rng(0)).value)


def test_left_to_chance_there_is_no_shift() -> None:
    data = crossing_at(1.5, 3.0)
    many = xarray.concat([data] * 40, "seed")
    chance = shift_of_chance(many, "m", (0, 1), np.random.default_rng(1))
    assert abs(chance.value) < 0.15
    assert chance.value != 0.0


# --- patches -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("patch", [1, 4])
def test_the_quantile_of_patches_is_what_chance_gives(patch: int) -> None:
    rng, n, draws = np.random.default_rng(0), 10, 100_000
    g = rng.standard_normal((2, patch, draws))
    own, other = ((g * ndtr(g) + np.exp(-g * g / 2) / np.sqrt(2 * np.pi)) / np.sqrt(2)).sum(axis=1)
    size = 2.0 * rng.binomial(n, 0.5, draws) / n
    noise = np.sqrt(2.0 - size) * other - np.sqrt(size) * own
    assert np.mean(noise > patch_quantile(patch, n, 0.25) * size) == pytest.approx(0.25, abs=0.006)


def test_the_scale_of_patches_lies_between_the_root_and_all_of_them() -> None:
    base = Problem(d=8000, n=10, label_flip=0.1, patches="independent")
    two, five = (patch_scale(replace(base, P=P)) for P in (2, 5))
    assert 2.0 < five / two < 3.0
    assert patch_scale(replace(base, P=5, d=16 * base.d)) == pytest.approx(2.0 * five)
    assert patch_scale(replace(base, P=5, sigma_p=3.0)) == pytest.approx(3.0 * five)
    with pytest.raises(ValueError, match="`share`"):
        patch_quantile(1, 10, 0.5)


# --- grids ---------------------------------------------------------------------------------------------------


class Seen(Lab):
    """A laboratory that keeps the cells of a grid and runs none."""

    def grid(self, name, make, axes, *, replicates, **_):
        every = list(product(*axes.values()))
        self.cells = {labels: make(0, **dict(zip(axes, labels, strict=True))) for labels in every}


def test_every_batch_is_inside_the_hypotheses() -> None:
    lab = Seen()
    minibatches.boundary_by_batch(lab)
    for (batch, d, place), cell in lab.cells.items():
        assert (cell.phases[0].optimizer.batch, cell.problem.d, cell.problem.n) == (batch, d, 10)
        assert cell.problem.signal == pytest.approx(place * (d / 10) ** 0.25)
        found = problem_margins(cell.problem, cell.phases)
        assert [name for name in HYPOTHESES if found.get(name, 0.0) < -1e-9 and name != "signal_noise"] == []


def test_patches_are_independent_and_signals_in_their_units() -> None:
    lab = Seen()
    patches.boundary_by_patches(lab)
    assert {cell.problem.patches for cell in lab.cells.values()} == {"independent"}
    for (P, place), cell in lab.cells.items():
        assert cell.problem.P == P
        assert cell.problem.signal == pytest.approx(place * patch_scale(cell.problem))


def test_filters_alone_are_varied() -> None:
    lab = Seen()
    filters.boundary_by_filters(lab)
    assert {cell.problem.m for cell in lab.cells.values()} == {2, 5, 20}
    assert {(cell.problem.d, cell.problem.n, cell.problem.P) for cell in lab.cells.values()} == {(1000, 10, 2)}


# --- signal neurons ------------------------------------------------------------------------------------------


def two_filters() -> Instance:
    """n = 2 samples, one of each class, m = 1: j = +1 has ⟨w, φ⟩ = 0.1, j = -1 has 0.2, and both hardly any noise."""
    phi, xi = np.eye(5)[0], np.eye(5)[1:3]
    w0 = np.array([[[0.1, 1e-3, -1e-3, 0, 0]], [[0.2, -1e-3, 1e-3, 0, 0]]])
    return Instance.from_arrays(
        phi=phi, xi=xi, y=np.array([1.0, -1.0]), y_true=np.array([1.0, -1.0]), w0=w0, forget=np.zeros(2, dtype=bool)
    )


def test_the_own_filter_is_switched_off_and_the_other_is_not() -> None:
    # only the sample of class +1 faces either filter, so that ∂L/∂⟨w_j, φ⟩ = -j |ℓ'| / 2
    near, far = look(two_filters(), 0.05), look(two_filters(), 10.0)
    assert (near.off, far.off) == (0.0, 1.0)
    assert (near.opposite, far.opposite) == (0.0, 0.0)
    assert near.plain == pytest.approx(0.25 / (1.0 + np.exp(-0.1)) * 2.0, rel=1e-2)


def test_a_radius_of_zero_changes_nothing() -> None:
    still = look(two_filters(), 0.0)
    assert still.sharp == still.plain
    assert still.off == still.noise == 0.0


def test_the_depth_of_signal_neurons() -> None:
    # ρ √n ‖φ‖ / (2 √(d/n + ‖φ‖²/2)) with n = 160
    assert predicted_depth(2e4, 4.0, 2.0) == pytest.approx(2.0 * np.sqrt(160) * 4.0 / (2.0 * np.sqrt(125 + 8)))
    assert depth_of(2.0 * ndtr(0.7) - 1.0) == pytest.approx(0.7)


# --- memory --------------------------------------------------------------------------------------------------


def test_a_path_is_measured_against_its_bound() -> None:
    steps = np.array([0, 1, 10, 100])
    own = np.array([[0.0, 0.0], [0.0, 99.0], [0.0, 2.0], [0.0, 4.0]])
    opposite = np.array([[0.0, 0.0], [-1.0, 0.0], [-8.0, 0.0], [-8.0, 0.0]])
    path = Path(steps, own, opposite, {})
    assert path.of_bound == pytest.approx(8.0 / (4.0 * np.log(10.0)))  # before step 10 the bound says nothing
    assert path.wrong_sign == 0.0
    assert Path(steps, own - 0.5, opposite, {}).wrong_sign == pytest.approx(0.5 / 98.5)
    assert Path(steps, own, opposite + 0.5, {}).wrong_sign == pytest.approx(0.5 / 99.0)
