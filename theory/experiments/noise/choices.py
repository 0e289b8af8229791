"""What the claims on other laws of noise leave open besides the theory's own choices.

The hypotheses speak of Gaussian noise of equal variances, and so name no step for other laws. Here a step is told by
what it does: by how much an own-class noise neuron moves its sample's output, per |ℓ'|.
"""

from __future__ import annotations

from theory.experiments import choices
from theory.ledger.choice import Choice

__all__ = ["CURVED", "FACTOR", "FRACTION", "LEVEL", "NOISY", "ONSET", "OWN_STEP", "SAMPLES", "TAILED", "WEAK"]

OWN_STEP: Choice[float] = Choice(
    name="own_step",
    words="step, by what a noise neuron adds to its sample's output",
    primary=0.1,
    others=(0.03,),
    reason="A twentieth of the output that is waited for; at a third of it the same is to come out.",
)
"""Length of a step."""
LEVEL: Choice[float] = Choice(
    name="level",
    words="test error at which the boundary is read",
    primary=0.3,
    others=(0.2, 0.4),
    reason="Halfway between guessing and p, as for all boundaries of the ledger; a level needs no shape of the curve.",
)
"""Where a boundary is read off."""
ONSET: Choice[float] = Choice(
    name="onset",
    words="test error from which on overfitting is harmful",
    primary=0.2,
    others=(0.3,),
    reason="p + 0.1, which is what the theorems call harmful.",
)
"""Where harmful overfitting begins."""
SAMPLES: Choice[int] = Choice(
    name="samples",
    words="samples n",
    primary=10,
    others=(20,),
    reason="So few that effective dimensions of some hundreds are beyond n².",
)
"""Samples, where dimensions are compared."""
FRACTION: Choice[float] = Choice(
    name="noisy_fraction",
    words="fraction of noisy images",
    primary=0.5,
    others=(0.25,),
    reason="As many pairs of a noisy and a quiet image of F as there can be.",
)
"""How many images are noisy."""
FACTOR: Choice[float] = Choice(
    name="noisy_factor",
    words="noise of a noisy image over that of a quiet one",
    primary=3.0,
    others=(1.5, 6.0),
    reason="Nine times the squared length: far from equal, and both kinds still are of use in training.",
)
"""How much noisier they are."""
CURVED = (OWN_STEP, LEVEL, SAMPLES, choices.PRETRAINED, choices.LAW)
"""The choices where noise has blocks of eigenvalues."""
TAILED = (OWN_STEP, LEVEL, choices.PRETRAINED, choices.FILTERS, choices.LAW)
"""Those where it has heavy tails."""
NOISY = (OWN_STEP, FRACTION, FACTOR, choices.ALPHA, choices.PRETRAINED)
"""Those where some images are noisy."""
WEAK = (OWN_STEP, ONSET, choices.ALPHA, choices.PRETRAINED)
"""Those of the map of weak signals."""
