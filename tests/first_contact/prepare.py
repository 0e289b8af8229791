"""Gather in a folder what a machine without a network, or without some packages, needs for the first contact."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from simulate.dynamics.cuda.texts import save_kernel
from simulate.house.files import require_file
from simulate.house.pictures.folders import class_folders, images_of
from simulate.house.version import __version__
from tests.first_contact.carried import IMAGES, KERNEL, MANIFEST, PACKAGES, SCORES
from tests.first_contact.packages import THERE, archive, fetch, missing, names_in
from tests.places import ROOT

__all__ = ["MOST", "prepare"]

MOST = 64 * 2**20
"""Bytes of everything together, with the repository."""

PARTS = ("train", "test")


def prepare(
    folder: Path, images: Path | None, scores: Path | None, *, there: Path | None = None, python: str = "3.12",
    capability: str = "8.0", per_class: int | None = None,
) -> int:  # fmt: skip
    """Fill a folder and print what it holds.

    Args:
        folder: Where to put everything; what is there of an earlier time is replaced.
        images: Folder of images as train/CLASS/*, test/CLASS/*, or such a folder as .tar.xz; None carries none.
        scores: Published scores of the training images.
        there: What `pip list` printed on the other machine; None is what such machines usually have.
        python: Version of its Python.
        capability: The least that its card can do, as "8.0".
        per_class: Only the first so many training and test images of each class, with their scores.

    Returns:
        0.

    Raises:
        ValueError: if all of it is more than `MOST`, or something is not of the form that is needed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    major, _, minor = capability.partition(".")
    save_kernel(folder / KERNEL, (int(major), int(minor or 0)))
    versions = missing(THERE if there is None else names_in(there.read_text(encoding="utf-8")), python)
    with tempfile.TemporaryDirectory() as wheels:
        archive(fetch(versions, python, Path(wheels)), folder / PACKAGES)
    if images is not None:
        pack_images(images, folder / IMAGES, per_class)
    if scores is not None:
        first_scores(scores, folder / SCORES, per_class)
    sizes = {name: (folder / name).stat().st_size for name in (KERNEL, PACKAGES, IMAGES, SCORES)
             if (folder / name).exists()}  # fmt: skip
    told = {"version": __version__, "python": python, "packages": versions, "bytes": sizes, "per_class": per_class}
    (folder / MANIFEST).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    _tell({**sizes, "the repository": repository_bytes()}, versions)
    return 0


def _tell(sizes: dict[str, int], versions: dict[str, str]) -> None:
    for name, size in sizes.items():
        print(f"{name:16} {size / 2**20:8.2f} MiB")
    total = sum(sizes.values())
    print(f"{'all':16} {total / 2**20:8.2f} MiB of {MOST / 2**20:g}")
    print("packages:", ", ".join(f"{name} {version}" for name, version in versions.items()))
    if total > MOST:
        raise ValueError(f"What is carried must fit into {MOST / 2**20:g} MiB, but does not: see --per-class.")


def pack_images(images: Path, place: Path, per_class: int | None) -> None:
    """Put a folder of images into an archive, or copy one that is whole."""
    if images.is_file() and per_class is None:
        shutil.copyfile(images, place)
        return
    if images.is_file():
        raise ValueError("Argument `per_class` must go with a folder of images, but they are in an archive.")
    with tarfile.open(place, "w:xz") as made:
        for part in PARTS:
            for cls in class_folders(images / part):
                for path in map(Path, images_of(cls)[:per_class]):
                    made.add(path, path.relative_to(images).as_posix())


def first_scores(scores: Path, place: Path, per_class: int | None) -> None:
    """Copy a file of scores, or of each class the first ones in it, as `pack_images` takes the first images."""
    require_file(scores, "The file of scores")
    if per_class is None:
        shutil.copyfile(scores, place)
        return
    with np.load(scores, allow_pickle=False) as file:
        if not {"scores", "labels"} <= set(file.files):
            raise ValueError(f"The file {scores} must hold `scores` and `labels` to be shortened with --per-class.")
        values, labels = file["scores"], file["labels"]
    kept = np.sort(np.concatenate([np.flatnonzero(labels == cls)[:per_class] for cls in np.unique(labels)]))
    np.savez_compressed(place, scores=values[kept], labels=labels[kept])


def repository_bytes() -> int:
    """Bytes of the tracked files, or of all sources where git is not there."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        paths = list(ROOT.rglob("*.py"))
    return sum(path.stat().st_size for path in paths if path.is_file())
