"""Planted faults: one wrong line each, in files beside this one."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["MUTANTS", "FaultFile", "Mutant", "fault_files", "read_faults"]

_FOLDER = Path(__file__).parent


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


@dataclass(frozen=True, kw_only=True)
class FaultFile:
    """Faults that were chosen together."""

    title: str
    """What they are, as a heading."""
    about: str
    """How they were chosen, and what is to be known of them, in Markdown."""
    without: tuple[str, ...] = ()
    """Files of tests that are left out when they are planted."""
    faults: tuple[Mutant, ...]
    """The faults."""

    def options(self, name: str) -> str:
        """What plants them, if the file has this name."""
        return " ".join([f"--of {name} --near", *(f"--without {file}" for file in self.without)])


def read_faults(name: str) -> tuple[Mutant, ...]:
    """The faults of a file beside this one."""
    return tuple(Mutant(**fault | {"tests": tuple(fault.get("tests", ()))}) for fault in _read(name)["fault"])


def fault_files() -> dict[str, FaultFile]:
    """The files of faults that any test may notice, by name; the sample of the whole project first."""
    names = {path.stem for path in _FOLDER.glob("*.toml")} - {_CENTRAL}
    found = {}
    for name in sorted(names, key=lambda name: (name != "sample", name)):
        head = _read(name)
        without = tuple(head.get("without", ()))
        found[name] = FaultFile(title=head["title"], about=head["about"], without=without, faults=read_faults(name))
    return found


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


_CENTRAL = "central_faults"

MUTANTS = read_faults(_CENTRAL)
"""Faults of the lines that results hang on most, each with tests that have to notice it."""
