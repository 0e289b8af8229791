"""How a process enters a front door, before anything that takes time is imported, and how it leaves early."""

from __future__ import annotations

import os
import signal
import sys
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


def _open_streams() -> None:
    """Give a process whose output was closed (`>&-`) one that leads nowhere, and no file its place."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115
