"""Commands of `python -m simulate`, each one dataclass whose fields are its options."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Sequence
from typing import Annotated, Any, Union

import tyro

from simulate.cli.map import Map
from simulate.cli.phrases import describe_vocabulary
from simulate.cli.run import Run
from simulate.cli.sweep import Sweep
from simulate.cli.verify import Verify
from simulate.house.terminal import console, exit_status

__all__ = ["main"]

_PROGRAM = "python -m simulate"
_COMMANDS = {"run": Run, "sweep": Sweep, "map": Map, "verify": Verify}
_DESCRIPTION = "Exact simulation of signal and noise learning under SGD, SAM and NegGrad unlearning."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: The words after the program's name; None takes the process's own.

    Returns:
        The exit status: 0; 2 for an argument that is not valid, or a file that cannot be read or written.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    interrupted = "interrupted; the same command goes on from here" if words[:1] == ["sweep"] else "interrupted"
    return exit_status(lambda: _parse(words)(), interrupted=interrupted)


def _parse(words: list[str]) -> Run | Sweep | Map | Verify:
    """The command that a command line asks for."""
    if not words or words[0] not in _COMMANDS:
        every: Any = Union[tuple(Annotated[cls, tyro.conf.subcommand(name)] for name, cls in _COMMANDS.items())]  # noqa: UP007
        return tyro.cli(every, prog=_PROGRAM, description=_DESCRIPTION, args=words)
    cls = _COMMANDS[words[0]]
    description = inspect.cleandoc(str(cls.__doc__))
    if cls in (Run, Sweep):
        description += f"\n\nWhat a phase is made of:\n\n{_folded(describe_vocabulary())}"
    return tyro.cli(cls, prog=f"{_PROGRAM} {words[0]}", description=description, args=words[1:])


def _folded(text: str) -> str:
    """A text whose long lines go on in the next one, a little to the right."""
    width = min(console.width, 100)
    return "\n".join(
        textwrap.fill(line, width, subsequent_indent=" " * (len(line) - len(line.lstrip()) + 4))
        for line in text.splitlines()
    )
