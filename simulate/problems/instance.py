"""One training set with initial weights: drawn from a `Problem`, or made of a user's arrays or images."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np

from simulate.house import checks
from simulate.problems import frame
from simulate.problems.activations import RELU, Activation
from simulate.problems.arrays import check_arrays, in_frame
from simulate.problems.geometry import Geometry
from simulate.problems.images import signal_and_noise
from simulate.problems.problem import Problem
from simulate.problems.streams import stream
from simulate.problems.unseen import NoiseLaw, TestSet

__all__ = ["Instance", "Labels", "Space"]

Space = Literal["frame", "ambient"]
"""Where the vectors of an instance live: in the exact frame, or in R^d."""


@dataclass(frozen=True, eq=False)
class Labels:
    """What a phase is compiled from: the labels of an instance, its sets, and the seed of what is drawn.

    Attributes:
        y: Observed labels ±1, (n,).
        y_true: True labels ±1, (n,).
        forget: Whether a sample is in the forget set, (n,) of bool.
        seed: The run's seed.
    """

    y: np.ndarray
    y_true: np.ndarray
    forget: np.ndarray
    seed: int

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.y)

    @property
    def key(self) -> Hashable:
        """Equal for equal labels of one seed."""
        return self.seed, self.y.tobytes(), self.y_true.tobytes(), self.forget.tobytes()


@dataclass(frozen=True, eq=False)
class Instance:
    """A training set and initial weights, in R^d or in coordinates with the same inner products.

    Build one with `Instance.draw`, `Instance.from_arrays` or `Instance.from_images`.

    Attributes:
        phi: Signal vector φ, (D,).
        xi: Noise vectors, (n, patches, D); patches is 1 when they are copied.
        w0: Initial filters, (2, m, D), j = +1 first.
        y: Observed labels ±1, (n,).
        y_true: True labels ±1, (n,): the sign of the signal patch.
        forget: Whether a sample is in the forget set, (n,) of bool.
        multiplicity: How often each noise vector is repeated: P - 1 when copied, else 1.
        space: "ambient" when the D coordinates are those of the data, "frame" when they are exact coordinates
            with the same inner products.
        noise_law: Law of test noise, or None.
        test_set: Held-out samples, or None.
        deviations: Standard deviation of test noise along each coordinate over σ_p, (D,); None for ones.
        label_flip: Probability that an observed test label is wrong.
        seed: The seed that drew it, or 0 for given arrays; streams of a run start from it.
        source: A few words on where it comes from, kept with results.
        activation: The network's activation σ.
    """

    phi: np.ndarray
    xi: np.ndarray
    w0: np.ndarray
    y: np.ndarray
    y_true: np.ndarray
    forget: np.ndarray
    multiplicity: int
    space: Space
    noise_law: NoiseLaw | None = None
    test_set: TestSet | None = None
    deviations: np.ndarray | None = None
    label_flip: float = 0.0
    seed: int = 0
    source: str = "arrays"
    activation: Activation = RELU

    @property
    def n(self) -> int:
        """Number of training samples."""
        return len(self.y)

    @property
    def m(self) -> int:
        """Number of filters for each sign."""
        return self.w0.shape[1]

    @property
    def patches(self) -> int:
        """Number of different noise vectors of a sample."""
        return self.xi.shape[1]

    @property
    def labels(self) -> Labels:
        """What phases are compiled from."""
        return Labels(self.y, self.y_true, self.forget, self.seed)

    @cached_property
    def geometry(self) -> Geometry:
        """The inner products that decide every trajectory."""
        return Geometry.of(self.span, self.w0)

    @property
    def span(self) -> np.ndarray:
        """The vectors the weights move along, (1 + n patches, D): φ, then the noise vectors."""
        return np.concatenate([self.phi[None], self.xi.reshape(-1, len(self.phi))])

    def seen_by_noise(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors whose inner products are the covariances of test noise along the given ones, over σ_p².

        Args:
            vectors: Vectors in the coordinates of the instance, (..., D).

        Returns:
            Array (..., D): the vectors off φ where noise is, each coordinate times its deviation.
        """
        if self.noise_law is not None and self.noise_law.orthogonal:
            direction = self.phi / np.linalg.norm(self.phi)
            vectors = vectors - (vectors @ direction)[..., None] * direction
        return vectors if self.deviations is None else vectors * self.deviations

    @classmethod
    def draw(cls, problem: Problem, seed: int = 0, *, space: Space = "frame") -> Instance:
        """Draw an instance of a problem.

        Args:
            problem: The law to draw from.
            seed: Whole number of at least 0.
            space: "frame" draws the exact coordinates at a cost independent of d; "ambient" draws in R^d.

        Returns:
            The instance. The two spaces have the same law, not the same numbers.

        Raises:
            ValueError: if d is too small for the frame, or too large for the memory in R^d.

        Example:
            >>> Instance.draw(Problem(d=10**9, n=20, m=5), seed=1).xi.shape
            (20, 1, 31)
        """
        checks.choice("space", space, ("frame", "ambient"))
        rows = (frame.draw_frame if space == "frame" else frame.draw_ambient)(problem, seed)
        y_true, y, forget = (array.copy() for array in _labels(seed, problem.n, problem.label_flip, problem.n_forget))
        first_filter = problem.frame_size - 2 * problem.m
        xi, scales = rows[1:first_filter].reshape(problem.n, problem.n_noise_patches, -1), problem.scales_of(y_true)
        return cls(
            phi=rows[0],
            xi=xi if scales is None else scales[..., None] * xi,
            w0=rows[first_filter:].reshape(2, problem.m, -1),
            y=y,
            y_true=y_true,
            forget=forget,
            multiplicity=problem.multiplicity,
            space=space,
            deviations=frame.noise_deviations(problem, space),
            noise_law=NoiseLaw(
                problem.sigma_p,
                problem.noise == "orthogonal",
                problem.strength,
                problem.patch_scales,
                problem.class_scales,
            ),
            label_flip=problem.label_flip,
            seed=seed,
            source="problem",
            activation=problem.sigma,
        )

    @classmethod
    def from_arrays(
        cls,
        *,
        phi: np.ndarray,
        xi: np.ndarray,
        y: np.ndarray,
        w0: np.ndarray,
        forget: np.ndarray,
        P: int = 2,
        y_true: np.ndarray | None = None,
        sigma_p: float | None = None,
        test_xi: np.ndarray | None = None,
        test_y: np.ndarray | None = None,
        space: Space = "frame",
        seed: int = 0,
        activation: Literal["relu", "leaky", "power"] = "relu",
        leak: float | None = None,
        power: int | None = None,
    ) -> Instance:
        """Make an instance of a user's own data.

        Args:
            phi: Signal vector φ, (d,).
            xi: Noise vectors, (n, d) when a sample's P - 1 noise patches are copies, or (n, P - 1, d).
            y: Observed labels of +1 and -1, (n,).
            w0: Initial filters, (2, m, d), j = +1 first.
            forget: Forget set, (n,) of bool.
            P: Number of patches of a sample, the signal patch included.
            y_true: True labels, (n,); None takes `y`.
            sigma_p: If given, test errors are those of noise N(0, σ_p² I).
            test_xi: Held-out noise, shaped like `xi` but for its first axis; test errors are then counted on it.
            test_y: True labels of the held-out samples, (n_test,).
            space: "frame" reduces the arrays by QR to as many coordinates as there are vectors; "ambient" keeps
                them, which ASAM and per-coordinate partitions need.
            seed: Seed of what a run draws: minibatches, random labels, test directions.
            activation: The network's activation, as a `Problem` has it.
            leak: Option of "leaky".
            power: Option of "power".

        Returns:
            The instance. With neither `sigma_p` nor a test set its test error is NaN: no law was given.

        Raises:
            ValueError: naming the argument that does not fit.
        """
        checks.choice("space", space, ("frame", "ambient"))
        checks.integer("seed", seed, least=0)
        sigma = Activation.named(activation, leak=leak, power=power)
        given = check_arrays(
            phi=phi, xi=xi, y=y, w0=w0, forget=forget, P=P, y_true=y_true, sigma_p=sigma_p, test_xi=test_xi,
            test_y=test_y,
        )  # fmt: skip
        kept = given if space == "ambient" else in_frame(given)
        return cls(**vars(kept), space=space, seed=seed, activation=sigma)

    @classmethod
    def from_images(cls, images: np.ndarray, labels: np.ndarray, **options: Any) -> Instance:
        """Make an instance of two classes of real images; see `simulate.problems.images.signal_and_noise`."""
        return cls.from_arrays(**signal_and_noise(images, labels, **options))


@lru_cache(maxsize=256)
def _labels(seed: int, n: int, label_flip: float, n_forget: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True labels, observed labels and forget set, (n,) each; cells of a sweep that share a seed share them."""
    labels = stream(seed, "labels")
    y_true = np.where(labels.random(n) < 0.5, 1, -1)
    y = np.where(labels.random(n) < label_flip, -y_true, y_true)
    forget = np.zeros(n, dtype=bool)
    forget[labels.permutation(n)[:n_forget]] = True
    return y_true, y, forget
