"""Planted faults: one wrong line each, in files beside this one."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MUTANTS", "Mutant", "read_faults"]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A fault in one place of one file."""

    name: str
    """A word for reports."""
    file: str
    """Path of the source, from the root of the project."""
    text: str
    """What the source says, exactly once."""
    replacement: str
    """What the fault makes of it."""
    matters: str
    """What would be wrong."""
    tests: tuple[str, ...] = ()
    """Names of test functions, each of which has to fail; none where any test may notice it."""

    def apply(self, source: str) -> str:
        """The source with the fault.

        Raises:
            ValueError: unless the text occurs exactly once.
        """
        if source.count(self.text) != 1:
            raise ValueError(f"{self.file} must hold {self.text!r} once, but holds it {source.count(self.text)} times.")
        return source.replace(self.text, self.replacement)


def read_faults(name: str) -> tuple[Mutant, ...]:
    """The faults of a file beside this one."""
    faults = tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))["fault"]
    return tuple(Mutant(**fault | {"tests": tuple(fault.get("tests", ()))}) for fault in faults)


MUTANTS = read_faults("central_faults")
"""Faults of the lines that results hang on most, each with tests that have to notice it."""
