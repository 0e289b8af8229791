"""The front page: the site's root shows README, and so does index.html, where servers look for a page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

__all__ = ["setup"]


def _copied(app: Any, failure: Exception | None) -> None:
    if failure is None and app.builder.format == "html":
        shutil.copyfile(Path(app.outdir) / "README.html", Path(app.outdir) / "index.html")


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx know."""
    app.connect("build-finished", _copied)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
