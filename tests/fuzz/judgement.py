"""What counts as an answer: a right result, or one clear error of our own that names what is wrong."""

from __future__ import annotations

import contextlib
import io
import linecache
import re
import signal
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from tests.places import ROOT

ROOMS = tuple(str(ROOT / room) + "/" for room in ("simulate", "theory", "deepnet", "paper_figs"))
PATIENCE = 60
"""Seconds after which a door is said to hang."""
LONGEST = 2000
"""Characters that one message may have; the largest arguments that are sent have four hundred digits."""
SIGNATURE = re.compile(r"(unexpected keyword argument|missing \d+ required|takes \d+ positional|multiple values)")
"""What Python itself says of a call that does not fit, with the argument's name, before any of our lines is run."""


@dataclass(frozen=True)
class Terms:
    """How a door may refuse."""

    kinds: tuple[type[Exception], ...]
    """Types of its errors."""
    named: re.Pattern[str]
    """What its message must name."""


ARGUMENTS = Terms((ValueError, TypeError), re.compile(r"`[\w.]+`"))
"""Doors of numbers: an argument is named."""
FILES = Terms(
    (ValueError, TypeError, OSError, ArithmeticError, RuntimeError),
    re.compile(r"`[\w.\-]+`|--[a-z]|column|no command '|/\w|[\w-]+\.(npz|npy|csv|jsonl?|png|zarr|safetensors)"),
)
"""Doors that read files and train: an argument, an option or a path is named."""


class LeakError(AssertionError):
    """Something came out of a door that is neither a result nor an error of ours."""


@dataclass(frozen=True)
class Refusal:
    """One clear error."""

    message: str


def attempt(call: Callable[[], Any], terms: Terms = ARGUMENTS, patience: int = PATIENCE) -> Any:
    """What a call returns, or its refusal.

    Raises:
        LeakError: if it raises anything but an error of the terms that a `raise` of ours made, warns, or hangs.
    """
    try:
        with warnings.catch_warnings(), _patience(patience):
            warnings.simplefilter("error")
            return call()
    except (Exception, SystemExit) as error:
        fault = _fault(error, terms)
        if fault:
            raise LeakError(f"{fault}\n{''.join(traceback.format_exception(error))}") from None
        return Refusal(str(error))


def outcome(call: Callable[[], Any]) -> str:
    """Run a call that may read files and train; "right" or "refused".

    Raises:
        LeakError: as `attempt` does.
    """
    return "refused" if isinstance(attempt(call, FILES), Refusal) else "right"


def _fault(error: BaseException, terms: Terms) -> str:
    """What is wrong with an error; empty if nothing is."""
    text = str(error)
    if not isinstance(error, terms.kinds):
        return f"an error of the type {type(error).__name__}"
    if not text or len(text) > LONGEST:
        return f"a message of {len(text)} characters"
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno or 0).strip()
    ours = last.filename.startswith(ROOMS)
    if isinstance(error, TypeError) and SIGNATURE.search(text) and not ours:
        return ""
    if not ours or not line.startswith("raise"):
        return f"not raised by a statement of ours, but in {last.filename}: {line}"
    return "" if terms.named.search(text) else "a message that does not name what is wrong"


@contextlib.contextmanager
def _patience(seconds: int) -> Iterator[None]:
    def tired(*_: object) -> None:
        raise LeakError(f"No answer within {seconds} s.")

    before = signal.signal(signal.SIGALRM, tired)
    signal.alarm(seconds)
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


def command(main: Callable[[Sequence[str]], int], words: Sequence[str], patience: int = PATIENCE) -> Told | Refusal:
    """Run a command line in process.

    Raises:
        LeakError: if it ends in a traceback, a warning or silence, or its one message names nothing.
    """
    out, err = io.StringIO(), io.StringIO()

    def call() -> Any:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            return main(list(words))

    status = attempt(call, FILES, patience)
    told = Told(99 if isinstance(status, Refusal) else status, out.getvalue(), err.getvalue())
    if told.status in (1, 2) and _is_one_message(told, words):
        return Refusal(told.err)
    if told.status not in (0, 1) or told.err:
        raise LeakError(f"{words}\nended with {status}\n{told.out}\n{told.err}")
    return told


def ended(main: Callable[[Sequence[str]], int], words: Sequence[str], patience: int = PATIENCE) -> str:
    """Run a command line whose every failure has a message; "right" or "refused".

    Raises:
        LeakError: as `command` does, or if it failed in silence.
    """
    told = command(main, words, patience)
    if isinstance(told, Told) and told.status:
        raise LeakError(f"{words}\nended with {told.status} in silence\n{told.out}")
    return "refused" if isinstance(told, Refusal) else "right"


def _is_one_message(told: Told, words: Sequence[str]) -> bool:
    """Whether a command told one error of ours, in one line, and what it is about; or its usage."""
    text = told.err
    one_line = text.count("error: ") == len(text.splitlines()) == 1
    single = one_line if words else text.startswith("usage: ")
    typed = any(word and word in text for word in words[1:])
    named = typed or FILES.named.search(text) or "Errno" in text or "--help" in text
    return bool(single and named and "Traceback" not in text + told.out)


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
        often: How many the slow suite does.
        let_in: Share of them that it must let in.
        refused: Share of them that it must refuse.
    """

    name: str
    configurations: SearchStrategy[Any]
    enter: Callable[[Any], Any]
    inspect: Callable[[Any, Any], None]
    judged: bool = False
    quick: int = 100
    often: int = 1000
    let_in: float = 0.04
    refused: float = 0.1


def waiting(
    name: str, calls: SearchStrategy[Callable[[], str]], quick: int, often: int = 1000, common: float = 0.05
) -> Door:
    """A door to which calls are carried that judge and inspect themselves, and say "right" or "refused"."""

    def enter(call: Callable[[], str]) -> Any:
        return Refusal("by the call") if call() == "refused" else "right"

    return Door(
        name, calls, enter, lambda *_: None, judged=True, quick=quick, often=often, let_in=common, refused=common
    )


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
        found = re.search(r"`([\w.]+)`", value.message)
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


def heads(doors: Iterable[Door]) -> tuple[Any, Any]:
    """The two tests of some doors, one of them slow; each takes the name of a door."""
    by_name = {door.name: door for door in doors}

    def check(name: str, count: int) -> None:
        """Both outcomes are common, so that neither is examined in name only."""
        door = by_name[name]
        tally = explore(door, count)
        print(f"{name}: {tally.entered} results, {tally.refused} refusals")
        assert tally.entered + tally.refused >= count
        assert tally.entered >= max(door.let_in * count, 1)
        assert tally.refused >= max(door.refused * count, 1)

    @pytest.mark.parametrize("name", by_name)
    def test_a_door_answers(name: str) -> None:
        check(name, by_name[name].quick)

    @pytest.mark.slow
    @pytest.mark.parametrize("name", by_name)
    def test_a_door_answers_many_times(name: str) -> None:
        check(name, by_name[name].often)

    return test_a_door_answers, test_a_door_answers_many_times
