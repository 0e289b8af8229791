"""How far an unlearning is: a bar on a terminal, lines where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import Progress

from deepnet.house.parallel import is_first
from deepnet.own.watching import EpochSeen
from simulate.house.terminal import console, progress_bar

__all__ = ["Shown", "shown"]


class Shown:
    """Is told what happens; shows nothing without a bar, or a line an epoch if it is to."""

    def __init__(self, bar: Progress | None, lines: bool) -> None:
        self._bar, self._lines = bar, lines
        self._task = None if bar is None else bar.add_task("", total=None)

    def plan(self, steps: int) -> None:
        """There will be so many steps."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, total=steps)

    def step(self, number: int) -> None:
        """So many are made."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=number)

    def epoch(self, seen: EpochSeen) -> None:
        """The network was looked at."""
        told = f"retained {100 * seen.retain_accuracy:.1f} %, forgotten {100 * seen.forget_accuracy:.1f} %"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=told)
        elif self._lines:
            console.print(f"epoch {seen.epoch}: {told}")


@contextmanager
def shown(progress: bool | None) -> Iterator[Shown]:
    """What shows an unlearning.

    Args:
        progress: None shows a bar on a terminal or in a notebook and nothing elsewhere, True also lines elsewhere,
            False nothing.
    """
    terminal = console.is_terminal or console.is_jupyter
    if progress is False or not terminal or not is_first():
        yield Shown(None, lines=bool(progress) and not terminal and is_first())
        return
    with progress_bar() as bar:
        yield Shown(bar, lines=False)
