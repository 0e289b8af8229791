"""A run of a second that is kept at every slice: to be killed, python -m tests.simulate.small_run FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

import xarray

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem, Record, run_to_disk
from simulate.runs import kept, slices

PROBLEM = Problem(d=60, n=11, m=3, signal=2.0, sigma_p=0.3, sigma_0=0.05, forget=0.4, label_flip=0.1)
PHASES = (
    Phase("pretrain", Loss(), SGD(lr=0.1, batch=3), steps=3000),
    Phase("unlearn", NegGrad(alpha=0.6), SAM(lr=0.01, tau=0.2, batch=2), steps=2000),
)


def small_run(out: Path, **options) -> xarray.Dataset:
    """The run, into a store."""
    return run_to_disk(
        out, PROBLEM, PHASES, **{"seed": 8, "record": Record(points=9), "test_directions": 16, **options}
    )


if __name__ == "__main__":
    kept._SECONDS = kept._SHARE = 1e-9
    kept._SHARE = 1e9
    slices._SECONDS = 1e-3
    small_run(Path(sys.argv[1]), progress=lambda name, step, total: print(name, step, flush=True))
