"""Every public door of paper_figs, with made-up figures: a right result or one clear error, no half-written file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest
import xarray
from hypothesis import strategies as st
from matplotlib.figure import Figure

from paper_figs import registry
from paper_figs.cli import main
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import Sheet, figure, table
from paper_figs.workshop.store import Store
from paper_figs.workshop.tabular import Table
from tests.fuzz.deepnet_values import ODD, Draw, among, spoilt
from tests.fuzz.judgement import LeakError, ended, heads, outcome, waiting

TEXTS = among("", "-1", "nan", "a b", "../x", "--", "é", "None", "9" * 400, "png,pdf")


def drawn_like(name: str, draw: Callable[[Results], Any]) -> Callable[[Results], Any]:
    """A function that draws, in a module of its own by name only."""
    draw.__module__ = f"tests.fuzz.test_paper_figs_doors.{name}"
    return draw


def lines(results: Results) -> tuple[Figure, Caption]:
    """A figure without data."""
    made = Figure()
    made.add_subplot().plot([0, 1])
    return made, Caption(answers="It does.", shows="A line.")


def cells(results: Results) -> tuple[Table, Caption]:
    """A table without data."""
    return Table(heads=("a", "b"), rows=(("1", "2"),)), Caption(shows="Two numbers.")


def missing(results: Results) -> tuple[Figure, Caption]:
    """A figure of a study that is not there."""
    results.deep_files("nothing.csv")
    return lines(results)


@cache
def sheets() -> tuple[Sheet, ...]:
    """A figure, a table, and a figure whose results are missing."""
    import sys

    made = []
    for name, draw, make in (("first", lines, figure), ("second", cells, table), ("third", missing, figure)):
        sys.modules[f"tests.fuzz.test_paper_figs_doors.{name}"] = sys.modules[__name__]
        asked: dict[str, Any] = {} if make is table else {"asks": "Does it rise?"}
        made.append(make(drawn_like(name, draw), number=len(made) + 1, **asked))
    return tuple(made)


def in_a_folder(enter: Callable[[Path], str]) -> str:
    """Enter a door that writes below a folder; what it leaves there is whole."""
    folder = Path(mkdtemp(prefix="fuzz-"))
    try:
        result = enter(folder)
        left = [path for path in folder.rglob("*") if path.is_file() and ".zarr" not in str(path)]
        assert {path.suffix for path in left} <= {".pdf", ".png", ".svg", ".tex", ".md", ""}
        assert all(path.stat().st_size for path in left)
        return result
    finally:
        shutil.rmtree(folder)


@st.composite
def command_lines(draw: Draw) -> Callable[[], str]:
    """`python -m paper_figs NAME... [OPTIONS]` and `list`."""
    words = draw(st.lists(among(*["first", "second"] * 4, "third", "all", "seconds", "list", "", "é"), max_size=2))
    valid: Mapping[str, st.SearchStrategy[Any]] = {
        "--budget": among("quick", "full"), "--formats": among("png", "pdf", "svg"),
        "--preset": among("digits", "digits", "nowhere"),
    }  # fmt: skip
    for option in draw(st.lists(among(*valid), max_size=2)):
        value = draw(TEXTS) if draw(among(*[False] * 6, True)) else draw(valid[option])
        words += [option, value]
    words += draw(among(*[[]] * 8, ["--unknown", "1"], ["--formats"], ["-x"], ["--help"]))
    if draw(among(False, False, False, False, True)):
        words = ["list", *draw(among([], [], ["first"], ["--budget"], ["--help"]))]
    place = draw(among("out", "out", "out", "deep/er", "taken"))

    def enter(folder: Path) -> str:
        (folder / "taken").write_text("a file\n")
        return ended(main, words if words[:1] == ["list"] else [*words, "--out", str(folder / place)])

    return lambda: in_a_folder(enter)


@st.composite
def calls(draw: Draw) -> Callable[[], str]:
    """A sheet, called as a function."""
    sheet = draw(among(0, 0, 1, 2))
    fields = {
        "budget": draw(among("quick", "full")),
        "formats": draw(among(*[("png",), ["pdf"], ("svg",)] * 3, (), ("bmp",), "png", (1,))),
        "preset": draw(among("digits", "digits", "nowhere")),
    }  # fmt: skip
    if draw(among(*[False] * 4, True)):
        fields[draw(among("budget", "formats", "preset", "unknown_key"))] = draw(ODD)

    def enter(folder: Path) -> str:
        return outcome(lambda: sheets()[sheet](out=folder / "out", **fields))

    return lambda: in_a_folder(enter)


@st.composite
def stores(draw: Draw) -> Callable[[], str]:
    """A dataset that is asked for twice, and damaged in between."""
    values = draw(among(np.arange(3.0), np.arange(3), np.array([1.0, np.nan, np.inf]), np.array(["a", "bb", "c"])))
    name = draw(among("numbers", "two words", "é", "A/B", "../up", "x" * 300))
    configuration = draw(among("{}", '{"a": 1}', "é"))
    harm = draw(among(*[None] * 5, "chunk", "gone", "other", ".zattrs", ".zgroup", "x/.zarray", "x/.zattrs"))

    def ask(folder: Path, make: Any) -> xarray.Dataset:
        return Store(folder / "kept", []).dataset(name, make, configuration=configuration, seeds="0", n_runs=3)

    def enter(folder: Path) -> str:
        first = outcome(lambda: ask(folder, lambda progress: xarray.Dataset({"x": ("seed", values)})))
        if first == "refused":
            return first
        (path,) = (folder / "kept").iterdir()
        _harm(path, harm)

        def again() -> None:
            found = ask(folder, _never)
            assert np.array_equal(found["x"].values, values, equal_nan=values.dtype.kind == "f")
            assert harm != "other"

        return outcome(again)

    return lambda: in_a_folder(enter)


def _never(_: object) -> xarray.Dataset:
    raise AssertionError("What is there is not made again.")


def _harm(path: Path, how: str | None) -> None:
    """Damage a dataset on disk."""
    if how == "chunk":
        (path / "x" / "0").write_bytes((path / "x" / "0").read_bytes()[:-1])
    elif how == "gone":
        (path / "x" / "0").unlink()
    elif how == "other":
        text = (path / ".zattrs").read_text()
        (path / ".zattrs").write_text(text.replace("paper_figs_identity", "paper_figs_other"))
    elif how is not None:
        (path / how).write_text("{")


@st.composite
def results(draw: Draw) -> Callable[[], str]:
    """The results of a budget, and files of a preset."""
    budget = draw(spoilt(among("quick", "full")))
    preset = draw(among(*["digits", None] * 3, "nowhere", "", ".."))
    name = draw(among(*["rows.jsonl", "ledger.json", "provenance.json"] * 3, "nothing", ""))

    def enter(folder: Path) -> str:
        return outcome(lambda: Results(budget, folder=folder, preset=preset).deep_files(name))

    return lambda: in_a_folder(enter)


@st.composite
def tabulars(draw: Draw) -> Callable[[], str]:
    """Tables made by hand."""
    heads = draw(among(("a", "b"), ("a", "b"), ("a", "b"), ()))
    rows = draw(among((("1", "2"),), (("1", "2"),), (), (("1",),), (("|", "\\x_y%&"),), (("1", "2"), ("1", "2", "3"))))
    return lambda: outcome(lambda: Table(heads=heads, rows=rows))


DOORS = {
    "command lines": (command_lines, 30, 1000), "calls": (calls, 20, 1000), "stores": (stores, 20, 800),
    "results": (results, 60, 1000), "tables": (tabulars, 20, 20),
}  # fmt: skip
"""Each door with its configurations, and how many of them the default suite and the slow one try: nearly all, where
there are fewer than a thousand."""


@pytest.fixture(autouse=True)
def _made_up(monkeypatch):
    monkeypatch.setattr(registry, "all_sheets", sheets)


test_a_door_answers, test_a_door_answers_many_times = heads(
    waiting(name, make(), quick, often) for name, (make, quick, often) in DOORS.items()
)


def test_the_judgement_catches_a_figure_that_leaks(monkeypatch, tmp_path):
    def broken(results):
        return np.zeros(2)[5]

    monkeypatch.setattr(registry, "all_sheets", lambda: (figure(broken, number=1),))
    with pytest.raises(LeakError):
        ended(main, ["test_paper_figs_doors", "--out", str(tmp_path)])
