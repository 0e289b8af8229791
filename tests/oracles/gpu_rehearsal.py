"""The engine "cupy" where there is no GPU: NumPy in the place of CuPy, numba's CUDA simulator in that of the device.

As a program, `NUMBA_ENABLE_CUDASIM=1 python -m tests.oracles.gpu_rehearsal IN OUT` runs pickled trainings through the
kernel. The simulator can only be chosen before numba is imported, hence a process of its own.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np

from simulate import Instance, Phase
from simulate.dynamics.engines import Engine, make_engine
from simulate.dynamics.plan import compile_phase
from tests.places import ROOT


@dataclass(frozen=True)
class Training:
    """Instances of one shape, and the phases that each goes through."""

    instances: Sequence[Instance]
    phases: Sequence[Phase]
    lanes: int = 3
    """Threads of a simulated block that share the columns; so few that each has several."""
    groups: int = 1
    """Threads that share the tiles."""
    capacity: int = 10**6
    """Bytes of shared memory."""


@dataclass(frozen=True)
class End:
    """Where trajectories stand when a phase ends."""

    coefficients: np.ndarray
    preactivations: np.ndarray
    steps: list[int]
    status: list
    closest: list[float]


def train(training: Training, engine: str) -> list[End]:
    """Go through the phases, stopping on the way in the middle of each."""
    machine = make_engine(engine, training.instances)
    ends = []
    for phase in training.phases:
        machine.begin([compile_phase(phase, instance) for instance in training.instances])
        with np.errstate(all="ignore"):
            machine.advance(phase.steps // 2)
            machine.advance(phase.steps)
        ends.append(_end(machine))
    return ends


def _end(machine: Engine) -> End:
    closest = [machine.closest(number) for number in range(len(machine.instances))]
    arrays = machine.coefficients.copy(), machine.preactivations.copy()
    return End(*arrays, machine.steps.tolist(), list(machine.status), closest)


def numpy_as_cupy() -> SimpleNamespace:
    """NumPy's names, and those of CuPy that carry arrays to the card and back."""
    cupy = SimpleNamespace(**{name: getattr(np, name) for name in np.__all__})
    cupy.asarray, cupy.asnumpy = np.array, np.asarray
    return cupy


@contextmanager
def numpy_for_cupy(launch: Callable | None = None, layout: Callable = lambda *_: None):
    """Let the engine "cupy" find NumPy in place of CuPy, and walk in lockstep unless a layout is chosen."""
    gpu = SimpleNamespace(cupy=numpy_as_cupy(), card=None, kernel=SimpleNamespace(num_regs=None), launch=launch)
    with (
        mock.patch("simulate.dynamics.engines.gpu.find_gpu", return_value=gpu),
        mock.patch("simulate.dynamics.engines.gpu.choose_layout", layout),
    ):
        yield


def rehearse(trainings: Sequence[Training], folder: Path) -> list[list[End]]:
    """Run trainings through the kernel in numba's simulator."""
    given, found = folder / "trainings.pickle", folder / "ends.pickle"
    given.write_bytes(pickle.dumps(trainings))
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.oracles.gpu_rehearsal", str(given), str(found)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return pickle.loads(found.read_bytes())


@contextmanager
def simulator():
    """The kernel in numba's simulator; gives a function that launches it, as that of `Gpu` does."""
    from numba import cuda
    from numba.cuda.simulator import kernelapi

    from simulate.dynamics.cuda import block, thread

    # Python's functions raise where those of a GPU overflow.
    thread.math = SimpleNamespace(exp=np.exp, log1p=np.log1p, isfinite=np.isfinite)
    kernel = cuda.jit(block.advance)
    shared = kernelapi.FakeCUDAShared

    def shared_with_garbage(n_bytes):
        made = shared(n_bytes)
        made._dynshared[:] = -1  # as float64, NaN
        return made

    def launch(layout, arguments):
        threads = (layout.lanes, layout.groups)
        kernel[len(arguments[0]), threads, 0, layout.n_bytes](*arguments, layout.held, layout.bounds)

    with mock.patch.object(kernelapi, "FakeCUDAShared", shared_with_garbage):
        yield launch


def _in_simulator(training: Training) -> list[End]:
    from simulate.dynamics.cuda.layout import lay_out

    def layout(shape, *_):
        found = lay_out(shape, training.capacity, training.groups, training.lanes)
        assert found is not None
        assert found.n_bytes <= training.capacity
        return found

    with simulator() as launch, numpy_for_cupy(launch, layout):
        return train(training, "cupy")


def main(given: str, found: str) -> None:
    """Run the pickled trainings of one file and pickle their ends into another."""
    sys.setswitchinterval(1e-5)  # the simulator's threads wait for each other at every barrier
    np.seterr(all="ignore")
    trainings = pickle.loads(Path(given).read_bytes())
    Path(found).write_bytes(pickle.dumps([_in_simulator(training) for training in trainings]))


if __name__ == "__main__":
    # The program's own classes must be those that were pickled.
    from tests.oracles import gpu_rehearsal

    gpu_rehearsal.main(*sys.argv[1:])
