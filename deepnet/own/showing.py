"""How far an unlearning is: a bar on a terminal, lines where they are asked for, and logs that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from rich.progress import Progress

from deepnet.house.logs import Logger
from deepnet.house.parallel import is_first
from deepnet.own.watching import EpochSeen
from simulate.house.terminal import console, progress_bar

__all__ = ["Shown", "shown"]


class Shown:
    """Is told what happens, and tells the logs; shows nothing without a bar, or a line an epoch if it is to."""

    def __init__(self, bar: Progress | None, lines: bool, logs: Sequence[Logger] = ()) -> None:
        self._bar, self._lines, self._logs = bar, lines, logs
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
        numbers = {name: value for name, value in vars(seen).items() if name != "step" and value is not None}
        for log in self._logs:
            log.log(seen.step, numbers)
        told = f"retained {100 * seen.retain_accuracy:.1f} %, forgotten {100 * seen.forget_accuracy:.1f} %"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=told)
        elif self._lines:
            with suppress(OSError, ValueError):  # where nobody reads any more, the network is wanted all the same
                print(f"epoch {seen.epoch}: {told}", file=console.file, flush=True)


@contextmanager
def shown(progress: bool | None, logs: Sequence[Logger] = ()) -> Iterator[Shown]:
    """What shows an unlearning.

    Args:
        progress: None shows a bar on a terminal or in a notebook and nothing elsewhere, True also lines elsewhere,
            False nothing.
        logs: What is told of each epoch.
    """
    terminal = console.is_terminal or console.is_jupyter
    logs = logs if is_first() else ()
    if progress is False or not terminal or not is_first():
        yield Shown(None, lines=bool(progress) and not terminal and is_first(), logs=logs)
        return
    with progress_bar() as bar:
        yield Shown(bar, lines=False, logs=logs)
