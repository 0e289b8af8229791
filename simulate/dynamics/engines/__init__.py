"""Engines: different ways to take the same steps.

An engine holds the state of several trajectories and advances them through compiled phases (`Engine` in
`simulate.dynamics.engines.base`). "dense" keeps weights in R^d and is the oracle; "numpy" is the readable coefficient
step; "numba" is the fast one, and "cupy" the same on a GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from simulate.dynamics.engines.base import Engine
from simulate.house import checks
from simulate.problems.instance import Instance

__all__ = ["ENGINES", "Engine", "make_engine"]

ENGINES = {
    "dense": ("simulate.dynamics.engines.dense", "DenseEngine"),
    "numpy": ("simulate.dynamics.engines.readable", "ReadableEngine"),
    "numba": ("simulate.dynamics.engines.compiled", "CompiledEngine"),
    "cupy": ("simulate.dynamics.engines.gpu", "CupyEngine"),
}
"""Module and class of each engine; a module is imported when its engine is first used."""


def make_engine(name: str, instances: Sequence[Instance]) -> Engine:
    """Return a fresh engine holding these instances at their initial weights.

    Raises:
        ValueError: if there is no engine of that name.
    """
    checks.choice("engine", name, tuple(ENGINES))
    module, cls = ENGINES[name]
    return getattr(import_module(module), cls)(instances)
