"""A front door: its commands, their help pages, and how what goes wrong in them is told."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulate.house.command_line.complaints import as_typed, no_such
from simulate.house.command_line.entrance import interruptible
from simulate.house.command_line.help_page import help_page, listing, paragraphs
from simulate.house.command_line.options import Option, options_of
from simulate.house.terminal import exit_status

__all__ = ["Command", "Door"]

_HELP = {"-h": False, "--help": False, "--help-all": True}
"""Words that ask for a page, and whether for the whole one."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """What a word of a front door stands for."""

    cls: type
    """A dataclass whose fields are the options; called, it runs and returns the exit status."""
    usual: tuple[str, ...] = ()
    """Flags of the short help page; none named is all of them."""
    notes: Callable[[], str] = str
    """What stands below the options of the short page."""
    whole: Callable[[], str] = str
    """What stands there on the whole page, if it is more."""
    default: Callable[[Sequence[str]], Any] = lambda words: None
    """An instance that holds the defaults, given the command line; None takes those of the fields."""
    elsewhere: Callable[[], Mapping[str, str]] = dict
    """Where to say what people try as an option and is none: a few words by its name."""

    def options(self, words: Sequence[str]) -> list[Option]:
        """Its options."""
        return options_of(self.cls, self.default(words))

    def page(self, program: str, words: Sequence[str], *, complete: bool) -> str:
        """Its help page."""
        about, options = inspect.cleandoc(self.cls.__doc__ or ""), self.options(words)
        texts = {"notes": self.notes(), "whole": self.whole()}
        return help_page(program, _unfolded(about), options, usual=self.usual, complete=complete, **texts)


@dataclass(frozen=True, kw_only=True)
class Door:
    """A front door of the house. A command is imported when its word is typed."""

    package: str
    """Name of the package."""
    about: str
    """What is behind the door, in a sentence."""
    commands: Mapping[str, Callable[[], Command]]
    """What a word stands for."""
    summaries: Mapping[str, str]
    """A line on each command."""
    wordless: Callable[[], Command] | None = None
    """The command of a line that begins with none of the words."""
    goes_on: frozenset[str] = field(default_factory=frozenset)
    """Commands that, given again, go on where they were."""
    extra: str | None = None
    """The extra of the package that commands need."""

    def main(self, arguments: Sequence[str] | None = None, program: str | None = None) -> int:
        """Run a command line.

        Args:
            arguments: The words after the program's name; None takes the process's own.
            program: What was typed to come here; None is `python -m` and the package.

        Returns:
            The exit status: 0; 1 if the command ran but its result is not to be trusted; 2 for an argument that is
            not valid, or a file that cannot be read or written; 130 if it was interrupted.
        """
        words = sys.argv[1:] if arguments is None else list(arguments)
        again = "; the same command goes on from here" if self.goes_on & set(words[:1]) else ""
        told = program or f"python -m {self.package}"
        return exit_status(lambda: self._run(words, told), interrupted=f"interrupted{again}", extra=self.extra)

    def _run(self, words: list[str], program: str) -> int:
        made = self.commands.get(words[0]) if words else None
        if made is not None:
            return _run(made(), words[1:], f"{program} {words[0]}")
        if self.wordless is not None:
            return _run(self.wordless(), words, program)
        if words and words[0] not in _HELP:
            raise ValueError(no_such("command", words[0], program, list(self.summaries)))
        print(self.page(program), end="", file=sys.stdout if words else sys.stderr)
        return 0 if words else 2

    def page(self, program: str) -> str:
        """The list of commands."""
        last = f"{program} COMMAND --help lists the options of a command."
        head = f"usage: {program} COMMAND [OPTIONS]\n\n{self.about}"
        return f"{paragraphs(head)}\n\n{listing(self.summaries)}\n\n{paragraphs(last)}\n"


def _run(command: Command, words: list[str], program: str) -> int:
    """Show the page of a command, or read its options and run it."""
    asked = [_HELP[word] for word in words if word in _HELP]
    if asked:
        print(command.page(program, [word for word in words if word not in _HELP], complete=any(asked)), end="")
        return 0
    from simulate.house.command_line.reading import read  # tyro, which a help page does not need

    try:
        default = command.default(words)
    except ValueError as error:
        raise ValueError(as_typed(str(error), words, options_of(command.cls))) from error
    options = options_of(command.cls, default)
    made = read(command.cls, words, options, program=program, default=default, elsewhere=command.elsewhere)
    interruptible()
    try:
        return int(made())
    except ValueError as error:
        raise ValueError(as_typed(str(error), words, options)) from error


def _unfolded(text: str) -> str:
    """A docstring with one line for each paragraph."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
