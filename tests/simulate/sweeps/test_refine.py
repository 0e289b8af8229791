"""The boundary of any swept dataset, and the trainings that adaptive refinement saves."""

from pathlib import Path

import numpy as np
import pytest
import xarray

from simulate import SGD, Loss, Phase, Problem, sweep
from simulate.boundaries.boundary import critical_values, fit_boundary
from simulate.sweeps.refine import _Scan, _Search, refine
from tests.simulate.boundaries.test_boundary import SIGNAL, sigmoid_map

PROBLEM = Problem(n=12, m=4, forget=0.0, label_flip=0.0)
PHASES = [Phase("fit", Loss(), SGD(), steps=200, stop_loss=0.05)]
OPTIONS = {"seeds": range(6), "test_directions": 16, "coupled": {"fit.lr": "0.2*n*m/d", "sigma_0": "0.1*sqrt(n)/d"}}
FACTORS = {"d": [1000, 10_000, 100_000]}
TOLERANCE = 0.05


# --- boundaries ------------------------------------------------------------------------------------------------


def test_boundary_over_d_is_the_one_of_phase_maps() -> None:
    error = sigmoid_map(0.25)
    one, other = fit_boundary(error, 0.25), critical_values(error, 0.25)
    np.testing.assert_allclose(other["critical"], one.signal)
    np.testing.assert_allclose(other[["low", "high"]].to_array().T, one.interval)
    assert (other["censored"] == "no").all()


def test_any_axis_and_any_factors_will_do() -> None:
    error = sigmoid_map(0.25).expand_dims(n=[10, 20]).rename(signal="fit.lr", d="forget")
    found = critical_values(error.to_dataset(name="loss"), 0.25, along="fit.lr", variable="loss")
    assert found["critical"].dims == ("n", "forget")
    np.testing.assert_array_equal(found["critical"].sel(n=10), found["critical"].sel(n=20))


def test_a_rising_variable_crosses_where_the_falling_one_does() -> None:
    error = sigmoid_map(0.25)
    falling = critical_values(error, 0.25)
    rising = critical_values(0.5 - error, 0.25, direction="rising")
    for name in ("critical", "low", "high"):
        np.testing.assert_allclose(rising[name], falling[name])


def test_a_linear_axis_may_hold_zero() -> None:
    error = xarray.DataArray([[0.5, 0.25, 0.0]], dims=("seed", "alpha"), coords={"alpha": [-1.0, 0.0, 1.0]})
    found = critical_values(error, 0.125, along="alpha", spacing="linear")
    assert found["critical"] == pytest.approx(0.5)
    with pytest.raises(ValueError, match=r"`spacing`"):
        critical_values(error, 0.125, along="alpha")


@pytest.mark.parametrize(("direction", "flip"), [("falling", False), ("rising", True)])
def test_censoring_says_on_which_side(direction: str, flip: bool) -> None:
    flat = np.stack([np.full(len(SIGNAL), level) for level in (0.2, 0.4, np.nan)])
    error = xarray.DataArray(
        flat[None], dims=("seed", "d", "signal"), coords={"signal": SIGNAL, "d": [1, 2, 3], "seed": [0]}
    )
    found = critical_values(error, 0.3, direction=direction)
    expected = ["above", "below"] if flip else ["below", "above"]
    assert found["censored"].values.tolist() == [*expected, "undefined"]
    sides = {"below": 0.0, "above": np.inf}
    np.testing.assert_array_equal(found["critical"], [*(sides[side] for side in expected), np.nan])


def test_intervals_cover_the_truth() -> None:
    covered = []
    for trial in range(60):
        noise = 0.1 * np.random.default_rng(trial).standard_normal((12, 1, len(SIGNAL)))
        clean = 0.5 / (1 + SIGNAL**1.0)
        error = xarray.DataArray(
            clean + noise, dims=("seed", "d", "signal"), coords={"signal": SIGNAL, "d": [1], "seed": range(12)}
        )
        found = critical_values(error, 0.25, resamples=200).isel(d=0)
        covered.append(bool(found["low"] <= 1.0 <= found["high"]))
    assert 0.8 <= np.mean(covered) <= 1.0  # isotonic regression smooths, and 12 seeds are few


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("along", {"along": "n"}),
        ("along", {"along": "seed"}),
        ("variable", {"variable": "accuracy"}),
        ("direction", {"direction": "down"}),
        ("spacing", {"spacing": "cubic"}),
        ("level", {"level": np.nan}),
        ("resamples", {"resamples": 3}),
        ("data", {"data": 3.0}),
        ("data", {"data": sigmoid_map(0.25).isel(seed=0)}),
    ],
)
def test_bad_arguments_are_named(name: str, changes: dict) -> None:
    arguments = {"data": sigmoid_map(0.25).to_dataset(name="test_error"), "level": 0.25, **changes}
    with pytest.raises(ValueError, match=f"^Argument `{name}`"):
        critical_values(arguments.pop("data"), arguments.pop("level"), **arguments)


# --- refinement ------------------------------------------------------------------------------------------------


def small_refine(**changes) -> xarray.Dataset:
    coarse = {"signal": np.geomspace(0.25, 64.0, 5)}
    options = {"axes": FACTORS, "along": coarse, "level": 0.2, "tolerance": TOLERANCE, **OPTIONS, **changes}
    return refine(PROBLEM, PHASES, **options)


@pytest.fixture(scope="module")
def refined() -> xarray.Dataset:
    return small_refine()


def test_refinement_needs_several_times_fewer_trainings_than_the_grid(refined: xarray.Dataset) -> None:
    points = round(np.log(64.0 / 0.25) / TOLERANCE) + 1
    whole = sweep(PROBLEM, PHASES, axes={**FACTORS, "signal": np.geomspace(0.25, 64.0, points)}, **OPTIONS)
    grid = critical_values(whole, 0.2)
    assert whole["test_error"].size > 6 * refined.attrs["trainings"]
    assert refined.attrs["trainings"] == refined["trainings"].sum()
    np.testing.assert_allclose(np.log(refined["critical"]), np.log(grid["critical"]), atol=TOLERANCE)
    for end in ("low", "high"):  # equally precise: the same intervals, up to the gaps and the resamples
        np.testing.assert_allclose(np.log(refined[end]), np.log(grid[end]), atol=4 * TOLERANCE)
    assert (refined["gap"] <= TOLERANCE).all()
    assert (refined["censored"] == "no").all()


def test_a_budget_is_kept() -> None:
    found = small_refine(budget=130)
    assert found.attrs["trainings"] <= 130
    assert (found["gap"] < np.log(4.0) + 1e-9).all()
    with pytest.raises(ValueError, match=r"^Argument `budget` .* at least 90"):
        small_refine(budget=89)


def test_seeds_are_added_where_the_interval_is_wide() -> None:
    few = small_refine(seeds=range(8), tolerance=0.1)
    before = np.log(few["high"] / few["low"]).values
    interval = float(np.sort(before)[:2].mean())  # one of the three points is precise enough
    many = small_refine(seeds=range(64), tolerance=0.1, interval=interval)
    assert (np.log(many["high"] / many["low"]) <= interval).all()
    enough = before <= interval
    assert enough.sum() == 1
    np.testing.assert_array_equal(many["critical"].values[enough], few["critical"].values[enough])
    assert (many["trainings"].values[~enough] > 1.5 * few["trainings"].values[~enough]).all()
    short = small_refine(seeds=range(64), tolerance=0.1, interval=interval, budget=few.attrs["trainings"] + 130)
    assert few.attrs["trainings"] < short.attrs["trainings"] <= few.attrs["trainings"] + 130


def test_an_interrupted_refinement_goes_on(tmp_path: Path, refined: xarray.Dataset) -> None:
    calls = 0

    def stop(done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small_refine(out=tmp_path / "x", progress=stop)
    assert len(list((tmp_path / "x").iterdir())) > 1
    found = small_refine(out=tmp_path / "x")
    xarray.testing.assert_identical(found, refined)
    xarray.testing.assert_identical(small_refine(out=tmp_path / "x"), refined)


def test_a_boundary_outside_of_the_range_costs_the_scan_alone() -> None:
    found = small_refine(axes={"d": [1000]}, along={"signal": [0.001, 0.002]})
    assert found["censored"].values.tolist() == ["above"]
    assert np.isinf(found["gap"]).all()
    assert found.attrs["trainings"] == 12


def test_no_factors_and_factors_that_move_together() -> None:
    alone = small_refine(axes={}, tolerance=0.5)
    assert alone["critical"].ndim == 0
    together = small_refine(axes={("d", "n"): [(1000, 12), (4000, 16)]}, tolerance=0.5)
    assert together["critical"].dims == ("d_n",)
    assert together["n"].values.tolist() == [12, 16]


def test_whole_numbers_are_refined_by_whole_numbers() -> None:
    coarse = np.geomspace(1000, 3e5, 3)  # the second of which is no whole number
    found = small_refine(axes={"signal": [4.0]}, along={"d": coarse}, tolerance=0.3, direction="rising")
    assert found["censored"] == "no"
    assert found["gap"] <= 0.3
    assert found["trainings"] > 3 * 6


def test_nothing_lies_between_neighbouring_whole_numbers() -> None:
    found = small_refine(
        axes={}, along={"fit.steps": [1, 32]}, level=0.6, variable="train_loss", tolerance=0.001, seeds=range(2),
        coupled={"fit.lr": "0.2*n*m/d"},
    )  # fmt: skip
    assert 2 < found["critical"] < 3
    assert found["gap"] == np.log(3 / 2)


@pytest.mark.parametrize("variable", ["status", "text"])
def test_only_numbers_have_boundaries(variable: str) -> None:
    data = sigmoid_map(0.25).to_dataset(name="test_error")
    data["status"] = data["test_error"].astype(str)
    with pytest.raises(ValueError, match=r"^Argument `variable` must be one of \"test_error\", but"):
        critical_values(data, 0.25, variable=variable)
    with pytest.raises(ValueError, match=r"^Argument `data` must hold numbers"):
        critical_values(data["status"], 0.25)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("along", {"along": ["signal"]}),
        ("along", {"along": {"signal": 3.0}}),
        ("along", {"along": {"signal": "3"}}),
        ("along", {"along": {3: [1.0, 2.0]}}),
        ("along", {"along": {"dimension": [1.0, 2.0]}}),
        ("along", {"along": {"fit.steps": [1.0, 1.1]}}),
        ("seeds", {"seeds": None}),
        ("seeds", {"seeds": [1, 1]}),
        ("out", {"out": 3}),
        ("variable", {"variable": "status"}),
        ("along", {"along": {"signal": [1.0]}}),
        ("along", {"along": {"signal": [2.0, 1.0]}}),
        ("along", {"along": {"signal": [0.0, 1.0]}}),
        ("along", {"along": {"d": [100.0, 1000.0]}}),
        ("tolerance", {"tolerance": 0.0}),
        ("interval", {"interval": -1.0}),
        ("seeds", {"seeds": [1]}),
        ("budget", {"budget": 1.5}),
        ("variable", {"variable": "phase_steps"}),
        ("variable", {"variable": "accuracy"}),
        ("level", {"level": "low"}),
        ("direction", {"direction": "down"}),
        ("axes", {"axes": {"dimension": [1]}}),
    ],
)
def test_bad_arguments_of_refinement_are_named(name: str, changes: dict) -> None:
    with pytest.raises(ValueError, match=f"^Argument `{name}`"):
        small_refine(**changes)


# --- ties ------------------------------------------------------------------------------------------------------


def scan_with_ends(places: list[float], **ends: float) -> _Scan:
    """A scan of made-up places whose crossing is known to the last bit."""
    crossing = xarray.Dataset({name: ((), ends.get(name, np.nan)) for name in ("low", "critical", "high")})
    scan = _Scan((), "signal", lambda errors: crossing)
    scan.errors = {place: np.zeros(2) for place in places}
    scan.look()
    return scan


@pytest.mark.parametrize("bits", [-1e-15, 0.0, 1e-15])
def test_of_gaps_of_one_width_those_of_the_first_points_are_halved(bits: float) -> None:
    scans = [scan_with_ends([1.0, 2.0 * (1.0 + sign * bits)], critical=1.5) for sign in (1, -1, 0)]
    wider = scan_with_ends([1.0, 2.1], critical=1.5)
    search = _Search(lambda *_: np.empty(0), [*scans, wider], budget=3 * 2)
    assert [scan for scan, _ in search.gaps(search.scans, 0.1, 2)] == [wider, *scans[:2]]


@pytest.mark.parametrize("bits", [-1e-15, 0.0, 1e-15])
def test_a_crossing_at_a_place_of_the_scan_lies_in_the_gap_above_it(bits: float) -> None:
    middle = scan_with_ends([1.0, 4.0, 8.0], critical=4.0 * (1.0 + bits)).gaps(0.1)[0][1]
    assert middle == pytest.approx(np.sqrt(32.0))
    below = scan_with_ends([1.0, 4.0, 8.0], critical=4.0 * (1.0 - 1e-9)).gaps(0.1)[0][1]
    assert below == pytest.approx(2.0)


@pytest.mark.parametrize("bits", [-1e-15, 0.0, 1e-15])
def test_a_gap_as_wide_as_the_tolerance_is_not_halved(bits: float) -> None:
    scan = scan_with_ends([1.0, 2.0], critical=1.5)
    assert scan.gaps(np.log(2.0) * (1.0 + bits)) == []
    assert len(scan.gaps(np.log(2.0) * (1.0 - 1e-9))) == 1
