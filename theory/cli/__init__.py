"""Commands of `python -m theory`, each one dataclass whose fields are its options."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Union

import tyro

from simulate.house.terminal import exit_status
from theory.cli.listing import List, Show
from theory.cli.margins import Margins
from theory.cli.stability import Stability
from theory.cli.verify import Verify

__all__ = ["main"]

_PROGRAM = "python -m theory"
_COMMANDS = {"verify": Verify, "list": List, "show": Show, "margins": Margins, "stability": Stability}
_DESCRIPTION = "What the theory claims, and a ledger of what simulations say of it."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: The words after the program's name; None takes the process's own.

    Returns:
        The exit status: 0; 1 if the command ran but its result is not to be trusted; 2 for an argument that is not
        valid, or a file that cannot be read or written.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    return exit_status(lambda: _parse(words)())


def _parse(words: list[str]) -> Callable[[], int]:
    """The command that a command line asks for."""
    command: Any = _COMMANDS.get(words[0]) if words else None
    if command is None:
        every: Any = Union[tuple(Annotated[cls, tyro.conf.subcommand(name)] for name, cls in _COMMANDS.items())]  # noqa: UP007
        return tyro.cli(every, prog=_PROGRAM, description=_DESCRIPTION, args=words)
    # Parsed on its own, a command gets errors and a usage that name its options as they are typed.
    return tyro.cli(command, prog=f"{_PROGRAM} {words[0]}", description=command.__doc__, args=words[1:])
