"""Residuals of real images as the noise of the model, beside Gaussian noise of the same covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import xarray

from simulate import SAM, SGD, Instance, Loss, Phase
from simulate.house import checks
from simulate.house.counting import counted
from simulate.house.pictures.folders import class_folders, images_of
from simulate.problems.images import digits
from simulate.problems.streams import stream
from simulate.runs.ensemble import Cell
from theory.experiments.lab import Lab
from theory.experiments.protocols import OPTIMIZERS

__all__ = ["NOISES", "PLACES", "Residuals", "digit_residuals", "folder_residuals", "thresholds"]

NOISES = ("images", "gaussian")
"""Noise from the images, and Gaussian noise of the same covariance."""
PLACES = (0.2, 0.35, 0.5, 0.7, 0.9, 1.2, 1.6, 2.2)
"""Signals over (tr Σ² / n)^¼, Σ the covariance of the noise; for isotropic noise that is d^¼ n^-¼ q."""
_N, _M, _TEST, _FLIP = 20, 10, 400, 0.1


@dataclass(frozen=True, eq=False)
class Residuals:
    """What is left of images when the mean of their class is taken away, scaled to a mean square of 1 a coordinate.

    Attributes:
        rows: (N, D).
        source: Where they come from.
    """

    rows: np.ndarray
    source: str

    @classmethod
    def of(cls, images: np.ndarray, labels: np.ndarray, source: str) -> Residuals:
        """Residuals of images (N, …) with labels (N,).

        Raises:
            ValueError: if every image is the mean of its class, up to rounding.
        """
        flat = np.asarray(images, dtype=float).reshape(len(images), -1)
        rows = flat.copy()
        for label in np.unique(labels):
            rows[labels == label] -= flat[labels == label].mean(axis=0)
        scale = np.sqrt(np.mean(rows**2))
        if scale <= len(rows) * np.finfo(float).eps * np.abs(flat).max():
            raise ValueError(f"Argument `images` must differ within a class, but those of {source} do not.")
        return cls(rows / scale, source)

    @cached_property
    def squared_trace(self) -> float:
        """tr Σ², with Σ their covariance."""
        products = self.rows @ self.rows.T if len(self.rows) < self.rows.shape[1] else self.rows.T @ self.rows
        return float(np.sum((products / len(self.rows)) ** 2))

    @property
    def effective_dimension(self) -> float:
        """(tr Σ)² / tr Σ²: the number of coordinates that isotropic noise with such inner products would have."""
        return float(np.mean(np.sum(self.rows**2, axis=1)) ** 2 / self.squared_trace)

    def draw(self, count: int, noise: str, rng: np.random.Generator) -> np.ndarray:
        """Different residuals, or Gaussian vectors of their covariance, (count, D)."""
        if noise == "images":
            return self.rows[rng.permutation(len(self.rows))[:count]]
        weights = rng.standard_normal((count, len(self.rows))) / np.sqrt(len(self.rows))
        return np.asarray(weights @ self.rows)


def digit_residuals() -> Residuals:
    """The 1,797 digits of scikit-learn."""
    return Residuals.of(*digits(), "scikit-learn's digits")


def folder_residuals(folder: Path, limit: int = 2000) -> Residuals:
    """Images in folders named by their class, in the order of their names.

    Args:
        folder: Holds one folder per class (or a folder "train" that does).
        limit: Number of images taken, as many of each class, and two at least.

    Raises:
        ValueError: if there are fewer than two classes, a class of fewer than two images, or files that are not images
            of one shape; the message names what is wrong.
    """
    from simulate.house.pictures.reading import broken_metadata_ignored, read_values  # Pillow, only where it reads

    root = folder / "train" if (folder / "train").is_dir() else folder
    try:
        classes = class_folders(root)
    except (FileNotFoundError, ValueError):
        classes = []
    if len(classes) < 2:
        checks.fail(
            "images", "name a folder that holds a folder of images for each of two classes or more", str(folder)
        )
    files = [images_of(path, least=2)[: max(limit // len(classes), 2)] for path in classes]
    with broken_metadata_ignored():
        images = _alike([read_values(file) for group in files for file in group])
    labels = np.repeat(np.arange(len(classes)), [len(group) for group in files])
    return Residuals.of(images, labels, f"{counted(len(images), 'image')} of {folder.name}")


def _alike(images: Sequence[np.ndarray]) -> np.ndarray:
    """Images as one array; those without colours get the same in each channel where others have colours."""
    if len({image.ndim for image in images}) > 1:
        images = [image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2) for image in images]
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        checks.fail("images", "hold images of one shape", sorted(map(str, shapes))[:2])
    return np.stack(images)


def thresholds(lab: Lab, residuals: Residuals) -> xarray.Dataset:
    """Test errors over optimizer (SGD, SAM), noise (images, gaussian), place of the signal, and seed."""
    unit = (residuals.squared_trace / _N) ** 0.25
    replicates = lab.choose(quick=20, full=400)

    def column(optimizer: str, place: float) -> xarray.Dataset:
        def make(seed: int, noise: str) -> Cell:
            return Cell(_instance(residuals, noise, place * unit, seed), _phases(residuals, optimizer), seed)

        return lab.grid("images", make, {"noise": NOISES}, replicates=replicates, test_directions=16)

    # One place at a time: instances carry their data, and all of them at once would fill the memory.
    columns = [[column(optimizer, place) for place in PLACES] for optimizer in OPTIMIZERS]
    error = np.array([[data["test_error"].values for data in row] for row in columns])
    first = columns[0][0]
    return xarray.Dataset(
        {"test_error": (("optimizer", "place", "noise", "seed"), error)},
        coords={"optimizer": list(OPTIMIZERS), "place": list(PLACES), "noise": list(NOISES), "seed": first["seed"]},
        attrs={"n_runs": sum(data.attrs["n_runs"] for row in columns for data in row)},
    )


def _instance(residuals: Residuals, noise: str, signal: float, seed: int) -> Instance:
    """Signal along a random direction; labels, direction and weights are the same for both noises."""
    rng = stream(seed, "image problem")
    size = residuals.rows.shape[1]
    direction = rng.standard_normal(size)
    y_true = rng.choice([-1, 1], _N + _TEST)
    flipped = rng.random(_N) < _FLIP
    w0 = rng.standard_normal((2, _M, size)) * _sigma_0(residuals)
    xi = residuals.draw(_N + _TEST, noise, stream(seed, "image noise"))
    instance = Instance.from_arrays(
        phi=np.asarray(signal * direction / np.linalg.norm(direction)),
        xi=xi[:_N],
        y=np.where(flipped, -y_true[:_N], y_true[:_N]),
        y_true=y_true[:_N],
        w0=w0,
        forget=np.zeros(_N, dtype=bool),
        test_xi=xi[_N:],
        test_y=y_true[_N:],
        seed=seed,
    )
    return replace(instance, source=residuals.source)


def _sigma_0(residuals: Residuals) -> float:
    return 0.5 / np.sqrt(residuals.rows.shape[1])


def _phases(residuals: Residuals, optimizer: str) -> tuple[Phase, ...]:
    """SGD, or SAM and then SGD, as for noise of the same mean square norm."""
    d = residuals.rows.shape[1]
    lr = 0.1 * _N * _M / d
    fit = Phase("fit", Loss(), SGD(lr=lr), steps=5000, stop_loss=0.05)
    if optimizer == "SGD":
        return (fit,)
    tau = _sigma_0(residuals) * _M * np.sqrt(_N)
    return (Phase("sam", Loss(), SAM(lr=lr, tau=tau), steps=round(2 * _M / lr), stop_loss=0.4), fit)
