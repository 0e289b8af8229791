"""`python -m deepnet options`: the fields of a study, each of which is an option of `run`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from deepnet.cli.run import RunCommand, run_with_preset
from simulate.house.command_line.help_page import option_list
from simulate.house.command_line.options import Shown, options_of
from simulate.house.terminal import console
from simulate.house.words.counting import counted

__all__ = ["OptionsCommand"]


@dataclass(frozen=True, kw_only=True)
class OptionsCommand:
    """List the fields of a study that are options of `run`, all or those that hold a word."""

    word: Annotated[str, tyro.conf.Positional, Shown(value="WORD", positional=True)] = ""
    """Part of a flag or of its text, such as lr, sharpness or "batch size"."""
    preset: str = "digits"
    """The study whose defaults are shown."""

    def __call__(self) -> int:
        """Print the options; returns the exit status."""
        every = options_of(RunCommand, run_with_preset(["--preset", self.preset]))
        word = self.word.casefold().strip()
        chosen = [one for one in every if word in f"{one.flag} {one.flag.replace('-', ' ')} {one.text}".casefold()]
        if not chosen:
            raise ValueError(f"Argument `word` must occur in an option of `run`, but {self.word!r} does not.")
        console.print(option_list(chosen))
        console.print(f"{len(chosen)} of {counted(len(every), 'option')} of `run --preset {self.preset}`")
        return 0
