"""The trace of a run: observations collected step by step, packed as one labelled dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray

from simulate.runs.observe import OBSERVABLES, PARTS, RELATIONS, SETS, Snapshot

__all__ = ["COORDINATES", "Trace"]

COORDINATES = {"sign": [1, -1], "label": [1, -1], "set": list(SETS), "relation": list(RELATIONS), "part": list(PARTS)}
"""Labels along the dimensions of what is observed."""


class Trace:
    """Collects observations along a dimension "step".

    Args:
        observe: Names of the observables.
    """

    def __init__(self, observe: tuple[str, ...]) -> None:
        self._observe = observe
        self._dims: dict[str, tuple[str, ...]] = {}
        self._values: dict[str, list[np.ndarray]] = {}
        self._steps: list[tuple[int, str, int]] = []

    def add(self, snapshot: Snapshot, step: int, phase_step: int) -> None:
        """Observe a snapshot at a step of the run and of its phase."""
        self._steps.append((step, snapshot.plan.phase.name, phase_step))
        for name in self._observe:
            for variable, (dims, value) in OBSERVABLES[name](snapshot).items():
                self._dims[variable] = dims
                self._values.setdefault(variable, []).append(np.array(value, dtype=np.float64))

    def packed(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Everything observed so far: an array a variable, and their dimensions and steps as JSON has them."""
        columns = {name: np.stack(values) for name, values in self._values.items()}
        return columns, {"dims": self._dims, "steps": self._steps}

    @classmethod
    def unpacked(cls, observe: tuple[str, ...], columns: dict[str, np.ndarray], rows: dict[str, Any]) -> Trace:
        """The trace that was packed.

        Raises:
            KeyError: if a part is missing.
        """
        trace = cls(observe)
        trace._dims = {name: tuple(dims) for name, dims in rows["dims"].items()}
        trace._values = {name: list(columns[name]) for name in trace._dims}
        trace._steps = [(int(step), str(phase), int(phase_step)) for step, phase, phase_step in rows["steps"]]
        return trace

    def dataset(self, attributes: dict[str, object]) -> xarray.Dataset:
        """Everything observed; the last step of a phase and the first of the next share their step number."""
        steps, phases, phase_steps = zip(*self._steps, strict=True)
        data = {name: (("step", *self._dims[name]), np.stack(values)) for name, values in self._values.items()}
        used = {dim for dims in self._dims.values() for dim in dims}
        coordinates: dict[str, object] = {dim: values for dim, values in COORDINATES.items() if dim in used}
        coordinates["step"] = list(steps)
        coordinates["phase"] = ("step", list(phases))
        coordinates["phase_step"] = ("step", list(phase_steps))
        return xarray.Dataset(data, coords=coordinates, attrs=attributes)
