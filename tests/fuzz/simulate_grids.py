"""Doors over grids: sweeps and what reads a boundary off them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import xarray
from hypothesis import strategies as st

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem, sweep
from simulate.boundaries.boundary import Boundary, critical_values, fit_boundary
from simulate.boundaries.maps import PhaseMap, phase_map
from simulate.house.storage import load
from simulate.sweeps.refine import refine
from tests.fuzz.judgement import Door
from tests.fuzz.simulate_runs import ENGINES, inspect_dataset
from tests.fuzz.simulate_values import NASTY, OFTEN, spoiled

PROBLEM = Problem(d=200, n=4, m=1, forget=0.5)
FIT = Phase("fit", Loss(), SGD(lr=0.1), steps=2)
PHASES = ([FIT], [FIT, Phase("unlearn", NegGrad(alpha=0.5), SAM(lr=0.1, tau=0.1), steps=2)])

AXES: dict[Any, tuple[Any, ...]] = {
    "d": (200, 10**6, 7, 6), "n": (4, 2, 1), "signal": (1.0, 2, 0.1), "forget": (0.5, 0.25, 0.0), "P": (2, 3),
    "label_flip": (0.0, 0.4), "patches": ("copied", "independent"), "fit.steps": (0, 1, 3), "fit.lr": (0.1, 1.0),
    "fit.batch": (None, 1, 2), "fit.stop_loss": (None, 0.5), "unlearn.alpha": (0.0, 0.5, 1.0), "unlearn.tau": (0.0,
        1.0),
    "unlearn.optimizer": (SGD(lr=1.0), SAM(lr=0.1)), "unlearn.optimizer.on": ("joint", "retain"),
    "class_scales": (None, (1.0, 3.0), (0.5, 0.5), (1.0,)),
    ("P", "patches", "patch_scales"): ((2, "copied", None), (3, "independent", (1.0, 2.0)), (3, "copied", (1.0, 2.0))),
    ("tails", "degrees_of_freedom"): (("gaussian", None), ("student-t", 3.0), ("student-t", None)),
    ("activation", "power"): (("relu", None), ("power", 2), ("relu", 2)),
    "fit.objective": (Loss(on="retain"), NegGrad()), ("d", "signal"): ((500, 1.0), (1000, 2.0)),
}  # fmt: skip
STRANGE = (
    "D", "fit.alpha", "unlearn.on", "fit", "fit.", ".", "", "fit.optimizer.lr.x", "unlearn.name", 3, None, (), ("d",),
    ("d", "d"), ("d", 1), b"d", "seed", "phase", "cell",
)  # fmt: skip
COUPLED = (
    {"sigma_0": "0.1/d"}, {"fit.lr": "1/n", "sigma_0": "0.1*sqrt(n)/d"}, {"signal": "d**0.25"}, {"m": "1"},
    {"fit.steps": "n"}, {"sigma_0": "1/0"}, {"sigma_0": "d**d"}, {"sigma_0": "D"}, {"sigma_0": "__import__('os')"},
    {"sigma_0": ""}, {"sigma_0": "1e999"}, {"sigma_0": "0*d"}, {"sigma_0": "(" * 300}, {"sigma_0": 3}, {3: "1"},
        {"x": "1"},
    {"sigma_0": "log(0)"}, {"sigma_0": "max()"}, {"sigma_0": "noise"}, {"sigma_0": "\0"}, {"n": "round(4)"}, {},
    {"sigma_0": "(-1)**0.5"}, {"sigma_0": "9**9**9**9"}, {"sigma_0": "1 if d else 2"}, {"d": "2**63"}, {"d": "d"},
)  # fmt: skip


@st.composite
def axes(draw: Any, phases: int = 2) -> Any:
    """Up to two axes with a few values each, good or not."""
    known = [name for name in AXES if phases == 2 or "unlearn" not in str(name)]
    made: dict[Any, Any] = {}
    for _ in range(draw(st.sampled_from([0, 1, 1, 2, 2]))):
        name = draw(st.sampled_from(known))
        size = draw(st.sampled_from([1, 2, 2, 3]))
        made[name] = list(dict.fromkeys(draw(st.sampled_from(AXES[name])) for _ in range(size)))
    if made and draw(OFTEN):
        name = draw(st.sampled_from(sorted(made, key=str)))
        broken = draw(st.sampled_from(["value", "axis", "name", "twice", "whole"]))
        if broken == "value":
            made[name].append(draw(NASTY))
        elif broken == "axis":
            made[name] = draw(NASTY | st.sampled_from([np.array([200.0, 300.0]), np.array(AXES["d"]), range(100, 102)]))
        elif broken == "name":
            made[draw(st.sampled_from(STRANGE))] = made.pop(name)
        elif broken == "twice":
            made[name] = made[name] * 2
        else:
            return draw(NASTY)
    return made


SEEDS = st.sampled_from([[0], [0, 1], range(2), (3, 2**40), [2**63 - 1], np.arange(2)])


@st.composite
def sweeps(draw: Any) -> dict[str, Any]:
    """Keywords of `sweep`."""
    number = draw(st.sampled_from([1, 2, 2]))
    few = {"phases": st.just(PHASES[number - 1]), "axes": axes(number), "seeds": SEEDS, "problem": st.just(PROBLEM)}
    good = {
        "engine": st.sampled_from(ENGINES), "coupled": st.sampled_from([None] * 20 + list(COUPLED)),
        "test_directions": st.just(16), "tau": st.sampled_from([None, 0.5]), "chunk": st.sampled_from([None, 1, 3,
            2**40]),
        "observe": st.sampled_from([(), ("loss",), ["coefficients_full"], ("test_error", "accuracy"), ("sharpness",)]),
        "client": st.none(), "progress": st.none(),
    }  # fmt: skip
    chosen = draw(spoiled({**few, **good}, keep=("phases", "axes", "seeds", "problem")))
    if draw(st.integers(0, 9)) == 0:
        chosen[draw(st.sampled_from(sorted(few)))] = draw(NASTY)
    place = draw(st.sampled_from(["nowhere"] * 12 + ["new", "new/deep", "file", "file/below", "\0", "x" * 300]))
    return {"test_directions": 16, **chosen} | ({} if place == "nowhere" else {"out": place})


def run_sweep(keywords: dict[str, Any]) -> xarray.Dataset:
    """A sweep in a folder of its own, in which a refusal must leave nothing."""
    if not isinstance(keywords.get("out"), str):
        return sweep(**keywords)
    folder = Path(tempfile.mkdtemp())
    (folder / "file").write_text("mine")
    done = False
    try:
        out = folder / keywords["out"]
        made = sweep(**keywords | {"out": out}).load()
        done = True
        assert set(load(out).data_vars) >= set(made.data_vars)
        assert not [path for path in folder.rglob("*") if path.name.startswith(".tmp")]
        return made
    finally:
        left = sorted(path.name for path in folder.iterdir())
        shutil.rmtree(folder)
        assert done or left == ["file"], left


def inspect_sweep(keywords: dict[str, Any], data: xarray.Dataset) -> None:
    """Dimensions and ranges."""
    dims = ["_".join(name) if isinstance(name, tuple) else name for name in keywords["axes"]]
    assert list(data["test_error"].dims) == [*dims, "seed"]
    assert data["test_error"].shape == (*map(len, keywords["axes"].values()), len(keywords["seeds"]))
    inspect_dataset(data)


@st.composite
def refinements(draw: Any) -> dict[str, Any]:
    """Keywords of `refine`."""
    good = {
        "tolerance": st.sampled_from([0.5, 1.0, 2.0]), "interval": st.sampled_from([None, None, 1.0, 10.0]),
        "budget": st.sampled_from([None, 1, 20, 60]), "direction": st.sampled_from(["falling", "rising"]),
        "variable": st.sampled_from(["test_error", "train_loss", "kappa_mean"]), "test_directions": st.just(16),
    }  # fmt: skip
    few = {
        "along": st.sampled_from([{"signal": [0.5, 8.0]}, {"signal": [1, 4, 16]}, {"d": [100, 10**4]}, {"n": [2, 4]},
                                  {"fit.steps": [1, 3]}, {"sigma_0": [1e-6, 1e-2]}]),
        "axes": axes(1), "level": st.sampled_from([0.3, 0.49, 0.0, 5.0]), "seeds": SEEDS,
        "problem": st.just(PROBLEM), "phases": st.just(PHASES[0]),
    }  # fmt: skip
    chosen = draw(spoiled(few | good, keep=(*few, "tolerance")))
    if draw(st.integers(0, 3)) == 0:
        chosen[draw(st.sampled_from(sorted(few)))] = draw(
            NASTY | st.sampled_from([{"signal": 3}, {"d": [1, NAN]}, {"D": [1, 2]}])
        )
    return chosen


NAN = float("nan")


def inspect_boundary(_: Any, data: xarray.Dataset) -> None:
    """The critical value lies in its interval, and says where it is censored."""
    for value, flag in zip(data["critical"].values.ravel(), data["censored"].values.ravel(), strict=True):
        assert {"no": np.isfinite(value), "below": value in (0.0, -np.inf), "above": value == np.inf,
                "undefined": np.isnan(value)}[flag]  # fmt: skip


@st.composite
def tables(draw: Any) -> dict[str, Any]:
    """Keywords of `critical_values` and `fit_boundary`: a table of errors that fall, with or without a fault."""
    error = np.linspace(0.5, 0.0, 4) + 0.05 * np.random.default_rng(draw(st.integers(0, 5))).random((3, 2, 4))
    error = {"good": error, "nan": np.where(error > 0.5, NAN, error), "huge": error * 1e308, "text": error.astype(str),
             "inf": np.where(error > 0.5, np.inf, error), "flat": 0 * error}[
        draw(st.sampled_from(["good"] * 8 + ["nan", "huge", "text", "inf", "flat"]))
    ]  # fmt: skip
    signal = draw(st.sampled_from([[1.0, 2.0, 4.0, 8.0]] * 6 + [[8, 4, 2, 1], [0, 1, 2, 3], [1, 1, 2, 3], [-1, 1, 2, 3],
                                   [1.0, NAN, 2.0, 3.0], list("abcd"), [1e-308, 1.0, 2.0, 1e308]]))  # fmt: skip
    d = draw(st.sampled_from([[10, 100]] * 5 + [[0, 10], [10, 10], [NAN, 1], ["a", "b"], [10.0, 1e308]]))
    dims = draw(st.sampled_from([("seed", "d", "signal")] * 9 + [("seed", "x", "signal")]))
    array = xarray.DataArray(error, dims=dims, coords={"signal": signal, dims[1]: d}, name="test_error")
    if draw(st.integers(0, 9)) == 0:
        array = draw(
            st.sampled_from([array[:, 0], array[0], array[:0], array[..., :1], array[..., :0], array.transpose()])
        )
    good = {
        "level": st.sampled_from([0.1, 0.25, 0.3, 0.49, 0.01]), "resamples": st.sampled_from([100, 101]),
        "seed": st.sampled_from([0, 7]),
    }  # fmt: skip
    return {"data": array, **draw(spoiled(good, keep=("level", "resamples"))),
            **({} if draw(st.integers(0, 9)) else {"level": draw(NASTY), "resamples": draw(NASTY)})}  # fmt: skip


@st.composite
def crossings(draw: Any) -> dict[str, Any]:
    """Keywords of `critical_values`."""
    chosen = draw(tables())
    if draw(st.booleans()):
        chosen["data"] = chosen["data"].to_dataset(name="test_error")
    good = {
        "along": st.sampled_from(["signal", "signal", "d"]), "direction": st.sampled_from(["falling", "rising"]),
        "spacing": st.sampled_from(["log", "linear"]), "variable": st.sampled_from(["test_error"] * 5 + ["other"]),
    }  # fmt: skip
    return chosen | draw(spoiled(good, often=True))


def _fitted(keywords: dict[str, Any]) -> Boundary:
    return fit_boundary(**({"error": keywords["data"]} | {k: v for k, v in keywords.items() if k != "data"}))


def inspect_fit(keywords: dict[str, Any], found: Boundary) -> None:
    """Critical signals lie on the map or are censored."""
    signal = keywords["data"]["signal"].values.astype(float)
    on_map = (found.signal >= signal.min() * (1 - 1e-12)) & (found.signal <= signal.max() * (1 + 1e-12))
    assert (on_map | (found.signal == 0.0) | ~np.isfinite(found.signal)).all()
    assert found.interval.shape == (len(found.d), 2)


MAP = {
    "d": st.sampled_from([(1000,), (100, 1000), (30,), (25,)]), "signal": st.sampled_from([(4.0,), (2.0, 4.0)]),
    "replicates": st.just(1), "seed": st.sampled_from([0, 3]), "n": st.sampled_from([4, 6]), "m": st.sampled_from([1,
        2]),
    "P": st.sampled_from([2, 3]), "sigma_p": st.sampled_from([1.0, 0.5]), "label_flip": st.sampled_from([0.0, 0.1]),
    "test_directions": st.just(16),
}  # fmt: skip
"""Keywords of `PhaseMap` that are trained in milliseconds."""
SMALL_MAP = ("d", "signal", "replicates", "n", "m", "test_directions")


@st.composite
def maps(draw: Any) -> dict[str, Any]:
    """Keywords of `PhaseMap`; what would take long is left out of what is spoiled."""
    chosen = draw(spoiled(MAP, keep=SMALL_MAP, often=True))
    if draw(st.integers(0, 2)) == 0:
        chosen[draw(st.sampled_from(SMALL_MAP))] = draw(
            NASTY.filter(lambda value: not (isinstance(value, int) and 100 < value < 2**64))
            | st.sampled_from(
                [(1000, 100), (1000, 1000), (1000.0,), ("1000",), (NAN, 1.0), (1000, None), (0, 1), (2**70,)]
            )
        )
    return chosen


def _map(keywords: dict[str, Any]) -> xarray.Dataset:
    return phase_map(PhaseMap(**keywords))


DOORS = (
    Door("sweep", sweeps(), run_sweep, inspect_sweep, quick=40),
    Door("refine", refinements(), lambda keywords: refine(**keywords), inspect_boundary, quick=15),
    Door("critical_values", crossings(), lambda keywords: critical_values(**keywords), inspect_boundary),
    Door("fit_boundary", tables(), _fitted, inspect_fit),
    Door("phase_map", maps(), _map, lambda _, data: inspect_dataset(data), quick=40),
)
