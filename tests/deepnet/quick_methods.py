"""Methods with hyper-parameters that suit small networks, and which of them edit weights without a step."""

from __future__ import annotations

from deepnet.methods import (
    CurvatureSelection,
    GradientSelection,
    Influence,
    L1Sparse,
    LossFreeDampening,
    Method,
    RandomSelection,
    Scrub,
    SelectiveDampening,
)

__all__ = ["EDITS", "QUICK"]

EDITS = frozenset({"influence", "ssd", "ssd-loss-free", "fisher"})
"""Methods that make no step of an optimizer."""
QUICK: dict[str, Method] = {
    "influence": Influence(batches=3, batch_size=8, damping=0.5),
    "selection": CurvatureSelection(alpha=0.7, probes=2),
    "gradient-selection": GradientSelection(fraction=0.5),
    "random-selection": RandomSelection(fraction=0.5),  # a tenth of few weights may miss a whole layer
    "l1-sparse": L1Sparse(gamma=0.1),
    "scrub": Scrub(ascent_epochs=1),
    "ssd": SelectiveDampening(selection=0.5),  # of few weights none may matter ten times as much to what is forgotten
    "ssd-loss-free": LossFreeDampening(selection=0.5),
}
"""By their names."""
