"""Lessons with their outputs: the repository keeps none, so each is executed, once for what its outputs hang on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sphinx.util.logging import getLogger

from simulate.house.sources import code_of

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["KEPT", "code", "key_of", "read", "setup", "shown", "without_widgets"]

ROOT = Path(__file__).parents[3]
KEPT = ROOT / "results/lessons"
"""Executed lessons, each under the hash of its cells and of all code that it may run."""

_PACKAGES = ("simulate", "theory", "deepnet")
_SECONDS_A_CELL = 600
_QUIET = ["--IPKernelApp.log_level=40"]  # a kernel on one machine need not say that nothing is encrypted
_STILL = "*A picture of what moves: run the lesson (`make lab`) for its sliders.*"


def read(text: str) -> NotebookNode:
    """A lesson with its outputs, from where they are kept or from a run of all its cells.

    Args:
        text: The notebook as the repository has it.
    """
    import nbformat

    lesson = nbformat.reads(text, as_version=4)
    path = KEPT / f"{key_of(lesson)}.ipynb"
    if not path.is_file():
        getLogger(__name__).info("executing %s", _title(lesson))
        executed = without_widgets(_executed(lesson))
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(executed, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)
    return shown(nbformat.read(path, as_version=4))


def key_of(lesson: NotebookNode) -> str:
    """What changes with the cells of a lesson, and with the code of the packages, but not with what is said of it."""
    cells = "\n".join(f"{cell.cell_type}\n{cell.source}" for cell in lesson.cells)
    return hashlib.sha256(f"{code(*_PACKAGES)}\n{cells}".encode()).hexdigest()[:24]


@cache
def code(*packages: str) -> str:
    """What changes with the code of some packages, but not with what is said of it."""
    told = hashlib.sha256()
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            told.update(f"{path.relative_to(ROOT)}\n{code_of(path)}\n".encode())
    return told.hexdigest()


def _title(lesson: NotebookNode) -> str:
    return str(lesson.cells[0].source.partition("\n")[0].removeprefix("# "))


def _executed(lesson: NotebookNode) -> NotebookNode:
    """Run all cells in a kernel of its own, which sees this source tree and nothing of the user's Jupyter."""
    from jupyter_client.manager import KernelManager
    from nbclient import NotebookClient

    with TemporaryDirectory() as private:
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel(env=_environment(Path(private)), cwd=ROOT / "notebooks", extra_arguments=_QUIET)
        try:
            return NotebookClient(lesson, km=manager, timeout=_SECONDS_A_CELL).execute()
        finally:
            manager.shutdown_kernel(now=True)


def _environment(private: Path) -> Mapping[str, str]:
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    own = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return own | {name: str(private / name.lower()) for name in folders} | {"PYTHONPATH": path}


def without_widgets(lesson: NotebookNode) -> NotebookNode:
    """Sliders need a kernel: where they are the picture that they move stands, and says so."""
    state = lesson.metadata.pop("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    for cell in lesson.cells:
        for output in cell.get("outputs", ()):
            view = output.get("data", {}).get("application/vnd.jupyter.widget-view+json")
            if view is not None:
                still = "".join(_pictures(state, view["model_id"]))
                output["data"] = {"image/png": still} if still else {"text/plain": "sliders"}
                output["metadata"] = {}
                cell.metadata["still"] = True
    return lesson


def _pictures(state: Mapping[str, Any], model: str) -> Iterator[str]:
    """The pictures inside of a widget, as base64."""
    if state[model]["model_name"] == "ImageModel":
        yield from (buffer["data"] for buffer in state[model].get("buffers", ()) if buffer["path"] == ["value"])
    for child in state[model]["state"].get("children", ()):
        yield from _pictures(state, child.removeprefix("IPY_MODEL_"))


def shown(lesson: NotebookNode) -> NotebookNode:
    """A lesson as its page has it: solutions are folded, pictures of sliders say that they are still."""
    import nbformat

    cells = []
    for cell in lesson.cells:
        cell.metadata.pop("execution", None)
        if "solution" in cell.metadata.get("tags", ()):
            cell.metadata["tags"] = [*cell.metadata["tags"], "hide-cell"]
        cells.append(cell)
        if cell.metadata.pop("still", False):
            cells.append(nbformat.v4.new_markdown_cell(_STILL))
    lesson.cells = cells
    return lesson


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx know."""
    return {"parallel_read_safe": True, "parallel_write_safe": True}
