"""The reference: every public name of a package, in the order of its rooms, from its docstring."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from typing import Any

from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.pycode import ModuleAnalyzer

from extensions.filling import fill

__all__ = ["PLACES", "names_of", "setup", "told"]

PLACES = (
    "simulate", "simulate.interactive", "theory", "theory.ledger", "theory.ledger.atlas", "theory.statistics",
    "theory.experiments", "deepnet", "deepnet.methods", "deepnet.metrics", "deepnet.packing", "deepnet.publishing",
    "paper_figs",
)  # fmt: skip
"""Packages and rooms whose `__all__` is public."""


def names_of(place: str) -> list[str]:
    """The public names of a package or room, but for those that stand in its package's list already."""
    above = place.rpartition(".")[0]
    known = set(names_of(above)) if above in PLACES else set()
    module = import_module(place)
    return [name for name in module.__all__ if name not in known or not _same(name, above, place)]


def _same(name: str, above: str, place: str) -> bool:
    return getattr(import_module(above), name) is getattr(import_module(place), name)


def told(place: str) -> str:
    """The names of a place as Markdown, a heading for each room they live in."""
    rooms: dict[str, list[str]] = {}
    for name in names_of(place):
        rooms.setdefault(_room(place, name), []).append(name)
    return "\n\n".join(_section(place, room, names) for room, names in rooms.items())


def _room(place: str, name: str) -> str:
    """The room of a package that a name lives in; a place inside of a package is one room."""
    home = _home(place, name)
    return ".".join(home.split(".")[:2]) if place == home.split(".")[0] else place


def _home(place: str, name: str) -> str:
    """The module that a name is defined in; constants know none, so imports are followed."""
    found = getattr(import_module(place), name)
    if _is_defined(found):
        return str(found.__module__)
    module = place
    while not _comment(module, name):
        module = _passed_on(module, name)
    return module


def _is_defined(found: Any) -> bool:
    """Whether it is a class or a function, a cached one perhaps, and no constant."""
    return inspect.isclass(found) or inspect.isroutine(inspect.unwrap(found))


def _passed_on(module: str, name: str) -> str:
    """The module that a name is imported from."""
    tree = ast.parse(inspect.getsource(import_module(module)))
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    origin = next((node.module for node in imports if name in {alias.name for alias in node.names}), None)
    if origin is None:
        raise ValueError(f"{module}.{name} must have a text below it, but has none.")
    return origin


def _comment(module: str, name: str) -> str:
    """The text below a constant."""
    analyzer = ModuleAnalyzer.for_module(module)
    analyzer.analyze()
    return "\n".join(analyzer.attr_docs.get(("", name), []))


def _section(place: str, room: str, names: list[str]) -> str:
    about = (import_module(room).__doc__ or "").strip().partition("\n\n")[0]
    directives = "\n\n".join(_directive(place, name) for name in names)
    head = "" if room == place else f"## {_title(room)}\n\n{about}\n\n"
    return f"{head}````{{eval-rst}}\n.. currentmodule:: {place}\n\n{directives}\n````"


def _title(room: str) -> str:
    return room.rpartition(".")[2].replace("_", " ").capitalize()


def _directive(place: str, name: str) -> str:
    found = getattr(import_module(place), name)
    if inspect.isclass(found):
        return f".. autoclass:: {place}.{name}"
    if _is_defined(found):
        return f".. autofunction:: {place}.{name}"
    text = str(GoogleDocstring(_plain(_comment(_home(place, name), name).splitlines())))
    return f".. py:data:: {name}\n\n" + "\n".join(f"   {line}".rstrip() for line in text.splitlines())


def _read(app: Any, kind: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """Read a docstring in Google's style. What stands before a colon in the text of a field is not its type."""
    what = "object" if kind in ("attribute", "data", "property") else kind
    lines[:] = str(GoogleDocstring(_plain(lines), Config(), app, what, name, found, options)).splitlines()


def _plain(lines: list[str]) -> list[str]:
    """Lines in which |w| and a trailing_ mean nothing, as reStructuredText would have it; code stays as it is."""
    code, made = False, []
    for line in lines:
        code = bool(line.strip()) and (code or line.lstrip().startswith(">>>"))
        parts = [line] if code else re.split(r"(`[^`]*`)", line)
        made.append("".join(part if code or part.startswith("`") else _escaped(part) for part in parts))
    return made


def _escaped(text: str) -> str:
    return re.sub(r"\||(?<=\w)_(?!\w)", r"\\\g<0>", text)


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx know."""
    fill(app, "names of", told)
    app.connect("autodoc-process-docstring", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
