"""Weights of an unlearning beside those of a plain loop of torch, written down from the formulas."""

from collections.abc import Callable, Mapping
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from deepnet import Descent, Sharpness, asam, sgd, unlearn
from deepnet.methods import NegGrad, SharpMinMax
from deepnet.networks.modes import draws, same_draws
from tests.deepnet.own.foreign import FORGET, Pair, trained

ALPHA, RHO, LR, MOMENTUM, DECAY = 0.8, 0.3, 0.05, 0.9, 1e-3
EPOCHS = 3


def double() -> tuple[nn.Module, Pair]:
    """The network on a table, in double precision: sums in another order differ by little."""
    net, (x, y), _ = trained("table")
    return net.double(), (x.double(), y)


def plain(net: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(net.parameters(), lr=LR, momentum=MOMENTUM, weight_decay=DECAY)


def quietly(net: nn.Module, x: Tensor) -> Tensor:
    """Logits in training mode, by the statistics of the batch, which leave no trace."""
    buffers = {name: value.clone() for name, value in net.named_buffers()}
    return torch.func.functional_call(net, buffers, (x,))


def slope(net: nn.Module, loss: Callable[[], Tensor]) -> dict[str, Tensor]:
    return dict(zip(dict(net.named_parameters()), torch.autograd.grad(loss(), list(net.parameters())), strict=True))


def aware(net: nn.Module, loss: Callable[[], Tensor], quiet: Callable[[], Tensor], sign: float) -> dict[str, Tensor]:
    """ASAM: g + s (g(w + ε) - g), ε = ρ w² g / ‖w g‖."""
    g = slope(net, loss)
    weights = dict(net.named_parameters())
    norm = sum(float((weights[name].detach() * g[name]).square().sum()) for name in g) ** 0.5
    before = {name: value.detach().clone() for name, value in weights.items()}
    with torch.no_grad():
        for name, value in weights.items():
            value += RHO * before[name] ** 2 * g[name] / norm
    there = slope(net, quiet)
    with torch.no_grad():
        for name, value in weights.items():
            value.copy_(before[name])
    return {name: g[name] + sign * (there[name] - g[name]) for name in g}


def stepped(net: nn.Module, optimizer: torch.optim.Optimizer, along: Mapping[str, Tensor], mask=None) -> None:
    """A step that moves the weights of the mask alone."""
    before = {name: value.detach().clone() for name, value in net.named_parameters()}
    for name, value in net.named_parameters():
        value.grad = along[name] if mask is None else torch.where(mask[name], along[name], 0.0)
    optimizer.step()
    if mask is not None:
        with torch.no_grad():
            for name, value in net.named_parameters():
                value.copy_(torch.where(mask[name], value, before[name]))


def largest(net: nn.Module, x: Tensor, y: Tensor, fraction: float) -> dict[str, Tensor]:
    """The weights whose gradient on these samples is largest, in evaluation mode."""
    net.eval()
    g = slope(net, lambda: functional.cross_entropy(net(x), y))
    net.train()
    sizes = torch.cat([value.abs().flatten() for value in g.values()]).sort(descending=True).values
    least = sizes[int(fraction * len(sizes)) - 1]
    return {name: value.abs() >= least for name, value in g.items()}


def assert_same(one: nn.Module, other: nn.Module) -> None:
    for (name, value), expected in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.allclose(value, expected, rtol=1e-9, atol=1e-11), name


@pytest.mark.parametrize("sharp", [False, True])
def test_neggrad_is_a_plain_loop(sharp: bool) -> None:
    net, (x, y) = double()
    kept = [row for row in range(len(y)) if row not in FORGET]
    twin = deepcopy(net).train()
    optimizer = plain(twin)

    def loss(read: Callable[[Tensor], Tensor]) -> Tensor:
        climbed = functional.cross_entropy(quietly(twin, x[FORGET]), y[FORGET])
        return ALPHA * functional.cross_entropy(read(x[kept]), y[kept]) - (1 - ALPHA) * climbed

    def seen() -> Tensor:
        return loss(twin)

    def unseen() -> Tensor:
        return loss(lambda batch: quietly(twin, batch))

    for _ in range(EPOCHS):
        stepped(twin, optimizer, aware(twin, seen, unseen, 1.0) if sharp else slope(twin, seen))
    descent = Descent(lr=LR, momentum=MOMENTUM, weight_decay=DECAY)
    found = unlearn(
        net, (x, y), FORGET, NegGrad(alpha=ALPHA), sharpness=asam(RHO) if sharp else sgd(), epochs=EPOCHS, lr=descent,
        batch_size=len(y),
    ).model  # fmt: skip
    assert_same(found, twin)
    assert not torch.equal(found[0].weight, net[0].weight)


def test_sharp_minmax_is_a_plain_loop() -> None:
    net, (x, y) = double()
    kept = [row for row in range(len(y)) if row not in FORGET]
    twin = deepcopy(net).train()
    forgetting = largest(twin, x[FORGET], y[FORGET], 0.3)
    keeping = {name: ~value for name, value in forgetting.items()}
    descend, climb = plain(twin), plain(twin)

    def retain(read: Callable[[Tensor], Tensor]) -> Tensor:
        return ALPHA * functional.cross_entropy(read(x[kept]), y[kept])

    def forget() -> Tensor:
        return -(1 - ALPHA) * functional.cross_entropy(quietly(twin, x[FORGET]), y[FORGET])

    for _ in range(EPOCHS):
        along = aware(twin, lambda: retain(twin), lambda: retain(lambda batch: quietly(twin, batch)), 1.0)
        stepped(twin, descend, along, keeping)
        stepped(twin, climb, aware(twin, forget, forget, -1.0), forgetting)
    descent = Descent(lr=LR, momentum=MOMENTUM, weight_decay=DECAY)
    result = unlearn(
        net, (x, y), FORGET, SharpMinMax(alpha=ALPHA), sharpness=asam(RHO), epochs=EPOCHS, lr=descent, batch_size=len(y)
    )
    assert result.mask is not None
    assert all(torch.equal(value, forgetting[name]) for name, value in result.mask.values.items())
    assert_same(result.model, twin)


def test_dropout_is_the_same_in_both_passes_of_sam() -> None:
    """With a radius that moves nothing and sharpness maximised the direction is 2 g - g = g to rounding."""
    net, (x, y) = double()
    dropped = nn.Sequential(net[0], net[1], net[2], nn.Dropout(0.5), net[4])
    runs = [
        unlearn(dropped, (x, y), FORGET, "finetune", sharpness=how, epochs=2, batch_size=40).model
        for how in (sgd(), Sharpness(rho=1e-9, goal="max"))
    ]
    one, other = (run.state_dict() for run in runs)
    assert all(torch.allclose(value, other[name], atol=1e-7) for name, value in one.items())


def test_what_is_drawn_can_be_drawn_again() -> None:
    again = same_draws(torch.device("cpu"))
    first = torch.rand(3)
    with again():
        assert torch.equal(torch.rand(3), first)
    assert not torch.equal(torch.rand(3), first)
    assert draws(nn.TransformerEncoderLayer(4, 2, 8))
    assert not draws(nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0))
