"""`python -m deepnet pack` and `unpack`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from deepnet import packing
from deepnet.packing.packer import MIN_PART, Weights
from simulate.house.command_line.options import Shown
from simulate.house.counting import counted
from simulate.house.terminal import console

__all__ = ["PackCommand", "UnpackCommand"]

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


@dataclass(frozen=True, kw_only=True)
class PackCommand:
    """Pack a study's results into parts that can travel to another machine.

    Given again, it adds parts for what is new and leaves the others alone.
    """

    folder: Annotated[Path, tyro.conf.Positional, Shown(value="FOLDER", positional=True)]
    """Folder of the results, for example results/matched/cifar10-resnet50."""
    out: Path
    """Folder for the parts and manifest.json, which must travel with them."""
    parts: str = "16M"
    """Largest size of a part: bytes, or a number with K, M or G (of 1024, its square and its cube)."""
    weights: Weights = "float16"
    """Finished models rounded to float16, exact, or none of them (and no unfinished trainings)."""
    overwrite: bool = False
    """Remove results from the pack that the folder no longer has."""

    def __call__(self) -> int:
        """Pack; returns the exit status."""
        made = packing.pack(
            self.folder, self.out, part_size=size_of(self.parts), weights=self.weights, overwrite=self.overwrite
        )
        total = sum(part.size for part in made.parts.values())
        console.print(
            f"{counted(len(made.entries), 'file')} in {counted(len(made.parts), 'part')}, "
            f"{total / 2**20:.1f} MiB: {self.out}"
        )
        return 0


@dataclass(frozen=True, kw_only=True)
class UnpackCommand:
    """Restore the results that were packed; the study then resumes with its usual command.

    Files that are there already are never overwritten.
    """

    pack: Annotated[Path, tyro.conf.Positional, Shown(value="FOLDER", positional=True)]
    """Folder of the parts and manifest.json."""
    out: Path
    """Folder for the results, for example results/matched/cifar10-resnet50."""
    keep: bool = False
    """Keep existing files with other contents, instead of stopping at them."""
    available: bool = False
    """Restore what the available parts hold, even if others are missing."""

    def __call__(self) -> int:
        """Unpack; returns the exit status."""
        found = packing.unpack(self.pack, self.out, keep=self.keep, available=self.available)
        console.print(f"{counted(len(found.written), 'file')} restored, {len(found.same)} were there: {self.out}")
        if found.kept:
            console.print(f"{len(found.kept)} have other contents here and were left alone, such as {found.kept[0]}")
        if found.awaited:
            console.print(f"{len(found.awaited)} wait for parts that are missing, such as {found.awaited[0]}")
        return 0


def size_of(text: str) -> int:
    """A size in bytes.

    Raises:
        ValueError: if the text is not a whole number, with K, M or G behind it or nothing, or the size too small.

    Example:
        >>> size_of("16M")
        16777216
    """
    found = re.fullmatch(r"(\d+)([KMG]?)", text.strip().upper())
    if found is None:
        raise ValueError(f"Argument `parts` must be a number of bytes, or one with K, M or G, but is {text!r}.")
    size = int(found[1]) * _UNITS[found[2]]
    if size < MIN_PART:
        raise ValueError(f"Argument `parts` must be {MIN_PART:,} bytes at least, but is {text!r}.")
    return size
