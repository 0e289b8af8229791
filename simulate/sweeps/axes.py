"""Axes of a sweep: names of what varies, looked up in the problem and in the phases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NoReturn

import numpy as np

from simulate.dynamics.objectives import Objective
from simulate.dynamics.optimizers import Optimizer
from simulate.dynamics.phases import Phase
from simulate.house import checks
from simulate.house.counting import counted
from simulate.problems.problem import Problem

__all__ = ["Axis", "Names", "assign", "read_axes"]

_PARTS = ("objective", "optimizer")
_FIELDS = tuple(option.name for option in fields(Problem))


@dataclass(frozen=True)
class Axis:
    """One dimension of a sweep.

    Attributes:
        names: What varies along it: one name, or several that move together.
        values: The values of all names at each point, (points, names).
    """

    names: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]

    @property
    def dimension(self) -> str:
        """Name of the dimension: that of the axis, or "d_signal" for ("d", "signal")."""
        return "_".join(self.names)

    def __len__(self) -> int:
        return len(self.values)

    def labels(self, name: str) -> np.ndarray:
        """Values of one name as a coordinate: numbers as they are, all else as text."""
        values = self.column(name)
        if all(isinstance(value, int | float) for value in values):
            return np.array(values)
        return np.array([value if isinstance(value, str) else repr(value) for value in values])

    def column(self, name: str) -> list[Any]:
        """Values of one name."""
        place = self.names.index(name)
        return [point[place] for point in self.values]


def read_axes(axes: Mapping[str | tuple[str, ...], Iterable[Any]]) -> tuple[Axis, ...]:
    """Read the argument `axes` of a sweep.

    Args:
        axes: Values by name; by a tuple of names, tuples of values that move together.

    Returns:
        The axes, in their order.

    Raises:
        ValueError: if names repeat, or an axis has no points, equal ones, or points of a wrong length.
    """
    if not isinstance(axes, Mapping):
        checks.fail("axes", "be a dict of names and values", axes)
    made = tuple(_read(names, values) for names, values in axes.items())
    names = [name for axis in made for name in axis.names]
    if len(set(names)) < len(names):
        checks.fail("axes", "name each quantity once", names)
    return made


def _read(key: str | tuple[str, ...], values: Iterable[Any]) -> Axis:
    names = (key,) if isinstance(key, str) else key
    if not isinstance(names, tuple) or not names or not all(isinstance(name, str) for name in names):
        checks.fail("axes", "have names, or tuples of names, as keys", key)
    shown = ", ".join(names)
    rows = checks.listed("axes", f"hold a list of values for {shown}", values)
    if isinstance(key, str):
        points = [(_plain(value),) for value in rows]
    else:
        for row in rows:
            if isinstance(row, str) or not isinstance(row, Sequence | np.ndarray) or len(row) != len(names):
                checks.fail("axes", f"hold {counted(len(names), 'value')} at each point of {shown}", row)
        points = [tuple(_plain(value) for value in row) for row in rows]
    for value in (value for point in points for value in point):
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            checks.fail("axes", f"hold whole numbers below 2**63 for {shown}", value)
    if not points:
        raise ValueError(f"Argument `axes` must hold at least one value for {shown}, but has none.")
    if len({tuple(map(_identity, point)) for point in points}) < len(points):
        checks.fail("axes", f"hold different values for {shown}", rows)
    return Axis(names, tuple(points))


def _identity(value: Any) -> Any:
    """What is equal for equal values: 1 and 1.0 are one point, 1 and True are not."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)


def _plain(value: Any) -> Any:
    """A value of NumPy as Python's own, which can be compared, hashed and written as JSON."""
    return value.item() if isinstance(value, np.generic) else value


class Names:
    """What the names of a sweep stand for.

    A name without a dot is a field of the problem. "unlearn.alpha" is looked up in the phase "unlearn" itself, its
    objective and its optimizer; "unlearn.optimizer.on" says where. "unlearn.optimizer" is the optimizer as a whole.

    Args:
        phases: The phases.
        axes: The axes, whose values may put other objectives or optimizers into the phases.
    """

    def __init__(self, phases: Sequence[Phase], axes: Sequence[Axis]) -> None:
        self._phases = {phase.name: phase for phase in phases}
        self._whole = {name: axis.column(name) for axis in axes for name in axis.names if name.endswith(_PARTS)}
        for name, values in self._whole.items():
            kind, words = (Objective, "objectives") if name.endswith(_PARTS[0]) else (Optimizer, "optimizers")
            if not all(isinstance(value, kind) for value in values):
                checks.fail("axes", f"hold {words} for {name}", values)

    def path(self, name: str, argument: str) -> tuple[str, ...]:
        """Where a name leads: (field,), (phase, field), (phase, "objective", field) or (phase, "optimizer", field).

        Args:
            name: The name.
            argument: The argument it came in, for errors.

        Raises:
            ValueError: if the name is not known, or could be two things.
        """
        first, *rest = name.split(".")
        if not rest and first in _FIELDS:
            return (first,)
        if first not in self._phases or len(rest) not in (1, 2) or (len(rest) == 2 and rest[0] not in _PARTS):
            self._unknown(name, argument)
        places = [
            path for path in self._paths(first) if path[-1] == rest[-1] and (len(rest) == 1 or path[1] == rest[0])
        ]
        if not places:
            self._unknown(name, argument)
        if len(places) > 1:
            ways = " or ".join(f'"{".".join(path)}"' for path in places)
            raise ValueError(f'Argument `{argument}` must say which "{name}" is meant: {ways}.')
        return places[0]

    def is_whole(self, name: str, argument: str) -> bool:
        """Whether a name stands for a whole number ("d", "fit.steps", "fit.batch").

        Args:
            name: The name.
            argument: The argument it came in, for errors.

        Raises:
            ValueError: if the name is not known, or could be two things.
        """
        path = self.path(name, argument)
        holder: Any = Problem if len(path) == 1 else Phase if len(path) == 2 else self._candidates(*path[:2])[0]
        kinds = {option.name: str(option.type) for option in fields(holder)}
        return kinds[path[-1]] in ("int", "int | None")

    def _candidates(self, phase: str, part: str) -> list[Any]:
        """The objectives or optimizers that a phase may have."""
        return self._whole.get(f"{phase}.{part}", [getattr(self._phases[phase], part)])

    def _paths(self, phase: str) -> Iterator[tuple[str, ...]]:
        """All that can vary in a phase."""
        yield from ((phase, option.name) for option in fields(Phase) if option.name != "name")
        for part in _PARTS:
            known = [[option.name for option in fields(candidate)] for candidate in self._candidates(phase, part)]
            yield from ((phase, part, option) for option in known[0] if all(option in other for other in known))

    def _unknown(self, name: str, argument: str) -> NoReturn:
        known = ", ".join(_FIELDS)
        of_phases = "; ".join(
            f"of {phase}: " + ", ".join(dict.fromkeys(f"{phase}.{path[-1]}" for path in self._paths(phase)))
            for phase in self._phases
        )
        raise ValueError(
            f"Argument `{argument}` must use names of the problem ({known}) or of the phases ({of_phases}), "
            f'but has "{name}".'
        )


def assign(
    problem: Problem, phases: Sequence[Phase], values: Mapping[tuple[str, ...], Any]
) -> tuple[Problem, tuple[Phase, ...]]:
    """Put values where their paths lead; what replaces a whole objective or optimizer comes first.

    Raises:
        ValueError: if a value is out of range.
    """
    own = {path[0]: value for path, value in values.items() if len(path) == 1}
    problem = replace(problem, **own) if own else problem
    return problem, tuple(_assign_phase(phase, values) for phase in phases)


def _assign_phase(phase: Phase, values: Mapping[tuple[str, ...], Any]) -> Phase:
    changed = {path[1]: value for path, value in values.items() if len(path) == 2 and path[0] == phase.name}
    for part in _PARTS:
        inner = {path[2]: value for path, value in values.items() if len(path) == 3 and path[:2] == (phase.name, part)}
        if inner:
            changed[part] = replace(changed.get(part, getattr(phase, part)), **inner)
    return replace(phase, **changed) if changed else phase
