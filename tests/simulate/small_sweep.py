"""A sweep of well under a second, and how two results are compared: bit for bit."""

from __future__ import annotations

import sys
from pathlib import Path

import xarray

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem, sweep

PROBLEM = Problem(n=10, m=3, forget=0.2, label_flip=0.1)
PHASES = (
    Phase("fit", Loss(), SGD(), steps=30),
    Phase("unlearn", NegGrad(alpha=0.7), SAM(lr=0.01, tau=0.03), steps=5),
)
OPTIONS = {
    "axes": {"d": [300, 1000, 3000], ("signal", "unlearn.alpha"): [(1.0, 0.5), (2.0, 0.7), (4.0, 0.9)]},
    "seeds": range(5),
    "coupled": {"sigma_0": "0.1*sqrt(n)/((P-1)*sigma_p*d)", "fit.lr": "0.5*n*m/d"},
    "test_directions": 16,
    "observe": ("loss", "deactivation"),
}
"""45 trainings."""


def small_sweep(**changes) -> xarray.Dataset:
    """The sweep, with some options changed."""
    return sweep(PROBLEM, PHASES, **{**OPTIONS, **changes})


def assert_same_bits(one: xarray.Dataset, other: xarray.Dataset) -> None:
    """Require the same variables, coordinates and dimensions with the same bits."""
    assert set(one.variables) == set(other.variables)
    for name in one.variables:
        assert one[name].dims == other[name].dims, name
        assert one[name].dtype == other[name].dtype, name
        assert one[name].values.tobytes() == other[name].values.tobytes(), name


if __name__ == "__main__":  # a process to be killed: python -m tests.simulate.small_sweep FOLDER
    small_sweep(out=Path(sys.argv[1]), chunk=1, progress=lambda done, total: print(done, total, flush=True))
