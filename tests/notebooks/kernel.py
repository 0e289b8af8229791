"""A kernel that notebooks are run in, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.places import ROOT

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Kernel", "running_kernel"]

SECONDS_A_CELL = 300
FORGET = "%reset -f\nimport matplotlib\nmatplotlib.rcdefaults()"
"""What a notebook left behind is gone before the next one begins."""


class Kernel:
    """A kernel that sees this interpreter and this source tree, and nothing of the user's own Jupyter."""

    def __init__(self, manager: Any) -> None:
        self.manager = manager

    def complaints(self, notebook: NotebookNode) -> list[str]:
        """Run a notebook; what went wrong, warnings included."""
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError

        notebook.cells.insert(0, nbformat.v4.new_code_cell(FORGET))
        client = NotebookClient(notebook, km=self.manager, timeout=SECONDS_A_CELL)
        try:
            client.execute()
        except CellExecutionError as error:
            return [str(error)]
        finally:
            client.kc.stop_channels()
        outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
        return [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"]


@contextmanager
def running_kernel(folder: Path) -> Iterator[Kernel]:
    """Start a kernel that keeps its files in a folder of its own, and stop it."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=_environment(folder), cwd=ROOT / "notebooks")
    try:
        yield Kernel(manager)
    finally:
        manager.shutdown_kernel(now=True)


def _environment(folder: Path) -> dict[str, str]:
    private = {
        name: str(folder / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    inherited = {
        name: value for name, value in os.environ.items() if name != "MPLBACKEND"
    }  # notebooks choose their own
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return inherited | private | {"JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_PLATFORM_DIRS": "1", "PYTHONPATH": path}
