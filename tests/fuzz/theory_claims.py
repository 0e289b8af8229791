"""Doors of `theory` that judge: claims, regions and evidence, the laboratory, and its command line."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from simulate import SGD, Loss, Phase, Problem
from simulate.house.verdicts import decide
from simulate.runs.ensemble import Cell
from simulate.runs.observe import OBSERVABLES
from tests.fuzz.judgement import Door, Refusal, Told, command
from tests.fuzz.simulate_commands import WORDS, house, typed
from tests.fuzz.simulate_runs import inspect_dataset
from tests.fuzz.simulate_values import NASTY, OFTEN, spoiled
from tests.theory.cases import FAILED_CONTROL, FALSE_EFFECT, NO_EFFECT, claim
from tests.theory.ledger.atlas.made_up import STOP, WEIGHT
from theory import claims as registry
from theory.cli import main
from theory.experiments.lab import Lab
from theory.ledger import Claim, Control, Evidence, Ledger, Region, Verdict, run_claims
from theory.ledger.claim import FAMILIES
from theory.ledger.registry import named
from theory.page import page
from theory.statistics import Estimate, exact

NAN, INF = math.nan, math.inf
ENDS = st.sampled_from([0.0, 1.0, -1.0, 0.25, 1e308, -1e308, 5e-324, INF, -INF, 3, np.float64(0.5)])

# --- regions and verdicts ----------------------------------------------------------------------------------------


@st.composite
def judged(draw: Any) -> dict[str, Any]:
    """A region, given by its ends or around a value, and an interval."""
    names = draw(st.sampled_from([("low", "high"), ("value", "margin")]))
    region = draw(spoiled(dict.fromkeys(names, ENDS), keep=names if names[0] == "value" else ()))
    if draw(OFTEN):
        region[draw(st.sampled_from(names))] = draw(NASTY)
    low, high = sorted([draw(ENDS), draw(ENDS)])
    return {
        "around": names[0] == "value",
        "region": region,
        "interval": draw(st.sampled_from([(low, high)] * 5 + [(NAN, NAN)])),
    }


def _judge(asked: dict[str, Any]) -> tuple[Region, Verdict]:
    region = (Region.around if asked["around"] else Region)(**asked["region"])
    assert str(region)
    return region, decide(asked["interval"], region)


def inspect_verdict(asked: dict[str, Any], found: tuple[Region, Verdict]) -> None:
    """Inside is supported, outside refuted, and across the border neither; no region holds all numbers or none."""
    region, verdict = found
    low, high = asked["interval"]
    assert region.low <= region.high
    assert math.isfinite(region.low) or math.isfinite(region.high)
    inside, outside = region.low <= low and high <= region.high, high < region.low or low > region.high
    expected = Verdict.SUPPORTED if inside else Verdict.REFUTED if outside else Verdict.INCONCLUSIVE
    assert verdict is (Verdict.INCONCLUSIVE if math.isnan(low) else expected)


# --- claims ------------------------------------------------------------------------------------------------------

ESTIMATES = st.sampled_from([exact(1.0), exact(0.0), Estimate(1.0, 0.01, 9), Estimate(NAN, NAN, 1), Estimate(1.0, 0.1,
    0),
                             exact(INF), exact(1e308), Estimate(1.0, 1e308, 3)])  # fmt: skip
TEXTS = st.sampled_from(["A text.", "", "<b>&", "ζ" * 200, r"\frac{1}{2}", "$x$", "[S]"])
EVIDENCE = {
    "effect": st.none() | ESTIMATES, "control": ESTIMATES, "n_runs": st.sampled_from([0, 3, 10**6]),
    "details": st.sampled_from([{}, {"aside": exact(0.5)}, {"unknown": Estimate(NAN, NAN, 1)}]),
    "conditions": st.sampled_from([{}, {"inside": (0.5, 0.0)}, {"no_limit": (INF, 1.0)}]),
    "endings": st.sampled_from([{}, {"converged": 1.0}]), "remark": TEXTS,
}  # fmt: skip
CLAIM = {
    "name": st.sampled_from(["a", "a-b.1", "lemma3.1-x", "A", "a b", "", "a--b", "-", "é"]), "title": TEXTS,
    "source": TEXTS,
    "number": st.sampled_from([0, 1, 21]), "statement": st.sampled_from([r"x \leq 1", "x"]), "effect": TEXTS,
    "supported": st.sampled_from([Region.around(1.0, 0.1), Region(low=0.0), Region(high=0.5)]), "refuted_if": TEXTS,
    "experiment": TEXTS, "stopping_rule": TEXTS, "statistic": TEXTS, "family": st.sampled_from(FAMILIES),
    "control": st.just(Control(name="none", region=Region.around(5.0, 0.1))), "measure": st.just(print),
}  # fmt: skip


@st.composite
def claims(draw: Any) -> dict[str, Any]:
    """Keywords of a claim and of its evidence."""
    claim = draw(spoiled(CLAIM, keep=tuple(CLAIM), often=False))
    evidence = draw(spoiled(EVIDENCE, keep=("control", "n_runs", "effect")))
    if draw(OFTEN):
        chosen, field = draw(
            st.sampled_from([(claim, name) for name in CLAIM] + [(evidence, name) for name in EVIDENCE])
        )
        chosen[field] = draw(NASTY)
    return {"claim": claim, "evidence": evidence}


def _ledger(asked: dict[str, Any]) -> Ledger:
    evidence = Evidence(**asked["evidence"])
    made = Claim(**asked["claim"])
    return run_claims([replace(made, measure=lambda lab: evidence)], None, rows=5, seed=0, budget="quick", version="0")


def inspect_ledger(_: Any, ledger: Ledger) -> None:
    """One row, that JSON can hold, and a page."""
    (row,) = json.loads(ledger.to_json())
    assert row["verdict"] in {verdict.value for verdict in Verdict}
    assert (row["interval"] is None) or row["interval"][0] <= row["effect"] <= row["interval"][1]
    assert "<html" in page(ledger, title="T", colors={})


# --- the laboratory ----------------------------------------------------------------------------------------------


def _cell(seed: int, n: Any = 4, signal: Any = 1.0) -> Cell:
    return Cell(Problem(n=n, m=1, d=60, signal=signal), (Phase("fit", Loss(), SGD(lr=0.1), steps=2),), seed)


LAB = {"budget": st.sampled_from(["quick", "full"]), "seed": st.sampled_from([0, 5, 2**40]),
       "images": st.sampled_from([None, None, "nowhere", str(Path(__file__).parent)]),
       "progress": st.none()}  # fmt: skip
GRID = {
    "name": st.sampled_from(["a grid", "x"]), "make": st.just(_cell), "replicates": st.sampled_from([1, 2, 3]),
    "axes": st.sampled_from([{}, {"n": [2, 4]}, {"signal": (1.0, 2.0), "n": [3]}, {"n": np.array([2, 3])}, {"d": [1]},
        {"n": []},
                             {"n": [2, 2]}, {"n": 3}, {"n": [0]}, {"seed": [1]}, {"n": [2], "signal": [None]}, [("n",
                                 [2])]]),
    "test_directions": st.just(16), "tau": st.sampled_from([None, 0.1]),
    "observe": st.lists(st.sampled_from(sorted(OBSERVABLES)), max_size=2).map(tuple),
}  # fmt: skip


@st.composite
def grids(draw: Any) -> dict[str, Any]:
    """Keywords of a laboratory and of its grid."""
    grid = draw(spoiled(GRID, keep=("name", "make", "axes", "replicates", "test_directions"), often=False))
    if draw(OFTEN):
        grid[draw(st.sampled_from(sorted(GRID)))] = draw(NASTY)
    if callable(grid["make"]):  # what a function of the user raises is the user's
        grid["make"] = _cell
    return {"lab": draw(spoiled(LAB)), "grid": grid}


def _gridded(asked: dict[str, Any]) -> Any:
    return Lab(**asked["lab"]).grid(**asked["grid"])


def inspect_grid(asked: dict[str, Any], data: Any) -> None:
    """As many trainings as points and replicates, counted."""
    points = math.prod(len(values) for values in asked["grid"]["axes"].values())
    assert data.attrs["n_runs"] == points * asked["grid"]["replicates"] == data["test_error"].size
    inspect_dataset(data)


# --- command line ------------------------------------------------------------------------------------------------

COSTLESS = (claim("true-effect", choices=(STOP, WEIGHT)), FALSE_EFFECT, FAILED_CONTROL, NO_EFFECT)
NAMES = st.sampled_from(["true-effect", "1", "2", "false-effect", "no-effect", "failed-control", "99", "true effect"])
OUT = st.sampled_from(["new", "new/deep", "folder", "file", "file/below", ".", "\0", "x" * 300, ""])
OPTIONS: dict[str, dict[str, st.SearchStrategy[str]]] = {
    "list": {},
    "show": {},
    "margins": {
        "--problem.d": st.sampled_from(["100", "1" + "0" * 400, "2"]), "--problem.n": st.sampled_from(["1", "50"]),
        "--problem.signal": st.sampled_from(["1", "1e308", "5e-324"]), "--lr": st.sampled_from(["0.1", "1e308", "0"]),
        "--tau": st.sampled_from(["0", "0.1", "-1"]), "--epsilon": st.sampled_from(["0.1", "None", "0"]),
        "--problem.sigma-p": st.sampled_from(["1", "5e-324"]), "--problem.label-flip": st.sampled_from(["0", "0.4",
            "0.5"]),
    },
    "verify": {"--budget": st.sampled_from(["quick", "full", "big"]), "--seed": st.sampled_from(["0", "7", "-1"]),
               "--images": st.sampled_from(["folder", "file", "nowhere", "\0"]), "--out": OUT},
    "atlas": {"--seed": st.sampled_from(["0", "7", "-1"]), "--protocols": st.sampled_from(["1", "4", "0", "x"]),
              "--budget": st.sampled_from(["quick", "big"]), "--processes": st.sampled_from(["1", "0"]), "--out": OUT},
    "stability": {"--seeds": st.sampled_from(["1", "2", "0"]), "--out": OUT.filter(lambda path: path != "file")},
}  # fmt: skip


@st.composite
def words(draw: Any, name: str) -> list[str]:
    """Words of one command."""
    keep = tuple(option for option in ("--out", "--seeds") if option in OPTIONS[name])
    chosen = draw(typed(OPTIONS[name], keep))
    if name in ("verify", "stability"):
        chosen += ["--claims", *draw(st.lists(NAMES, max_size=2))] if draw(st.booleans()) else []
        if keep and not set(keep) <= set(chosen):  # the defaults are folders of the project, and ten seeds
            chosen.append("--no-such-option")
    if name == "atlas":
        chosen += draw(st.lists(NAMES, max_size=2))
        if "--out" not in chosen:
            chosen.append("--no-such-option")
    if name == "show" and draw(st.integers(0, 9)):
        chosen.append(draw(NAMES | WORDS))
    return [name, *chosen]


def _told(typed_words: list[str]) -> Told | Refusal:
    """Run a command line on claims that cost nothing; a refusal leaves the folder as it was."""
    kept = registry.all_claims, registry.find_claims
    registry.all_claims, registry.find_claims = lambda: COSTLESS, lambda names: named(COSTLESS, names)
    try:
        with house() as folder:
            before = sorted(folder.rglob("*"))
            told = command(main, typed_words)
            assert (folder / "file").read_text() == "mine"
            left = sorted(folder.rglob("*"))
            assert not any(path.name.startswith(".") for path in left)
            if isinstance(told, Refusal):
                assert left == before, left
            return told
    finally:
        registry.all_claims, registry.find_claims = kept


def inspect_told(_: Any, told: Told) -> None:
    """Something is printed."""
    assert told.out.strip()


def inspect_named(asked: Any, found: tuple[Claim, ...]) -> None:
    """What was asked for, or all."""
    assert len(found) >= 1
    assert asked or len(found) == len(COSTLESS)


DOORS = (
    Door("Region", judged(), _judge, inspect_verdict),
    Door("Claim", claims(), _ledger, inspect_ledger),
    Door("named", st.lists(NAMES | WORDS | NASTY, max_size=2), lambda asked: named(COSTLESS, asked), inspect_named),
    Door("Lab.grid", grids(), _gridded, inspect_grid, quick=40),
    *(
        Door(f"main {name}", words(name), _told, inspect_told, judged=True, quick=8 if name == "verify" else 25)
        for name in OPTIONS
    ),
)
