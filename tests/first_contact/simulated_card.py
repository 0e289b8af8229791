"""The benchmark `gpu` where there is no GPU: NumPy for CuPy, numba's simulator for the card, the wall for its clock.

As a program, `NUMBA_ENABLE_CUDASIM=1 python -m tests.first_contact.simulated_card OPTIONS` takes the options of
`python -m tests.benchmarks gpu`. Its speeds mean nothing; sweeps walk in lockstep, since it takes a second for a step.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NoReturn
from unittest import mock

import numpy as np

from simulate.dynamics.cuda.device import Gpu
from simulate.dynamics.cuda.layout import H100
from tests.oracles.gpu_rehearsal import numpy_as_cupy, simulator

__all__ = ["cupy_by_numpy", "simulated_card"]

REGISTERS = 120
"""Of a thread, by the assembler of CUDA 12.9 for sm_90."""


@contextmanager
def simulated_card() -> Iterator[None]:
    """Within it the engine "cupy" and its benchmark find a card."""
    with simulator() as launch:
        gpu = _Simulated(cupy_by_numpy(), H100, SimpleNamespace(num_regs=REGISTERS, local_size_bytes=0))
        object.__setattr__(gpu, "launch", launch)
        with (
            mock.patch("simulate.dynamics.engines.gpu.find_gpu", return_value=gpu),
            mock.patch("tests.benchmarks.gpu.find_gpu", return_value=gpu),
            mock.patch("simulate.dynamics.engines.gpu.choose_layout", return_value=None),  # in lockstep
        ):
            yield


class _Simulated(Gpu):
    """A card whose `launch` is the simulator's."""


class _Event:
    def record(self) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None:
        """Everything is done when it is asked for."""


def cupy_by_numpy() -> Any:
    """NumPy with what the engine and its benchmark ask of CuPy; its events go by the wall's clock."""
    cupy = numpy_as_cupy()
    runtime = SimpleNamespace(getDeviceProperties=lambda _: {"name": b"numba's simulator"})
    cupy.cuda = SimpleNamespace(
        runtime=runtime, Device=lambda: SimpleNamespace(id=0), Event=_Event,
        get_elapsed_time=lambda begin, end: 1e3 * (end.at - begin.at),
    )  # fmt: skip
    cupy.__version__ = f"none, but NumPy {np.__version__}"
    cupy.RawKernel = _no_limits
    return cupy


def _no_limits(*_: object) -> NoReturn:
    raise RuntimeError("the simulator has no limits of a card")


def main(words: list[str]) -> int:
    """Run the benchmark; returns its exit status, but slow speeds are none of its faults here."""
    from tests.benchmarks.__main__ import main as bench

    sys.setswitchinterval(1e-5)  # the simulator's threads wait for each other at every barrier
    np.seterr(all="ignore")
    with simulated_card():
        return bench(["gpu", *words])


if __name__ == "__main__":
    # The module whose names are patched must be the one that is imported.
    from tests.first_contact import simulated_card as module

    sys.exit(module.main(sys.argv[1:]))
