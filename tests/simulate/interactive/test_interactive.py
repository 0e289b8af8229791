"""The explorers without a browser: what is drawn is what `simulate.run` gives, and what is invalid is said in words."""

import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

pytest.importorskip("ipywidgets", reason="needs the extra notebooks")

from simulate import Record, run
from simulate.boundaries.boundary import critical_signal
from simulate.interactive import Explorer, MapSettings, TrajectorySettings, phase_map_explorer, trajectory_explorer
from simulate.interactive.explorer import View
from simulate.interactive.map_settings import DIMENSIONS
from simulate.interactive.trajectory import RECORD, TEST_DIRECTIONS, simulate_trajectory
from simulate.interactive.trajectory_picture import TrajectoryPicture
from tests.clock import Clock
from tests.places import ROOT

PNG = b"\x89PNG\r\n\x1a\n"
STARTS: list[dict[str, Any]] = [
    {"d": 10_000, "n": 20},
    {"d": 10**9, "n": 30, "signal": 80.0, "pretraining": "SAM", "optimizer": "SAM", "tau": 0.5, "forget": 0.2},
    {"d": 5000, "n": 20, "optimizer": "SharpMinMax", "alpha": 0.2, "label_flip": 0.2, "seed": 3, "stop": 0.0},
]


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    """One for all tests; each moves what it relies on."""
    return trajectory_explorer(**STARTS[0])


@pytest.fixture(scope="module")
def phase_map() -> Explorer:
    return phase_map_explorer(n=10, replicates=1)


# --- trajectories --------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", STARTS)
def test_curves_are_averages_over_a_direct_run(start: dict[str, Any]) -> None:
    chosen = TrajectorySettings(**start)
    drawn = trajectory_explorer(**start).data
    observed = Record(every=RECORD.every, observe=("coefficients_full", "test_error"))
    result = run(
        chosen.problem, chosen.phases, seed=chosen.seed, record=observed, test_directions=TEST_DIRECTIONS
    )  # fmt: skip
    trace, y, forget = result.trace, result.instance.y, result.instance.forget
    np.testing.assert_array_equal(drawn.step, trace["step"].values)
    np.testing.assert_allclose(drawn.test_error, trace["test_error"].values, rtol=1e-12)
    for at in range(len(drawn.step)):
        kappa, zeta = trace["kappa"].values[at], trace["zeta"].values[at, ..., 0]
        assert drawn.kappa[at] == pytest.approx(np.mean([kappa[0], kappa[1]]), rel=1e-12, abs=1e-12)
        for number, part in enumerate((~forget, forget)):
            own = [zeta[0 if y[i] == 1 else 1, :, i] for i in np.flatnonzero(part)]
            opposite = [zeta[1 if y[i] == 1 else 0, :, i] for i in np.flatnonzero(part)]
            assert drawn.zeta[0, number, at] == pytest.approx(np.mean(own), rel=1e-12, abs=1e-12)
            assert drawn.zeta[1, number, at] == pytest.approx(np.mean(opposite), rel=1e-12, abs=1e-12)


def test_a_slider_is_obeyed(explorer: Explorer) -> None:
    explorer.move(**STARTS[0], alpha=0.7)
    before, count = bytes(explorer.picture.value), explorer.n_pictures
    explorer.controls["alpha"].value = 0.1
    assert explorer.settings.alpha == 0.1
    assert explorer.n_pictures == count + 1
    assert bytes(explorer.picture.value).startswith(PNG)
    assert bytes(explorer.picture.value) != before
    assert "seed 0" in explorer.message.lower()
    np.testing.assert_array_equal(explorer.data.kappa, simulate_trajectory(explorer.settings).kappa)


def test_several_moves_make_one_picture_and_none_makes_none(explorer: Explorer) -> None:
    count = explorer.n_pictures
    explorer.move(alpha=0.33, signal=7.0, optimizer="SAM")
    assert explorer.n_pictures == count + 1
    explorer.move(alpha=0.33)
    assert explorer.n_pictures == count + 1


def test_whole_numbers_are_made_of_the_logarithmic_slider(explorer: Explorer) -> None:
    explorer.controls["d"].value = 10**3.7
    assert explorer.settings.d == 5012
    assert isinstance(explorer.settings.d, int)


def test_an_invalid_combination_is_one_line_and_leaves_the_picture(explorer: Explorer) -> None:
    explorer.move(**STARTS[0], forget=0.1)
    before = bytes(explorer.picture.value), explorer.settings
    explorer.controls["forget"].value = 0.0
    assert explorer.message.startswith("Argument `forget` must leave a retain set and a forget set")
    assert "color" in explorer.caption.value
    assert (bytes(explorer.picture.value), explorer.settings) == before
    explorer.controls["forget"].value = 0.1
    assert "test error" in explorer.message
    assert "color" not in explorer.caption.value


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({"alpha": 1.3}, r"`alpha` must lie in \[0, 1\], but is 1.3"),
        ({"optimizer": "Adam"}, '`optimizer` must be one of "SGD", "SAM", "SharpMinMax"'),
        ({"pretraining": "SharpMinMax"}, '`pretraining` must be one of "SGD", "SAM"'),
        ({"forget": 1.0}, "`forget` must leave a retain set"),
        ({"d": 10**10}, r"`d` must lie in \[1000, 1e\+09\]"),
        ({"n": 500}, r"`n` must lie in \[20, 200\]"),
        ({"tau": -1.0}, "`tau` must be a number of at least 0"),
        ({"signal": 0.0}, "`signal` must be a positive number"),
        ({"seed": -1}, "`seed` must be a whole number"),
    ],
)
def test_an_invalid_start_is_refused(start: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trajectory_explorer(**start)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"beta": 0.5}, "`beta` must be one of the controls d, signal, n"),
        ({"alpha": 1.5}, r"`alpha` must lie in \[0, 1\]"),
        ({"optimizer": "Adam"}, "`optimizer` must be one of"),
        ({"d": "many"}, "`d` must be a finite number"),
    ],
)
def test_an_impossible_move_moves_nothing(explorer: Explorer, values: dict[str, Any], message: str) -> None:
    before, count = explorer.settings, explorer.n_pictures
    with pytest.raises(ValueError, match=message):
        explorer.move(n=40, **values)
    assert (explorer.settings, explorer.n_pictures) == (before, count)
    assert explorer.controls["n"].value == before.n


@settings(max_examples=15)
@given(
    d=some.sampled_from([1e3, 1e5, 1e9]),
    signal=some.sampled_from([0.1, 4.0, 1000.0]),
    pretraining=some.sampled_from(["SGD", "SAM"]),
    optimizer=some.sampled_from(["SGD", "SAM", "SharpMinMax"]),
    tau=some.sampled_from([0.01, 1.0, 10.0]),
    alpha=some.sampled_from([0.0, 1.0]),
    label_flip=some.sampled_from([0.0, 0.4]),
)
def test_every_end_of_every_slider_can_be_drawn(explorer: Explorer, **ends: Any) -> None:
    explorer.move(n=20, forget=0.5, stop=0.0, **ends)
    trajectory = explorer.data
    assert "sharpmu" in explorer.message
    assert all(np.isfinite(getattr(trajectory, name)).all() for name in ("kappa", "zeta", "accuracy", "test_error"))
    assert np.abs(trajectory.kappa).max() < 100
    assert np.abs(trajectory.zeta).max() < 1000


def test_every_setting_has_a_control(explorer: Explorer) -> None:
    assert set(explorer.controls) == {field.name for field in fields(TrajectorySettings)}


# --- pictures ------------------------------------------------------------------------------------------


def test_lines_hold_the_curves() -> None:
    trajectory, picture = simulate_trajectory(TrajectorySettings(**STARTS[1])), TrajectoryPicture()
    picture.draw(trajectory)
    curves = {
        "kappa": trajectory.kappa,
        "zeta own retain": trajectory.zeta[0, 0],
        "zeta own forget": trajectory.zeta[0, 1],
        "zeta opposite retain": trajectory.zeta[1, 0],
        "zeta opposite forget": trajectory.zeta[1, 1],
        "accuracy retain": trajectory.accuracy[0],
        "accuracy forget": trajectory.accuracy[1],
        "test error": trajectory.test_error,
    }
    assert set(picture.lines) == set(curves)
    for name, curve in curves.items():
        line = picture.lines[name]
        np.testing.assert_array_equal(line.get_xdata(), trajectory.step)
        np.testing.assert_array_equal(line.get_ydata(), curve)
        low, high = line.axes.get_ylim()
        assert low <= curve.min() <= curve.max() <= high


def test_kept_layers_give_the_picture_of_a_fresh_figure() -> None:
    used = TrajectoryPicture()
    strong = {**STARTS[0], "signal": 30.0}  # the same phases, other limits
    first, *others = [simulate_trajectory(TrajectorySettings(**start)) for start in (*STARTS, strong)]
    for trajectory in (first, *others, first):
        drawn = used.draw(trajectory)
        assert drawn == TrajectoryPicture().draw(trajectory)


def test_a_run_that_overflowed_is_drawn_as_far_as_it_went() -> None:
    trajectory = simulate_trajectory(TrajectorySettings(**STARTS[0]))
    broken = replace(
        trajectory,
        kappa=np.where(trajectory.step > 90, np.inf, trajectory.kappa),
        zeta=np.where(trajectory.step > 90, np.nan, trajectory.zeta),
        test_error=np.full_like(trajectory.test_error, np.nan),
    )
    assert TrajectoryPicture().draw(broken).startswith(PNG)


# --- phase maps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["SGD", "SAM"])
def test_map_holds_the_errors_of_direct_runs(phase_map: Explorer, optimizer: str) -> None:
    phase_map.move(optimizer=optimizer, sigma_p=2.0, level=0.3)
    chosen, maps = phase_map.settings, phase_map.data.maps
    errors = maps["test_error"].sel(optimizer=optimizer)
    for d, place in ((DIMENSIONS[0], 3), (DIMENSIONS[2], 6)):
        cell = chosen.cell(d, chosen.signals[place], chosen.seed)
        direct = run(cell.problem, cell.phases, seed=cell.seed, record=Record(points=2), test_directions=64)
        assert errors.sel(d=d).isel(signal=place, seed=0).item() == pytest.approx(direct.test_error, rel=1e-12)
    critical = critical_signal(np.array(chosen.signals), errors.sel(d=10**4).mean("seed").values, 0.3)
    assert phase_map.data.boundary.signal[1] == pytest.approx(critical)
    predicted = 2.0 * phase_map.data.constant * (np.array(DIMENSIONS) / chosen.n) ** phase_map.data.exponent
    assert np.abs(np.log(phase_map.data.boundary.signal / predicted)).max() < math.log(2.0)
    assert bytes(phase_map.picture.value).startswith(PNG)
    assert "too few for an interval" in phase_map.message


def test_a_boundary_outside_of_the_map_has_no_exponent(phase_map: Explorer) -> None:
    phase_map.move(optimizer="SGD", label_flip=0.0, level=0.06)
    assert "too few for an interval" in phase_map.message
    boundary = replace(phase_map.data.boundary, slope=math.nan)
    said = phase_map._view.describe(phase_map.settings, replace(phase_map.data, boundary=boundary))
    assert "leaves the map" in said


def test_a_level_below_the_wrong_labels_is_one_line(phase_map: Explorer) -> None:
    phase_map.move(label_flip=0.1, level=0.3)
    phase_map.controls["level"].value = 0.08
    assert phase_map.message == "Argument `level` must lie above the share of wrong labels, 0.1, but is 0.08."
    with pytest.raises(ValueError, match="`replicates` must be a whole number of at least 1"):
        MapSettings(replicates=0)


# --- imports and time ----------------------------------------------------------------------------------


def test_widgets_are_imported_only_where_they_are_needed() -> None:
    code = """if True:
        import sys, simulate
        print("before:", "ipywidgets" in sys.modules)
        sys.modules["ipywidgets"] = None  # as if it were not installed
        from simulate.interactive import TrajectorySettings
        from simulate.interactive.explorable import Grid
        print("after:", sorted({"ipywidgets", "matplotlib"} & {name for name, module in sys.modules.items() if module}))
        from simulate.interactive import trajectory_explorer"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "before: False\nafter: []\n"
    assert done.stderr.endswith(
        'simulate.interactive needs the package ipywidgets, which is not installed: pip install -e ".[notebooks]"\n'
    )


def test_milliseconds_are_told_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def slow(seconds: float, result: Any) -> Callable[[Any], Any]:
        def step(_given: Any) -> Any:
            clock.passes(seconds)
            return result

        return step

    monkeypatch.setattr(time, "perf_counter", clock)
    view = View(simulate=slow(2.0, "data"), draw=slow(0.5, PNG), describe=lambda settings, data: "")
    assert Explorer(view, {}, TrajectorySettings()).milliseconds == {"simulate": 2000.0, "draw": 500.0}


@pytest.mark.bench
@pytest.mark.parametrize("start", [{}, {"pretraining": "SAM", "optimizer": "SharpMinMax"}])
def test_a_slider_is_answered_within_a_tenth_of_a_second(start: dict[str, Any]) -> None:
    explorer = trajectory_explorer(n=100, **start)
    times: list[dict[str, float]] = []
    for alpha in np.linspace(0.2, 0.9, 21):
        explorer.move(alpha=float(alpha))
        times.append({**explorer.milliseconds, "kilobytes": len(explorer.picture.value) / 1e3})
    middle = {name: round(statistics.median(each[name] for each in times), 1) for name in times[0]}
    fastest = min(each["simulate"] + each["draw"] for each in times)
    print(f"{start}: median {middle}, fastest {fastest:.0f} ms")
    assert fastest < 100
