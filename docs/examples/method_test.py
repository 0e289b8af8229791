"""Capped ascent against its formula."""

import math

import torch
from torch.nn import functional

from deepnet.learning.sharpness import Sharpness
from deepnet.methods.capped import CappedNegGrad
from tests.deepnet.methods.first_steps import assert_steps, each_transform, pairs
from tests.deepnet.oracles import N_CLASSES, naive_cross_entropy, network_direction, small_task


@each_transform
def test_it_climbs_the_samples_that_are_better_than_guessed(sharpness: Sharpness) -> None:
    task = small_task(sharpness=sharpness)
    both, capped = pairs(task, 3), []

    def direction(network: torch.nn.Module, t: int) -> dict[str, torch.Tensor]:
        def loss(at) -> torch.Tensor:
            retained, forgotten = both[t]
            each = functional.cross_entropy(at.quiet(forgotten.x), forgotten.y, reduction="none")
            capped.append(float((each > math.log(N_CLASSES)).double().mean()))
            climbed = torch.where(each < math.log(N_CLASSES), each, 0.0).sum() / len(each)
            return 0.7 * naive_cross_entropy(at(retained.x), retained.y) - 0.3 * climbed

        return network_direction(network, loss, sharpness)

    assert_steps(CappedNegGrad(alpha=0.7), task, direction)
    assert 0 < min(capped) <= max(capped) < 1  # some samples were capped and some were not: both are tested
