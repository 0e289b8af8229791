"""How the cells of an ensemble are cut into chunks, and how many chunks run side by side.

Cells of a family have their problem and seed in common. Those of one chunk whose trainings begin alike, phase for
phase, are trained once as far as they do: many ways to unlearn one network need one pretraining.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numba

__all__ = ["Lanes", "cut", "leaders", "side_by_side"]

CHUNK_BYTES = 256 * 2**20
"""Memory that the arrays of all chunks under way may take."""

CHUNK_CELLS = 256
"""Most cells of a chunk when several run side by side: their arrays stay in the cache."""

CARD_BYTES = 2 * 2**30
"""Memory for chunks that visit a card, where a few of the largest problems should be together."""

CARD_CELLS = 2048
"""Cells that fill a card."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class _Sized(Protocol):
    """What is known of a cell."""

    @property
    def shape(self) -> tuple[Hashable, ...]:
        """What cells of one chunk have in common."""

    @property
    def kinds(self) -> tuple[Hashable, ...]:
        """The kind of every phase."""

    @property
    def family(self) -> Hashable:
        """What cells have in common that start alike."""

    @property
    def n_bytes(self) -> int:
        """Memory that its arrays take."""


@dataclass(frozen=True, kw_only=True)
class Lanes:
    """Chunks that run side by side."""

    count: int
    """How many."""
    threads: int
    """Threads of numba in each, where there are several."""
    n_bytes: int
    """Memory of all of them."""
    least: int
    """Cells that a chunk should have, if there are so many."""
    most: int
    """Most cells of a chunk, where several run side by side."""
    mixed: bool = True
    """Whether a chunk may hold phases of several kinds; a card would take the steps of all kinds for each."""

    @classmethod
    def of(cls, engine: str, threads: int) -> Lanes:
        """The lanes of an engine on so many threads.

        Engine "numba" runs a chunk on each thread. With engine "cupy" one chunk is drawn, compiled and summarised while
        another is on the card. More threads would not draw faster but slower: they wait for the interpreter's lock.
        """
        if engine == "numba":
            return cls(count=threads, threads=1, n_bytes=CHUNK_BYTES, least=1, most=CHUNK_CELLS)
        if engine == "cupy":
            return cls(
                count=min(2, threads), threads=threads, n_bytes=CARD_BYTES, least=CARD_CELLS, most=CARD_CELLS,
                mixed=False,
            )  # fmt: skip
        return cls(count=1, threads=threads, n_bytes=CHUNK_BYTES, least=1, most=CHUNK_CELLS)


def cut(cells: Sequence[_Sized], lanes: Lanes) -> Iterator[list[int]]:
    """Numbers of cells that fit in one chunk, family by family within each shape.

    With several lanes the chunks are small enough that all of them are busy to the end.
    """
    by_shape: dict[Hashable, dict[Hashable, list[int]]] = {}
    for number, cell in enumerate(cells):
        shape = cell.shape if lanes.mixed else (cell.shape, cell.kinds)
        by_shape.setdefault(shape, {}).setdefault(cell.family, []).append(number)
    for families in by_shape.values():
        numbers = [number for family in families.values() for number in family]
        per_chunk = max(1, lanes.n_bytes // (lanes.count * cells[numbers[0]].n_bytes))
        if lanes.count > 1:
            busy = max(lanes.least, -(-len(numbers) // (8 * lanes.count)))
            per_chunk = min(per_chunk, lanes.most, busy)
        yield from _together(list(families.values()), per_chunk)


def _together(families: Sequence[list[int]], most: int) -> Iterator[list[int]]:
    """Chunks of whole families; one that is too large for a chunk is cut."""
    chunk: list[int] = []
    for family in families:
        for first in range(0, len(family), most):
            part = family[first : first + most]
            if len(chunk) + len(part) > most:
                yield chunk
                chunk = []
            chunk = chunk + part
    yield chunk


def leaders(courses: Sequence[Hashable]) -> list[int]:
    """For each course the number of the first that is equal to it.

    Example:
        >>> leaders(["a", "b", "a", "b", "c"])
        [0, 1, 0, 1, 4]
    """
    first: dict[Hashable, int] = {}
    return [first.setdefault(course, number) for number, course in enumerate(courses)]


def side_by_side(run: Callable[[_In], _Out], chunks: Sequence[_In], lanes: Lanes) -> Iterator[_Out]:
    """What `run` returns of each chunk, in order; a few are under way at any time, whatever their number."""
    if lanes.count <= 1 or len(chunks) <= 1:
        yield from map(run, chunks)
        return
    with ThreadPoolExecutor(lanes.count, initializer=numba.set_num_threads, initargs=(lanes.threads,)) as pool:
        under_way: deque[Future[_Out]] = deque()
        try:
            for chunk in chunks:
                under_way.append(pool.submit(run, chunk))
                if len(under_way) > 2 * lanes.count:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
