"""The page to play with: made once for the code that it hangs on, kept like the lessons, and laid beside the others."""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from typing import Any

from sphinx.util.logging import getLogger

from extensions.filling import fill
from extensions.lessons import KEPT, code

__all__ = ["setup"]

_NAME = "explorable.html"


def _laid(app: Any, failure: Exception | None) -> None:
    """Lay the page into the site's root."""
    if failure is not None or app.builder.format != "html":
        return
    folder = KEPT.with_name("explorable") / code("simulate")[:16]
    if not (folder / _NAME).is_file():
        from simulate.cli.explore import Explore

        getLogger(__name__).info("computing the trajectories of the page to play with")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            Explore(out=folder, overwrite=True)()
    shutil.copyfile(folder / _NAME, Path(app.outdir) / _NAME)


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx know."""
    fill(app, "the page to play with", lambda _: f'<p><a href="../{_NAME}">Open the page</a></p>')
    app.connect("build-finished", _laid)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
