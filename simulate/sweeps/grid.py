"""The grid of a sweep: which training stands where, and the blocks it is computed in."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from simulate.dynamics.phases import Phase
from simulate.house import checks
from simulate.problems.problem import Problem
from simulate.runs.ensemble import Cell
from simulate.runs.run import check_phases
from simulate.sweeps.axes import Axis, Names, assign, read_axes
from simulate.sweeps.expressions import Expression

__all__ = ["Block", "Grid", "make_grid", "read_seeds"]

_SHARING = 64
"""Most seeds of a block: cells that share a seed share its draws, which are kept for that many seeds and more."""


@dataclass(frozen=True)
class Block:
    """A rectangular part of the grid.

    Attributes:
        number: Its number, in the order of the grid.
        place: Its place among the blocks along each axis of the grid.
        region: The part of each axis it covers.
        kept: Points along each axis, from its beginning, whose trainings are there already; () if there are none.
    """

    number: int
    place: tuple[int, ...]
    region: tuple[slice, ...]
    kept: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of points along each axis."""
        return tuple(part.stop - part.start for part in self.region)

    @property
    def size(self) -> int:
        """Number of trainings."""
        return math.prod(self.shape)

    @property
    def missing(self) -> int:
        """Number of trainings that are not there."""
        return self.size - (math.prod(self.kept) if self.kept else 0)

    @property
    def kept_region(self) -> tuple[slice, ...]:
        """The part of the grid whose trainings are there."""
        return tuple(slice(part.start, part.start + size) for part, size in zip(self.region, self.kept, strict=True))


@dataclass(frozen=True)
class Grid:
    """Every combination of the points of some axes, with every seed; see `make_grid`.

    Attributes:
        problem: The problem where no axis changes it.
        phases: The phases where no axis changes them.
        axes: The axes.
        coupled: What follows from the axes, in the order in which it is computed.
        seeds: The seeds, the last axis of the grid.
    """

    problem: Problem
    phases: tuple[Phase, ...]
    axes: tuple[Axis, ...]
    coupled: tuple[Expression, ...]
    seeds: tuple[int, ...]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the dimensions."""
        return (*(axis.dimension for axis in self.axes), "seed")

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of points along each dimension."""
        return (*map(len, self.axes), len(self.seeds))

    @property
    def size(self) -> int:
        """Number of trainings."""
        return math.prod(self.shape)

    def at(self, point: Sequence[int]) -> tuple[Problem, tuple[Phase, ...]]:
        """Problem and phases at a point of the axes, (len(axes),)."""
        return assign(self.problem, self.phases, {self.paths[name]: v for name, v in self.values(point).items()})

    def values(self, point: Sequence[int]) -> dict[str, Any]:
        """What the axes and the couplings set at a point, by name."""
        pairs = [zip(axis.names, axis.values[place], strict=True) for axis, place in zip(self.axes, point, strict=True)]
        values = {name: value for pair in pairs for name, value in pair}
        for expression in self.coupled:
            values[expression.name] = expression.value({**self._base, **values})
        return values

    def cells(self, block: Block) -> list[Cell]:
        """The trainings of a block that are not there, the seeds varying fastest."""
        *parts, seeds = (range(part.start, part.stop) for part in block.region)
        cells: list[Cell] = []
        for place in product(*(range(len(part)) for part in parts)):
            inside = bool(block.kept) and all(k < end for k, end in zip(place, block.kept, strict=False))
            numbers = seeds[block.kept[-1] :] if inside else seeds
            if numbers:
                problem, phases = self.at([part[k] for part, k in zip(parts, place, strict=True)])
                cells += [Cell(problem, phases, self.seeds[number]) for number in numbers]
        return cells

    def points(self) -> Iterator[tuple[int, ...]]:
        """Every point of the axes, the last varying fastest."""
        return product(*(range(len(axis)) for axis in self.axes))

    def describe_point(self, point: Sequence[int]) -> str:
        """The values of the axes at a point, in words."""
        pairs = [zip(axis.names, axis.values[place], strict=True) for axis, place in zip(self.axes, point, strict=True)]
        return ", ".join(f"{name}={value!r}" for pair in pairs for name, value in pair) or "given by the arguments"

    def coordinates(self) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """Coordinates by name, each with its dimensions: what the axes set, what follows from it, and the seeds."""
        made: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
            name: ((axis.dimension,), axis.labels(name)) for axis in self.axes for name in axis.names
        }
        for expression in self.coupled:
            used = [number for number, axis in enumerate(self.axes) if self._needs[expression.name] & {*axis.names}]
            counts = [len(self.axes[number]) for number in used]
            values = np.empty(counts)
            for place in product(*map(range, counts)):
                point = [0] * len(self.axes)
                for number, index in zip(used, place, strict=True):
                    point[number] = index
                values[place] = self.values(point)[expression.name]
            made[expression.name] = tuple(self.axes[number].dimension for number in used), values
        return {**made, "seed": (("seed",), np.array(self.seeds))}

    def describe(self) -> dict[str, Any]:
        """All that decides the trainings, as JSON writes it."""
        axes = {
            ", ".join(axis.names): [*map(_describe, axis.column(axis.names[0]))]
            if len(axis.names) == 1
            else [[*map(_describe, point)] for point in axis.values]
            for axis in self.axes
        }
        described = {
            "dimensions": list(self.dimensions),  # dicts are compared by name: their order is told apart
            "order": [phase.name for phase in self.phases],
            "problem": self.problem.described(),
            "phases": {phase.name: {k: _describe(v) for k, v in vars(phase).items()} for phase in self.phases},
            "axes": axes,
            "coupled": {expression.name: expression.text for expression in self.coupled},
            "seeds": list(self.seeds),
        }
        return json.loads(json.dumps(described))

    def block_shape(self, most: int) -> tuple[int, ...]:
        """Shape of blocks of at most so many trainings: few seeds, and then as many neighbours as fit."""
        shape: list[int] = []
        for size, limit in zip(reversed(self.shape), (_SHARING, *self.shape), strict=False):
            fitting = max(1, min(size, most // math.prod(shape), limit if not shape else size))
            shape.append(-(-size // -(-size // fitting)))  # parts of nearly equal size
        return tuple(reversed(shape))

    def blocks(self, shape: Sequence[int]) -> Iterator[Block]:
        """The blocks of that shape which together cover the grid; those at the ends may be smaller."""
        counts = [range(-(-size // step)) for size, step in zip(self.shape, shape, strict=True)]
        for number, place in enumerate(product(*counts)):
            bounds = zip(place, shape, self.shape, strict=True)
            yield Block(number, place, tuple(slice(k * step, min((k + 1) * step, size)) for k, step, size in bounds))

    @cached_property
    def _base(self) -> dict[str, Any]:
        """Fields of the problem."""
        return asdict(self.problem)

    @cached_property
    def paths(self) -> dict[str, tuple[str, ...]]:
        """Where each name leads; see `simulate.sweeps.axes.Names`."""
        names = Names(self.phases, self.axes)
        of_axes = {name: names.path(name, "axes") for axis in self.axes for name in axis.names}
        return {**of_axes, **{each.name: names.path(each.name, "coupled") for each in self.coupled}}

    @cached_property
    def _needs(self) -> dict[str, set[str]]:
        """The names on axes that each coupled quantity follows from, itself or through others."""
        varied = {name for axis in self.axes for name in axis.names}
        needs: dict[str, set[str]] = {}
        for each in self.coupled:
            needs[each.name] = (varied & each.names).union(*(needs[name] for name in each.names if name in needs))
        return needs


def make_grid(
    problem: Problem,
    phases: Sequence[Phase],
    axes: Mapping[str | tuple[str, ...], Iterable[Any]],
    seeds: Iterable[int],
    coupled: Mapping[str, str] | None = None,
) -> Grid:
    """Read the arguments of a sweep that say what is trained.

    Args:
        problem: The problem.
        phases: The phases.
        axes: Values by name, see `simulate.sweep`.
        seeds: The seeds.
        coupled: Expressions by name.

    Returns:
        The grid; its names are known and its points are different, but not all of them need be possible.

    Raises:
        ValueError: naming the argument that does not fit.
    """
    if not isinstance(problem, Problem):
        checks.fail("problem", "be a Problem", problem)
    check_phases(phases)
    numbers = read_seeds(seeds)
    if coupled is not None and not (isinstance(coupled, Mapping) and all(isinstance(name, str) for name in coupled)):
        checks.fail("coupled", "be a dict of names and expressions", coupled)
    expressions = tuple(Expression(text, name) for name, text in (coupled or {}).items())
    grid = Grid(problem, tuple(phases), read_axes(axes), expressions, numbers)
    _check_names(grid)
    return grid


def read_seeds(seeds: Iterable[int]) -> tuple[int, ...]:
    """Read the argument `seeds` of a sweep.

    Raises:
        ValueError: if there are none, or one is there twice or no whole number that 63 bits hold.
    """
    numbers = checks.listed("seeds", "be a list of whole numbers", seeds)
    for seed in numbers:
        checks.integer("seeds", seed, least=0)
    if max(numbers, default=0) >= 2**63:
        checks.fail("seeds", "hold numbers below 2**63", max(numbers))
    if not numbers or len(set(numbers)) < len(numbers):
        checks.fail("seeds", "hold at least one seed, and each once", numbers)
    return tuple(map(int, numbers))


def _check_names(grid: Grid) -> None:
    """Require that names are known, set once, and computed from what is known before."""
    varied = [name for axis in grid.axes for name in axis.names]
    set_once: dict[tuple[str, ...], str] = {}
    for number, name in enumerate((*varied, *(each.name for each in grid.coupled))):
        path = grid.paths[name]
        if path in set_once:
            argument, same = "axes" if number < len(varied) else "coupled", set_once[path]
            raise ValueError(f'Argument `{argument}` must set what is not set yet, but "{name}" is set by "{same}".')
        set_once[path] = name
    known = {*asdict(grid.problem), *varied} - {each.name for each in grid.coupled}
    for each in grid.coupled:
        for name in sorted(each.names - known):
            raise ValueError(
                f"Argument `coupled` must compute {each.name} from fields of the problem, axes, or what is computed "
                f'before it ({", ".join(sorted(known))}), but uses "{name}".'
            )
        known.add(each.name)


def _describe(value: Any) -> Any:
    """A value as JSON writes it: objectives and optimizers by the expression that makes them."""
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)
