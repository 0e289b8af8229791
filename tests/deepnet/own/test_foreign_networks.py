"""Six networks that are not this package's forget, each in one call; what is frozen stays to the bit."""

import pytest
import torch
from torch import nn

from deepnet import asam, evaluate, sgd, unlearn
from deepnet.methods import METHODS, NegGrad, SharpMinMax
from tests.deepnet.own.foreign import FOREIGN, FORGET, bits, changed, mlp, table, trained
from tests.deepnet.pretended_card import lies_on_card, pretended_card
from tests.deepnet.quick_methods import QUICK


@pytest.mark.parametrize("name", FOREIGN)
def test_it_forgets(name: str) -> None:
    net, data, lr = trained(name)
    before = bits(net)
    result = unlearn(
        net, data, forget=FORGET, method=SharpMinMax(alpha=0.7), sharpness=asam(0.5), epochs=3, lr=lr, batch_size=15
    )
    first, last = result.history[0], result.history[-1]
    assert last.forget_loss > first.forget_loss + 0.05
    assert last.retain_accuracy > 0.6
    assert not changed(net, before)
    report = evaluate(result.model, data, forget=FORGET)
    assert report["forget_loss"] == pytest.approx(last.forget_loss, rel=1e-5)
    assert report["entanglement"] is not None
    frozen = {name for name, weight in net.named_parameters() if not weight.requires_grad}
    assert not changed(result.model, before) & frozen


def test_a_frozen_body_keeps_its_features() -> None:
    net, data, lr = trained("frozen body")
    before = bits(net)
    result = unlearn(net, data, FORGET, "neggrad", lr=lr, epochs=1, batch_size=16)
    assert changed(result.model, before) == {"fc.weight", "fc.bias"}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_by_its_name(name: str) -> None:
    net, data, _ = trained("table")
    before = bits(net)
    result = unlearn(net, data, FORGET, QUICK.get(name, name), sharpness=asam(0.2), epochs=1, lr=0.05, batch_size=32)
    assert changed(result.model, before)
    assert not changed(net, before)
    masked = {"gradient-selection", "last-layer", "random-selection", "salun", "selection", "sharp-minmax"}
    assert (result.mask is not None) == (name in masked)
    with torch.no_grad():
        loss = nn.functional.cross_entropy(result.model.eval()(data[0][FORGET]), data[1][FORGET])
    assert result.history[-1].forget_loss == pytest.approx(float(loss), rel=1e-5)  # also where nothing is trained
    assert METHODS[name].title in result.summary()


def test_forgetting_leaves_no_trace_in_running_statistics() -> None:
    """The statistics of the retained batches alone enter, once each: those of a plain loop that shows it these."""
    net, (x, y), _ = trained("table")
    far = x.clone()
    far[FORGET] += 100.0
    result = unlearn(net, (far, y), FORGET, NegGrad(alpha=1.0), sharpness=asam(0.2), epochs=1, lr=0.05, batch_size=32)
    norm, old = result.model[1], net[1]
    assert int(norm.num_batches_tracked - old.num_batches_tracked) == 4
    assert float(norm.running_mean.abs().max()) < 10


def test_retraining_draws_new_weights_and_leaves_what_is_frozen() -> None:
    net, data, _ = trained("table")
    net[0].requires_grad_(False)
    net[1].requires_grad_(False)
    net[4].bias.requires_grad_(False)
    before = bits(net)
    one, two = (unlearn(net, data, FORGET, "retrain", epochs=0, seed=seed) for seed in (1, 2))
    assert changed(one.model, before) == {"4.weight"}
    assert changed(two.model, bits(one.model)) == {"4.weight"}
    again = unlearn(net, data, FORGET, "retrain", epochs=0, seed=1)
    assert not changed(again.model, bits(one.model))


def test_a_network_that_cannot_be_drawn_anew_says_which_layer() -> None:
    net, data, _ = trained("vit")
    with pytest.raises(ValueError, match=r"`model` must have layers with `reset_parameters`.*the model \(VisionTrans"):
        unlearn(net, data, FORGET, "retrain", epochs=0)


def test_dropout_hangs_on_the_seed_and_leaves_the_global_generator() -> None:
    net, data = mlp(dropout=0.5), table()
    found = []
    for seed in (1, 1, 2):
        torch.rand(3)
        state = torch.get_rng_state()
        found.append(unlearn(net, data, FORGET, "neggrad", sharpness=sgd(), epochs=1, batch_size=32, seed=seed).model)
        assert torch.equal(torch.get_rng_state(), state)
    first, same, other = found
    assert not changed(same, bits(first))
    assert changed(other, bits(first))


def test_in_place_it_is_the_model_itself_with_its_own_parameters() -> None:
    net, data, _ = trained("table")
    net.eval()
    net[1].train()
    modes = [layer.training for layer in net.modules()]
    before, weights = bits(net), [id(weight) for weight in net.parameters()]
    result = unlearn(net, data, FORGET, "neggrad", epochs=1, in_place=True)
    assert result.model is net
    assert changed(net, before)
    assert [id(weight) for weight in net.parameters()] == weights
    assert [layer.training for layer in net.modules()] == modes
    assert all(weight.grad is None for weight in net.parameters())


def test_on_a_card_it_computes_in_half_and_comes_back() -> None:
    net, data, lr = trained("table")
    settings = {"method": SharpMinMax(alpha=0.7), "sharpness": asam(0.3), "epochs": 1, "lr": lr, "batch_size": 32}
    here = unlearn(net, data, FORGET, **settings)
    with pretended_card() as books:
        there = unlearn(net, data, FORGET, **settings)
        assert books.steps > 0
        assert evaluate(there.model, data, FORGET, reference=net)["retain_accuracy"] > 0.9
        assert not any(
            lies_on_card(value) for value in [*there.model.state_dict().values(), *there.mask.values.values()]
        )
        assert not any(lies_on_card(value) for value in net.state_dict().values())
    assert (there.device, there.training.precision, here.training.precision) == ("cuda", "float16", "float32")
    assert there.history[-1].forget_loss == pytest.approx(here.history[-1].forget_loss, rel=0.1)


class Running(nn.Module):
    """Somebody's own normalisation, whose statistics are named as torch's are."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("running_size", torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.running_size.mul_(0.9).add_(0.1 * x.detach().abs().mean(0))
        return x / self.running_size


def test_somebody_elses_normalisation_in_a_frozen_part_stays() -> None:
    net = nn.Sequential(nn.Sequential(nn.Linear(8, 12), Running(12)), nn.Tanh(), nn.Linear(12, 4))
    net[0].requires_grad_(False)
    before = bits(net)
    assert changed(unlearn(net, table(), FORGET, "finetune", epochs=1).model, before) == {"2.weight", "2.bias"}


def test_somebody_elses_normalisation_is_held_too() -> None:
    x, y = table()
    net = nn.Sequential(nn.Linear(8, 12), Running(12), nn.Tanh(), nn.Linear(12, 4))
    before = bits(net)
    assert changed(unlearn(net, (x, y), FORGET, "ascent", epochs=1).model, before) == {
        "0.weight", "0.bias", "3.weight", "3.bias",
    }  # fmt: skip
    assert "1.running_size" in changed(unlearn(net, (x, y), FORGET, "finetune", epochs=1).model, before)
