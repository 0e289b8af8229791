"""Completion scripts for shells: tyro writes them, once it is told of all doors and commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union

import tyro

from simulate.house.command_line.door import Command, Door

__all__ = ["complete"]

_SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True)
class _Verify:
    """Simulate verify, then theory verify."""


def complete(words: Sequence[str]) -> int:
    """Print or write a script.

    Args:
        words: `--tyro-print-completion SHELL` or `--tyro-write-completion SHELL FILE`.

    Returns:
        The exit status.

    Raises:
        ValueError: if the words are others.
    """
    ways = {"--tyro-print-completion": 2, "--tyro-write-completion": 3}
    if len(words) != ways.get(words[0]) or words[1] not in _SHELLS:
        raise ValueError(
            "Completion must be asked for by `--tyro-print-completion` SHELL or `--tyro-write-completion` SHELL FILE, "
            f"where SHELL is one of {', '.join(_SHELLS)}, but is not."
        )
    every: Any = [Annotated[_commands(door), tyro.conf.subcommand(name)] for name, door in _doors()]
    every.append(Annotated[_Verify, tyro.conf.subcommand("verify")])
    try:
        house: Any = Union[tuple(every)]  # noqa: UP007
        tyro.cli(house, prog="sharpmu", args=list(words))
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    return 0


def _doors() -> Iterator[tuple[str, Door]]:
    """The doors by the words that `sharpmu` has for them; deepnet's only where PyTorch is installed."""
    from paper_figs.cli import DOOR as FIGURES
    from simulate.cli import DOOR as SIMULATE
    from theory.cli import DOOR as THEORY

    yield from (("simulate", SIMULATE), ("theory", THEORY), ("figures", FIGURES))
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        return
    from deepnet.cli import DOOR as DEEPNET

    yield "deepnet", DEEPNET


def _commands(door: Door) -> Any:
    """All commands of a door as one type."""
    if door.wordless is not None:
        return door.wordless().cls
    made = {name: make() for name, make in door.commands.items()}
    return Union[tuple(_as_subcommand(name, command) for name, command in made.items())]  # noqa: UP007


def _as_subcommand(name: str, command: Command) -> Any:
    default = command.default(())
    marked = tyro.conf.subcommand(name) if default is None else tyro.conf.subcommand(name, default=default)
    return Annotated[command.cls, marked, tyro.conf.OmitSubcommandPrefixes]
