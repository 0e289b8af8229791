"""What tests of bad input share: how a refusal is expected, and good input to spoil."""

import re
from dataclasses import replace

import pytest

from simulate import Problem
from simulate.dynamics.objectives import Loss
from simulate.dynamics.optimizers import SGD
from simulate.dynamics.phases import Phase

NAN, INF = float("nan"), float("inf")
ENGINES = ("dense", "numpy", "numba")
SMALL = Problem(d=200, n=8, m=2, forget=0.25)

EMPTY = {"forget": replace(SMALL, forget=0.05), "retain": replace(SMALL, forget=0.95)}
"""A problem whose set of this name holds no sample once its size is rounded."""


def refused(name: str):
    """Expect a ValueError that begins by naming the argument."""
    return pytest.raises(ValueError, match=rf"^Argument `{re.escape(name)}` ")


def phase(objective=None, optimizer=None, **options) -> Phase:
    """A phase of two steps, of plain descent on the loss unless told otherwise."""
    return Phase("only", objective or Loss(), optimizer or SGD(), **{"steps": 2, **options})


def words(values) -> list[str]:
    """Readable test names."""
    return ["-".join(str(part)[:40] for part in value) for value in values]
