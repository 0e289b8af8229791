"""Real photographs, where they are at hand, and made-up ones in the same layout."""

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.places import ROOT

BESIDE = ROOT.parent / "shared" / "data"
"""Where data for measurements lies beside the project, if any does."""

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def cifar10(folder: Path, per_class: int) -> Path:
    """The first images of each class of CIFAR-10 as an image folder; skips the test where they are not at hand."""
    unpacked = os.environ.get("SHARPMU_CIFAR")
    if unpacked:
        return Path(unpacked)
    archive = BESIDE / "cifar10-jpeg.tar.xz"
    if not archive.is_file():
        pytest.skip("needs CIFAR-10 as an image folder: set SHARPMU_CIFAR to one")
    with tarfile.open(archive, "r|xz") as members:
        for member in members:
            if member.isfile() and int(Path(member.name).stem) < per_class:
                path = folder / member.name  # `extract` takes a filter from Python 3.11.4 on only
                if not path.resolve().is_relative_to(folder.resolve()):
                    raise ValueError(f"{archive} would write {member.name} outside of {folder}.")
                path.parent.mkdir(parents=True, exist_ok=True)
                content = members.extractfile(member)
                path.write_bytes(content.read() if content else b"")
    return folder


def c_scores() -> Path:
    """Consistency scores of CIFAR-10; skips the test where they are not at hand."""
    path = BESIDE / "cifar10-cscores-orig-order.npz"
    if not path.is_file():
        pytest.skip("needs the consistency scores of CIFAR-10")
    return path


def draw(height: int, width: int, seed: int) -> np.ndarray:
    """A smooth picture with some noise, (height, width, 3) of uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = [np.sin(6 * (rng.random() * x + rng.random() * y) + 6 * rng.random()) for _ in range(3)]
    noisy = 127 + 100 * np.stack(waves, axis=-1) + rng.normal(0, 5, (height, width, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def image_folder(
    root: Path, classes: tuple[str, ...] = ("cat", "dog"), n: int = 3, size: tuple[int, int] = (8, 8), **folders: int
) -> Path:
    """An image folder `root/<part>/<class>/<k>.png`; `folders` says how many images each part has in a class."""
    for number, part in enumerate(folders or {"train": n}):
        for cls, name in enumerate(classes):
            folder = root / part / name
            folder.mkdir(parents=True)
            for k in range((folders or {"train": n})[part]):
                Image.fromarray(draw(*size, seed=10_000 * number + 100 * cls + k)).save(folder / f"{k}.png")
    return root
