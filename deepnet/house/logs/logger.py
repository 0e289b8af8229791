"""What a training is written down by: anything with this method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

__all__ = ["Logger"]


@runtime_checkable
class Logger(Protocol):
    """Takes numbers as a training goes on. What it raises ends the training."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take some numbers.

        Args:
            step: Steps that are done; it never falls, and is 0 twice where a method has none.
            values: The numbers by name, all finite.
        """
