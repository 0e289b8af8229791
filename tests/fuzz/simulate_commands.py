"""Command lines and files: `python -m simulate run | map | sweep | verify`, TOML, and what sliders stand for."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import strategies as st

from simulate import Phase, Problem
from simulate.cli import main
from simulate.cli import verify as cli_verify
from simulate.cli.phrases import parse_phase
from simulate.interactive.map_settings import DIMENSIONS, SIGNALS, MapSettings
from simulate.interactive.trajectory_settings import TrajectorySettings
from simulate.runs.ensemble import Cell
from tests.fuzz.judgement import Door, Refusal, Told, command
from tests.fuzz.simulate_values import spoiled

WORDS = st.sampled_from(
    ["", "0", "1", "2", "-1", "0.5", "1e308", "1e400", "nan", "inf", "-inf", "1" + "0" * 400, "None", "none", "True",
        "x",
     "--", "-", "--help", "1 2", "ζ", "[1]", "1,2", "\0", "../..", "1_000", "0x10", "SGD", "'", '"', "%s", "{}", "\n"]
)  # fmt: skip
"""What may be typed in the place of anything."""

FIT = "fit, Loss(), SGD(lr=0.1), steps=2"
PHRASES = st.sampled_from(
    [FIT, FIT, FIT, "un, NegGrad(alpha=0.5), SAM(lr=0.1, tau=0.1), steps=1", "u, NegGrad(), SharpMinMax(), steps=1",
     "r, RandomLabel(flip=0.5), SGD(batch=2), steps=2", "a, Loss(on='retain'), SAM(on='retain'), steps=0"]
)  # fmt: skip
BAD_PHRASES = st.sampled_from(
    ["", ",", "fit", "fit,", "fit, Loss", "fit, Los(), SGD()", "fit, Loss(), SGD(lr=-1)", "fit, Loss(), SGD(lr=1e999)",
     "fit, Loss(), SGD(), steps=-1", "fit, Loss(), SGD(), stops=1", "fit, Loss(), SGD(), steps=1, steps=2",
     "1, Loss(), SGD()",
     "fit, Loss(), SGD(lr)", "fit, Loss(), SGD(*[1])", "fit, Loss(), SGD(**{})",
     "fit, Loss(), SGD(), 1, 2, 3, 4, 5, 6, 7",
     "fit, __import__('os').system('x'), SGD()", "fit, Loss(), SGD()) + (1", "fit, Loss(), SGD(lr='0.1')",
     "fit, (Loss(), SGD())",
     "fit, Loss(), SGD(), steps=" + "9" * 5000, "fit, " + "(" * 200, "fit, Loss(), SGD(lr={[]: 1})", "\0",
         "fit, Loss(\0)",
     "ü, Loss(), SGD(), steps=1", "fit, Loss(), SGD(lr=1j)", "fit, Loss(on=1), SGD()", "fit, lambda: 0",
     "fit, Loss()(), SGD()",
     "fit, Loss(), SGD(lr=0.1**-2)", "fit, -Loss(), SGD()", "fit; Loss()", "fit, Loss(), SAM(tau=None)",
     "fit, Loss(), Loss()",
     "fit, Loss(), f'{1}'", "fit, Loss(), SGD(lr=1_0.5)", "fit, " + "-" * 3000 + "1", "fit, " + "[" * 99 + "]" * 99]
)  # fmt: skip

SMALL = {
    "--problem.n": st.sampled_from(["4", "2", "1"]), "--problem.m": st.sampled_from(["1", "2"]),
    "--problem.d": st.sampled_from(["40", "1000", "7"]), "--problem.forget": st.sampled_from(["0.5", "0.5", "0.0"]),
    "--test-directions": st.just("16"), "--engine": st.sampled_from(["numpy", "numba", "dense"]),
    "--problem.noise": st.sampled_from(["isotropic", "orthogonal"]), "--seed": st.sampled_from(["0", "3"]),
    "--record.every": st.sampled_from(["1", "None"]), "--record.tau": st.just("0.1"),
    "--record.observe": st.just("loss"),
    "--problem.P": st.sampled_from(["2", "3"]), "--problem.patches": st.sampled_from(["copied", "independent"]),
    "--problem.class-scales": st.sampled_from(["1 3", "0.5 2", "1"]),
    "--problem.patch-scales": st.sampled_from(["1 3", "1"]),
    "--problem.tails": st.sampled_from(["gaussian", "student-t"]), "--problem.degrees-of-freedom": st.just("5"),
}  # fmt: skip
OUT = st.sampled_from(["new.zarr", "new/deep.zarr", "file", "file/below", "folder", ".", "", "\0", "x" * 300])


@st.composite
def composed(draw: Any) -> str:
    """A phase of good parts, as it may be written."""
    parts = [draw(st.sampled_from(["fit", " a_1 ", "'x'", "ü"]))]
    parts.append(
        draw(st.sampled_from(["Loss()", "Loss(on='retain')", "NegGrad(alpha=0.5)", "RandomLabel( flip = 1 )"]))
    )
    parts.append(
        draw(st.sampled_from(["SGD()", "SGD(lr=1e-3, batch=2)", "SAM(tau=0.5)", "SharpMinMax()", "SAM(lr=-1)"]))
    )
    options = ["steps=3", "stop_loss=0.5", "stop_forget_below=0", "steps=True", "stop_loss='x'", "unknown=1"]
    parts += draw(st.lists(st.sampled_from(options), max_size=2))
    return draw(st.sampled_from([", ", ","])).join(parts)


@st.composite
def typed(draw: Any, options: Mapping[str, st.SearchStrategy[str]], keep: tuple[str, ...]) -> list[str]:
    """Options as they are typed, in which a word or two are replaced, missing, doubled or unknown."""
    words: list[str] = []
    for name, values in options.items():
        if name in keep or draw(st.integers(0, 3)) == 0:
            words += [name, *draw(values).split(" ")]
    for _ in range(draw(st.sampled_from([0] * 6 + [1] * 4 + [2]))):
        kind, place = draw(st.integers(0, 5)), draw(st.integers(0, max(0, len(words) - 1)))
        if kind <= 2 and words:
            words[place] = draw(WORDS)
        elif kind == 3 and words:
            del words[place]
        else:
            words.insert(place, draw(WORDS | st.sampled_from(["--unknown", "--problem", "--problem.N", "-h", "run"])))
    return words


@st.composite
def run_words(draw: Any) -> list[str]:
    """Words after `run`."""
    words = draw(typed(SMALL, ("--problem.n", "--problem.m", "--problem.d", "--problem.forget", "--test-directions")))
    phrases = [draw(PHRASES)]
    if draw(st.integers(0, 2)) == 0:
        phrases.append(draw(PHRASES | BAD_PHRASES | WORDS))
    if draw(st.integers(0, 4)) == 0:
        words += ["--out", draw(OUT)]
    return ["run", *words, "--phases", *phrases]


MAPPED = {
    "--grid.d": st.sampled_from(["1000", "30", "8"]), "--grid.signal": st.sampled_from(["4", "1"]),
    "--grid.n": st.sampled_from(["4", "6"]), "--grid.m": st.sampled_from(["1", "2"]), "--grid.replicates": st.just("1"),
    "--grid.test-directions": st.just("16"), "--level": st.sampled_from(["0.3", "0.5", "0.1"]),
    "--grid.label-flip": st.sampled_from(["0.0", "0.1"]), "--grid.seed": st.just("3"), "--out": OUT,
}  # fmt: skip
SMALL_MAP = tuple(name for name in MAPPED if name not in ("--grid.label-flip", "--grid.seed", "--level"))


@st.composite
def map_words(draw: Any, name: str) -> list[str]:
    """Words after `map` or `verify`; those that would train for long are kept."""
    words = draw(typed(MAPPED, SMALL_MAP))
    return [name, *words] if set(SMALL_MAP) <= set(words) or "--help" in words else [name, *words, "--no-such-option"]


Texts = dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
TOML: Texts = {
    "phases": ((f'["{FIT}"]', f'["{FIT}", "un, NegGrad(), SGD(lr=0.1), steps=1"]'), ("[]", "3", "['x']", f'"{FIT}"')),
    "seeds": (("1", "2", "[0, 3]"), ("0", "[]", "[1, 1]", "-1", "1.5", "true", "'1'", "10_000_000_000")),
    "test_directions": (("16",), ("15", "'16'")),
    "engine": (("'numpy'", "'dense'", "'numba'"), ("'numbas'", "3")),
    "observe": (("['loss']", "[]"), ("'loss'", "[1]", "['loss', 'loss']")),
    "chunk": (("1", "100"), ("0", "1.5")),
    "tau": (("0.1",), ("-1.0", "nan", "inf")),
    "out": (("'a.zarr'",), ("3", "''")),
}
"""Keys of a file with values that fit and values that do not."""
PROBLEM: Texts = {
    "n": (("4", "2"), ("0", "nan", "'4'", "1")),
    "m": (("1", "2"), ("-1",)),
    "d": (("40", "1000"), ("5", "1e3")),
    "forget": (("0.5",), ("2.0", "[]", "1979-05-27", "0.0")),
    "sigma_0": (("0.1",), ("inf",)),
}
SPACED = "{start = 40, stop = 1000, points = 2"
TABLE: Texts = {
    "d": (("[40, 50]", SPACED + "}", SPACED + ", spacing = 'log'}"),
          ("[]", "40", "[40, 40]", "{start = 40}", "{}", "{start = 10, stop = 1e400, points = 2}",
           SPACED + ", spacing = 'sqrt'}", "{start = 1, stop = inf, points = 2}")),
    "signal": (("[1.0, 2]", "{start = 1, stop = 2, points = 2}"),
               ("['x']", "[[1.0]]", "{a = [1]}", "[true]", "[nan]",
                "{start = 0, stop = 1, points = 2, spacing = 'log'}")),
    "fit.optimizer": (("['SGD()', 'SAM()']",), ("['SGD']", "[3]", "['SGD() + 1']")),
    "fit.lr": (("[0.1, 1.0]",), ("[0.0]", "0.1")),
    '"label_flip, P"': (("[[0.0, 2], [0.1, 3]]",), ("[[40]]", "[40]", "40")),
    '"fit.steps, fit.stop_loss"': (("[[1, 0.1], [2, 0.2]]",), ("[[]]",)),
}  # fmt: skip
BROKEN = st.sampled_from(["", "[", "x = ", "problem = 3", "[axes]", "seed = 3", "\0", "é = 1",
    "[coupled]\nsigma_0 = '1/0'",
                          "[coupled]\nsigma_0 = 3", "[coupled]\nx = '1'", "[coupled.fit]\nlr = '1/d'",
                          "[a.b.c]\nd = 1"])  # fmt: skip


@st.composite
def configs(draw: Any) -> dict[str, Any]:
    """The text of a TOML file, and the words after `sweep`."""

    def lines(table: Texts, keep: Sequence[str], rare: int) -> list[str]:
        chosen = {}
        for key, (good, bad) in table.items():
            if key in keep or draw(st.integers(0, rare)) == rare:
                chosen[key] = draw(st.sampled_from(bad if draw(st.integers(0, 15)) == 15 else good))
        return [f"{key} = {value}" for key, value in chosen.items()]

    keep = ("phases", "seeds", "test_directions") if draw(st.integers(0, 9)) else ()
    always = ("n", "m", "d", "forget")
    text = [*lines(TOML, keep, 7), "[problem]", *lines(PROBLEM, always, 6), "[axes]", *lines(TABLE, (), 4)]
    if draw(st.integers(0, 9)) == 9:
        text.insert(draw(st.integers(0, len(text))), draw(BROKEN))
    out = draw(st.sampled_from(["new.zarr"] * 12 + ["file", "folder", "\0", ""]))
    config = draw(st.sampled_from(["config.toml"] * 20 + ["nowhere.toml", "folder", "\0", "file"]))
    words = ["sweep", "--config", config, *(["--out", out] if draw(st.integers(0, 7)) else [])]
    return {"text": "\n".join(text), "words": words}


# --- entering ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def house() -> Iterator[Path]:
    """A folder to work in with a file, a folder and a configuration in it; it goes afterwards."""
    before, folder = Path.cwd(), Path(tempfile.mkdtemp())
    try:
        os.chdir(folder)
        Path("file").write_text("mine")
        Path("folder").mkdir()
        yield folder
    finally:
        os.chdir(before)
        shutil.rmtree(folder)


def whole_or_nothing(words: list[str], files: Mapping[str, str]) -> Told | Refusal:
    """Run a command line; a refusal leaves the folder as it was, and a result no temporary file."""
    with house() as folder:
        for name, text in files.items():
            (folder / name).write_text(text)
        before = sorted(path for path in folder.rglob("*"))
        told = command(main, words)
        after = sorted(path for path in folder.rglob("*"))
        assert (folder / "file").read_text() == "mine"
        assert not any(path.name.startswith(".new") for path in after)
        if isinstance(told, Refusal):
            assert after == before, [path for path in after if path not in before]
    return told


def _verify(words: list[str]) -> Told | Refusal:
    """`verify` without the digits, which take seconds and have no options."""
    without = mock.patch.multiple(cli_verify, unlearn_digits=mock.DEFAULT, _write_digits=mock.DEFAULT)
    with without:
        return whole_or_nothing(words, {})


def inspect_told(_: Any, told: Told) -> None:
    """Something is printed, and nothing of it is NaN but what has no value."""
    assert told.status == 0
    assert told.out.strip()


# --- texts and sliders -------------------------------------------------------------------------------------------

TRAJECTORY = {
    "d": st.sampled_from([10**3, 10**9, 50, 2]), "n": st.sampled_from([20, 4, 2]), "signal": st.sampled_from([4.0,
        0.1, 1e3]),
    "label_flip": st.sampled_from([0.0, 0.3]), "forget": st.sampled_from([0.1, 0.5]), "alpha": st.sampled_from([0.0,
        0.7, 1.0]),
    "pretraining": st.sampled_from(["SGD", "SAM"]), "optimizer": st.sampled_from(["SGD", "SAM", "SharpMinMax"]),
    "tau": st.sampled_from([0.0, 1.0, 10.0]), "stop": st.sampled_from([0.0, 0.5, 1.0]), "seed": st.sampled_from([0, 7]),
}  # fmt: skip
MAP = {
    "optimizer": st.sampled_from(["SGD", "SAM"]), "n": st.sampled_from([20, 10]), "sigma_p": st.sampled_from([0.1,
        1.0]),
    "label_flip": st.sampled_from([0.0, 0.1]), "tau": st.sampled_from([0.0, 1.0]), "level": st.sampled_from([0.3,
        0.45]),
    "replicates": st.sampled_from([1, 2]), "seed": st.sampled_from([0, 5]),
}  # fmt: skip


def _trajectory(keywords: dict[str, Any]) -> Any:
    settings = TrajectorySettings(**keywords)
    return settings.problem, settings.phases


def _map_cell(keywords: dict[str, Any]) -> Cell:
    settings = MapSettings(**keywords)
    return settings.cell(DIMENSIONS[-1], SIGNALS[-1] * settings.sigma_p, settings.seed)


def inspect_settings(_: Any, made: Any) -> None:
    """A problem with its phases."""
    problem, phases = (made.problem, made.phases) if isinstance(made, Cell) else made
    assert isinstance(problem, Problem)
    assert all(isinstance(phase, Phase) for phase in phases)


def inspect_phrase(_: str, phase: Phase) -> None:
    """A phase whose parts, as Python writes them, read back as itself."""
    parts = [f"{field.name}={getattr(phase, field.name)!r}" for field in fields(phase) if field.name != "name"]
    assert parse_phase(", ".join([phase.name, *parts])) == phase


DOORS = (
    Door("parse_phase", composed() | composed() | BAD_PHRASES | st.text(max_size=30).map("fit, Loss({}), SGD()".format),
         parse_phase, inspect_phrase),
    Door("TrajectorySettings", spoiled(TRAJECTORY, often=True), _trajectory, inspect_settings),
    Door("MapSettings", spoiled(MAP, often=True), _map_cell, inspect_settings),
    Door("main run", run_words(), lambda words: whole_or_nothing(words, {}), inspect_told, judged=True, quick=12),
    Door("main map", map_words("map"), lambda words: whole_or_nothing(words, {}), inspect_told, judged=True, quick=8),
    Door("main verify", map_words("verify"), _verify, inspect_told, judged=True, quick=8),
    Door("main sweep", configs(), lambda asked: whole_or_nothing(asked["words"], {"config.toml": asked["text"]}),
         inspect_told, judged=True, quick=12),
)  # fmt: skip
