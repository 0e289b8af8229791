"""Every lesson runs from beginning to end, has the parts of a lesson, and stands in two files that agree."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from tests.notebooks.kernel import Kernel, running_kernel
from tests.places import ROOT

if TYPE_CHECKING:
    from nbformat import NotebookNode

pytestmark = pytest.mark.skipif(find_spec("jupytext") is None, reason="needs the extra notebooks")

LESSONS = sorted((ROOT / "notebooks").glob("lesson_*.py"), key=lambda path: int(path.stem.split("_")[1]))
NEEDS = dict.fromkeys((7, 9), ("torch", "needs the extra deepnet"))
"""What a lesson needs beyond the extra notebooks, by its number."""
LONGEST_FUNCTION = 10
FEWER = {
    2: {"replicates=4": "replicates=1", "replicates=12": "replicates=3", "replicates=8": "replicates=3"},
    7: {"epochs=20": "epochs=3", "epochs=8": "epochs=2", "epochs=3, descent": "epochs=1, descent"},
    8: {"replicates=24": "replicates=4", "replicates=48": "replicates=8", "replicates=200": "replicates=4"},
}
"""By its number, what is made smaller in a lesson that takes long: all its cells run but for assertions, which are true
of its own numbers alone."""
QUESTIONS = 3
"""Of a quiz, at least."""

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
        "goals": re.search(r"\*\*Goals\.\*\* After this lesson you can\n\n(\* .+){2}", prose, re.DOTALL) is not None,
        "its time": re.search(r"\*\*Time\.\*\* \d\d minutes\.", prose) is not None,
        "a formula of theory": any("display(" in source and "STATEMENTS[" in source for source in code),
        "a picture": any("draw" in source for source in code),
        "exercises": re.search(r"(?m)^## Exercises$", prose) is not None
        and re.findall(r"(?m)^### Exercise (\d)\. .+$", prose)[:2] == ["1", "2"],
        "a folded answer": re.search(r"<details>\s*<summary>Answer</summary>.+</details>", prose, re.DOTALL)
        is not None,
        "a folded solution of each": len(re.findall(r"(?m)^### Exercise \d", prose)) == len(folded_solutions(notebook)),
        "solutions that check themselves": all("\nassert " in cell.source for cell in folded_solutions(notebook)),
        "a quiz": len(re.findall(r"(?m)^ +<summary>Answer</summary>$", prose.partition("\n## Quiz\n")[2])) >= QUESTIONS,
        "an assertion at its end": notebook.cells[-1].cell_type == "code" and "\nassert " in notebook.cells[-1].source,
    }
    return [name for name, there in parts.items() if not there]


def folded_solutions(notebook: NotebookNode) -> list[NotebookNode]:
    """Cells with a solution that a folded heading hides."""
    return [
        cell
        for above, cell in pairwise(notebook.cells)
        if above.metadata.get("jp-MarkdownHeadingCollapsed") and cell.metadata.get("tags") == ["solution"]
    ]


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
def jupytext() -> ModuleType:
    """To load it at the top of the file would cost every worker seconds."""
    return pytest.importorskip("jupytext")


@pytest.fixture
def nbformat() -> ModuleType:
    """To load it at the top of the file would cost every worker seconds."""
    return pytest.importorskip("nbformat")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One for all lessons: most of the time that a short lesson takes is its imports."""
    with running_kernel(tmp_path_factory.mktemp("jupyter")) as kernel:
        yield kernel


def test_lessons_are_numbered() -> None:
    assert [number_of(lesson) for lesson in LESSONS] == list(range(1, len(LESSONS) + 1))
    assert len(LESSONS) >= 9


@each_lesson
def test_both_files_agree(lesson: Path, jupytext: ModuleType, nbformat: ModuleType) -> None:
    text, notebook = jupytext.read(lesson), nbformat.read(lesson.with_suffix(".ipynb"), 4)
    assert cells_of(text) == cells_of(notebook), f"run: python -m jupytext --sync {lesson.relative_to(ROOT)}"
    assert text.metadata["kernelspec"] == notebook.metadata["kernelspec"]


@each_lesson
def test_notebook_has_no_outputs(lesson: Path, nbformat: ModuleType) -> None:
    notebook = nbformat.read(lesson.with_suffix(".ipynb"), 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code if cell.outputs or cell.execution_count is not None] == []


@each_lesson
def test_lesson_has_its_parts(lesson: Path, jupytext: ModuleType) -> None:
    assert missing_parts(jupytext.read(lesson)) == []


@each_lesson
def test_lesson_defines_nothing_reusable(lesson: Path, jupytext: ModuleType) -> None:
    assert reusable(code_of(jupytext.read(lesson))) == []


def skip_what_cannot_run(lesson: Path) -> None:
    if number_of(lesson) in NEEDS:
        module, reason = NEEDS[number_of(lesson)]
        pytest.importorskip(module, reason=reason)


@each_lesson
def test_lesson_runs(lesson: Path, kernel: Kernel, nbformat: ModuleType) -> None:
    skip_what_cannot_run(lesson)
    notebook = nbformat.read(lesson.with_suffix(".ipynb"), 4)
    shorten(notebook, FEWER.get(number_of(lesson), {}))
    assert kernel.complaints(notebook) == []


def shorten(notebook: NotebookNode, fewer: Mapping[str, str]) -> None:
    """Put smaller numbers in the place of others, each of which must be there, and leave assertions out."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, smaller in fewer.items():
        assert sum(number in cell.source for cell in code) == 1, number
        for cell in code:
            cell.source = cell.source.replace(number, smaller)
    if fewer:
        notebook.cells.pop()
    for cell in code if fewer else []:
        cell.source = re.sub(r"(?m)^assert .*$", "", cell.source)


@pytest.mark.slow
@each_lesson
def test_lesson_runs_by_itself(lesson: Path, tmp_path: Path, nbformat: ModuleType) -> None:
    skip_what_cannot_run(lesson)
    with running_kernel(tmp_path) as kernel:
        assert kernel.complaints(nbformat.read(lesson.with_suffix(".ipynb"), 4)) == []


# Each check above can fail:


def test_failures_and_warnings_are_seen(kernel: Kernel, nbformat: ModuleType) -> None:
    def complaints(*sources: str) -> list[str]:
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        return kernel.complaints(nbformat.v4.new_notebook(cells=cells))

    assert complaints(f"import sys, simulate\nassert sys.executable == {sys.executable!r}", "left = 1") == []
    (warned,) = complaints("import warnings", "warnings.warn('look here')")
    assert "look here" in warned
    (failed,) = complaints("x = 1", "assert x == 2")
    assert "AssertionError" in failed
    (forgotten,) = complaints("left")  # by the notebook before
    assert "NameError" in forgotten


def test_missing_parts_are_found(jupytext: ModuleType) -> None:
    lesson = jupytext.read(LESSONS[0])
    for cell in lesson.cells:
        cell.metadata.pop("tags", None)
        cell.source = cell.source.replace("## Exercise", "## Task").replace("assert ", "print ")
        cell.source = cell.source.replace("**Goals.**", "Goals:").replace("35 minutes", "a while")
        cell.source = re.sub(r"(?m)^ +<summary>", "<summary>", cell.source)
    missing = ["goals", "its time", "exercises", "a quiz", "an assertion at its end"]
    assert missing_parts(lesson) == missing
    unchecked = jupytext.read(LESSONS[0])
    for cell in unchecked.cells:
        if cell.metadata.get("tags") == ["solution"]:
            cell.source = cell.source.replace("assert ", "print ")
    assert missing_parts(unchecked) == ["solutions that check themselves"]
    unfolded = jupytext.read(LESSONS[0])
    for cell in unfolded.cells:
        cell.metadata.pop("tags", None)
    assert missing_parts(unfolded) == ["a folded solution of each"]


def test_reusable_definitions_are_found() -> None:
    long = "def f():\n" + "    x = 1\n" * LONGEST_FUNCTION
    assert reusable(["%matplotlib inline\nx = 1", long, "class A:\n    pass", "def g():\n    return 1"]) == ["f", "A"]
