"""The compiled kernels as plain Python: an index out of range raises there, and every line can be watched.

As a program, `NUMBA_DISABLE_JIT=1 python -m tests.oracles.uncompiled IN OUT` calls pickled functions without arguments
and pickles what they return. numba reads the variable when it is imported, hence a process of its own.
"""

import math
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numba.extending import _Intrinsic

from simulate.dynamics import descents, kernels, patterns
from simulate.dynamics.activations import kernels as activated
from simulate.machine import elementary
from simulate.test_error import design_points, estimates, importance, lines, normal_tails, planes, strengths, tails
from tests.oracles import plain_intrinsics
from tests.places import ROOT

MODULES = (
    activated,
    descents,
    design_points,
    elementary,
    estimates,
    importance,
    kernels,
    lines,
    normal_tails,
    patterns,
    planes,
    strengths,
    tails,
)


def call_uncompiled(calls: Sequence[Callable[[], Any]], folder: Path) -> list[Any]:
    """What calls return in a process in which numba compiles nothing."""
    given, found = folder / "calls.pickle", folder / "returned.pickle"
    given.write_bytes(pickle.dumps(list(calls)))
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.oracles.uncompiled", str(given), str(found)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return pickle.loads(found.read_bytes())


def main(given: str, found: str) -> None:
    """Call the pickled functions of one file and pickle what they return into another."""
    assert not hasattr(kernels.advance_trajectories, "py_func"), "numba compiles in this process"
    for module in MODULES:
        _make_lenient(module)
    np.seterr(all="ignore")
    Path(found).write_bytes(pickle.dumps([call() for call in pickle.loads(Path(given).read_bytes())]))


def _make_lenient(module: ModuleType) -> None:
    """Have a module compute with NumPy's numbers: where Python's raise, they give an infinity or NaN, like kernels.

    What there is in compiled code only, such as stretches of rows, has its plain twin.
    """
    lenient = {name: getattr(np, name) for name in ("exp", "expm1", "log", "log1p", "sqrt")}
    for name, value in list(vars(module).items()):
        if value is math:
            setattr(module, name, SimpleNamespace(**{**vars(math), **lenient}))
        elif isinstance(value, float):
            setattr(module, name, np.float64(value))
        elif isinstance(value, _Intrinsic):
            setattr(module, name, getattr(plain_intrinsics, name))


if __name__ == "__main__":
    main(*sys.argv[1:])
