"""BatchNorm against torch's, and when its running statistics move."""

from copy import deepcopy
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from deepnet.learning.loop import train  # noqa: E402
from deepnet.learning.sharpness import Sharpness, asam, sam, sgd  # noqa: E402
from deepnet.methods import FineTune, GradientAscent, NegGrad, RetainSAM, Scrub, SharpMinMax  # noqa: E402
from deepnet.methods.base import Method  # noqa: E402
from deepnet.networks.normalization import BatchNorm, frozen_statistics  # noqa: E402
from tests.deepnet.oracles import batches_of, buffers_of, small_network, small_task, with_torch_layers  # noqa: E402


def pair(dtype: torch.dtype = torch.float32) -> tuple[BatchNorm, nn.BatchNorm2d]:
    """The same layer twice, with affine weights of its own."""
    torch_layer = nn.BatchNorm2d(3, eps=1e-4, momentum=0.3, dtype=dtype)
    with torch.no_grad():
        torch_layer.weight.copy_(torch.tensor([0.5, 2.0, -1.0]))
        torch_layer.bias.copy_(torch.tensor([0.1, 0.0, 3.0]))
    layer = BatchNorm(3, eps=1e-4, momentum=0.3, dtype=dtype)
    layer.load_state_dict(torch_layer.state_dict())
    return layer, torch_layer


def some_images(seed: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(5, 3, 4, 4, generator=generator) + 1).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_torch_in_training_and_in_testing(dtype: torch.dtype) -> None:
    layer, torch_layer = pair(dtype)
    for step in range(6):
        training = step % 3 != 2
        layer.train(training)
        torch_layer.train(training)
        images = some_images(step, dtype)
        inputs = [images.clone().requires_grad_() for _ in range(2)]
        out = [each(x) for each, x in zip((layer, torch_layer), inputs, strict=True)]
        assert torch.allclose(out[0], out[1], rtol=1e-6, atol=1e-6)
        for each in out:
            each.pow(3).sum().backward()
        assert torch.allclose(inputs[0].grad, inputs[1].grad, rtol=1e-5, atol=1e-5)
        for one, other in zip(layer.parameters(), torch_layer.parameters(), strict=True):
            assert torch.allclose(one.grad, other.grad, rtol=1e-5, atol=1e-5)
        for one, other in zip(layer.buffers(), torch_layer.buffers(), strict=True):
            assert one.dtype == other.dtype
            assert torch.allclose(one, other, rtol=1e-6)
    assert int(layer.num_batches_tracked) == 4


def test_the_definition_of_its_statistics() -> None:
    """Running mean ← (1 - momentum) old + momentum new, with the unbiased variance."""
    layer, _ = pair(torch.float64)
    images = some_images(0, torch.float64)
    before = buffers_of(layer)
    layer(images)
    flat = images.transpose(0, 1).flatten(1)
    expected = 0.7 * before["running_mean"] + 0.3 * flat.mean(1)
    assert torch.allclose(layer.running_mean, expected, rtol=1e-12)
    assert torch.allclose(layer.running_var, 0.7 * before["running_var"] + 0.3 * flat.var(1), rtol=1e-12)


def test_switched_off_it_normalises_alike_and_leaves_no_trace() -> None:
    layer, torch_layer = pair()
    images = some_images(3)
    expected = torch_layer(images)
    before = buffers_of(layer)
    layer.updates_statistics = False
    assert torch.allclose(layer(images), expected, rtol=1e-6, atol=1e-6)  # by the batch, not by the running averages
    assert all(torch.equal(now, before[name]) for name, now in buffers_of(layer).items())
    layer.updates_statistics = True
    layer(images)
    assert not torch.equal(layer.running_mean, before["running_mean"])


def test_frozen_statistics_nest() -> None:
    network = small_network().train()
    layers = [layer for layer in network.modules() if isinstance(layer, BatchNorm)]
    assert layers
    with frozen_statistics(network):
        assert not any(layer.updates_statistics for layer in layers)
        with frozen_statistics(network):
            assert not any(layer.updates_statistics for layer in layers)
        assert not any(layer.updates_statistics for layer in layers)
    assert all(layer.updates_statistics for layer in layers)


def test_frozen_statistics_keep_what_was_frozen_before() -> None:
    network = small_network()
    layers = [layer for layer in network.modules() if isinstance(layer, BatchNorm)]
    layers[0].updates_statistics = False
    with frozen_statistics(network):
        pass
    assert [layer.updates_statistics for layer in layers] == [False] + [True] * (len(layers) - 1)


class PassFailedError(Exception):
    pass


def test_frozen_statistics_thaw_after_an_error() -> None:
    network = small_network()
    with pytest.raises(PassFailedError), frozen_statistics(network), frozen_statistics(network):
        raise PassFailedError
    assert all(layer.updates_statistics for layer in network.modules() if isinstance(layer, BatchNorm))


# --- in a training -------------------------------------------------------------------------------------


def statistics_after(task, method: Method) -> dict[str, torch.Tensor]:
    train(task, method.plan(task))
    return buffers_of(task.model)


@pytest.mark.parametrize(
    "sharpness", [sgd(), sam(0.3), asam(0.5), Sharpness(rho=0.5, adaptive="all", mixing=0.4)], ids=lambda s: s.label
)
@pytest.mark.parametrize("method", [FineTune(), NegGrad(alpha=0.9), RetainSAM(alpha=0.9), SharpMinMax(alpha=0.9)])
def test_only_the_first_pass_over_retained_images_moves_them(method: Method, sharpness: Sharpness) -> None:
    """With weights that hardly move, they are those of torch's layers after one forward pass of each retain batch."""
    task = small_task(sharpness=sharpness, epochs=2)
    still = replace(task.training, descent=replace(task.training.descent, lr=1e-12))
    task = replace(task, training=still)
    twin = with_torch_layers(task.model).train()
    found = statistics_after(task, method)
    with torch.no_grad():
        for batch in batches_of(task, "retain", 6):
            twin(batch.x)
    for name, value in twin.named_buffers():
        assert torch.allclose(found[name].double(), value.double(), rtol=1e-9), name
    assert int(found[next(name for name in found if "tracked" in name)]) == 6


@pytest.mark.parametrize("sharpness", [sgd(), asam(0.5)], ids=lambda s: s.label)
def test_ascent_leaves_them_alone(sharpness: Sharpness) -> None:
    task = small_task(sharpness=sharpness, epochs=2)
    before, weights = buffers_of(task.model), deepcopy(task.model.state_dict())
    after = statistics_after(task, GradientAscent())
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert any(not torch.equal(task.model.state_dict()[name], value) for name, value in weights.items())


def test_disobeying_passes_of_scrub_leave_them_alone() -> None:
    task = small_task(epochs=1)
    before = buffers_of(task.model)
    plan = Scrub(ascent_epochs=1).plan(task)
    assert [one.over for one in plan[0]] == ["forget", "retain"]
    train(task, [plan[0][:1]])
    assert all(torch.equal(value, before[name]) for name, value in buffers_of(task.model).items())
