"""How commands that make models show how far they are: a bar on a terminal, lines in a file."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from deepnet.house import parallel
from deepnet.house.crew import Watch
from deepnet.studies.running import Job
from simulate.house.terminal import console
from simulate.house.words.counting import counted

__all__ = ["TimeLeft", "in_words", "shown_progress"]


@contextmanager
def shown_progress(jobs: Sequence[Job]) -> Iterator[Watch]:
    """Show how far some models are, which is being made, and the time left."""
    if not parallel.is_first() or not jobs:
        yield _Silent(jobs)
    elif not (console.is_terminal or console.is_jupyter):
        yield _Lines(jobs)
    else:
        columns = (
            BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.fields[left]}", markup=False),
            TextColumn("{task.description}", markup=False),  # the last, for it changes its length
        )  # fmt: skip
        with Progress(*columns, console=console, transient=True) as bar:
            yield _Bar(jobs, bar)


class TimeLeft:
    """Guesses the time left from what is done, each job counting by about how long it takes."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._costs = [job.seconds for job in jobs]
        self._shares = [0.0] * len(jobs)
        self._began = time.monotonic()

    def note(self, place: int, share: float) -> None:
        """A share of a job is done."""
        self._shares[place] = share

    @property
    def done(self) -> float:
        """How many jobs are done, parts of jobs counting as such."""
        return sum(self._shares)

    def seconds(self, now: float | None = None) -> float | None:
        """Seconds left; None while nothing is known.

        Args:
            now: A time of `time.monotonic`; None is now.
        """
        done = sum(cost * share for cost, share in zip(self._costs, self._shares, strict=True))
        passed = (time.monotonic() if now is None else now) - self._began
        return passed * (sum(self._costs) - done) / done if done > 0 else None


def in_words(seconds: float | None) -> str:
    """A time that is left, coarse as it is known.

    Example:
        >>> in_words(None), in_words(8.4), in_words(100), in_words(5000)
        ('time left unknown', '9 s left', '2 min left', '1 h 24 min left')
    """
    if seconds is None:
        return "time left unknown"
    if seconds < 60:
        return f"{int(seconds) + 1} s left"
    hours, minutes = divmod(-int(-seconds // 60), 60)
    return f"{hours} h {minutes} min left" if hours else f"{minutes} min left"


class _Silent:
    """Shows nothing."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs, self.left = jobs, TimeLeft(jobs)

    def begin(self, place: int) -> None:
        """A model is begun."""

    def move(self, place: int, share: float) -> None:
        """A share of its training is done."""

    def end(self, place: int) -> None:
        """It is made and measured."""


class _Lines(_Silent):
    """Writes a line for each model that is finished, at once."""

    def end(self, place: int) -> None:
        self.left.note(place, 1.0)
        told = f"{round(self.left.done)} of {counted(len(self.jobs), 'model')}: {self.jobs[place].label}"
        # Where nobody reads any more, or a disk is full, the models are wanted all the same. rich would leave then.
        with suppress(OSError, ValueError):
            print(f"{told}; {in_words(self.left.seconds())}", file=console.file, flush=True)


class _Bar(_Silent):
    """Moves a bar."""

    def __init__(self, jobs: Sequence[Job], bar: Progress) -> None:
        super().__init__(jobs)
        self._bar = bar
        self._task: TaskID = bar.add_task("", total=len(jobs), left="")
        self._made: list[int] = []

    def begin(self, place: int) -> None:
        self._made.append(place)
        self._show()

    def move(self, place: int, share: float) -> None:
        self.left.note(place, share)
        self._show()

    def end(self, place: int) -> None:
        self._made.remove(place)
        self.left.note(place, 1.0)
        self._show()

    def _show(self) -> None:
        told = " | ".join(self.jobs[place].label for place in self._made)
        self._bar.update(self._task, completed=self.left.done, description=told, left=in_words(self.left.seconds()))
