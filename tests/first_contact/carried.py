"""What is brought along to a machine that may reach nothing: how it is laid out, and how it is unpacked there.

Nothing here needs more than Python. As a program it unpacks one archive into a folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.places import ROOT

__all__ = ["IMAGES", "KERNEL", "MANIFEST", "PACKAGES", "SCORES", "Carried", "unpack", "unpacked"]

KERNEL, IMAGES, PACKAGES, SCORES, MANIFEST = (
    "kernel.ptx", "images.tar.xz", "packages.tar.xz", "scores.npz", "carried.json"
)  # fmt: skip
"""Names in a folder that `prepare` fills; each may be missing."""


@dataclass(frozen=True)
class Carried:
    """What there is on this machine, unpacked."""

    images: Path | None = None
    """Folder of the images."""
    archive: Path | None = None
    """What is still to be unpacked into it; packages are small, but tens of thousands of images take a while."""
    scores: Path | None = None
    """Published scores."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """For the parts: where packages are, and the kernel's text."""


def unpacked(folder: Path | None, work: Path, images: Path | None = None, scores: Path | None = None) -> Carried:
    """Unpack a folder that `prepare` has filled, but for the images.

    Args:
        folder: The folder, or None where nothing was brought.
        work: Where to unpack it.
        images: A folder of images that is there already, in the place of those that were brought.
        scores: Likewise a file of scores.

    Raises:
        FileNotFoundError: if there is no such folder.
    """
    paths = [str(ROOT)]
    environment: dict[str, str] = {}
    archive: Path | None = None
    if folder is not None:
        if not folder.is_dir():
            raise FileNotFoundError(f"The folder {folder} of what is carried does not exist.")
        if images is None and (folder / IMAGES).exists():
            images, archive = work / "images", (folder / IMAGES).resolve()
        if scores is None and (folder / SCORES).exists():
            scores = folder / SCORES
        if (folder / PACKAGES).exists():
            paths.insert(0, str(unpack(folder / PACKAGES, work / "packages")))
        if (folder / KERNEL).exists():
            environment["SHARPMU_KERNEL"] = str((folder / KERNEL).resolve())
    before = os.environ.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join([*paths, *([before] if before else [])])
    return Carried(images and images.resolve(), archive, scores and scores.resolve(), environment)


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack an archive: by tar where there is one, which is twice as fast as Python with many small files."""
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.which("tar") and shutil.which("xz"):
        subprocess.run(["tar", "-xJf", archive, "-C", folder], check=True)
        return folder
    with tarfile.open(archive, "r|xz") as members:
        for member in members:
            path = folder / member.name  # `extract` takes a filter from Python 3.11.4 on only
            if not path.resolve().is_relative_to(folder.resolve()):
                raise ValueError(f"{archive} would write {member.name} outside of {folder}.")
            content = members.extractfile(member) if member.isfile() else None
            if content is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
    return folder


if __name__ == "__main__":
    unpack(*map(Path, sys.argv[1:]))
