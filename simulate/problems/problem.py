"""The data model of the theory: sizes, signal strength, noise and initialisation scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from simulate.house import checks
from simulate.problems.activations import OPTIONS, Activation
from simulate.problems.blocks import Blocks, plain_eigenvalues, plain_multiplicities
from simulate.problems.tails import LogNormal, Strength, StudentT, TwoScales, plain_scales

__all__ = ["Problem"]

_TAILS: Mapping[str, tuple[Callable[..., Strength] | None, tuple[str, ...]]] = {
    "gaussian": (None, ()),
    "student-t": (StudentT, ("degrees_of_freedom",)),
    "log-normal": (LogNormal, ("log_spread",)),
    "two-scales": (TwoScales, ("noisy_fraction", "noisy_factor")),
}
"""Laws of the radius of an image's noise, with the fields of the problem that are theirs."""

_OF_BLOCKS = ("multiplicities", "signal_block", "lean_block", "lean_angle")
"""What says more of blocks of eigenvalues."""

_LATER = (
    "tails", *(name for _, options in _TAILS.values() for name in options),
    "activation", *(name for options in OPTIONS.values() for name in options),
    "eigenvalues", *_OF_BLOCKS, "patch_scales", "class_scales",
)  # fmt: skip
"""Fields that joined after results had been kept: records of problems that leave them alone stay as they were."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    r"""A law of training sets and initial weights; `simulate.run` draws one instance of it per seed.

    Sample i has a true label ŷ_i = ±1, a signal patch ŷ_i φ and P - 1 noise patches; its observed label y_i is
    flipped with probability `label_flip`. The network is
    f(W, x) = (1/m) Σ_j j Σ_r [σ(⟨w_jr, ŷφ⟩) + Σ_p σ(⟨w_jr, ξ_p⟩)] with j = ±1, r = 1..m and σ = ReLU,
    or another `activation`.

    Source: Chen et al. 2023 (arXiv 2310.07269) and Kou et al. 2023 (arXiv 2303.04145).

    Example:
        >>> Problem(d=20_000, n=100, m=10, signal=6.0).snr
        0.04242640687119285
    """

    d: int = 20_000
    """Dimension of a patch. The cost of a run does not depend on it."""
    n: int = 100
    """Number of training samples, retained and forgotten together."""
    m: int = 10
    """Number of filters for each sign of the second layer (2m in all)."""
    P: int = 2
    """Number of patches of a sample: one signal patch and P - 1 noise patches."""
    signal: float = 6.0
    """Signal strength ‖φ‖."""
    sigma_p: float = 1.0
    """Standard deviation of each noise coordinate."""
    sigma_0: float = 1e-3
    """Standard deviation of each initial weight."""
    label_flip: float = 0.0
    """Probability that an observed label is the wrong one, in [0, 1/2)."""
    forget: float = 0.1
    """Fraction of the samples in the forget set, rounded to a whole number of samples."""
    noise: Literal["orthogonal", "isotropic"] = "orthogonal"
    """Noise law: N(0, σ_p² I) projected off φ ("orthogonal"), or not projected ("isotropic"); with `eigenvalues` the
    same of their Σ in place of I."""
    patches: Literal["copied", "independent"] = "copied"
    """Whether the P - 1 noise patches of a sample are one vector repeated, or different draws."""
    tails: Literal["gaussian", "student-t", "log-normal", "two-scales"] = "gaussian"
    """Law of the radius s by which all noise of an image is multiplied, E s² = 1: s = 1 ("gaussian"), heavy tails
    ("student-t", "log-normal"), or a fraction of noisy images ("two-scales"); each needs its own options below."""
    degrees_of_freedom: float | None = None
    """Of "student-t": ν, above 2; s² = (ν - 2)/χ²_ν."""
    log_spread: float | None = None
    """Of "log-normal": the standard deviation β of log s, at most 3."""
    noisy_fraction: float | None = None
    """Of "two-scales": the probability that an image is a noisy one."""
    noisy_factor: float | None = None
    """Of "two-scales": how many times the noise of the other images a noisy one has, above 1."""
    activation: Literal["relu", "leaky", "power"] = "relu"
    """The network's activation σ: ReLU, leaky ReLU, or a power of ReLU; each needs its own option below."""
    leak: float | None = None
    """Of "leaky": the slope of its left side, between 0 and 1."""
    power: int | None = None
    """Of "power": the power q of ReLU^q, from 2 to 8."""
    eigenvalues: tuple[float, ...] | None = None
    """Variances of blocks of noise coordinates in units of σ_p², such as 50 1 for a spike; None for equal ones."""
    multiplicities: tuple[int, ...] | None = None
    """Number of coordinates of each block, d in all; a last one that is left out is the rest of d."""
    signal_block: int | None = None
    """Of `eigenvalues`: the block that φ lies in, from 0; None is the last."""
    lean_block: int | None = None
    """Of `eigenvalues`: another block, towards which φ leans."""
    lean_angle: float | None = None
    """By how many degrees φ leans out of its own block, between 0 and 90."""
    patch_scales: tuple[float, ...] | None = None
    """Of independent `patches`: standard deviations of the P - 1 noise patches in units of σ_p, such as 1 3; None for
    ones."""
    class_scales: tuple[float, ...] | None = None
    """Standard deviations of the noise of images with true label +1, and of those with -1, in units of σ_p, such as
    1 3; None for ones."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is out of range; the message names it.
        """
        checks.plain_fields(self)
        checks.integer("n", self.n, least=1)
        checks.integer("m", self.m, least=1)
        checks.integer("P", self.P, least=2)
        checks.integer("d", self.d, least=2)
        for name in ("signal", "sigma_p", "sigma_0"):
            checks.real(name, getattr(self, name), positive=True)
        checks.fraction("label_flip", self.label_flip, below=0.5)
        checks.fraction("forget", self.forget)
        checks.choice("noise", self.noise, ("orthogonal", "isotropic"))
        checks.choice("patches", self.patches, ("copied", "independent"))
        self._check_tails()
        _ = self.sigma  # its own checks
        self._check_blocks()
        self._check_scales()

    def _check_tails(self) -> None:
        """Require the options of the law of tails, and no other's."""
        checks.choice("tails", self.tails, tuple(_TAILS))
        for tails, (_, options) in _TAILS.items():
            for name in options:
                value = getattr(self, name)
                if tails == self.tails and value is None:
                    raise ValueError(f'Argument `{name}` must be given with tails "{tails}", but is missing.')
                if tails != self.tails and value is not None:
                    checks.fail(name, f'be left out unless `tails` is "{tails}"', value)
        _ = self.strength  # its own checks

    def _check_blocks(self) -> None:
        """Require what says more of blocks where there are blocks, and put tuples of plain numbers in their place."""
        if self.eigenvalues is None:
            for name in _OF_BLOCKS:
                if getattr(self, name) is not None:
                    checks.fail(name, "be left out unless `eigenvalues` are given", getattr(self, name))
            return
        if self.multiplicities is None:
            raise ValueError("Argument `multiplicities` must be given with `eigenvalues`, but is missing.")
        object.__setattr__(self, "eigenvalues", plain_eigenvalues(self.eigenvalues))
        object.__setattr__(self, "multiplicities", plain_multiplicities(self.multiplicities))
        blocks = self.blocks
        if blocks is not None and not blocks.is_noise_along(self.noise == "orthogonal"):
            checks.fail("eigenvalues", 'leave noise off the signal, or `noise` be "isotropic"', self.eigenvalues)

    def _check_scales(self) -> None:
        """Require scales that fit the patches and the two classes, and put tuples of plain numbers in their place."""
        if self.patch_scales is not None:
            if self.patches != "independent":
                checks.fail("patch_scales", 'be left out unless `patches` is "independent"', self.patch_scales)
            scales = plain_scales("patch_scales", self.patch_scales, self.P - 1)
            object.__setattr__(self, "patch_scales", scales)
        if self.class_scales is not None:
            object.__setattr__(self, "class_scales", plain_scales("class_scales", self.class_scales, 2))

    @property
    def blocks(self) -> Blocks | None:
        """The covariance of the noise by blocks; None where all variances are equal."""
        if self.eigenvalues is None or self.multiplicities is None:
            return None
        return Blocks.of(
            self.d, self.eigenvalues, self.multiplicities, self.signal_block, self.lean_block, self.lean_angle
        )

    @property
    def without_blocks(self) -> Problem:
        """The same problem with equal variances σ_p², which any other d fits."""
        return replace(self, eigenvalues=None, multiplicities=None, signal_block=None, lean_block=None, lean_angle=None)

    @property
    def strength(self) -> Strength | None:
        """The law of the radius of an image's noise; None for Gaussian noise."""
        law, options = _TAILS[self.tails]
        return law and law(*(getattr(self, name) for name in options))

    @property
    def sigma(self) -> Activation:
        """The activation σ."""
        return Activation.named(self.activation, leak=self.leak, power=self.power)

    def described(self) -> dict[str, Any]:
        """The fields as records keep them; what says nothing of Gaussian noise and ReLU is left out, as before."""
        idle = {name for name in _LATER if getattr(self, name) == getattr(type(self), name)}
        return {name: value for name, value in asdict(self).items() if name not in idle}

    @property
    def n_forget(self) -> int:
        """Number of samples in the forget set."""
        return round(self.forget * self.n)

    @property
    def n_noise_patches(self) -> int:
        """Number of different noise vectors of one sample."""
        return 1 if self.patches == "copied" else self.P - 1

    @property
    def multiplicity(self) -> int:
        """How often each noise vector of a sample is repeated."""
        return self.P - 1 if self.patches == "copied" else 1

    @property
    def frame_size(self) -> int:
        """Number of vectors, φ, noise and initial weights; as many coordinates (of each block) hold them exactly."""
        return 1 + self.n * self.n_noise_patches + 2 * self.m

    @property
    def snr(self) -> float:
        """Signal-to-noise ratio ‖φ‖ / (σ_p √d); blocks and scales have their root mean square in the place of σ_p."""
        return self.signal / (self.noise_deviation * self.d**0.5)

    @property
    def noise_deviation(self) -> float:
        """Root of the mean variance of the noise coordinates: σ_p, with blocks σ_p √(tr Σ / d).

        The mean is over the patches and the two classes, too, where their scales differ.
        """
        blocks, deviation = self.blocks, self.sigma_p
        for scales in (self.patch_scales, self.class_scales):
            if scales is not None:
                deviation *= (sum(scale**2 for scale in scales) / len(scales)) ** 0.5
        return deviation if blocks is None else deviation * (blocks.trace / self.d) ** 0.5

    def scales_of(self, y_true: np.ndarray) -> np.ndarray | None:
        """Scales of the noise vectors of samples with these true labels (n,), (n, patches); None where all are one."""
        if self.patch_scales is None and self.class_scales is None:
            return None
        of_patches = np.array(self.patch_scales or (1.0,) * self.n_noise_patches)
        plus, minus = self.class_scales or (1.0, 1.0)
        return np.where(y_true > 0, plus, minus)[:, None] * of_patches

    @property
    def effective_dimension(self) -> float:
        """(tr Σ)² / tr Σ² of the noise before it is projected: d where all variances are equal."""
        blocks = self.blocks
        return float(self.d) if blocks is None else blocks.effective_dimension
