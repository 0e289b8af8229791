"""What a refinement trains in which round, on made-up errors that cross the level where they are told to."""

from typing import Any

import numpy as np
import pytest
import xarray

from simulate import Loss, Phase, Problem, refine

SEEDS = (3, 5)


class Trainings:
    """In the place of sweeps: errors that fall with log signal and cross 0.3 at a signal of each d."""

    def __init__(self, crossings: dict[int, float]) -> None:
        self.crossings, self.rounds = crossings, []

    def __call__(self, problem: object, phases: object, *, axes: Any, seeds: Any, **options: Any) -> xarray.Dataset:
        ((names, rows),) = axes.items()
        assert (names, tuple(seeds)) == (("d", "signal"), SEEDS)
        self.rounds.append([(d, round(signal, 6)) for d, signal in rows])
        error = [0.3 - 0.05 * np.log(signal / self.crossings[d]) for d, signal in rows]
        return xarray.Dataset({"test_error": (("row", "seed"), np.repeat(error, len(SEEDS)).reshape(-1, len(SEEDS)))})


def refined(crossings: dict[int, float], monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[Any, Trainings]:
    trainings = Trainings(crossings)
    monkeypatch.setattr("simulate.sweeps.refine.sweep", trainings)
    asked = {"axes": {"d": list(crossings)}, "along": {"signal": [1.0, 2.0, 64.0]}, "level": 0.3, "seeds": SEEDS}
    return refine(Problem(), [Phase("fit", Loss())], **asked | options), trainings


def test_only_the_gap_with_the_crossing_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    found, trainings = refined({100: 9.0}, monkeypatch, tolerance=0.5)
    root = 128**0.5
    assert trainings.rounds[0] == [(100, 1.0), (100, 2.0), (100, 64.0)]
    places = [2.0, root, (2 * root) ** 0.5, ((2 * root) ** 0.5 * root) ** 0.5]  # 11.3, 4.76, 7.34 and in between
    assert [each for (each,) in trainings.rounds[1:4]] == [(100, round(place, 6)) for place in places[1:]]
    assert found["critical"].item() == pytest.approx(9.0, rel=1e-6)
    assert found["gap"].item() == pytest.approx(np.log(root / places[3]))
    assert found["trainings"].item() == found.attrs["trainings"] == 6 * len(SEEDS)
    assert found["censored"].item() == "no"


def test_the_widest_gap_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget of one cell more than the scan goes to the gap from 2 to 64, not to that from 1 to 2."""
    found, trainings = refined({100: 1.5, 200: 9.0}, monkeypatch, budget=7 * len(SEEDS))
    assert trainings.rounds[1:] == [[(200, round(128**0.5, 6))]]
    assert found["trainings"].values.tolist() == [3 * len(SEEDS), 4 * len(SEEDS)]
    np.testing.assert_allclose(found["gap"], np.log([2.0, 128**0.5 / 2.0]))


def test_a_crossing_outside_of_the_scan_has_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    found, trainings = refined({100: 500.0, 200: 0.1}, monkeypatch)
    assert len(trainings.rounds) == 1
    assert found["gap"].values.tolist() == [np.inf, np.inf]
    assert found["censored"].values.tolist() == ["above", "below"]
    assert found["critical"].values.tolist() == [np.inf, 0.0]
