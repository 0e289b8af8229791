"""The table of contents: contents.toml says which pages a page leads to, so that their sources need no directives."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["contents", "pages", "setup"]

_FILE = Path(__file__).parents[1] / "contents.toml"


def contents() -> Mapping[str, Sequence[str]]:
    """The entries below each page: "docs/theory", or "A shorter name <docs/theory>"."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def pages() -> list[str]:
    """Every page in a table of contents, as often as it is there."""
    return [entry.rpartition("<")[2].removesuffix(">") for below in contents().values() for entry in below]


def _with_contents(app: Any, page: str, source: list[str]) -> None:
    below = contents().get(page)
    if below:
        source[0] += "\n\n```{toctree}\n:hidden:\n:glob:\n\n" + "\n".join(map(_from_the_root, below)) + "\n```\n"


def _from_the_root(entry: str) -> str:
    name, less_than, page = entry.rpartition("<")
    return f"{name}{less_than}/{page}"


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx know."""
    app.connect("source-read", _with_contents)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
