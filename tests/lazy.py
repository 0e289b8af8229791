"""Modules that only some tests need, loaded when one of them runs: to import them would cost every worker seconds."""

import importlib.util
import sys
from types import ModuleType

import pytest

__all__ = ["loaded_on_use"]


def loaded_on_use(name: str, extra: str) -> ModuleType:
    """A module that is loaded when something of it is first used; the file's tests are skipped where it is missing."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        pytest.skip(f"needs {name}, of the extra {extra}", allow_module_level=True)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
