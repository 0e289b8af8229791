"""How commands that make models show how far they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from deepnet import parallel
from deepnet.cli.console import console
from deepnet.stages import Run

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(runs: Sequence[Run]) -> Iterator[Iterator[Run]]:
    """A bar over the models of a stage that says which one is being made."""
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not parallel.is_first()) as progress:
        task = progress.add_task("", total=len(runs))

        def shown() -> Iterator[Run]:
            for run in runs:
                progress.update(task, description=run.label)
                yield run
                progress.advance(task)

        yield shown()
