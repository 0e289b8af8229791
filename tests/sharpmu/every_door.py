"""All front doors and their commands, and what they print."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from importlib.util import find_spec

from deepnet.cli import DOOR as DEEPNET
from paper_figs.cli import DOOR as FIGURES
from sharpmu import doors
from simulate.cli import DOOR as SIMULATE
from simulate.house.command_line.door import Command
from simulate.house.command_line.options import Option
from theory.cli import DOOR as THEORY

__all__ = ["COMMANDS", "DOORS", "command", "printed", "with_places"]

DOORS = {"simulate": SIMULATE, "theory": THEORY, "figures": FIGURES} | (
    {"deepnet": DEEPNET} if find_spec("torch") else {}
)
"""By the words that `sharpmu` has for them; deepnet's commands need torch."""

COMMANDS = [(name, word) for name, door in DOORS.items() for word in [*door.commands, *([""] if door.wordless else [])]]
"""Each command: its door, and its word; that without a word has none."""


def command(name: str, word: str) -> Command:
    """A command of a door."""
    door = DOORS[name]
    if word:
        return door.commands[word]()
    assert door.wordless is not None
    return door.wordless()


def printed(words: Sequence[str]) -> tuple[int, str, str]:
    """Status, output and errors of a line behind `sharpmu`."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = doors.main([word for word in words if word])
    return status, out.getvalue(), err.getvalue()


def with_places(name: str, word: str, options: Sequence[Option]) -> list[str]:
    """A command with something in each place that must be filled."""
    return [name, word, *("x" for option in options if option.positional and option.required)]
