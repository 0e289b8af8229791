"""How a process enters a front door, before anything that takes time is imported, and how it leaves early."""

from __future__ import annotations

import codecs
import os
import signal
import sys
import unicodedata
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

__all__ = ["INTERRUPTED", "enter", "interruptible"]

INTERRUPTED = 130
"""The exit status of what the user interrupted: 128 and the number of SIGINT, as shells have it."""


def enter(main: Callable[[], int]) -> NoReturn:
    """Run the front door of a process, and end with its status.

    Args:
        main: Imports the door and runs it.
    """
    _open_streams()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where a parent had it ignored
        signal.signal(signal.SIGINT, _leave)
    sys.exit(main())


def interruptible() -> None:
    """From here on, Ctrl-C is an exception again, so that what has begun can be ended in good order."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """End at once: while packages are imported there is nothing to put in order.

    An exception would do worse: it comes out as a traceback through all that is being imported, or is swallowed there.
    """
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


_SPELLED = {
    "±": "+-", "×": "x", "·": "*", "−": "-", "–": "-", "—": "-", "…": "...", "‖": "||", "∝": "~", "√": "sqrt",
    "≥": ">=", "≤": "<=", "∞": "inf", "∈": "in", "→": "->", "✓": "yes", "✗": "no", "“": '"', "”": '"', "’": "'",
}  # fmt: skip
"""Signs as they are typed where there are only letters; Greek letters go by their names."""

_SPELLING = "sharpmu-spelling"


def _open_streams() -> None:
    """Give a process whose output was closed (`>&-`) one that leads nowhere, and no file its place.

    What an output cannot show (a terminal without "±", a file name that is no text) is spelled in letters: nothing that
    was computed may be lost since it cannot be told.
    """
    codecs.register_error(_SPELLING, _spelled)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_SPELLING)


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """The characters that an encoding lacks, in ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_letters, error.object[error.start : error.end])), error.end


def _letters(sign: str) -> str:
    if sign in _SPELLED:
        return _SPELLED[sign]
    name = unicodedata.name(sign, "")
    if name.startswith("GREEK") and "LETTER" in name:
        return name.partition("LETTER ")[2].partition(" ")[0].lower()
    return unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode() or "?"
