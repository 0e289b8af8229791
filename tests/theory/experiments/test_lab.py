"""The laboratory: seeds, grids, and what it hands on to the evidence."""

from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from simulate import SGD, Loss, Phase, Problem, run
from simulate.runs.ensemble import Cell
from theory.experiments import choices
from theory.experiments.lab import Lab

PHASES = (Phase("fit", Loss(), SGD(lr=0.01), steps=30),)


def cell(seed: int, signal: float, d: int = 1000) -> Cell:
    return Cell(Problem(d=d, n=10, m=3, signal=signal, forget=0.2), PHASES, seed)


def test_grid_runs_what_its_labels_say() -> None:
    lab = Lab()
    data = lab.grid("a", cell, {"signal": (1.0, 5.0), "d": (500, 2000)}, replicates=3)
    assert dict(data["test_error"].sizes) == {"signal": 2, "d": 2, "seed": 3}
    seed = int(data["seed"][1])
    alone = run(Problem(d=2000, n=10, m=3, signal=5.0, forget=0.2), PHASES, seed=seed, test_directions=64)
    assert float(data["test_error"].sel(signal=5.0, d=2000, seed=seed)) == alone.test_error


def test_replicates_are_shared_by_cells_and_not_by_experiments() -> None:
    lab = Lab()
    assert lab.seeds("a", 4) == lab.seeds("a", 6)[:4]
    assert len(set(lab.seeds("a", 50)) | set(lab.seeds("b", 50)) | set(Lab(seed=1).seeds("a", 50))) == 150


def test_trainings_are_counted() -> None:
    finished: list[int] = []
    data = Lab(progress=finished.append).grid("a", cell, {"signal": (1.0, 5.0)}, replicates=3)
    assert sum(finished) == data.attrs["n_runs"] == 6


def test_conditions_tell_how_many_cells_lie_outside() -> None:
    data = Lab().grid("a", cell, {"signal": (1.0,), "d": (50, 1000)}, replicates=2)  # n² = 100
    least, outside = data.attrs["conditions"]["dimension_samples"]
    assert least == pytest.approx(np.log10(0.5))
    assert outside == 0.5


def test_shared_experiments_run_once() -> None:
    calls: list[Lab] = []

    def experiment(lab: Lab) -> int:
        calls.append(lab)
        return len(calls)

    lab, other = Lab(), Lab()
    assert [lab.once(experiment), lab.once(experiment), other.once(experiment)] == [1, 1, 2]
    assert calls == [lab, other]


def test_experiments_run_on_one_blas_thread() -> None:
    def threads(lab: Lab | None = None) -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    with threadpool_limits(limits=2, user_api="blas"):
        assert Lab().once(threads) == {1}
        assert threads() == {2}


def test_budget_chooses() -> None:
    assert [Lab(budget).choose(quick=1, full=2) for budget in ("quick", "full")] == [1, 2]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("budget", {"budget": "huge"}),
        ("seed", {"seed": -1}),
        ("seed", {"seed": 0.5}),
        ("images", {"images": Path("no such folder")}),
    ],
)
def test_bad_arguments_are_named(name: str, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        Lab(**options)


def test_what_makes_cells_must_take_the_labels_of_the_axes() -> None:
    def make(seed: int, d: int) -> None:
        raise AssertionError("nothing is made")

    with pytest.raises(ValueError, match=r"`make` must be a function of the seed and the names of the axes.*'signal'"):
        Lab().grid("x", make, {"d": [1], "signal": [1.0]}, replicates=1)  # type: ignore[arg-type]


def test_a_protocol_gives_choices_values_that_they_have() -> None:
    lab = Lab(protocol={"alpha": 0.9})
    assert lab.pick(choices.ALPHA) == 0.9
    assert lab.pick(choices.FLIP) == choices.FLIP.primary
    with pytest.raises(ValueError, match="`protocol` must give alpha one of 0"):
        Lab(protocol={"alpha": 0.71}).pick(choices.ALPHA)
