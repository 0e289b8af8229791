"""Every lesson runs from beginning to end, has the parts of a lesson, and stands in two files that agree."""

from __future__ import annotations

import ast
import os
import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.lazy import loaded_on_use
from tests.places import ROOT

if TYPE_CHECKING:
    from nbformat import NotebookNode

nbformat = loaded_on_use("nbformat", "notebooks")
jupytext = loaded_on_use("jupytext", "notebooks")
loaded_on_use("nbmake", "notebooks")

LESSONS = sorted((ROOT / "notebooks").glob("lesson_*.py"))
NEEDS = {7: ("torch", "needs the extra deepnet")}
"""What a lesson needs beyond the extra notebooks, by its number."""
SECONDS_A_CELL = 300
LONGEST_FUNCTION = 10

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


def number_of(lesson: Path) -> int:
    return int(lesson.stem.split("_")[1])


def cells_of(notebook: NotebookNode) -> list[tuple[str, str, dict[str, Any]]]:
    """What a text file can hold of the cells."""
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells]


def code_of(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def prose_of(notebook: NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def missing_parts(notebook: NotebookNode) -> list[str]:
    """The parts of a lesson that a notebook lacks."""
    prose, code = prose_of(notebook), code_of(notebook)
    parts = {
        "a title": re.match(r"# Lesson \d+\. ", prose) is not None,
        "a question": "**Question.**" in prose,
        "a formula of theory": any("display(" in source and "STATEMENTS[" in source for source in code),
        "a picture": any("draw" in source for source in code),
        "an exercise": re.search(r"(?m)^## Exercise$", prose) is not None,
        "a folded answer": re.search(r"<details>\s*<summary>Answer</summary>.+</details>", prose, re.DOTALL)
        is not None,
        "a folded solution": any(
            above.metadata.get("jp-MarkdownHeadingCollapsed") and cell.metadata.get("tags") == ["solution"]
            for above, cell in pairwise(notebook.cells)
        ),
        "an assertion at its end": notebook.cells[-1].cell_type == "code" and "\nassert " in notebook.cells[-1].source,
    }
    return [name for name, there in parts.items() if not there]


def reusable(code: list[str]) -> list[str]:
    """Definitions that belong into a room: classes, and functions of more than a few lines."""
    tree = ast.parse("\n".join(line for source in code for line in source.splitlines() if not line.startswith("%")))
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        or (isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= LONGEST_FUNCTION)
    ]


@pytest.fixture
def bare_jupyter(monkeypatch, tmp_path) -> None:
    """A kernel that sees this interpreter and this source tree, and nothing of the user's own Jupyter."""
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # notebooks choose their own


def complaints(path: Path) -> list[str]:
    """Run a notebook; what went wrong, warnings included."""
    from nbmake.nb_run import NotebookRun

    result = NotebookRun(path, SECONDS_A_CELL).execute()
    if result.error is not None:
        return [result.error.trace]
    outputs = (output for cell in result.nb.cells for output in cell.get("outputs", []))
    return [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"]


def test_lessons_are_numbered() -> None:
    assert [number_of(lesson) for lesson in LESSONS] == list(range(1, len(LESSONS) + 1))
    assert len(LESSONS) >= 7


@each_lesson
def test_both_files_agree(lesson: Path) -> None:
    text, notebook = jupytext.read(lesson), nbformat.read(lesson.with_suffix(".ipynb"), 4)
    assert cells_of(text) == cells_of(notebook), f"run: python -m jupytext --sync {lesson.relative_to(ROOT)}"
    assert text.metadata["kernelspec"] == notebook.metadata["kernelspec"]


@each_lesson
def test_notebook_has_no_outputs(lesson: Path) -> None:
    notebook = nbformat.read(lesson.with_suffix(".ipynb"), 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code if cell.outputs or cell.execution_count is not None] == []


@each_lesson
def test_lesson_has_its_parts(lesson: Path) -> None:
    assert missing_parts(jupytext.read(lesson)) == []


@each_lesson
def test_lesson_defines_nothing_reusable(lesson: Path) -> None:
    assert reusable(code_of(jupytext.read(lesson))) == []


@each_lesson
def test_lesson_runs(lesson: Path, bare_jupyter: None) -> None:
    if number_of(lesson) in NEEDS:
        module, reason = NEEDS[number_of(lesson)]
        pytest.importorskip(module, reason=reason)
    assert complaints(lesson.with_suffix(".ipynb")) == []


# Each check above can fail:


def written(path: Path, *sources: str) -> Path:
    """A notebook of some code cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_failures_and_warnings_are_seen(bare_jupyter: None, tmp_path: Path) -> None:
    sound = f"import sys, simulate\nassert sys.executable == {sys.executable!r}"
    assert complaints(written(tmp_path / "sound.ipynb", sound)) == []
    (warned,) = complaints(written(tmp_path / "warned.ipynb", "import warnings", "warnings.warn('look here')"))
    assert "look here" in warned
    (failed,) = complaints(written(tmp_path / "failed.ipynb", "x = 1", "assert x == 2"))
    assert "AssertionError" in failed


def test_missing_parts_are_found() -> None:
    lesson = jupytext.read(LESSONS[0])
    for cell in lesson.cells:
        cell.metadata.pop("tags", None)
        cell.source = cell.source.replace("## Exercise", "## Task").replace("assert ", "print ")
    assert missing_parts(lesson) == ["an exercise", "a folded solution", "an assertion at its end"]


def test_reusable_definitions_are_found() -> None:
    long = "def f():\n" + "    x = 1\n" * LONGEST_FUNCTION
    assert reusable(["%matplotlib inline\nx = 1", long, "class A:\n    pass", "def g():\n    return 1"]) == ["f", "A"]
