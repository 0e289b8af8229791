"""What the theory, as its summaries state it, leaves to the experimenter; each with one primary value, and its reason.

The primary values were written down before the ledger was run. An experiment asks its laboratory for the value of a
choice, `lab.pick(STOP)`; a claim names the choices its experiment asks for, and the atlas tries the others.
"""

from __future__ import annotations

from typing import Any, Literal

from theory.ledger.choice import Choice

__all__ = [
    "ALPHA", "BATCH", "DIMENSION", "FILTERS", "FLIP", "FORGET", "LAW", "PATCHES", "PRETRAINED", "RADIUS", "STEP",
    "STOP", "TRAINING", "UNLEARNING", "WEIGHTS", "Step", "Stop", "Weights", "unlearning_without",
]  # fmt: skip

Stop = Literal["retrained loss", "accuracy 1/2", "5 passes", "10 passes", "retain loss"]
"""When unlearning ends."""
Step = Literal["hypotheses", "large"]
"""How long a step is."""
Weights = Literal["own", "SAM's", "small"]
"""Initial weights."""

STOP: Choice[Stop] = Choice(
    name="stop",
    words="end of unlearning",
    primary="retrained loss",
    others=("accuracy 1/2", "5 passes", "10 passes", "retain loss"),
    reason=(
        "The mean loss on F has reached that of the network retrained without F from the same weights: what the set "
        "adds is gone, what retraining keeps is kept. Until accuracy 1/2 part of the signal is unlearned, too, since "
        "a retrained network classifies most of F."
    ),
    labels={
        "retrained loss": "the retrained network's loss",
        "accuracy 1/2": "accuracy ½",
        "5 passes": "5 passes over F",
        "10 passes": "10 passes over F",
        "retain loss": "a bound on the retain loss",
    },
)
"""When unlearning ends."""
ALPHA: Choice[float] = Choice(
    name="alpha",
    words="weight α of the retain loss",
    primary=0.7,
    others=(0.5, 0.9, 0.95),
    reason="Between 1/2, where both sets weigh the same, and |R|/n, where all samples do.",
)
"""Weight of the retain loss."""
FORGET: Choice[float] = Choice(
    name="forget",
    words="|F|/n",
    primary=0.2,
    others=(0.1, 0.3),
    reason="Four samples of twenty: fewer have no mean loss to speak of, many more are no exception.",
)
"""Size of the forget set."""
FLIP: Choice[float] = Choice(
    name="label_flip",
    words="label noise p",
    primary=0.1,
    others=(0.0, 0.2),
    reason="The theorems allow a small constant; without any, overfitting has nothing to overfit.",
)
"""Label noise."""
BATCH: Choice[int | None] = Choice(
    name="batch",
    words="samples a step sees",
    primary=None,
    others=(5,),
    reason="All of them: one source of chance less. The theorems speak of any batch.",
    labels={None: "all samples", 5: "5 samples"},
)
"""Batch size; None is all samples."""
RADIUS: Choice[float] = Choice(
    name="radius",
    words="SAM's radius while unlearning, over the theory's",
    primary=1.0,
    others=(0.1**0.5, 0.1),
    reason="The radius that the theory asks for; it says none but this.",
)
"""Radius of SAM in unlearning, over the theory's."""
PRETRAINED: Choice[float] = Choice(
    name="pretrained",
    words="loss at which training ends",
    primary=0.05,
    others=(0.3, 0.01),
    reason="All labels are fitted, and slopes are not yet so small that nothing moves.",
)
"""Where training ends."""
WEIGHTS: Choice[Weights] = Choice(
    name="weights",
    words="initial weights",
    primary="own",
    others=("SAM's", "small"),
    reason="Each optimizer's theorem names its own scale, and the two exclude each other.",
    labels={"own": "each optimizer's own", "SAM's": "SAM's for both", "small": "small ones"},
)
"""Scale of the initial weights."""
FILTERS: Choice[int] = Choice(
    name="filters",
    words="filters m of each sign",
    primary=10,
    others=(5, 20),
    reason="Each sample has about five active noise neurons of its class, so that none decides alone.",
)
"""Width of the network."""
PATCHES: Choice[str] = Choice(
    name="patches",
    words="noise patches",
    primary="one",
    others=("two copied", "two independent"),
    reason="The smallest P; with copies the runs are the same in other units.",
    labels={"one": "one patch", "two copied": "two copies", "two independent": "two independent ones"},
)
"""Number of noise patches, and whether they are copies."""
LAW: Choice[str] = Choice(
    name="law",
    words="noise law",
    primary="orthogonal",
    others=("isotropic",),
    reason="The theory projects the noise off φ.",
)
"""Law of the noise."""
STEP: Choice[Step] = Choice(
    name="step",
    words="step size",
    primary="hypotheses",
    others=("large",),
    reason="The largest inside the theory's hypotheses, with constant 1; the large one is some 20 times as long.",
    labels={"hypotheses": "the hypotheses' largest", "large": "a large one"},
)
"""Length of a step."""
DIMENSION: Choice[int] = Choice(
    name="dimension",
    words="dimension d",
    primary=2000,
    others=(1000, 8000),
    reason="d ≥ n² and d ≥ n‖φ‖²/(Pσ_p)² hold; steps inside the hypotheses get shorter with d.",
)
"""Dimension of a patch at the standard problem."""
TRAINING: tuple[Choice[Any], ...] = (PRETRAINED, FILTERS, PATCHES, LAW, STEP)
"""The choices of training in full batches at an optimizer's own weights."""
UNLEARNING: tuple[Choice[Any], ...] = (
    STOP, ALPHA, FORGET, FLIP, BATCH, PRETRAINED, WEIGHTS, FILTERS, PATCHES, LAW, STEP,
)  # fmt: skip
"""The choices of every experiment that unlearns at one problem."""


def unlearning_without(*left_out: Choice[Any]) -> tuple[Choice[Any], ...]:
    """The choices of unlearning but for those that an experiment varies, or that are not its to make.

    Example:
        >>> [choice.name for choice in UNLEARNING if choice not in unlearning_without(STOP, WEIGHTS)]
        ['stop', 'weights']
    """
    return tuple(choice for choice in UNLEARNING if choice not in left_out)
