"""Networks: what they do to pixels, how they are drawn, and that they are torchvision's."""

from types import ModuleType

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from deepnet.networks.models import ModelConfig, Network, build  # noqa: E402
from deepnet.networks.normalization import BatchNorm  # noqa: E402
from tests.deepnet.oracles import with_torch_layers  # noqa: E402

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def network(architecture: str = "convnet", n_classes: int = 7, seed: int = 0, **config: object) -> Network:
    return build(
        ModelConfig(architecture=architecture, **config), n_classes=n_classes, channels=3, mean=MEAN, std=STD, seed=seed
    )


def pixels(n: int = 2, side: int = 16) -> torch.Tensor:
    return torch.randint(0, 256, (n, 3, side, side), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


@pytest.mark.parametrize("architecture", ["convnet", "resnet18"])
def test_images_are_normalised_inside_and_once(architecture: str) -> None:
    model, images = network(architecture).eval(), pixels()
    by_hand = torch.stack([(images[:, c].double() / 255 - MEAN[c]) / STD[c] for c in range(3)], 1).float()
    features = model.body(by_hand)
    assert torch.allclose(model.features(images), features, rtol=1e-4, atol=1e-5)
    assert torch.allclose(model(images), model.head(features), rtol=1e-4, atol=1e-5)
    assert model(images).shape == (2, 7)
    assert features.ndim == 2


def test_mean_and_deviation_are_no_weights() -> None:
    model = network()
    assert not any("mean" in name or "std" in name for name, _ in model.named_parameters())


@pytest.mark.parametrize(("architecture", "width"), [("resnet18", 512), ("resnet50", 2048)])
def test_residual_networks_are_those_of_torchvision(architecture: str, width: int, torchvision: ModuleType) -> None:
    """The same parameters, and, given the same weights, the same features, with the stem of ImageNet."""
    model = network(architecture, stem="imagenet").eval()
    reference = getattr(torchvision.models, architecture)(weights=None, num_classes=7).eval()
    sizes = [tuple(value.shape) for value in reference.parameters()]
    assert [tuple(value.shape) for value in model.parameters()] == sizes
    kinds = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)
    with torch.no_grad():
        for one, other in zip(
            (m for m in reference.modules() if isinstance(m, kinds)),
            (m for m in model.modules() if isinstance(m, kinds)), strict=True,
        ):  # fmt: skip
            one.load_state_dict(other.state_dict())
    images = pixels(1, 40)
    with torch.no_grad():
        normalised = (images / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        assert torch.allclose(model(images), reference(normalised), rtol=1e-3, atol=1e-4)
        assert model.features(images).shape == (1, width)


@pytest.mark.parametrize(("stem", "kernel", "stride", "side"), [("cifar", 3, 1, 32), ("imagenet", 7, 2, 8)])
def test_stems(stem: str, kernel: int, stride: int, side: int, torchvision: ModuleType) -> None:
    """CIFAR: 3 x 3, stride 1, no pooling, so 32 pixels arrive at the first block; ImageNet: 32 become 8."""
    model = network("resnet18", stem=stem).eval()
    first = next(m for m in model.modules() if isinstance(m, nn.Conv2d))
    assert (first.kernel_size, first.stride, first.padding, first.bias) == (
        (kernel,) * 2, (stride,) * 2, (kernel // 2,) * 2, None,
    )  # fmt: skip
    shapes = []
    blocks = [m for m in model.modules() if isinstance(m, torchvision.models.resnet.BasicBlock)]
    blocks[0].register_forward_pre_hook(lambda _, inputs: shapes.append(inputs[0].shape))
    with torch.no_grad():
        model(pixels(1, 32))
    assert shapes == [(1, 64, side, side)]


def test_kaiming_initialisation_of_residual_networks() -> None:
    """Convolutions: N(0, 2 / fan out); the last BatchNorm of a block starts at 1, not at 0."""
    model = network("resnet18")
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d) and layer.weight.numel() > 30_000:
            fan_out = layer.out_channels * layer.kernel_size[0] ** 2
            assert float(layer.weight.detach().var()) == pytest.approx(2 / fan_out, rel=0.05)
        if isinstance(layer, nn.BatchNorm2d):
            assert torch.equal(layer.weight, torch.ones_like(layer.weight))
            assert torch.equal(layer.bias, torch.zeros_like(layer.bias))


@pytest.mark.parametrize("architecture", ["convnet", "resnet18"])
def test_every_batch_normalisation_has_the_switch(architecture: str) -> None:
    layers = [layer for layer in network(architecture).modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    assert layers
    assert all(isinstance(layer, BatchNorm) for layer in layers)


def test_batch_normalisation_within_a_network_is_torchs() -> None:
    model = network("convnet", width=4).double()
    twin = with_torch_layers(model)
    for training in (True, False, True):
        images = pixels(6)
        assert torch.allclose(model.train(training)(images), twin.train(training)(images), rtol=1e-12)
    for one, other in zip(model.buffers(), twin.buffers(), strict=True):
        assert torch.allclose(one.double(), other.double(), rtol=1e-12)


@pytest.mark.parametrize("architecture", ["convnet", "resnet18"])
def test_weights_depend_on_the_seed_alone(architecture: str) -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    one = network(architecture, seed=3).state_dict()
    assert torch.equal(torch.get_rng_state(), state)  # and leave the global state alone
    torch.manual_seed(6)
    other = network(architecture, seed=3).state_dict()
    another = network(architecture, seed=4).state_dict()
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    drawn = [name for name, value in one.items() if value.ndim > 1 and "weight" in name]
    assert all(not torch.equal(one[name], another[name]) for name in drawn)


def test_the_convnet_has_the_width_asked_for() -> None:
    convolutions = [layer for layer in network(width=6).modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [6, 12, 24]
    assert all(layer.kernel_size == (3, 3) for layer in convolutions)


@pytest.mark.parametrize(("field", "value"), [("architecture", "vgg"), ("stem", "tiny"), ("width", 0), ("width", 2.5)])
def test_bad_configurations_are_named(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"`{field}`"):
        ModelConfig(**{field: value})


@pytest.mark.parametrize(
    ("name", "changes"),
    [("n_classes", {"n_classes": 0}), ("channels", {"channels": 0}), ("mean", {"mean": (0.1,)}),
     ("std", {"std": (0.1,)}), ("seed", {"seed": -1})],
)  # fmt: skip
def test_bad_arguments_are_named(name: str, changes: dict[str, object]) -> None:
    arguments = {"n_classes": 7, "channels": 3, "mean": MEAN, "std": STD, "seed": 0, **changes}
    with pytest.raises(ValueError, match=f"`{name}`"):
        build(ModelConfig(), **arguments)


def test_a_channel_without_deviation_is_refused() -> None:
    with pytest.raises(ValueError, match="`std`"):
        build(ModelConfig(), n_classes=7, channels=3, mean=MEAN, std=(0.1, 0.0, 0.2), seed=0)
