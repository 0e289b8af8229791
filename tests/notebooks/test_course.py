"""What goes with the lessons: the overview, the glossary, the notes for teachers, the numbers, and the slides."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.notebooks.test_lessons import LESSONS, each_lesson, folded_solutions, number_of
from tests.places import ROOT

jupytext = pytest.importorskip("jupytext", reason="needs the extra notebooks")

FOLDER = ROOT / "notebooks"
LONGEST_TERM = 4
"""Words; what is bold and longer is a sentence that matters, not a word to look up."""
SLIDE_TYPES = {"slide", "subslide", "fragment", "notes", "skip", "-"}
SLIDES = range(3, 31)
"""How many a lesson has."""
WORDS_A_MINUTE, LINES_A_MINUTE = 80, 12
"""How fast a student reads prose and code, formulas and pictures included: a guess, no student was timed."""
MINUTES_EASY, MINUTES_HARDER, MINUTES_A_QUESTION = 4, 8, 1
"""Of the first exercise, of each further one, and of a question of the quiz."""


def page(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def prose_of(lesson: Path) -> str:
    return "\n\n".join(cell.source for cell in jupytext.read(lesson).cells if cell.cell_type == "markdown")


def terms(prose: str) -> list[str]:
    """Words that a text introduces: they are bold, and no sentences."""
    bold = (" ".join(words.split()) for words in re.findall(r"\*\*([^*]+)\*\*", prose))
    return [words.lower() for words in bold if words[-1] not in ".!?:" and len(words.split()) <= LONGEST_TERM]


def glossary() -> dict[str, int]:
    """The lesson of each word."""
    return {
        word.lower(): int(number)
        for word, number in re.findall(r"(?m)^- \*\*(.+?)\*\* \(lesson (\d+)\): ", page("glossary.md"))
    }


# --- the overview, the glossary, the notes --------------------------------------------------------------


def test_the_glossary_has_each_new_word_with_its_lesson() -> None:
    first: dict[str, int] = {}
    for lesson in LESSONS[:9]:
        for term in terms(prose_of(lesson)):
            first.setdefault(term, number_of(lesson))
    assert glossary() == first


def test_the_glossary_is_in_order_and_short() -> None:
    words = list(glossary())
    assert words == sorted(words)
    entries = re.findall(r"(?ms)^- \*\*.+?\): (.+?)(?=^- |\Z)", page("glossary.md"))
    assert len(entries) == len(words)
    assert max(len(re.findall(r"[.;:](?:\s|$)", entry)) for entry in entries) <= 5


def test_new_words_are_told_from_sentences() -> None:
    assert terms("A **noise\nneuron** is **never a\nwhole sentence.** **So many words are no term**") == [
        "noise neuron"
    ]


def minutes_of(lesson: Path) -> float:
    """How long a student takes, by counting."""
    notebook = jupytext.read(lesson)
    prose, solutions = prose_of(lesson), folded_solutions(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell not in solutions]
    lines = sum(len(cell.source.splitlines()) for cell in code[1:-1])  # neither imports nor the assertions
    exercises = len(re.findall(r"(?m)^### Exercise", prose))
    questions = len(re.findall(r"(?m)^\d\. ", prose.partition("## Quiz")[2]))
    tasks = MINUTES_EASY + (exercises - 1) * MINUTES_HARDER + questions * MINUTES_A_QUESTION
    return len(prose.split()) / WORDS_A_MINUTE + lines / LINES_A_MINUTE + tasks


@each_lesson
def test_times_are_honest(lesson: Path) -> None:
    """The time that a lesson names is that which counting gives, within five minutes, and that of the overview."""
    told = int(re.search(r"\*\*Time\.\*\* (\d+) minutes", prose_of(lesson))[1])
    assert abs(told - minutes_of(lesson)) <= 5
    if number_of(lesson) <= 9:
        assert 30 <= told <= 45
        assert re.search(
            rf"(?m)^\| \[{number_of(lesson)}\. .+\]\({lesson.stem}\.ipynb\) \|.+\| {told} \|$", page("README.md")
        )


def test_the_notes_for_teachers_speak_of_each_lesson() -> None:
    text = page("teaching.md")
    for lesson in LESSONS[:9]:
        notes = text.partition(f"\n## Lesson {number_of(lesson)}. ")[2].partition("\n## ")[0]
        for word in ("**Show.**", "**Misunderstandings.**", "**Timing.**"):
            assert word in notes, (lesson.stem, word)


def test_places_to_run_it_install_extras_that_there_are() -> None:
    """Neither was tried where it is for; what can be seen from here is right."""
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    binder = (ROOT / ".binder/postBuild").read_text(encoding="utf-8")
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for command in (container["postCreateCommand"], binder):
        assert set(re.search(r"\.\[([\w,]+)\]", command)[1].split(",")) <= set(known)
        assert "-c constraints.txt" in command
    assert (ROOT / ".binder/postBuild").stat().st_mode & 0o111
    assert (ROOT / ".binder/runtime.txt").read_text(encoding="utf-8").startswith("python-3.")


# --- numbers ------------------------------------------------------------------------------------------


def published() -> tuple[list[dict[str, Any]], set[tuple[str, ...]]]:
    """Rows of the ledger, and its effects with intervals in all roundings."""
    rows = json.loads((ROOT / "docs/ledger.json").read_text(encoding="utf-8"))
    measured = [each for row in rows for each in (row, *row["details"].values()) if each["interval"]]
    told = {
        tuple(f"{value:.{decimals}f}".replace("-", "−") for value in (each["effect"], *each["interval"]))
        for each in measured
        for decimals in range(1, 5)
    }
    return rows, told


@each_lesson
def test_numbers_of_the_ledger_are_the_published_ones(lesson: Path) -> None:
    """Every effect with its interval in the text of a lesson is one of docs/ledger.json, rounded."""
    _, told = published()
    prose = re.sub(
        r"\$(−?-?[\d.]+)\$( with the\s+interval)? \$\[(-[\d.]+),(-[\d.]+)\]\$", r"\1 [\3, \4]", prose_of(lesson)
    )
    found = re.findall(r"([−-]?\d+\.\d+) \[([−-]?\d+\.\d+), ([−-]?\d+\.\d+)\]", prose)
    assert [each for each in found if tuple(one.replace("-", "−") for one in each) not in told] == []


def test_lessons_name_effects_of_the_ledger() -> None:
    """The test above has something to look at."""
    every = " ".join(prose_of(lesson) for lesson in LESSONS)
    assert len(re.findall(r"[−-]?\d+\.\d+ \[[−-]?\d+\.\d+, ", every)) >= 4


def test_counts_of_the_ledger_are_the_published_ones() -> None:
    rows, _ = published()
    counts = Counter(row["verdict"] for row in rows)
    prose = " ".join(prose_of(LESSONS[5]).split())
    assert (
        f"{counts['supported']} of its {len(rows)} rows are supported, {counts['refuted']} refuted, "
        f"{counts['inconclusive']} inconclusive" in prose
    )


# --- slides -------------------------------------------------------------------------------------------


def slide_types(notebook: Any) -> list[str]:
    """Of each cell; "-" goes on with the slide before."""
    return [cell.metadata.get("slideshow", {}).get("slide_type", "-") for cell in notebook.cells]


def slide_faults(notebook: Any) -> list[str]:
    """What is wrong with the slides of a notebook."""
    kinds, cells = slide_types(notebook), notebook.cells
    shown = [cell for cell, kind in zip(cells, kinds, strict=True) if kind not in ("skip", "notes")]
    hidden = re.compile(r"(## Exercises|## Quiz|### |#### )")
    faults = {
        "an unknown type": set(kinds) <= SLIDE_TYPES,
        "the title is no slide": kinds[0] == "slide",
        "too many or too few": sum(kind in ("slide", "subslide") for kind in kinds) in SLIDES,
        "an answer is shown": not any(hidden.match(cell.source) or "<details>" in cell.source for cell in shown),
        "a solution is shown": not any("solution" in cell.metadata.get("tags", []) for cell in shown),
        "imports or assertions are shown": not any("%matplotlib" in cell.source or cell is cells[-1] for cell in shown),
        "a picture is left out": all(
            kind in ("slide", "subslide")
            for cell, kind in zip(cells, kinds, strict=True)
            if cell.cell_type == "code" and "\ndraw(" in cell.source and "solution" not in cell.metadata.get("tags", [])
        ),
    }
    return [fault for fault, fine in faults.items() if not fine] + crowded_or_bare(cells, kinds)


def crowded_or_bare(cells: Sequence[Any], kinds: Sequence[str]) -> list[str]:
    """Slides with a heading alone, those without heading or picture, and what a picture leaves no room for."""
    faults, slides = [], list[list[Any]]()
    for cell, kind in zip(cells, kinds, strict=True):
        if kind in ("slide", "subslide"):
            slides.append([])
        if kind not in ("skip", "notes") and slides:
            slides[-1].append(cell)
    for first, *others in slides:
        begins = " ".join(first.source.split())[:40]
        if first.cell_type == "markdown" and not others and "\n" not in first.source.strip():
            faults.append(f"a heading alone: {begins}")
        drawn = re.search(r"(?m)(?<!\.)\bdraw\w*\(", first.source) if first.cell_type == "code" else None
        if first.cell_type == "code" and not drawn and not first.source.rpartition("\n")[2].startswith("table"):
            faults.append(f"neither heading nor picture: {begins}")
        if drawn and others:
            faults.append(f"more below a picture: {begins}")
    return faults


@each_lesson
def test_slides_are_well_formed(lesson: Path) -> None:
    assert slide_faults(jupytext.read(lesson)) == []


def test_faults_of_slides_are_found() -> None:
    notebook = jupytext.read(LESSONS[0])
    for cell in notebook.cells:
        cell.metadata.pop("slideshow", None)
    assert len(slide_faults(notebook)) == 6
    notebook.cells[0].metadata["slideshow"] = {"slide_type": "slidee"}
    assert "an unknown type" in slide_faults(notebook)


@pytest.mark.parametrize(
    ("sources", "fault"),
    [
        (["# ## What this lesson claims"], "a heading alone: # ## What this lesson claims"),
        (["print(3)"], "neither heading nor picture: print(3)"),
        (["x = 3\ndraw(x)", "# Look."], "more below a picture: x = 3 draw(x)"),
        (["x = 3\ndraw(x)"], None),
        (["x = 3\ntable", "# Look."], None),
    ],
)
def test_crowded_and_bare_slides_are_found(sources: list[str], fault: str | None) -> None:
    cells = [SimpleNamespace(source=each, cell_type="markdown" if each[0] == "#" else "code") for each in sources]
    kinds = ["subslide", *("-" for _ in sources[1:])]
    assert crowded_or_bare(cells, kinds) == ([fault] if fault else [])


def test_slides_are_made_of_the_lesson() -> None:
    """What `nbconvert --to slides` makes has one section a slide, and no solution."""
    exporters = pytest.importorskip("nbconvert.exporters.slides")
    notebook = jupytext.read(LESSONS[0])
    page, _ = exporters.SlidesExporter().from_notebook_node(notebook)
    kinds = slide_types(notebook)
    assert page.count("<section>") == 2 * kinds.count("slide") + kinds.count("subslide")
    assert "Signal, noise and a two-layer network" in page
    assert "Solution 1" not in page
