"""What counts as an answer: a right result, or one clear error of our own that names what is wrong."""

from __future__ import annotations

import contextlib
import io
import linecache
import re
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from tests.places import ROOT

ROOMS = tuple(str(ROOT / room) for room in ("simulate", "theory"))
PATIENCE = 60
"""Seconds after which a door is said to hang."""


class LeakError(AssertionError):
    """Something came out of a door that is neither a result nor an error of ours."""


@dataclass(frozen=True)
class Refusal:
    """One clear error."""

    message: str


def attempt(call: Callable[[], Any]) -> Any:
    """What a call returns, or its refusal.

    Raises:
        LeakError: if it raises anything but a ValueError or TypeError that a `raise` of ours made and that names an
            argument in backticks, warns, or hangs.
    """
    try:
        with warnings.catch_warnings(), _patience():
            warnings.simplefilter("error")
            return call()
    except (ValueError, TypeError) as error:
        if not (_is_raised_by_us(error) or _is_signature(error)):
            raise LeakError("".join(traceback.format_exception(error))) from None
        return Refusal(str(error))
    except (Exception, SystemExit) as error:
        raise LeakError("".join(traceback.format_exception(error))) from None


def _is_raised_by_us(error: Exception) -> bool:
    """Whether a statement `raise` in one of our files made the error, and its message names an argument."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno or 0).strip()
    ours = last.filename.startswith(ROOMS) and line.startswith("raise ")
    return ours and re.search(r"`[\w.]+`", str(error)) is not None


def _is_signature(error: Exception) -> bool:
    """Whether Python itself refused a keyword that is unknown or missing, and said which."""
    return isinstance(error, TypeError) and bool(
        re.search(r"unexpected keyword argument '|missing \d+ required .*argument", str(error))
    )


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    def tired(*_: object) -> None:
        raise RuntimeError(f"No answer within {PATIENCE} s.")

    before = signal.signal(signal.SIGALRM, tired)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True)
class Told:
    """How a command line ended."""

    status: int
    out: str
    err: str


def command(main: Callable[[Sequence[str]], int], words: Sequence[str]) -> Told | Refusal:
    """Run a command line in process.

    Raises:
        LeakError: if it ends in a traceback, a warning or silence, or its one message names nothing.
    """
    out, err = io.StringIO(), io.StringIO()

    def call() -> int:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            return main(words)

    status = attempt(call)
    told = Told(99 if isinstance(status, Refusal) else status, out.getvalue(), err.getvalue())
    if told.status == 2 and _is_one_message(told.err):
        return Refusal(told.err)
    if told.status not in (0, 1) or told.err:
        raise LeakError(f"{words}\nended with {status}\n{told.out}\n{told.err}")
    return told


def _is_one_message(text: str) -> bool:
    """Whether it is one error of ours, in one line, and says what it is about."""
    ours = text.startswith("error: ") and text.count("error: ") == 1 and len(text.splitlines()) == 1
    return ours and any(name in text for name in ("`", "Errno", "--help")) and "Traceback" not in text


@dataclass(frozen=True)
class Door:
    """A public door.

    Attributes:
        name: What it is called.
        configurations: What is carried to it.
        enter: What is done with a configuration; `attempt` judges it.
        inspect: Whether a result is right, by assertions.
        judged: Whether `enter` judges the outcome itself.
        quick: How many configurations the default suite carries there.
    """

    name: str
    configurations: SearchStrategy[Any]
    enter: Callable[[Any], Any]
    inspect: Callable[[Any, Any], None]
    judged: bool = False
    quick: int = 100


@dataclass
class Tally:
    """How often a door let something in, and how often it refused."""

    entered: int = 0
    refused: int = 0
    names: dict[str, int] = field(default_factory=dict)
    """How often each argument was named by a refusal."""

    def count(self, value: Any) -> None:
        """Take note of one outcome."""
        if not isinstance(value, Refusal):
            self.entered += 1
            return
        self.refused += 1
        found = re.search(r"`(?:--)?(?:[\w-]+\.)*([\w-]+)`", value.message)
        name = found[1] if found else "by the parser"
        self.names[name] = self.names.get(name, 0) + 1


def explore(door: Door, count: int) -> Tally:
    """Carry so many configurations to a door; the same ones each time."""
    tally = Tally()

    @settings(
        max_examples=count, derandomize=True, database=None, deadline=None, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(door.configurations)
    def goes_through(configuration: Any) -> None:
        value = door.enter(configuration) if door.judged else attempt(lambda: door.enter(configuration))
        if not isinstance(value, Refusal):
            door.inspect(configuration, value)
        tally.count(value)

    goes_through()
    return tally
