"""Doors that train: `run` of problems, of arrays and of images, and `run_ensemble`."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, RandomLabel, Record, Result, Status, run
from simulate.dynamics.optimizers import SharpMinMax
from simulate.runs.ensemble import Cell, run_ensemble
from simulate.runs.observe import OBSERVABLES
from tests.fuzz.judgement import Door
from tests.fuzz.simulate_values import NASTY, build, dressed, made, spoiled, torn

ENGINES = ("numpy", "numba", "dense")

PROBLEM = {
    "d": st.sampled_from([2, 9, 17, 40, 40, 100, 1000, 1000, 10**9]),
    "n": st.sampled_from([1, 2, 4, 6]),
    "m": st.sampled_from([1, 2]),
    "P": st.sampled_from([2, 3]),
    "signal": st.sampled_from([1e-3, 1.0, 5.0, 1e3]),
    "sigma_p": st.sampled_from([0.1, 1.0, 10.0]),
    "sigma_0": st.sampled_from([1e-6, 1e-3, 1.0]),
    "label_flip": st.sampled_from([0.0, 0.1, 0.499]),
    "forget": st.sampled_from([0.5] * 6 + [0.3, 0.0, 1.0]),
    "noise": st.sampled_from(["orthogonal", "isotropic"]),
    "patches": st.sampled_from(["copied", "independent"]),
}
SCALE = st.sampled_from([0.1, 1.0, 3.0, 1e3])
BEYOND: tuple[dict[str, Any], ...] = (
    {"tails": st.just("student-t"), "degrees_of_freedom": st.sampled_from([2.01, 5.0, 1e5])},
    {"tails": st.just("log-normal"), "log_spread": st.sampled_from([0.1, 1.0, 3.0])},
    {"tails": st.just("two-scales"), "noisy_fraction": st.sampled_from([0.01, 0.5]),
     "noisy_factor": st.sampled_from([2.0, 100.0])},
    {"activation": st.just("leaky"), "leak": st.sampled_from([0.01, 0.5])},
    {"activation": st.just("power"), "power": st.sampled_from([2, 2, 3, 8])},
    {"eigenvalues": st.sampled_from([(9.0, 1.0), (1.0, 0.0), (0.5, 0.5)]),
     "multiplicities": st.sampled_from([(2,), (1,)]), "signal_block": st.sampled_from([None, None, 0, 1])},
    {"eigenvalues": st.just((9.0, 1.0)), "multiplicities": st.just((3,)), "lean_block": st.just(0),
     "lean_angle": st.sampled_from([1.0, 45.0])},
    {"patches": st.just("independent"), "P": st.just(3), "patch_scales": st.tuples(SCALE, SCALE)},
    {"class_scales": st.tuples(SCALE, SCALE)},
)  # fmt: skip
"""What else a problem can say, each with all that it needs: tails, activations, blocks of eigenvalues, scales."""
LR, BATCH = st.sampled_from([1e-3, 0.1, 10.0]), st.sampled_from([None] * 5 + [1, 1, 2, 7])
TAU, MIXING = st.sampled_from([0.0, 0.03, 1.0, 100.0]), st.sampled_from([0.0, 0.5, 1.0])
RARELY = st.sampled_from([False, False, False, True])
SGDS = {"lr": LR, "batch": BATCH}
SAMS = {
    **SGDS, "tau": TAU, "mixing": MIXING, "adaptive": RARELY, "on": st.sampled_from(["joint", "retain", "forget"]),
    "sharpness": st.sampled_from(["min", "max"]),
}  # fmt: skip
MINMAX = {
    **SGDS, "tau": TAU, "tau_forget": st.none() | TAU, "mixing": MIXING, "adaptive": RARELY,
    "fraction": st.sampled_from([0.0, 0.3, 0.5, 1.0]), "polarity": st.sampled_from(["top", "bottom"]),
    "partition": st.sampled_from(["filter", "filter", "coordinate"]),
}  # fmt: skip
OBJECTIVES = {
    Loss: {"on": st.sampled_from(["all", "retain", "forget"])},
    NegGrad: {"alpha": st.sampled_from([0.0, 0.3, 1.0]), "reduction": st.sampled_from(["mean", "sum"])},
    RandomLabel: {"flip": st.sampled_from([0.0, 0.5, 1.0])},
}
OPTIMIZERS = {SGD: SGDS, SAM: SAMS, SharpMinMax: MINMAX}
RULES = {
    "steps": st.sampled_from([0, 1, 2, 3]),
    "stop_loss": st.sampled_from([None, 0.0, 0.5, 1e9]),
    "stop_forget_below": st.sampled_from([None, None, 0.5, 1.0]),
    "stop_forget_above": st.sampled_from([None, None, 0.0, 0.5]),
    "stop_forget_loss_above": st.sampled_from([None, None, 0.0, 0.7, "a"]),
    "aside": st.sampled_from([False, False, True]),
}
RECORD = {
    "every": st.sampled_from([None, 1, 2, 100]),
    "points": st.sampled_from([2, 3, 40]),
    "observe": st.lists(st.sampled_from(sorted(OBSERVABLES)), max_size=3).map(tuple),
    "tau": st.sampled_from([None, 0.1, 10.0]),
}


@st.composite
def phases(draw: Any, keep: tuple[str, ...] = ()) -> list[Any]:
    """One to three phases of every kind, with names that may repeat."""
    return [_phase(draw, name) for name in draw(st.sampled_from([["a"]] * 12 + [["a", "b"]] * 6 + [["a", "a"], []]))]


def _phase(draw: Any, name: str) -> Any:
    objective = draw(st.sampled_from([Loss, NegGrad, RandomLabel]))
    sharp = [SharpMinMax] if objective is NegGrad else []
    optimizer = draw(st.sampled_from([SGD, SAM, *sharp]))
    mute = {"adaptive", "partition"} if draw(st.integers(0, 3)) else set()
    options = {name: values for name, values in OPTIMIZERS[optimizer].items() if name not in mute}
    values = draw(st.sampled_from([None] * 29 + [NASTY]))
    whole = draw(spoiled(RULES, keep=("steps",)))
    parts = {
        "name": name,
        "objective": build(objective, draw(spoiled(OBJECTIVES[objective]))) if values is None else draw(values),
        "optimizer": build(optimizer, draw(spoiled(options))),
    }
    return build(Phase, {**whole, **parts})


def _problem(draw: Any) -> Any:
    more: dict[str, Any] = {}
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        more |= draw(st.sampled_from(BEYOND))
    chosen = draw(spoiled({**PROBLEM, **more}, keep=("n", "m", "forget", *more)))
    if more and draw(st.integers(0, 11)) == 0:
        chosen[draw(st.sampled_from(sorted(more)))] = draw(NASTY)
    return build(Problem, chosen)


@st.composite
def runs(draw: Any) -> dict[str, Any]:
    """Keywords of `run` for a problem."""
    options = {
        "seed": st.sampled_from([None, 0, 1, 2**40]), "engine": st.sampled_from(ENGINES),
        "test_directions": st.sampled_from([16, 17, 64]),
    }  # fmt: skip
    chosen = draw(spoiled(options)) | {"problem": _problem(draw), "phases": draw(phases())}
    if draw(st.integers(0, 2)) == 0:
        chosen["record"] = build(Record, draw(spoiled(RECORD)))
    chosen.setdefault("test_directions", 16)
    return chosen


def train(keywords: dict[str, Any]) -> Result:
    """Train twice with the same seed."""
    result = run(**{name: made(value) for name, value in keywords.items()})
    again = run(**{name: made(value) for name, value in keywords.items()})
    assert result.kappa.tobytes() == again.kappa.tobytes()
    assert result.zeta.tobytes() == again.zeta.tobytes()
    assert repr(result.test_error) == repr(again.test_error)
    return result


def inspect_run(keywords: dict[str, Any], result: Result) -> None:
    """Shapes, ranges, and the other engine's numbers."""
    inspect_result(result)
    engine = keywords.get("engine", "numba")
    other = {"numpy": "numba", "numba": "numpy"}.get(engine)
    if other is None or result.status is Status.NONFINITE or not result.kink_margin > 1e-6:
        return
    twin = run(**{name: made(value) for name, value in keywords.items()} | {"engine": other})
    assert twin.status is result.status
    for mine, theirs in ((result.kappa, twin.kappa), (result.zeta, twin.zeta)):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-10 * np.abs(theirs).max(initial=0.0))


def inspect_result(result: Result) -> None:
    """What holds for every result."""
    n, m = result.instance.n, result.instance.m
    assert isinstance(result.status, Status)
    assert result.kappa.shape == (2, m)
    assert result.zeta.shape[:3] == (2, m, n)
    for name in ("test_error", "retain_accuracy", "forget_accuracy"):
        assert np.isnan(getattr(result, name)) or 0.0 <= getattr(result, name) <= 1.0, name
    if result.status is not Status.NONFINITE:
        assert np.isfinite(result.kappa).all()
        assert np.isfinite(result.zeta).all()
        assert np.isfinite(result.train_loss)
        assert result.train_loss >= 0.0
        sizes = {"retain": n - result.instance.forget.sum(), "forget": result.instance.forget.sum()}
        for name, size in sizes.items():
            assert np.isnan(getattr(result, f"{name}_accuracy")) == (size == 0)
        if result.instance.noise_law is not None:
            assert np.isfinite(result.test_error)
            assert result.test_error_se >= 0.0
    steps = result.trace["step"].values
    assert (np.diff(steps) >= 0).all()


# --- arrays and images -------------------------------------------------------------------------------------------


@st.composite
def arrays(draw: Any) -> dict[str, Any]:
    """Keywords of `Instance.from_arrays`, in any dress, and of a run on it."""
    n, m, d, P = draw(st.sampled_from([(1, 1, 3, 2), (4, 2, 3, 2), (5, 2, 12, 3), (3, 1, 40, 2)]))
    normal = np.random.default_rng(draw(st.integers(0, 3))).standard_normal
    xi = normal((n, P - 1, d)) if P > 2 and draw(st.booleans()) else normal((n, d))
    held = np.concatenate([xi, xi])
    good = {
        "phi": normal(d), "xi": xi, "w0": normal((2, m, d)), "y": np.where(normal(n) > 0, 1, -1),
        "forget": normal(n) > 0.5, "y_true": np.where(normal(n) > 0, 1.0, -1.0),
        "test_xi": held, "test_y": np.where(normal(2 * n) > 0, 1, -1),
    }  # fmt: skip
    chosen: dict[str, Any] = {name: draw(dressed(array)) for name, array in good.items()} | {"P": P}
    tested = draw(st.sampled_from(["law"] * 4 + ["set"] * 4 + ["none", "none", "both", "half"]))
    dropped = {"law": ["test_xi", "test_y"], "none": ["test_xi", "test_y"], "half": ["test_y"]}.get(tested, [])
    chosen = {name: value for name, value in chosen.items() if name not in dropped}
    if tested in ("law", "both"):
        chosen["sigma_p"] = draw(st.sampled_from([0.5, 1.0]))
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 1, 2]))):
        name = draw(st.sampled_from(sorted(chosen)))
        chosen[name] = draw(torn(good[name]) if name in good and draw(st.booleans()) else NASTY)
    chosen |= draw(spoiled({"space": st.sampled_from(["frame", "ambient"]), "seed": st.just(3)}))
    return {"arrays": chosen, "phases": draw(phases()), "engine": draw(st.sampled_from(ENGINES))}


@st.composite
def images(draw: Any) -> dict[str, Any]:
    """Keywords of `Instance.from_images` and of a run on it."""
    shape = draw(st.sampled_from([(12, 3, 3), (9, 4), (20, 2, 2, 3), (6, 1)]))
    pixels = np.random.default_rng(draw(st.integers(0, 3))).random(shape)
    labels = np.arange(shape[0]) % 3
    texts = np.array(["cat", "dog", "cow"])[labels]
    named = draw(st.booleans())
    good = {
        "classes": st.sampled_from([("cat", "dog"), ("dog", "cow")] if named else [(0, 1)] * 4 + [(2, 0), (0, 7)]),
        "m": st.sampled_from([1, 2]), "sigma_0": st.sampled_from([1e-3, 1.0]),
        "forget": st.sampled_from([0.0, 0.3, 1.0]), "test": st.sampled_from([0.0, 0.3, 0.99]),
        "P": st.sampled_from([2, 3]), "space": st.sampled_from(["frame", "ambient"]), "seed": st.sampled_from([0, 5]),
    }  # fmt: skip
    chosen = draw(spoiled(good, keep=("classes",)))
    given = {"images": draw(dressed(pixels) | st.just((255 * pixels).astype(np.uint8))),
             "labels": draw(dressed(texts if named else labels))}  # fmt: skip
    fault = draw(st.sampled_from([None] * 8 + ["images", "labels", "classes"]))
    if fault is not None:
        spoilt = {"images": torn(pixels), "labels": torn(labels), "classes": NASTY}[fault]
        (chosen if fault == "classes" else given)[fault] = draw(spoilt | NASTY)
    return {"images": given | chosen, "phases": draw(phases()), "engine": draw(st.sampled_from(ENGINES))}


def _on_arrays(keywords: dict[str, Any]) -> Result:
    instance = Instance.from_arrays(**keywords["arrays"])
    return run(instance, made(keywords["phases"]), engine=keywords["engine"], test_directions=16)


def _on_images(keywords: dict[str, Any]) -> Result:
    instance = Instance.from_images(**keywords["images"])
    return run(instance, made(keywords["phases"]), engine=keywords["engine"], test_directions=16)


# --- ensembles ---------------------------------------------------------------------------------------------------


@st.composite
def ensembles(draw: Any) -> dict[str, Any]:
    """Keywords of `run_ensemble`."""
    cell = st.builds(lambda: build(Cell, {"problem": _problem(draw), "phases": draw(phases()), "seed": draw(SEEDS)}))
    good = {
        "engine": st.sampled_from(ENGINES), "test_directions": st.sampled_from([16, 20]),
        "observe": st.lists(st.sampled_from(sorted(OBSERVABLES)), max_size=2), "tau": st.sampled_from([None, 0.5]),
    }  # fmt: skip
    cells = [draw(cell) for _ in range(draw(st.sampled_from([0, 1, 1, 2])))]
    return {"test_directions": 16, **draw(spoiled(good)), "cells": cells}


SEEDS = st.sampled_from([0, 1, 5, 5, 2**62, -1, None, "0", 1.0])


def _ensemble(keywords: dict[str, Any]) -> Any:
    return run_ensemble(**{name: made(value) for name, value in keywords.items()})


def inspect_ensemble(keywords: dict[str, Any], data: Any) -> None:
    """What holds for every dataset of trainings."""
    cells = keywords["cells"]
    assert data.sizes.get("cell", 0) == len(cells)
    if cells:
        inspect_dataset(data)


def inspect_dataset(data: Any) -> None:
    """Ranges of what every training leaves."""
    ended = data["status"].values != "nonfinite"
    for name in ("test_error", "retain_accuracy", "forget_accuracy"):
        values = data[name].values
        assert (np.isnan(values) | ((values >= 0.0) & (values <= 1.0))).all(), name
    for name in ("test_error", "kappa_mean", "train_loss"):
        assert np.isfinite(data[name].values[ended]).all(), name


DOORS = (
    Door("run", runs(), train, inspect_run, quick=60),
    Door("from_arrays", arrays(), _on_arrays, lambda _, result: inspect_result(result)),
    Door("from_images", images(), _on_images, lambda _, result: inspect_result(result), quick=50),
    Door("run_ensemble", ensembles(), _ensemble, inspect_ensemble),
)
