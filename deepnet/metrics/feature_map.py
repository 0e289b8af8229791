"""A plane map of a model's features before and after unlearning, in one embedding."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np

from deepnet.house import packages
from deepnet.house.fields import of_type
from deepnet.metrics.outputs import Outputs
from simulate.house import checks

__all__ = ["MIN_POINTS", "FeatureMap", "feature_map"]

Method = Literal["umap", "pca"]
MIN_POINTS = 16
"""Fewest points, of both models together, that a map by UMAP with the usual number of neighbours takes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureMap:
    """Positions of the same n samples in one plane, by the features of two models."""

    before: np.ndarray
    """Positions by the model before unlearning, (n, 2)."""
    after: np.ndarray
    """Positions by the model after unlearning, (n, 2)."""
    labels: np.ndarray
    """Labels of the samples, (n,) int64."""
    forgotten: np.ndarray
    """Whether a sample is in the forget set, (n,) bool."""

    def __post_init__(self) -> None:
        """Validate the shapes.

        Raises:
            ValueError: if an array has the wrong shape, or a position is not finite; the message names the field.
        """
        checks.shape("labels", self.labels, ("n",))
        checks.shape("forgotten", self.forgotten, (len(self.labels),))
        for name in ("before", "after"):
            checks.shape(name, getattr(self, name), (len(self.labels), 2))
            checks.finite(name, getattr(self, name))


def feature_map(
    *,
    before: Outputs,
    after: Outputs,
    forgotten: np.ndarray,
    method: Method = "umap",
    n_neighbors: int = MIN_POINTS - 1,
    min_dist: float = 0.1,
    seed: int = 0,
) -> FeatureMap:
    """Embed the features of both models in one plane, fitted on all of them together.

    Args:
        before: Outputs of the model before unlearning, on n samples.
        after: Outputs of the model after unlearning, on the same samples.
        forgotten: Which samples are in the forget set, (n,) bool.
        method: "umap" (takes about ten seconds to compile when it is first used), or "pca", the first two principal
            components.
        n_neighbors: Neighbours a point has in UMAP; fewer than the 2n points.
        min_dist: Smallest distance of points in UMAP's plane, relative to its spread of 1.
        seed: Seed of UMAP, which runs in one thread so that the map is the same every time.

    Returns:
        The positions. Directions and lengths of a UMAP mean nothing; neighbourhoods do.

    Raises:
        ValueError: if the two models saw other samples or have other numbers of features, or an argument is out of
            range; the message names it.
    """
    checks.choice("method", method, ("umap", "pca"))
    checks.integer("seed", seed, least=0)
    of_type("before", before, Outputs)
    of_type("after", after, Outputs)
    checks.shape("after.features", after.features, before.features.shape)
    if not np.array_equal(before.labels, after.labels):
        raise ValueError("Argument `after` must be of the same samples as `before`, but its labels differ.")
    forgotten = np.asarray(forgotten)
    if forgotten.dtype != bool:
        raise ValueError(f"Argument `forgotten` must hold True or False, but has type {forgotten.dtype}.")
    checks.shape("forgotten", forgotten, (len(before),))
    points = np.concatenate([before.features, after.features])
    plane = _pca(points) if method == "pca" else _umap(points, n_neighbors, min_dist, seed)
    return FeatureMap(
        before=plane[: len(before)], after=plane[len(before) :], labels=before.labels, forgotten=forgotten
    )


def _pca(points: np.ndarray) -> np.ndarray:
    from sklearn.decomposition import PCA

    if points.shape[1] < 2:
        checks.fail("before.features", "have at least two columns", points.shape[1])
    with np.errstate(invalid="ignore"):  # of points that are all alike, no part of the variance can be explained
        return np.asarray(PCA(n_components=2, svd_solver="full").fit_transform(points.astype(np.float64)))


def _umap(points: np.ndarray, n_neighbors: int, min_dist: float, seed: int) -> np.ndarray:
    checks.integer("n_neighbors", n_neighbors, least=2)
    checks.fraction("min_dist", min_dist)
    if n_neighbors >= len(points):
        checks.fail("n_neighbors", f"be less than the number of points ({len(points)})", n_neighbors)
    packages.need(packages.UMAP, "A map of features by UMAP")
    with warnings.catch_warnings():
        # Of missing optional parts (TensorFlow), of disconnected neighbourhoods, of numba: none is ours to act on.
        warnings.simplefilter("ignore")
        from umap import UMAP

        embedding = UMAP(
            n_components=2, n_neighbors=n_neighbors, min_dist=min_dist, random_state=seed, n_jobs=1
        ).fit_transform(points)
    return np.asarray(embedding)
