"""From the words of a command line to the command that they ask for."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Annotated, Any

import tyro

from simulate.house.command_line.complaints import as_typed, check_switches, check_words
from simulate.house.command_line.options import Option

__all__ = ["read"]


def read(
    cls: Any,
    words: Sequence[str],
    options: Sequence[Option],
    *,
    program: str,
    default: Any = None,
    elsewhere: Callable[[], Mapping[str, str]] = dict,
) -> Any:
    """A command with its options.

    tyro parses. What it refuses is said in our words: its boxes name neither the option as it was typed nor, often,
    what is expected of it.

    Args:
        cls: The dataclass of the command.
        words: The words behind the command.
        options: What `options_of` says of the class and the default.
        program: What was typed before the words.
        default: An instance that holds the defaults, if they are not those of the class.
        elsewhere: Where to say what is no option here, by its name.

    Raises:
        ValueError: saying what is wrong with the command line.
    """
    check_switches(words, options)
    told = io.StringIO()
    defaults = {} if default is None else {"default": default}
    try:
        with redirect_stdout(told), redirect_stderr(told):
            parsed = Annotated[cls, tyro.conf.OmitSubcommandPrefixes]
            return tyro.cli(parsed, args=list(words), prog=program, **defaults)
    except (SystemExit, ValueError) as refused:
        check_words(words, options, program, elsewhere())
        raise ValueError(as_typed(_sentence(refused, told.getvalue(), program), words, options)) from None


def _sentence(refused: BaseException, box: str, program: str) -> str:
    """What a check of our own said, or what is in the parser's box."""
    error: BaseException | None = refused
    while error is not None:
        if isinstance(error, ValueError) and str(error).startswith("Argument `"):
            return str(error)
        error = error.__cause__ or error.__context__
    lines = (line.strip("│ ") for line in box.splitlines())
    text = " ".join(line for line in lines if re.search(r"\w", line) and not line.startswith(("╭", "╰")))
    told = text.partition("For full helptext")[0].strip()
    return f"The command line is not understood: {told or 'the parser does not say why'}; see {program} --help."
