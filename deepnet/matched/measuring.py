"""What is measured of a model as it is: pretrained, retrained, or stopped somewhere on its way.

This is the place for further measurements at a stop: a key and a number each. What is added here changes what rows
hold, so `MEASURED` is part of what they are kept under.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor
from torch.nn import functional

from deepnet.house.seeding import stage_seed
from deepnet.learning.loop import DivergenceError
from deepnet.learning.sharpness import asam, gradient
from deepnet.learning.task import Task
from deepnet.matched.replicate import RADIUS, Replicate
from deepnet.matched.watched.looking import SETS, Sight, losses_of
from deepnet.metrics.attacks import threshold_attack
from deepnet.metrics.outputs import NotFiniteError
from deepnet.metrics.tug_of_war import Accuracies
from deepnet.networks.frozen import trainable
from deepnet.networks.models import Network
from deepnet.networks.modes import evaluating
from deepnet.networks.precision import matrix_products
from deepnet.studies.measuring.relearning import relearning_curve
from simulate.house import checks

__all__ = ["MEASURED", "accuracies", "adaptive_rise", "measured"]

MEASURED = ("loss", "accuracy", "auc", "relearn", "rise")
"""What is measured."""
_LOOKED_AT = 512
"""Most retain images behind it."""


def measured(replicate: Replicate, forget: str, model: Network) -> dict[str, Any]:
    """The numbers of a model.

    Args:
        replicate: The replicate it belongs to.
        forget: Label of the forget set.
        model: The model; left as it is.

    Returns:
        For each of the four sets its mean loss and accuracy; `auc`, how well a threshold on the loss tells forget from
        test images; `relearn`, the mean accuracy on the forget set while it is learned again, if that is asked for
        (None if that training diverges); and `rise` (`adaptive_rise`) on at most 512 retain images.

    Raises:
        DivergenceError: if an output is not finite.
    """
    precision = replicate.study.pretrain.precision
    try:
        with matrix_products(precision):
            answers = {
                name: losses_of(model, sight, precision) for name, sight in replicate.sets(forget).by_name.items()
            }
    except NotFiniteError as error:
        raise DivergenceError("What the model says is not finite.") from error
    found: dict[str, Any] = {}
    for name in SETS:
        losses, right = answers[name]
        found |= {f"{name}_loss": float(losses.mean()), f"{name}_accuracy": float(right.double().mean())}
    minus = {name: -answers[name][0].numpy() for name in ("forget", "test")}
    found["auc"] = threshold_attack(minus["forget"], minus["test"]).auc
    found["rise"] = adaptive_rise(model, replicate.sets(forget).by_name["retain"].at_most(_LOOKED_AT, "rise"))
    training = replicate.matched.watching.relearning
    if training is not None:
        dataset, split = replicate.data(replicate.matched.forget_set(forget))
        attacked = Task(model, dataset, split, training, stage_seed(replicate.number, "relearning"))
        try:
            found["relearn"] = float(np.mean(relearning_curve(attacked, training).accuracy))
        except DivergenceError:  # the attack's failure, not the model's
            found["relearn"] = None
    return found


def adaptive_rise(model: Network, sight: Sight) -> float:
    """How much the mean loss rises along ASAM's perturbation of the radius 0.5: how sharp a minimum is, free of scale.

    The perturbation of a weight is relative to its size. Weights before a normalisation, which may be larger by any
    factor without a change of the network, are so as sharp as they were: the Hessian's eigenvalues are not.

    Source: the adaptive sharpness of Kwon et al. 2021 (arXiv 2102.11600), to first order.

    Args:
        model: The model, in evaluation mode meanwhile; left as it is.
        sight: At most 512 images.
    """
    ((x, y),) = sight.chunks
    values: list[float] = []

    def loss() -> Tensor:
        value = functional.cross_entropy(model(x).double(), y)
        values.append(value.item())
        return value

    with evaluating(model):
        gradient(loss, trainable(model), asam(RADIUS))
    return values[1] - values[0]


def accuracies(numbers: Mapping[str, Any], test: str = "test") -> Accuracies:
    """The accuracies that the tug of war is made of, of what `measured` gave.

    Args:
        numbers: The measured numbers.
        test: The set in the place of the test images: "test", or "val" where something is chosen by it.
    """
    checks.choice("test", test, ("test", "val"))
    return Accuracies(
        retain=numbers["retain_accuracy"], forget=numbers["forget_accuracy"], test=numbers[f"{test}_accuracy"]
    )
