"""Runs of a pretraining and an unlearning phase, one for each way that a run may go."""

from dataclasses import replace
from typing import Any

from simulate import (
    SAM,
    SGD,
    BoundedNegGrad,
    LabelNoise,
    Loss,
    NegGrad,
    Phase,
    Problem,
    RandomLabel,
    Record,
    Result,
    SharpMinMax,
    run,
)

PRETRAIN = Phase("pretrain", Loss(), SAM(lr=0.1, tau=0.1), steps=12)
MINIBATCHES = Phase("pretrain", Loss(), SGD(lr=0.1, batch=3), steps=12)
INERT: dict[str, Any] = {"momentum": 0.8, "weight_decay": 0.05, "clip": 0.05}
RUNS = {
    "full batches": [PRETRAIN, Phase("unlearn", NegGrad(alpha=0.6), SGD(lr=0.1), steps=9)],
    "minibatches": [MINIBATCHES, Phase("unlearn", NegGrad(alpha=0.6), SAM(lr=0.1, tau=0.2, batch=2), steps=9)],
    "random labels": [MINIBATCHES, Phase("unlearn", RandomLabel(flip=0.5), SGD(lr=0.1, batch=4), steps=9)],
    "sharp minmax": [PRETRAIN, Phase("unlearn", NegGrad(), SharpMinMax(lr=0.1, tau=0.2), steps=9)],
    "sharp minmax of minibatches": [MINIBATCHES, Phase("unlearn", NegGrad(), SharpMinMax(lr=0.1, batch=2), steps=9)],
    "momentum": [
        replace(PRETRAIN, objective=LabelNoise(flip=0.2)),
        Phase("unlearn", NegGrad(alpha=0.6), SAM(lr=0.1, tau=0.2, batch=2, **INERT), steps=9),
    ],
    "sharp minmax with momentum": [
        replace(MINIBATCHES, optimizer=SGD(lr=0.1, batch=3, nesterov=True, momentum=0.5)),
        Phase("unlearn", NegGrad(), SharpMinMax(lr=0.1, tau=0.2, **INERT), steps=9),
    ],
    "bounded": [PRETRAIN, Phase("unlearn", BoundedNegGrad(alpha=0.4, beta=3.0), SGD(lr=0.3, momentum=0.5), steps=9)],
    "stopped": [replace(MINIBATCHES, stop_loss=0.63), Phase("unlearn", NegGrad(alpha=0.3), SGD(lr=0.3), steps=9)],
}
SMALL = Problem(d=60, n=11, m=3, signal=2.0, sigma_p=0.3, sigma_0=0.05, forget=0.4, label_flip=0.1)


def end_of(phases: list[Phase], **options) -> Result:
    """The end of a run on the small problem; options are those of `run`."""
    return run(SMALL, phases, seed=8, record=Record(every=100), test_directions=16, **options)
