"""Activations: ReLU, leaky ReLU, and powers of ReLU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulate.house import checks

__all__ = ["OPTIONS", "RELU", "Activation"]

OPTIONS: Mapping[str, tuple[str, ...]] = {"relu": (), "leaky": ("leak",), "power": ("power",)}
"""The activations by name, with the options that are theirs."""

_MOST_POWER = 8
"""Beyond it pre-activations of 10 give outputs of 10⁹, and no step size suits a training from its start to its end."""


@dataclass(frozen=True)
class Activation:
    """σ(x) = x^q for x > 0, and leak · x for x < 0; homogeneous of degree q, as a leak goes with q = 1 alone.

    At 0 the slope is that of the left side.

    Example:
        >>> Activation.named("power", power=2).slope(np.array([-1.0, 0.0, 3.0])).tolist()
        [0.0, 0.0, 6.0]
    """

    power: int = 1
    """The degree q."""
    leak: float = 0.0
    """Slope of the left side."""

    @classmethod
    def named(cls, activation: str, *, leak: float | None = None, power: int | None = None) -> Activation:
        """The activation of a name, with its options and no other's.

        Args:
            activation: "relu", "leaky" or "power".
            leak: Of "leaky": the slope of the left side, between 0 and 1.
            power: Of "power": the degree, from 2 to 8.

        Raises:
            ValueError: if an option is missing, out of range, or another activation's.
        """
        checks.choice("activation", activation, tuple(OPTIONS))
        for name, value in (("leak", leak), ("power", power)):
            if name in OPTIONS[activation] and value is None:
                raise ValueError(f'Argument `{name}` must be given with activation "{activation}", but is missing.')
            if name not in OPTIONS[activation] and value is not None:
                owner = next(kind for kind, options in OPTIONS.items() if name in options)
                checks.fail(name, f'be left out unless `activation` is "{owner}"', value)
        if leak is not None:
            checks.real("leak", leak, positive=True)
            checks.fraction("leak", leak, below=1)
            return cls(leak=float(leak))
        if power is not None:
            checks.integer("power", power, least=2, most=_MOST_POWER)
            return cls(power=int(power))
        return cls()

    @property
    def is_relu(self) -> bool:
        """Whether it is ReLU itself."""
        return self == RELU

    @property
    def has_kink(self) -> bool:
        """Whether its slope jumps at 0, so that rounding may decide on which side a gradient is taken."""
        return self.power == 1

    def value(self, x: np.ndarray) -> np.ndarray:
        """σ(x), elementwise."""
        positive = np.maximum(x, 0.0)
        if self.leak:
            positive = positive + self.leak * np.minimum(x, 0.0)
        return positive if self.power == 1 else positive**self.power

    def slope(self, x: np.ndarray) -> np.ndarray:
        """σ'(x), elementwise: of ReLU an array of bool."""
        if self.is_relu:
            return x > 0
        if self.power == 1:
            return np.where(x > 0, 1.0, self.leak)
        return self.power * np.maximum(x, 0.0) ** (self.power - 1)

    def __str__(self) -> str:
        """As messages and texts name it."""
        if self.is_relu:
            return "ReLU"
        return f"leaky ReLU of slope {self.leak:g}" if self.leak else f"ReLU^{self.power}"


RELU = Activation()
"""ReLU itself."""
