"""How alike two models are: in what they say of the same samples, and in their weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from deepnet.metrics.outputs import Outputs, log_softmax
from simulate.house import checks

__all__ = ["Agreement", "agreement", "layer_distances", "zero_retrain_score"]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How alike what two models say of the same samples is."""

    js_divergence: float
    """Mean Jensen-Shannon divergence of the predictions in nats: 0 if they are equal, log 2 = 0.693 if they share
    no class."""
    activation_distance: float
    """Root of the mean of ‖p - q‖², over samples: 0 if predictions are equal, √2 if each is sure of another class."""
    completeness: float
    """Fraction of the samples that both put into the same class; the right one or not."""

    def __post_init__(self) -> None:
        """Validate every field."""
        for name in ("js_divergence", "activation_distance"):
            checks.real(name, getattr(self, name), nonnegative=True)
        checks.fraction("completeness", self.completeness)


def agreement(outputs: Outputs, reference: Outputs) -> Agreement:
    """How alike a model is to a reference, such as the retrained one, on the same samples.

    To be alike is not to have forgotten: a model may differ from a retrained one for other reasons, and two retrained
    ones differ by chance. Set the value beside that of two retrained models.

    Args:
        outputs: What the model says.
        reference: What the reference says.

    Raises:
        ValueError: if the samples or the numbers of classes differ.

    Source: the activation distance of Golatkar et al. 2020 (arXiv 1911.04933), completeness of Cao & Yang 2015.
    """
    mine, other = _predictions(outputs, reference)
    alike = outputs.logits.argmax(axis=1) == reference.logits.argmax(axis=1)
    return Agreement(
        js_divergence=float(_js(mine, other).mean()),
        activation_distance=float(np.sqrt(np.square(np.exp(mine) - np.exp(other)).sum(axis=1).mean())),
        completeness=float(alike.mean()),
    )


def zero_retrain_score(outputs: Outputs, ignorant: Outputs) -> float:
    """1 less the mean of the Jensen-Shannon divergence from a model with random weights, over its largest value log 2.

    1 is a model that knows as little of the samples as one that was never trained, which a retrained one, having
    learned from others like them, is not: more is not better.

    Args:
        outputs: What the model says of the forget set.
        ignorant: What a model of its kind with random weights says (`deepnet.networks.fresh.redrawn`).

    Returns:
        The score, in [0, 1].

    Raises:
        ValueError: if the samples or the numbers of classes differ.

    Source: Chundawat et al. 2023 (arXiv 2205.08096); the division by log 2, which makes it a fraction, is ours.
    """
    return float(1.0 - _js(*_predictions(outputs, ignorant)).mean() / math.log(2.0))


def layer_distances(weights: Mapping[str, Tensor], reference: Mapping[str, Tensor]) -> dict[str, float]:
    """‖w - w'‖ of each tensor of two models: a diagnosis of where they differ, and no goal.

    Networks with other weights can say the same, and training twice gives others.

    Args:
        weights: Weights by name, as `state_dict` has them.
        reference: Those of the reference.

    Raises:
        ValueError: if names or shapes differ; the message names the first that does.
    """
    for name in [*weights, *reference]:
        mine, other = (tuple(each[name].shape) if name in each else None for each in (weights, reference))
        if mine != other:
            raise ValueError(
                f"Argument `reference` must have the shapes of `weights`, but at {name} {other} is not {mine}."
            )
    return {name: float((value.double() - reference[name].double()).norm()) for name, value in weights.items()}


def _predictions(one: Outputs, other: Outputs) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities of both, (n, K)."""
    if not np.array_equal(one.labels, other.labels):
        raise ValueError("Arguments must be what two models say of the same samples, but labels differ.")
    if one.n_classes != other.n_classes:
        raise ValueError(f"Models must have equally many classes, but have {one.n_classes} and {other.n_classes}.")
    return log_softmax(one), log_softmax(other)


def _js(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergences in nats of log-probabilities (n, K), (n,); none below 0 by rounding."""
    middle = np.logaddexp(one, other) - math.log(2.0)
    total = np.zeros(len(one))
    for each in (one, other):
        total += 0.5 * (np.exp(each) * (each - middle)).sum(axis=1)
    return np.clip(total, 0.0, math.log(2.0))
