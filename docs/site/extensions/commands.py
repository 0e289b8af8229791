"""The command line: every option of every door, read off the dataclasses that the help pages are made of."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from extensions.filling import fill
from simulate.house.command_line.door import Command, Door
from simulate.house.command_line.options import Group, Option

__all__ = ["DOORS", "setup", "told"]

DOORS = ("simulate", "theory", "deepnet", "paper_figs")
"""Packages with a front door."""


def told(package: str) -> str:
    """The commands of a door as Markdown."""
    door: Door = import_module(f"{package}.cli").DOOR
    every = {name: made() for name, made in door.commands.items()}
    if door.wordless is not None:
        every = {"": door.wordless()} | every
    return "\n\n".join(_command(f"python -m {package} {name}".rstrip(), command) for name, command in every.items())


def _command(program: str, command: Command) -> str:
    groups: dict[Group, list[Option]] = {}
    for option in command.options([]):
        groups.setdefault(option.group, []).append(option)
    about = _plain(inspect.cleandoc(command.cls.__doc__ or ""))
    options = [_group(group, options) for group, options in groups.items()]
    return "\n\n".join([f"## `{program}`", about, *options])


def _group(group: Group, options: Iterable[Option]) -> str:
    title = "" if group.name == "options" else f"**{group.name}.** {_plain(group.text)}\n\n"
    return title + "\n\n".join(map(_option, options))


def _option(option: Option) -> str:
    """One entry of a list of definitions: as it is typed, what it means, and what it may be."""
    value = "" if option.positional else option.value
    typed = " ".join(filter(None, [option.flag, value, "..." if option.many else ""]))
    kinds = [f"one of {', '.join(map(_code, option.choices))}"] if option.choices else []
    if option.parts:
        kinds = [f"a word behind all other options, and then its own: {', '.join(map(_code, option.choices))}"]
    if option.required:
        kinds.append("required")
    elif option.default:
        kinds.append(f"default {_code(option.default)}")
    what = f" ({'; '.join(kinds)})" if kinds else ""
    return f"`{typed}`\n: {_plain(option.text).removesuffix('.' if kinds else '')}{what}"


def _code(text: str) -> str:
    return f"`{text}`"


def _plain(text: str) -> str:
    """A text whose signs mean nothing to Markdown, but for code, which other options are, too."""
    parts = re.split(r"(`[^`]*`)", re.sub(r"(?<![\w`-])(--\w[\w.-]*\w)", r"`\1`", text))
    return "".join(part if part.startswith("`") else re.sub(r"([*_<|\\$\[\]])", r"\\\1", part) for part in parts)


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx know."""
    fill(app, "commands of", told)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
