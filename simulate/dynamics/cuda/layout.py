"""How a trajectory is laid out in a block of threads, and how many blocks a multiprocessor then holds."""

from __future__ import annotations

from dataclasses import dataclass

from simulate.dynamics.cuda.thread import PARTS, TILE

__all__ = ["A100", "H100", "Card", "Layout", "Shape", "choose_layout", "lay_out", "resident_blocks"]

_WARP = 32
_MOST_LANES = 256
_MOST_THREADS = 512
_RESERVED = 1024
"""Bytes of shared memory that the driver keeps for itself in every block."""
_REGISTER_UNIT = 256
"""Registers are given out to warps in pieces of this size."""


@dataclass(frozen=True)
class Card:
    """What a GPU offers to blocks."""

    block_bytes: int
    """Shared memory that a block may ask for."""
    processor_bytes: int
    """Shared memory of a multiprocessor."""
    processors: int
    """Multiprocessors."""
    registers: int = 65_536
    """32-bit registers of a multiprocessor."""
    threads: int = 2048
    """Most threads resident on a multiprocessor."""
    blocks: int = 32
    """Most blocks resident on a multiprocessor."""


A100 = Card(block_bytes=166_912, processor_bytes=167_936, processors=108)
"""NVIDIA A100, 40 or 80 GB."""
H100 = Card(block_bytes=232_448, processor_bytes=233_472, processors=132)
"""NVIDIA H100, SXM."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a trajectory and its step."""

    n: int
    """Samples."""
    m: int
    """Filters of each sign."""
    n_columns: int
    """Signal and noise vectors, L = 1 + n patches."""
    updates: int = 1
    """Updates a step."""
    perturbs: bool = True
    """Whether any of them perturbs the weights."""

    @property
    def tiles(self) -> int:
        """Tiles that the filters make."""
        return -(-2 * self.m // TILE)


@dataclass(frozen=True)
class Layout:
    """Threads of a block, (lanes, groups), and where things are in its shared memory."""

    lanes: int
    """Threads that share the samples of a tile of filters."""
    groups: int
    """Tiles of filters that a block works at side by side."""
    held: int
    """Rows of the Gram matrix in shared memory; the kernel finds the others in the memory of the card."""
    bounds: tuple[int, ...]
    """Ends, in float64, of c, z, products, near, g, least, values and partial in `simulate.dynamics.cuda.block`; then,
    in int32, begin and end of bits."""
    n_bytes: int
    """Shared memory of a block."""

    @property
    def warps(self) -> int:
        """Warps of a block."""
        return -(-self.lanes * self.groups // _WARP)


def lay_out(shape: Shape, capacity: int, groups: int, lanes: int | None = None) -> Layout | None:
    """Place a trajectory in `capacity` bytes of shared memory.

    Args:
        shape: Its sizes.
        capacity: Bytes that a block may have.
        groups: Groups of threads that share the tiles.
        lanes: Threads that share the columns; whole warps when not given.

    Returns:
        The layout with as many rows of the Gram matrix as there is room for, or None when not even one has room.
    """
    L, state = shape.n_columns, 2 * shape.m * shape.n_columns
    lanes = lanes or min(_WARP * -(-L // _WARP), _MOST_LANES)
    sizes = [state, state, state if shape.perturbs else 0, 0, L, groups * L, 3 * shape.n, groups * (L + 1), 3 * PARTS]
    words = [shape.tiles * (L + 1), shape.updates * shape.tiles]
    free = capacity - 8 * sum(sizes) - 4 * sum(words)
    sizes[3] = L * min(L, free // (8 * L))
    if sizes[3] <= 0:
        return None
    bounds = [sum(sizes[: number + 1]) for number in range(8)]
    first_word = 2 * sum(sizes)
    n_bytes = 4 * (first_word + sum(words))
    return Layout(lanes, groups, sizes[3] // L, (*bounds, first_word, first_word + words[0]), n_bytes)


def resident_blocks(layout: Layout, registers: int, card: Card) -> int:
    """Blocks that a multiprocessor holds at a time, of a kernel with so many registers a thread."""
    per_warp = _REGISTER_UNIT * -(-registers * _WARP // _REGISTER_UNIT)
    return min(
        card.processor_bytes // (layout.n_bytes + _RESERVED),
        card.registers // per_warp // layout.warps,
        card.threads // (_WARP * layout.warps),
        card.blocks,
    )


def choose_layout(shape: Shape, registers: int, card: Card) -> Layout | None:
    """The layout with the most warps in flight, and of several such the one with the fewest groups.

    Returns:
        The layout, or None when the state does not fit in shared memory.

    Example:
        >>> choose_layout(Shape(n=20, m=10, n_columns=21), registers=122, card=H100).held
        21
        >>> choose_layout(Shape(n=4000, m=10, n_columns=4001), registers=122, card=H100) is None
        True
    """
    found = [lay_out(shape, card.block_bytes, groups) for groups in range(1, shape.tiles + 1)]
    fitting = [each for each in found if each is not None and each.lanes * each.groups <= _MOST_THREADS]
    return max(fitting, key=lambda each: each.warps * resident_blocks(each, registers, card), default=None)
