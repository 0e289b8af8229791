"""What every command of the house prints with, and how it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from simulate.house.command_line.entrance import INTERRUPTED
from simulate.house.extras import MissingExtraError, installed_by

__all__ = ["console", "exit_status", "progress_bar", "table"]

_WIDE = 120
"""Columns of tables that go to a file or to another program."""


class _Console(Console):
    """A console that lets a reader's leaving be told by `exit_status`, as every other output does."""

    def on_broken_pipe(self) -> None:
        """Go on with the error, in the place of an exit with status 1.

        Raises:
            BrokenPipeError: the one that is being handled.
        """
        raise


console = _Console(
    highlight=False, markup=False, emoji=False, soft_wrap=True,
    width=None if sys.stdout is not None and sys.stdout.isatty() else _WIDE,  # None if it was closed
)  # fmt: skip
"""Where everything goes. Lines are not broken, and brackets are no markup, so that paths can be copied."""


@contextmanager
def progress_bar(*, hidden: bool = False) -> Iterator[Progress]:
    """A progress bar on the terminal that is gone when it is done.

    Args:
        hidden: Whether nothing is shown, as by all processes but the first.
    """
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),  # the last, for it changes its length
    )
    shown = console.is_terminal or console.is_jupyter  # a file would get an empty line
    with Progress(*columns, console=console, transient=True, disable=hidden or not shown) as progress:
        yield progress


def table(title: str, *columns: str) -> Table:
    """An empty table; the first column is text, the others numbers. What is too long is folded, and nothing cut off."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        made.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    return made


def exit_status(command: Callable[[], int], *, interrupted: str = "interrupted", extra: str | None = None) -> int:
    """Run a command; what stops it becomes one line on stderr.

    Args:
        command: The command; it returns its exit status.
        interrupted: What is said when the user interrupts it.
        extra: The extra of the package that has what a command imports, if it needs one.

    Returns:
        The command's status; 2 for an argument that is not valid, a file that cannot be read or written, or a package
        that is missing; 130 if it was interrupted, 141 if what it prints is not read to the end.
    """
    try:
        status = command()
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except BrokenPipeError:
        return _unread()
    except OSError as error:
        told = f"error: {error if error.filename is not None else _unnamed(error)}"
    except ValueError as error:
        told = f"error: {error}"
    except MissingExtraError as error:
        told = f"error: {error}"
    except ModuleNotFoundError as error:
        if extra is None:
            raise
        told = f"error: {error}: this needs the extra {extra}; install it by  {installed_by(extra)}"
    except KeyboardInterrupt as stopped:  # which may know better what is kept
        _complain(f"interrupted; {stopped}" if stopped.args else interrupted)
        return INTERRUPTED
    _complain(" ".join(told.splitlines()))
    return 2


def _complain(told: str) -> None:
    """Print on stderr; where that is a full disk, the status has to say it alone."""
    with suppress(OSError):
        print(told, file=sys.stderr, flush=True)


def _unnamed(error: OSError) -> str:
    """An error of the system on no file: mostly on what is printed, or on the folder where the process is."""
    try:
        Path.cwd()
    except OSError:
        return "The folder in which this was started is gone."
    try:
        print(flush=True)
    except OSError as unprintable:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - Python flushes it at its end
        return f"What is printed cannot be written ({unprintable.strerror})."
    return str(error)


def _unread() -> int:
    """Nobody reads on, as behind `| head`: leave without a word, with the status that shells give to it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would complain when it ends
    return 141
