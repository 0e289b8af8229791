"""How commands that make models show how far they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from deepnet.house import parallel
from deepnet.studies.stages import Run, Vote
from simulate.house import terminal

__all__ = ["progress_bar"]

_Made = TypeVar("_Made", Run, Vote)


@contextmanager
def progress_bar(made: Sequence[_Made]) -> Iterator[Iterator[_Made]]:
    """A bar over the models of a stage that says which one is being made."""
    with terminal.progress_bar(hidden=not parallel.is_first()) as progress:
        task = progress.add_task("", total=len(made))

        def shown() -> Iterator[_Made]:
            for one in made:
                progress.update(task, description=one.label)
                yield one
                progress.advance(task)

        yield shown()
