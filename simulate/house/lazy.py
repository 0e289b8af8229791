"""Public names that are found when they are first used, so that an import costs what is used of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["found_on_use"]


def found_on_use(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package.

    Args:
        package: Its dotted name.
        homes: For each public name the room or module inside the package where it lives.

    Example:
        >>> found_on_use("simulate", {"Record": "runs.record"})("Record").__name__
        'Record'
    """

    def attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return attribute
