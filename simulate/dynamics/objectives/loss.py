"""The mean loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from simulate.dynamics.objectives.base import Objective, Sets
from simulate.house import checks

__all__ = ["Loss"]


@dataclass(frozen=True, kw_only=True)
class Loss(Objective):
    """The mean logistic loss log(1 + exp(-y f)) over all samples, or over the retain or forget set alone.

    `Loss(on="retain")` from fresh weights is retraining; `Loss(on="forget")` after unlearning is relearning.
    """

    on: Literal["all", "retain", "forget"] = "all"
    """The samples it covers."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.choice("on", self.on, ("all", "retain", "forget"))

    @property
    def covers(self) -> Literal["all", "retain", "forget"]:
        """The samples it has terms on."""
        return self.on

    @property
    def needs(self) -> frozenset[str]:
        """The one set that it covers."""
        return frozenset() if self.on == "all" else frozenset({self.on})

    def sets(self, retain: np.ndarray, forget: np.ndarray) -> Sets:
        """The samples it covers."""
        return ({"all": retain | forget, "retain": retain, "forget": forget}[self.on],)
