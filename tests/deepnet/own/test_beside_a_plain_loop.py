"""The benchmark of `unlearn` beside a plain loop: it measures what it says, and goes on where a package is missing."""

from __future__ import annotations

import re

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from deepnet import Descent, unlearn  # noqa: E402
from deepnet.methods import NegGrad  # noqa: E402
from tests.benchmarks.unlearning import (  # noqa: E402
    ALPHA,
    BATCH,
    DECAY,
    EPOCHS,
    KINDS,
    LR,
    MOMENTUM,
    Kind,
    plain_loop,
    unlearning,
)

TINY = Kind("tiny", lambda: nn.Linear(4, 10), lambda n: torch.randn(n, 4), 40)


def test_both_walk_the_same_path() -> None:
    """Where a batch holds all samples there is no order, and both end at the same weights."""
    x, y = torch.randn(BATCH, 4, generator=torch.Generator().manual_seed(0)), torch.arange(BATCH) % 10
    net, forget = nn.Linear(4, 10), [0, 8, 16]
    ours = unlearn(
        net, (x, y), forget, NegGrad(alpha=ALPHA), epochs=EPOCHS, batch_size=BATCH,
        lr=Descent(lr=LR, momentum=MOMENTUM, weight_decay=DECAY),
    ).model  # fmt: skip
    before = net.weight.detach().clone()
    theirs = plain_loop(net, x, y, torch.tensor(forget))
    assert torch.allclose(ours.weight, theirs.weight, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(before, theirs.weight, rtol=1e-5, atol=1e-7)


def test_two_ratios_a_kind() -> None:
    missing = Kind("somebody's", TINY.make, TINY.samples, TINY.n, "no_such_package")
    found = list(unlearning((TINY, missing), repeats=1))
    assert [figure.name for figure in found[:2]] == [
        "unlearn / plain loop, tiny", "unlearn, without a history / plain loop, tiny",
    ]  # fmt: skip
    assert all(re.fullmatch(r"\d+\.\d\d×", figure.value) for figure in found[:2])
    assert "for want of no_such_package" in found[2].value
    assert len(KINDS) == 6
