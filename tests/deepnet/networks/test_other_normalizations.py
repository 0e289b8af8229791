"""Running statistics of torch's own layers are held as those of this package are."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from deepnet.learning.loop import train  # noqa: E402
from deepnet.learning.sharpness import asam  # noqa: E402
from deepnet.methods import GradientAscent, Method, NegGrad, Scrub, SharpMinMax  # noqa: E402
from deepnet.networks.models import Network  # noqa: E402
from deepnet.networks.normalization import BatchNorm, frozen_statistics  # noqa: E402
from tests.deepnet.oracles import buffers_of, small_task  # noqa: E402


def built(layer: nn.Module, images: Tensor) -> nn.Module:
    """A lazy layer that has seen images."""
    layer(images)
    return layer


DRAWN = torch.Generator().manual_seed(0)
FLAT, LINES, PICTURES, SOLIDS = (
    torch.randn(7, 3, *size, generator=DRAWN) for size in ((), (5,), (4, 4), (3, 3, 3))
)  # fmt: skip
"""Seven of each: a mean over seven equal numbers is not always that number."""
LAYERS: dict[str, tuple[Callable[[], nn.Module], Tensor]] = {
    "ours": (lambda: BatchNorm(3), PICTURES),
    "batch 1d": (lambda: nn.BatchNorm1d(3), FLAT),
    "batch 1d of lines": (lambda: nn.BatchNorm1d(3), LINES),
    "batch 2d": (lambda: nn.BatchNorm2d(3), PICTURES),
    "batch 3d": (lambda: nn.BatchNorm3d(3), SOLIDS),
    "without affine weights": (lambda: nn.BatchNorm2d(3, affine=False), PICTURES),
    "cumulative": (lambda: nn.BatchNorm2d(3, momentum=None), PICTURES),
    "synchronised": (lambda: nn.SyncBatchNorm(3), PICTURES),
    "lazy": (lambda: built(nn.LazyBatchNorm2d(), PICTURES), PICTURES),
    "instance 1d": (lambda: nn.InstanceNorm1d(3, track_running_stats=True), LINES),
    "instance 2d": (lambda: nn.InstanceNorm2d(3, track_running_stats=True), PICTURES),
    "instance 3d": (lambda: nn.InstanceNorm3d(3, track_running_stats=True, affine=True), SOLIDS),
    "lazy instance": (lambda: built(nn.LazyInstanceNorm2d(track_running_stats=True), PICTURES), PICTURES),
}


def moved(layer: nn.Module, before: dict[str, Tensor]) -> bool:
    return not all(torch.equal(value, before[name]) for name, value in buffers_of(layer).items())


@pytest.mark.parametrize("name", LAYERS)
def test_every_kind_is_held_and_let_go(name: str) -> None:
    make, images = LAYERS[name]
    layer = make().train()
    layer(images)
    before, expected = buffers_of(layer), deepcopy(layer)(images)
    assert before
    with frozen_statistics(layer):
        assert torch.equal(layer(images), expected)  # by the batch, as ever
        with frozen_statistics(layer):
            layer(images)
        for _ in range(5):
            layer(images)
    assert not moved(layer, before)
    with frozen_statistics(layer), torch.no_grad():
        held = layer.eval()(images)  # by the running statistics, as ever
    assert torch.equal(layer(images), held)
    layer.train()(images)
    assert moved(layer, before)


@pytest.mark.parametrize("layer", [nn.InstanceNorm2d(3), nn.BatchNorm2d(3, track_running_stats=False)], ids=repr)
def test_layers_without_statistics_stay_as_they_are(layer: nn.Module) -> None:
    expected = layer(PICTURES)
    with frozen_statistics(layer):
        assert torch.equal(layer(PICTURES), expected)
    assert torch.equal(layer(PICTURES), expected)


def test_lazy_layers_that_saw_nothing_are_named() -> None:
    model = nn.Sequential(nn.LazyBatchNorm2d())
    with pytest.raises(ValueError, match=r"`model` must have seen a batch"), frozen_statistics(model):
        pass


def torchvisions() -> Network:
    """torchvision's ResNet-18 with its own layers, but for a start that takes small gray pictures."""
    from torchvision.models import resnet18  # seconds, which not every worker needs

    body = resnet18(weights=None, num_classes=3)
    body.conv1, head = nn.Conv2d(1, 64, 3, 2, 1, bias=False), body.fc
    body.fc = nn.Identity()
    return Network(body, head, (0.35,), (0.2,))


@pytest.fixture(scope="module")
def trained() -> dict[str, Tensor]:
    """What it holds at first."""
    torch.manual_seed(0)
    return {name: value.clone() for name, value in torchvisions().state_dict().items()}


@pytest.mark.parametrize("method", [NegGrad(), SharpMinMax(), GradientAscent(), Scrub()], ids=lambda m: m.name)
def test_torchvisions_resnet_meets_retained_images_alone_and_once(method: Method, trained: dict[str, Tensor]) -> None:
    """One step of ASAM: its statistics are those after one forward pass of the retain batch, whatever else was seen."""
    model, twin = torchvisions(), torchvisions()
    for one in (model, twin):
        one.load_state_dict(trained)
    task = small_task(model=model, sharpness=asam(0.5), epochs=1, batch_size=35)
    still = replace(task.training, descent=replace(task.training.descent, lr=1e-12))
    task = replace(task, training=still)
    train(task, method.plan(task))
    if method.name != "ascent":
        twin.train()(next(iter(task.stream("retain").batches())).x)
    for name, value in twin.named_buffers():
        assert torch.allclose(dict(model.named_buffers())[name], value, rtol=1e-5, atol=1e-6), name
