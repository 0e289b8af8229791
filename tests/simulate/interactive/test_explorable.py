"""The page to play with: its grid, its curves, and that a browser unpacks the very numbers that were measured."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulate.cli import main
from simulate.interactive.explorable import Grid, measure, page
from simulate.interactive.explorable.series import EVERY, NAMES, NOTHING, POINTS, Series, curves
from simulate.interactive.trajectory_settings import TrajectorySettings

SMALL = Grid(d=(1000, 10**6), n=(20,), signal=(2.0, 16.0), alpha=(0.5,), tau=(1.0,))


@pytest.fixture(scope="module")
def series() -> Series:
    return measure(SMALL)


def unpacked(text: str) -> np.ndarray:
    """The numbers of a page, as its script reads them."""
    (packed,) = re.findall(r'id="numbers">([^<]+)<', text)
    planes = np.frombuffer(gzip.decompress(base64.b64decode(packed)), np.uint8).reshape(2, -1).astype(np.uint16)
    steps = (planes[0] | planes[1] << 8).astype(np.int16).reshape(-1, len(NAMES), POINTS)
    return np.cumsum(steps, axis=-1, dtype=np.int16)


def test_runs_are_counted_and_ordered() -> None:
    runs = list(SMALL.settings())
    assert len(runs) == SMALL.n_runs == 2 * 2 * 3
    assert [run.optimizer for run in runs[:3]] == ["SGD", "SAM", "SharpMinMax"]
    assert [run.d for run in runs[::6]] == [1000, 10**6]
    assert [run.signal for run in runs[:6:3]] == [2.0, 16.0]
    assert Grid().n_runs == len(list(Grid().settings()))


@pytest.mark.parametrize(("field", "values"), [("d", ()), ("alpha", (0.9, 0.5)), ("signal", (1.0, 1.0))])
def test_sliders_ascend(field: str, values: Any) -> None:
    with pytest.raises(ValueError, match=f"Argument `{field}` must hold one value or more, ascending"):
        Grid(**{field: values})


def test_what_a_run_refuses_a_grid_refuses() -> None:
    with pytest.raises(ValueError, match="Argument `alpha`"):
        Grid(alpha=(1.5,))


def test_curves_are_those_of_the_sliders() -> None:
    pytest.importorskip("matplotlib")
    from simulate.interactive.trajectory import simulate_trajectory

    settings = TrajectorySettings(d=10**6, n=20, signal=16.0, optimizer="SAM")
    made, sliders = dict(zip(NAMES, curves(settings), strict=True)), simulate_trajectory(settings)
    count = np.isfinite(made["step"]).sum()
    mine = made["step"][:count].astype(int)
    shared = [step for step in mine if step in sliders.step]
    assert len(shared) >= 5
    places, others = [list(mine).index(step) for step in shared], [list(sliders.step).index(step) for step in shared]
    np.testing.assert_allclose(made["kappa"][places], sliders.kappa[others])
    np.testing.assert_allclose(made["own_forget"][places], sliders.zeta[0, 1, others])
    np.testing.assert_allclose(made["opposite_retain"][places], sliders.zeta[1, 0, others])
    np.testing.assert_allclose(made["accuracy_forget"][places], sliders.accuracy[1, others])
    np.testing.assert_allclose(made["log_error"][places], np.log10(sliders.test_error[others]))
    assert np.isnan(made["kappa"][count:]).all()
    assert set(np.diff(mine)) <= set(range(EVERY + 1))  # 0 where a phase begins


def test_whole_numbers_are_the_curves(series: Series) -> None:
    assert series.values.shape == (SMALL.n_runs, len(NAMES), POINTS)
    for number, settings in list(enumerate(SMALL.settings()))[::5]:
        expected, got = curves(settings), series.values[number] * series.scales[:, None]
        known = np.isfinite(expected)
        np.testing.assert_array_equal(series.values[number] == NOTHING, ~known)
        assert (
            np.abs(got - expected)[known] <= np.broadcast_to(0.51 * series.scales[:, None], known.shape)[known]
        ).all()


def test_the_page_holds_the_numbers(series: Series) -> None:
    text = page(SMALL, series)
    np.testing.assert_array_equal(unpacked(text), series.values)
    head = json.loads(re.findall(r'id="head">([^<]+)<', text)[0])
    assert head["axes"]["signal"] == [2.0, 16.0]
    assert text == page(SMALL, series)


def test_the_page_needs_nothing_else(series: Series) -> None:
    text = page(SMALL, series)
    assert re.findall(r'(?:src|href)="(?!data:)', text) == []
    assert re.findall(r"%[A-Z]+%", text) == []
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--grid.d", "1000", "--grid.n", "20", "--grid.signal", "4", "--grid.alpha", "0.7", "--grid.tau", "1"]
    assert main(["explore", *words, "--out", str(tmp_path)]) == 0
    assert "3 runs" in capsys.readouterr().out
    first = (tmp_path / "explorable.html").read_bytes()
    assert main(["explore", *words[:-1], "2", "--out", str(tmp_path)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(["explore", *words, "--out", str(tmp_path)]) == 0
    assert (tmp_path / "explorable.html").read_bytes() == first
