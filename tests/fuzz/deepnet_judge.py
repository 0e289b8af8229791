"""What a public door may do with any argument: give a right result, or raise one clear error of its own."""

from __future__ import annotations

import contextlib
import io
import linecache
import re
import traceback
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from tests.places import ROOT

ROOMS = tuple(str(ROOT / room) + "/" for room in ("simulate", "theory", "deepnet", "paper_figs"))
LONGEST = 2000
"""Characters that one message may have; the largest arguments that are sent have four hundred digits."""
NAMED = re.compile(r"`[\w.\-]+`|--[a-z]|column|no command '|/\w|[\w-]+\.(npz|npy|csv|jsonl?|png|zarr|safetensors)")
"""An argument, an option or a path."""
CALLER = re.compile(r"(unexpected keyword argument|missing \d+ required|takes \d+ positional|multiple values)")
"""What Python itself says of a call that does not fit, with the argument's name, before any of our lines is run."""


class LeakError(AssertionError):
    """A door let through what it should have refused itself."""


def outcome(call: Callable[[], object]) -> str:
    """Run a call; returns "right" or "refused".

    Raises:
        LeakError: if the call raised anything but one clear error of our own. Warnings are errors in the tests.
    """
    try:
        call()
    except AssertionError:
        raise
    except Exception as error:
        fault = _fault(error)
        if fault:
            raise LeakError(f"{fault}\n{''.join(traceback.format_exception(error))}") from None
        return "refused"
    return "right"


def _fault(error: Exception) -> str:
    """What is wrong with an error; empty if nothing is."""
    text = str(error)
    if not isinstance(error, ValueError | TypeError | OSError | ArithmeticError | RuntimeError):
        return f"an error of the type {type(error).__name__}"
    if not text or len(text) > LONGEST:
        return f"a message of {len(text)} characters"
    file, line = innermost(error.__traceback__)
    if isinstance(error, TypeError) and CALLER.search(text) and not file.startswith(ROOMS):
        return ""
    if not file.startswith(ROOMS) or not line.startswith("raise"):
        return f"not raised by a statement of ours, but in {file}: {line}"
    return "" if NAMED.search(text) else "a message that names no argument, option or path"


def told(main: Callable[[Sequence[str]], int], words: Sequence[str]) -> str:
    """Run a command line in this process; returns "right" or "refused".

    Raises:
        LeakError: if it ends in a traceback, in silence, or in more than one message.
    """
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status: Any = main(list(words))
    except (Exception, SystemExit) as error:
        raise LeakError(f"{list(words)} leaked\n{''.join(traceback.format_exception(error))}") from None
    message = err.getvalue()
    if status == 0 and not message:
        return "right"
    single = message.startswith("usage: ") if not words else message.count("error: ") == len(message.splitlines()) == 1
    named = NAMED.search(message) or any(word and word in message for word in words[1:])
    if status not in (1, 2) or not single or "Traceback" in message + out.getvalue() or not named:
        raise LeakError(f"{list(words)} ended with {status} and told\n{out.getvalue()}{message}")
    return "refused"


def innermost(trace: TracebackType | None) -> tuple[str, str]:
    """File and source line of the innermost frame."""
    last = trace
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return "", ""
    file = last.tb_frame.f_code.co_filename
    return file, linecache.getline(file, last.tb_lineno).strip()
