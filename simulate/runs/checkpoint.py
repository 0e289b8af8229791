"""Where an unfinished run stands, on disk: all that is needed to end with the bits of one that was never cut."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulate.dynamics.state import State, Status
from simulate.house.files import in_one_move, parse_json
from simulate.runs.trace import Trace

__all__ = ["Checkpoint", "Keeper"]

_STATE = "state."
_FAMILIES = ("left", "velocity")
"""What a state holds arrays of by their names."""
_TRACE = "trace."
_UNREADABLE = (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile)
"""What is raised of a damaged file of arrays."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A run between two steps."""

    state: State
    """Where it stands."""
    ended: dict[str, tuple[int, Status]]
    """Steps and status of the phases that have ended."""
    closest: float
    """Smallest |pre-activation| at which a gradient was taken so far."""
    trace: Trace
    """What was recorded so far."""

    def write(self, path: Path) -> None:
        """Write it whole or not at all.

        Raises:
            OSError: if that fails.
        """
        state = vars(self.state)
        arrays = {_STATE + name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        for family in _FAMILIES:
            arrays |= {f"{family}.{name}": value for name, value in (state[family] or {}).items()}
        plain = {name: value for name, value in state.items() if isinstance(value, str | int | dict)}
        plain = {name: value for name, value in plain.items() if name not in _FAMILIES}
        columns, rows = self.trace.packed()
        ended = {name: [steps, status.value] for name, (steps, status) in self.ended.items()}
        about = {"state": plain, "ended": ended, "closest": self.closest, "trace": rows}
        with in_one_move(path) as partial, partial.open("wb") as file:
            columns = {_TRACE + name: values for name, values in columns.items()}
            np.savez(file, allow_pickle=False, about=np.array(json.dumps(about)), **arrays, **columns)

    @classmethod
    def read(cls, path: Path, observe: tuple[str, ...]) -> Checkpoint:
        """Read one that was written for the same run.

        Raises:
            ValueError: if it is damaged.
        """
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                found = dict(file)
            about: dict[str, Any] = parse_json(str(found.pop("about")))
            state, columns = _those_of(_STATE, found), _those_of(_TRACE, found)
            families: dict[str, Any] = {family: _those_of(f"{family}.", found) or None for family in _FAMILIES}
            return cls(
                State(**state, **about["state"], **families),
                {name: (int(steps), Status(status)) for name, (steps, status) in about["ended"].items()},
                float(about["closest"]),
                Trace.unpacked(observe, columns, about["trace"]),
            )
        except _UNREADABLE as error:
            raise ValueError(
                f"Argument `out` must hold a whole store, but {path} is damaged ({error}). "
                "Delete it to have the run begun anew."
            ) from None


def _those_of(prefix: str, found: dict[str, Any]) -> dict[str, Any]:
    """What begins with a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}


class Keeper:
    """What is told where a run stands, a few times a second; this one keeps nothing."""

    def begun(self) -> Checkpoint | None:
        """Where the run goes on; None at its beginning."""
        return None

    def stands(self, make: Callable[[], Checkpoint]) -> None:
        """The run stands between two steps, and goes on when this returns.

        Args:
            make: Says where it stands; what that holds changes when the run goes on.
        """
