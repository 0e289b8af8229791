"""`python -m simulate sweep`: a sweep that a TOML file describes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from simulate.cli.phrases import parse_part, parse_phase
from simulate.dynamics.phases import Phase
from simulate.house import checks
from simulate.house.terminal import console
from simulate.machine.cluster import connected
from simulate.problems.problem import Problem
from simulate.runs.summary import count_kinks
from simulate.sweeps.axes import Names, read_axes
from simulate.sweeps.sweep import sweep

__all__ = ["Sweep", "read_config"]

_OPTIONS = ("out", "engine", "coupled", "test_directions", "observe", "tau", "chunk")
_KEYS = ("problem", "phases", "axes", "seeds", *_OPTIONS)
_SPACED = {"start", "stop", "points", "spacing"}

_MOST = 10**7
"""Most points of an axis, and most seeds, that a file may ask for by their number."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Train over a grid that a TOML file describes; an interrupted sweep resumes, a larger grid extends it.

    The file has the arguments of `simulate.sweep` as keys: a table [problem], a list `phases` of phases in quotes as in
    `run`, a table [axes] with lists or {start, stop, points, spacing = "log"}, `seeds` as a list or a number, a table
    [coupled] of formulas, out, engine, test_directions, observe, tau, chunk. docs/examples/map.toml is one.
    """

    config: Path
    """The TOML file."""
    out: Path | None = None
    """Folder of the result, a zarr store; None takes that of the file."""
    scheduler: str | None = None
    """Address of a Dask scheduler whose workers compute, e.g. tcp://10.0.0.1:8786; None computes here."""
    overwrite: bool = False
    """Replace other results at `--out`, which are refused otherwise."""

    def __call__(self) -> int:
        """Read, run, and say where the result is."""
        arguments = read_config(self.config)
        out = self.out or arguments.pop("out", None)
        if out is None:
            raise ValueError(f"Argument `out` must be given, here or as a key of {self.config}, but is not.")
        arguments = {**arguments, "out": out, "progress": True, "overwrite": self.overwrite}
        if self.scheduler is None:
            data = sweep(**arguments)
        else:
            with connected(self.scheduler) as client:
                data = sweep(**arguments, client=client)
        sizes = " × ".join(f"{data.sizes[dim]} {dim}" for dim in data["test_error"].dims)
        console.print(f"{data['test_error'].size:,} trainings ({sizes})")
        if kinks := count_kinks(data):
            console.print(f"{kinks:,} of them met a ReLU kink within rounding: another engine may give other numbers.")
        console.print(f"Data: {out} (to read: xarray.open_zarr({str(out)!r}))")
        return 0


def read_config(path: Path) -> dict[str, Any]:
    """Read the arguments of `simulate.sweep` from a TOML file.

    Raises:
        ValueError: naming the key that is not understood.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors of Windows begin a text by a mark
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a path with a zero byte
        raise ValueError(
            f"Argument `config` must name a file that can be read, but {str(path)!r} is not one: {error}."
        ) from None
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"Argument `config` must name a TOML file, but {path} is not one: {error}.") from None
    for key in content:
        if key not in _KEYS:
            raise ValueError(f"Argument `config` must have keys out of {', '.join(_KEYS)}, but {path} has {key!r}.")
    for key in ("phases", "seeds"):
        if key not in content:
            raise ValueError(f"Argument `{key}` must be given in {path}, but is not.")
    options = {key: content[key] for key in _OPTIONS if key in content}
    if "coupled" in options:
        options["coupled"] = _dotted(_table(options["coupled"], "coupled"))
    phases = [parse_phase(text) for text in _texts(content["phases"], "phases")]
    return {
        "problem": _problem(_table(content.get("problem", {}), "problem")),
        "phases": phases,
        "axes": _axes(_dotted(_table(content.get("axes", {}), "axes")), phases),
        "seeds": _seeds(content["seeds"]),
        **options,
    }


def _table(value: Any, key: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        checks.fail(key, "be a table", value)
    return value


def _texts(value: Any, key: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        checks.fail(key, "be a list of texts", value)
    return value


def _problem(table: dict[str, Any]) -> Problem:
    for key in table:
        checks.choice("problem", key, [option.name for option in fields(Problem)])
    return Problem(**table)


def _seeds(value: Any) -> list[int]:
    """A list of seeds, or the first so many."""
    if isinstance(value, list):
        return value
    checks.integer("seeds", value, least=1)
    if value > _MOST:
        checks.fail("seeds", f"be at most {_MOST}", value)
    return list(range(value))


def _dotted(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Tables within tables as dotted names: unlearn.alpha = … means the same in quotes and without."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        nested = isinstance(value, dict) and bool(value) and not value.keys() & _SPACED
        flat.update(_dotted(value, f"{before}{key}.") if nested else {f"{before}{key}": value})
    return flat


def _axes(table: Mapping[str, Any], phases: Sequence[Phase]) -> dict[str | tuple[str, ...], list[Any]]:
    """Axes by name; "d, signal" names two that move together."""
    axes: dict[str | tuple[str, ...], list[Any]] = {}
    spaced = {key: value for key, value in table.items() if isinstance(value, dict)}
    for key, value in table.items():
        names = tuple(name.strip() for name in key.split(","))
        values = _spaced(key, value) if key in spaced else value
        if not isinstance(values, list):
            checks.fail("axes", f"hold a list of values for {key}", value)
        if len(names) == 1:
            axes[key] = [_part(key, each) for each in values]
        else:
            axes[names] = [_joint(names, each) for each in values]
    known = Names(phases, read_axes({key: values for key, values in axes.items() if key not in spaced}))
    for key in spaced:
        if known.is_whole(key, "axes"):
            axes[key] = [round(value) for value in axes[key]]
    return axes


def _joint(names: tuple[str, ...], point: Any) -> Any:
    """A point of an axis of several names; one of another length is left for `simulate.sweeps.axes` to refuse."""
    if not isinstance(point, list) or len(point) != len(names):
        return point
    return [_part(name, value) for name, value in zip(names, point, strict=True)]


def _part(name: str, value: Any) -> Any:
    """A value as it is, or the objective or optimizer that a text stands for."""
    if not name.endswith((".optimizer", ".objective")):
        return value
    (text,) = _texts([value], name)
    try:
        return parse_part(text)
    except ValueError as error:  # which part of which phase, since it stands in no phase here
        raise ValueError(str(error).replace("`phases`", f"`{name}`", 1)) from None


def _spaced(key: str, table: Mapping[str, Any]) -> list[float]:
    """Points evenly spaced between two ends, themselves or their logarithms."""
    for name in table:
        if name not in _SPACED:
            known = ", ".join(sorted(_SPACED))
            raise ValueError(f"Argument `axes` must give {key} as a list or by {known}, but also has {name!r}.")
    for name in ("start", "stop", "points"):
        if name not in table:
            checks.fail("axes", f"give {name} for {key}", dict(table))
    spacing = table.get("spacing", "linear")
    checks.choice("spacing", spacing, ("log", "linear"))
    checks.integer("points", table["points"], least=2)
    if table["points"] > _MOST:
        checks.fail("points", f"be at most {_MOST}", table["points"])
    for name in ("start", "stop"):
        checks.real(name, table[name], positive=spacing == "log")
    make = np.geomspace if spacing == "log" else np.linspace
    return [float(value) for value in make(float(table["start"]), float(table["stop"]), table["points"])]
