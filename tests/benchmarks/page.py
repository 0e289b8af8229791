"""The figures of one run as a page of Markdown, with the machine and the versions they were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from simulate import __version__
from simulate.house.records.processor import processor_name
from tests.benchmarks.measurement import Figure

__all__ = ["MARKS", "machine", "page"]

MARKS = {None: "", True: "met", False: "missed"}
"""What is said of a target."""

_PACKAGES = ("numpy", "numba", "torch")


def page(figures: Mapping[str, Sequence[Figure]], command: str) -> str:
    """The page.

    Args:
        figures: Those of each benchmark, by its name.
        command: The command that measured them.
    """
    rows = [
        f"| {name} | {_cell(figure.name)} | {_cell(figure.value)} | {_cell(figure.target)} | {MARKS[figure.met]} |"
        for name, measured in figures.items()
        for figure in measured
    ]
    head = ["# Measured", "", f"One run of `{command}`: {machine()}.", "", "| benchmark | what | figure | target | |"]
    return "\n".join([*head, "| --- | --- | --- | --- | --- |", *rows, ""])


def machine() -> str:
    """Versions, processor, and how busy it was just now, in words."""
    versions = [f"sharpmu {__version__}", f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"no {package}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{', '.join(versions)}; {cores} cores, {processor_name()}; load average at the end {os.getloadavg()[0]:.1f}"


def _cell(text: str) -> str:
    return text.replace("\\[", "[").replace("|", "\\|").replace("\n", " ")
