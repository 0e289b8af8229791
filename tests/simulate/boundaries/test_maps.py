"""Phase maps: a small one shows what the large one is for."""

import json

import numpy as np
import pytest

from simulate.boundaries.boundary import fit_boundary
from simulate.boundaries.maps import OPTIMIZERS, PhaseMap, phase_map, sam_cell, sgd_cell
from simulate.interactive.map_settings import MapSettings
from simulate.problems.problem import Problem
from simulate.runs.ensemble import run_ensemble

GRID = PhaseMap(
    d=(1_000, 10_000, 100_000), signal=(0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0), replicates=3, test_directions=64
)


@pytest.fixture(scope="module")
def maps():
    return phase_map(GRID)


def test_dimensions_are_those_of_the_grid(maps) -> None:
    assert dict(maps["test_error"].sizes) == {"optimizer": 2, "d": 3, "signal": 7, "seed": 3}
    assert json.loads(maps.attrs["grid"])["n"] == GRID.n


def test_every_run_fits_its_training_set(maps) -> None:
    assert set(np.unique(maps["status"])) == {"converged"}
    assert float(maps["train_loss"].max()) <= 0.0101


def test_boundary_moves_with_the_dimension_for_sgd_and_not_for_sam(maps) -> None:
    slope = {name: fit_boundary(maps["test_error"].sel(optimizer=name), 0.3).slope for name in OPTIMIZERS}
    assert slope["SGD"] == pytest.approx(0.25, abs=0.03)
    assert abs(slope["SAM"]) < 0.12


def test_cells_are_the_runs_they_say(maps) -> None:
    alone = run_ensemble([sam_cell(GRID, 10_000, 2.0, 1)], test_directions=64)
    cell = maps.sel(optimizer="SAM", d=10_000, signal=2.0, seed=1)
    assert float(alone["test_error"][0]) == float(cell["test_error"])
    assert int(alone["steps"][0]) == int(cell["steps"])


def test_cells_are_trained_as_the_module_says() -> None:
    """q = (P - 1) σ_p = 1, P σ_p = 3/2 and m = 16, at d = 40,000 with its root 200."""
    grid = PhaseMap(n=100, m=16, P=3, sigma_p=0.5, label_flip=0.2)
    plain, flat = sgd_cell(grid, 40_000, 2.0, 5), sam_cell(grid, 40_000, 2.0, 5)
    for cell, sigma_0 in ((plain, 0.1 * 10 / 40_000), (flat, 1 / (1.5 * 200))):
        assert cell.problem.sigma_0 == pytest.approx(sigma_0)
        assert cell.seed == 5
        numbers = {"d": 40_000, "n": 100, "m": 16, "P": 3, "sigma_p": 0.5, "signal": 2.0, "label_flip": 0.2}
        assert {name: getattr(cell.problem, name) for name in numbers} == numbers
        assert cell.problem.forget == 0.0
    own = 0.1 * 100 * 16 / 40_000  # η with η q² d / (n m) = 0.1
    for phase in (plain.phases[0], flat.phases[1]):
        assert phase.optimizer.lr == pytest.approx(own)
        assert (phase.steps, phase.stop_loss) == (5000, 0.01)
    stage = flat.phases[0]
    assert stage.optimizer.lr == pytest.approx(own * np.sqrt(40))
    assert stage.optimizer.tau == pytest.approx(16 * 10 / (1.5 * 200))
    assert (stage.steps, stage.stop_loss) == (round(2 * 16 / (own * np.sqrt(40))), 0.4)  # a time of 2 m / q²


@pytest.mark.parametrize(
    ("name", "options"),
    [("d", {"d": (10, 5)}), ("signal", {"signal": ()}), ("replicates", {"replicates": 0}), ("seed", {"seed": -1})],
)
def test_bad_grids_are_refused(name: str, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        PhaseMap(**options)


def test_problems_are_those_of_the_settings() -> None:
    law = {"n": 6, "sigma_p": 0.5, "label_flip": 0.2}
    grid = PhaseMap(**law, m=3, P=4, seed=5, replicates=2)
    assert grid.problem(70, 2.0) == Problem(**law, d=70, signal=2.0, m=3, P=4, forget=0.0)
    assert list(grid.seeds) == [5, 6]
    assert MapSettings(**law, level=0.3).problem(70, 2.0) == Problem(**law, d=70, signal=2.0, forget=0.0)
