"""Training and test images, and what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from deepnet.data.images import Images
from deepnet.data.scores import load_scores, write_scores

__all__ = ["Dataset", "Source"]


@dataclass(frozen=True, eq=False)
class Source:
    """The complete training set that training images were taken from, which files of scores refer to."""

    labels: Tensor
    """Classes of the complete training set, (N,) of int64."""
    files: tuple[str, ...] | None
    """Its files as class/name, in the same order; None if it does not come as files."""
    rows: Tensor
    """Which of its rows the training images are, (n,) of int64."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images to train and to test on."""

    name: str
    """Name of the data set."""
    train: Images
    """Images to train on."""
    test: Images
    """Images to test on."""
    class_names: tuple[str, ...]
    """Names of the classes 0, 1, ..."""
    mean: tuple[float, ...]
    """Mean of each channel, with pixels in [0, 1]; empty for samples that are no images."""
    std: tuple[float, ...]
    """Standard deviation of each channel, with pixels in [0, 1]; empty likewise."""
    source: Source | None = None
    """Where the training images come from; None if they are the complete set."""

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def scores(self, path: str) -> np.ndarray:
        """Scores of how memorized each training image is, read from a file of the complete training set.

        Args:
            path: A file that `deepnet.data.scores.load_scores` reads.

        Returns:
            A score for each row of `train`, (n,).
        """
        if self.source is None:
            return load_scores(path, self.train.labels)
        return load_scores(path, self.source.labels, self.source.files)[self.source.rows.numpy()]

    def write_scores(self, path: Path, scores: np.ndarray, about: Sequence[str] = ()) -> Path:
        """Write scores so that `scores` reads them back, of a data set with other images of the complete set, too.

        Args:
            path: A .csv file.
            scores: A score for each row of `train`, (n,); images of the complete set that are not in it get NaN.
            about: Lines that say where they are from.
        """
        if self.source is None:
            return write_scores(path, scores, about)
        every = np.full(len(self.source.labels), np.nan)
        every[self.source.rows.numpy()] = scores
        return write_scores(path, every, about)
