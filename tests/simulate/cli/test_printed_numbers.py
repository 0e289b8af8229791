"""What commands print stands under its name, on made-up results."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray

from simulate import SAM, SGD, NegGrad
from simulate.boundaries.boundary import Boundary
from simulate.cli import map as map_command
from simulate.cli import run as run_command
from simulate.cli import verify


def made_up_result() -> Any:
    zeta = xarray.DataArray(
        np.arange(8.0).reshape(2, 2, 2), dims=("step", "relation", "set"),
        coords={"relation": ["own", "opposite"], "set": ["retain", "forget"]},
    )  # fmt: skip
    ended = {"pretrain": "40 steps, converged", "unlearn": "15 steps, max_steps"}
    made = xarray.Dataset(
        {
            "zeta_mean": zeta, "final_kappa": (("sign", "filter"), [[1.0, 2.0], [3.0, 4.0]]),
            "final_test_error": 0.123, "final_test_error_se": 0.004, "train_loss": 0.055, "retain_accuracy": 0.91,
            "forget_accuracy": 0.37,
        },
        attrs={"ended": str(ended)},
    )  # fmt: skip
    return SimpleNamespace(to_dataset=lambda: made)


def cells(printed: str) -> dict[str, list[str]]:
    """Cells of the lines of tables by the first of them."""
    lines = [[cell.strip() for cell in line.strip("│┃ ").split("│")] for line in printed.splitlines() if "│" in line]
    return {first: rest for first, *rest in lines}


def test_the_end_of_a_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(run_command, "run", lambda *given, **how: made_up_result())
    assert run_command.Run()() == 0
    found = cells(capsys.readouterr().out)
    assert (found["pretrain"], found["unlearn"]) == (["40", "converged"], ["15", "max_steps"])
    assert found["test error"] == ["0.123 ± 0.004"]
    assert (found["train loss"], found["κ, mean over filters"]) == (["0.055"], ["2.5"])
    assert (found["retain accuracy"], found["forget accuracy"]) == (["0.910"], ["0.370"])
    assert [found[f"ζ, {relation} class, {part} set"] for relation in ("own", "opposite")
            for part in ("retain", "forget")] == [["4"], ["5"], ["6"], ["7"]]  # fmt: skip


def test_what_is_asked_for_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def run(problem: Any, phases: Any, **how: Any) -> Any:
        asked.update(how, problem=problem, phases=phases)
        return made_up_result()

    monkeypatch.setattr(run_command, "run", run)
    command = run_command.Run(
        phases=("a, NegGrad(alpha=0.3), SAM(lr=0.5, tau=0.2), steps=7",), seed=3, engine="numpy", test_directions=5
    )
    command()
    assert (asked["seed"], asked["engine"], asked["test_directions"]) == (3, "numpy", 5)
    assert (asked["problem"], asked["record"]) == (command.problem, command.record)
    (phase,) = asked["phases"]
    assert (phase.objective, phase.optimizer, phase.steps) == (NegGrad(alpha=0.3), SAM(lr=0.5, tau=0.2), 7)


def test_boundaries_with_their_intervals(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    d = np.array([1e3, 1e4])
    ends = np.array([[0.5, 2.0], [3.0, 7.0]])
    found = {"SGD": Boundary(0.3, d, np.array([1.0, 4.0]), ends, 0.26, (0.24, 0.29)),
             "SAM": Boundary(0.3, d, np.array([2.0, 8.0]), 2 * ends, 0.1, (0.06, 0.14))}  # fmt: skip
    maps = xarray.Dataset(
        {"test_error": xarray.DataArray(np.zeros(2), dims="optimizer", coords={"optimizer": list(found)})}
    )
    fitted = iter(found.values())
    monkeypatch.setattr(map_command, "_run_maps", lambda grid: maps)
    monkeypatch.setattr(map_command, "fit_boundary", lambda error, level: next(fitted))
    monkeypatch.setattr(map_command, "save", lambda data, path, overwrite: kept.append(data) or path)
    monkeypatch.setattr(map_command, "save_figure", lambda figure, path: path)
    monkeypatch.setattr("simulate.boundaries.plots.draw_phase_maps", lambda *given: None)
    kept: list[xarray.Dataset] = []
    tell = map_command.draw_and_judge(map_command.PhaseMap(), 0.3, tmp_path)
    assert capsys.readouterr().out == ""  # all is on disk first
    tell()
    printed = capsys.readouterr().out
    assert cells(printed)["1e+03"] == ["1 [0.5, 2]", "2 [1, 4]"]
    assert cells(printed)["1e+04"] == ["4 [3, 7]", "8 [6, 14]"]
    assert "SGD: boundary ∝ d^0.260, 95 % interval [0.240, 0.290], predicted 0.25 ± 0.05: supported" in printed
    assert "SAM: boundary ∝ d^0.100, 95 % interval [0.060, 0.140], predicted 0 ± 0.05: refuted" in printed
    assert kept[0].attrs["slopes"] == '{"SGD": [0.26, 0.24, 0.29], "SAM": [0.1, 0.06, 0.14]}'


def test_digits_are_unlearned_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """3 against 8, a tenth to forget, both optimizers from one pretrained network, until 0.8 or 3,000 steps."""
    asked = []
    monkeypatch.setattr(verify, "run", lambda instance, phases, record: asked.append((instance, phases, record)))
    assert list(verify.unlearn_digits()) == ["SGD", "SAM"]
    (one, first, _), (other, second, _) = asked
    assert one is other
    assert (one.m, one.forget.sum(), len(one.y)) == (10, 25, 250)
    assert first[0] == second[0]
    assert [type(phases[1].optimizer) for phases in (first, second)] == [SGD, SAM]
    for phases in (first, second):
        assert (phases[0].stop_loss, phases[1].objective) == (0.02, NegGrad(alpha=0.5))
        assert (phases[1].steps, phases[1].stop_forget_below) == (3000, 0.8)
