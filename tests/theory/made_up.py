"""Experiments that are made up: every number follows by hand from the labels of its cell, and nothing is trained."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import xarray
from scipy import stats

from theory import statistics
from theory.claims import find_claims
from theory.experiments.boundaries import Line, Lines, predicted_boundary, run_lines
from theory.experiments.lab import Lab, conditions_of
from theory.ledger import Evidence
from theory.statistics import Estimate, exact

SEEDS = 10
JITTER = np.array([-2.0, 1.0, 0.0, 3.0, -1.0, -1.0, 2.0, -2.0, 1.0, -1.0])
"""What makes replicates differ; its mean is 0."""
EXTRA: Mapping[str, Sequence[Any]] = {
    "seed": range(SEEDS), "phase": range(5), "relation": ("own", "opposite"), "set": ("retain", "forget"),
    "part": ("retain", "train"), "label": (1, -1),
}  # fmt: skip
"""Axes that a variable may have beside those of its grid."""
PHASES = {"SGD": 3, "SAM": 5}
"""Phases of a run by its pretraining: the retrained network's aside, the stages of pretraining, unlearning."""

Number = Callable[..., Any]
"""A number for each cell; its parameters are the axes that it depends on."""


class Shelf(Lab):
    """A laboratory whose experiments have been made, and which has no others."""

    def __init__(self, experiments: Mapping[Any, Any], protocol: Mapping[str, Any] | None = None) -> None:
        super().__init__(protocol=protocol)
        self._experiments = experiments

    def once(self, experiment: Any) -> Any:
        """What was made up."""
        return self._experiments[experiment]

    def grid(self, *given: Any, **options: Any) -> Any:
        """Nothing is trained here."""
        raise AssertionError(f"{given[0]} is not to be run.")


def back(pretraining: str, phase: int) -> int:
    """1 for the last phase of a run, 2 for the one before; not positive after its end."""
    return PHASES[pretraining] - phase


def grid(axes: Mapping[str, Sequence[Any]], line: str = "", **numbers: Number) -> xarray.Dataset:
    """What `Lab.grid` would return, of numbers that are made up.

    The margins have one condition a cell, of its labels in words, which says nothing of all other cells: the conditions
    of an evidence then tell exactly of which cells they are. A number may ask for the name of its line, too.
    """
    data = xarray.Dataset(coords={axis: list(labels) for axis, labels in axes.items()} | {"seed": range(SEEDS)})
    for name, number in numbers.items():
        filled = _filled({**EXTRA, **axes, "line": (line,)}, number)
        missing = {axis: data[axis] for axis in (*axes, "seed") if axis not in filled.dims}
        data[name] = filled.expand_dims(missing).transpose(*axes, "seed", ...)
    data["margin"] = own_margins(axes, line)
    n_runs = SEEDS * int(np.prod([len(labels) for labels in axes.values()]))
    return data.assign_attrs(n_runs=n_runs, conditions=conditions_of(data), endings={"converged": 1.0})


def _filled(axes: Mapping[str, Sequence[Any]], number: Number) -> xarray.DataArray:
    own = {name: list(axes[name]) for name in inspect.signature(number).parameters}
    values = [number(*labels) for labels in product(*own.values())]
    table = np.reshape(np.array(values), tuple(len(labels) for labels in own.values()))
    filled = xarray.DataArray(table, dims=tuple(own), coords=own)
    return filled.isel(line=0, drop=True) if "line" in own else filled


def own_margins(axes: Mapping[str, Sequence[Any]], line: str = "") -> xarray.DataArray:
    """Margins of one condition a cell, (condition, axes)."""
    names = [word([line, *labels] if line else labels) for labels in product(*axes.values())]
    table = np.where(np.eye(len(names), dtype=bool), 1.0, np.nan)
    coords = {"condition": names, **{axis: list(labels) for axis, labels in axes.items()}}
    return xarray.DataArray(
        table.reshape(len(names), *map(len, axes.values())), dims=("condition", *axes), coords=coords
    )


def word(labels: Sequence[Any]) -> str:
    """The labels of a cell as one name."""
    return " ".join(f"{label:g}" if isinstance(label, float | int) else str(label) for label in labels)


def words(*axes: Sequence[Any]) -> set[str]:
    """The names of all cells of some labels."""
    return {word(labels) for labels in product(*axes)}


def lines(
    values: Mapping[str, Sequence[float]], places: Sequence[float], *, flip: float = 0.1, **numbers: Number
) -> Lines:
    """Lines of made-up grids; numbers are of `line`, the `value` of its factor, the `place` and the seed."""

    class Made(Shelf):
        def grid(self, name: str, make: Any, axes: Any, **options: Any) -> xarray.Dataset:
            factor, _ = axes
            return grid({"value": axes[factor], "place": axes["place"]}, factor, **numbers).rename(value=factor)

    return run_lines(
        Made({}), "made up", [Line(factor, tuple(each)) for factor, each in values.items()], places,
        scale=predicted_boundary, phases=lambda problem: (), replicates=SEEDS,
        prepare=lambda problem: replace(problem, label_flip=flip),
    )  # fmt: skip


def evidence(name: str, experiments: Mapping[Any, Any], **protocol: Any) -> Evidence:
    """What a claim finds in made-up experiments."""
    (claim,) = find_claims([name])
    return claim.measure(Shelf(experiments, protocol))


def check_mean(found: Estimate | None, values: Any, comparisons: int = 1) -> None:
    """Require the mean of replicates, with its standard error as scipy has it."""
    assert found is not None
    values = np.asarray(values, dtype=float)
    assert found.value == pytest.approx(values.mean(), rel=1e-9, abs=1e-12)
    assert found.standard_error == pytest.approx(stats.sem(values), rel=1e-9, abs=1e-12)
    assert (found.degrees_of_freedom, found.comparisons) == (len(values) - 1, comparisons)


def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bootstraps of four resamples: their values are what is known by hand."""
    monkeypatch.setattr(statistics.bootstrap, "__defaults__", (4,))
    monkeypatch.setattr(statistics.bootstrap_between_halves, "__defaults__", (4,))


def no_resamples(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    """Bootstraps of a module that give the value alone, as if it were exact."""
    monkeypatch.setattr(
        module, "bootstrap", lambda statistic, count, *given, **options: exact(statistic(np.arange(count)))
    )
