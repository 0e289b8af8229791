"""Which noise training images have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulate.house import checks

__all__ = ["Noise"]

KINDS = ("none", "gauss", "glass", "snow")


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Noise that training images carry once and for all; test images never do.

    An image has the same noise in every epoch, whatever other images there are. The released code draws it anew at each
    visit.

    Source: Hendrycks & Dietterich 2019 (arXiv 1903.12261), with the constants of their images of 32 x 32 pixels.

    Example:
        >>> Noise(kind="snow").severity
        3
    """

    kind: Literal["none", "gauss", "glass", "snow"] = "none"
    """Gaussian noise on every pixel and channel; glass blur, which swaps pixels with
    neighbours between two small blurs; or snow, streaks of white over a brightened image."""
    severity: int = 3
    """How strong it is, from 1 to 5. The released code has 3."""
    seed: int = 0
    """What it is drawn from, beside the place of an image in the complete data set."""
    fraction: float = 1.0
    """Fraction of each class that has it; a smaller one is part of a larger one."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is out of range, or given although there is no noise; the message names it.
        """
        checks.choice("kind", self.kind, KINDS)
        checks.integer("severity", self.severity, least=1, most=5)
        checks.integer("seed", self.seed, least=0)
        checks.fraction("fraction", self.fraction)
        checks.real("fraction", self.fraction, positive=True)
        for name, usual in (("severity", 3), ("seed", 0), ("fraction", 1.0)):
            if self.kind == "none" and getattr(self, name) != usual:
                checks.fail(name, 'be left out where `kind` is "none"', getattr(self, name))
