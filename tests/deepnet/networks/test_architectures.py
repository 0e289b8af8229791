"""Architectures by name: those of torchvision and timm, with the stems that small images need."""

from __future__ import annotations

from collections import Counter

import pytest

torch = pytest.importorskip("torch")

import torchvision  # noqa: E402
from torch import nn  # noqa: E402

from deepnet.house.packages import TIMM, is_installed  # noqa: E402
from deepnet.networks.architectures import BODIES  # noqa: E402
from deepnet.networks.models import ModelConfig, Network, build  # noqa: E402
from deepnet.networks.normalization import BatchNorm  # noqa: E402

needs_timm = pytest.mark.skipif(not is_installed(TIMM), reason="needs timm, an extra of its own")
"""The tests of the one network that comes from there."""
FEATURES = {
    "convnet": 64, "resnet18": 512, "resnet50": 2048, "wide_resnet14_2": 2048, "wide_resnet50_2": 2048, "vgg16_bn": 256,
    "vit_mini": 128, "vit_small": 384,
}  # fmt: skip


def network(architecture: str, *shape: int, seed: int = 0, **config: object) -> Network:
    """A network for images of a shape, (C, H, W)."""
    channels, *size = shape
    return build(
        ModelConfig(architecture=architecture, **config), n_classes=7, channels=channels, mean=(0.5,) * channels,
        std=(0.2,) * channels, seed=seed, image_size=tuple(size),
    )  # fmt: skip


def pixels(n: int, *shape: int) -> torch.Tensor:
    return torch.randint(0, 256, (n, *shape), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def sizes(*modules: nn.Module) -> Counter[tuple[int, ...]]:
    """How many parameters there are of each shape."""
    return Counter(tuple(weight.shape) for module in modules for weight in module.parameters())


@pytest.mark.parametrize("architecture", ["vit_mini", pytest.param("vit_small", marks=[needs_timm, pytest.mark.slow])])
def test_nothing_but_weights_is_drawn(architecture: str) -> None:
    """They depend on the seed alone. In training there is neither dropout nor a dropped path, which a training that
    goes on could not draw again."""
    state, images = torch.get_rng_state(), pixels(4, 3, 16, 16)
    model, same, other = (network(architecture, 3, 16, 16, seed=seed).train() for seed in (3, 3, 4))
    with torch.no_grad():
        features = model.features(images)
        assert torch.equal(model.features(images), features)
        assert not torch.allclose(features[0], features[1])
    assert torch.equal(torch.get_rng_state(), state)
    weights = [dict(one.named_parameters()) for one in (model, same, other)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    drawn = [name for name, value in weights[0].items() if float(value.detach().std()) > 0]
    assert drawn
    assert all(not torch.equal(weights[0][name], weights[2][name]) for name in drawn)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "architecture", [*sorted(set(BODIES) - {"vit_small"}), pytest.param("vit_small", marks=needs_timm)]
)
def test_features_are_what_the_last_layer_takes(architecture: str, channels: int) -> None:
    with torch.device("meta"):
        model, images = network(architecture, channels, 32, 32), torch.empty(2, channels, 32, 32, dtype=torch.uint8)
        assert model.features(images).shape == (2, model.head.in_features) == (2, FEATURES[architecture])
        assert model(images).shape == (2, 7)
    assert not any(layer.p for layer in model.modules() if isinstance(layer, nn.Dropout))
    assert set(BODIES) == set(FEATURES)


@pytest.mark.parametrize("architecture", ["wide_resnet14_2", "wide_resnet50_2", "vgg16_bn"])
@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
def test_batch_normalisation_is_that_of_this_package(architecture: str, stem: str) -> None:
    with torch.device("meta"):
        model = network(architecture, 3, 32, 32, stem=stem)
    found = [layer for layer in model.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    assert len(found) == {"wide_resnet14_2": 17, "wide_resnet50_2": 53, "vgg16_bn": 13}[architecture]
    assert all(isinstance(layer, BatchNorm) for layer in found)


@pytest.mark.parametrize("architecture", ["wide_resnet50_2", "vgg16_bn"])
def test_with_the_large_stem_they_have_the_weights_of_torchvision(architecture: str) -> None:
    with torch.device("meta"):
        model = network(architecture, 3, 32, 32, stem="imagenet")
        assert sizes(model) == sizes(getattr(torchvision.models, architecture)(num_classes=7))


def test_a_wide_resnet_with_one_block_a_stage_is_part_of_the_one_with_fifty_layers() -> None:
    with torch.device("meta"):
        small, large = (network(name, 3, 32, 32) for name in ("wide_resnet14_2", "wide_resnet50_2"))
    shapes = {name: weight.shape for name, weight in large.named_parameters()}
    found = {name: weight.shape for name, weight in small.named_parameters()}
    assert found == {name: shape for name, shape in shapes.items() if ".0." in name or "layer" not in name}
    assert sum(name.endswith(("conv1.weight", "conv2.weight", "conv3.weight", "head.weight")) for name in found) == 14


def test_the_small_vgg_is_that_of_the_released_code() -> None:
    """Convolutions without biases, 2 x 2 pixels of 512 channels, then 256 and 256 units."""
    model = network("vgg16_bn", 3, 32, 32)
    linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linear] == [(2048, 256), (256, 256), (256, 7)]
    convolutions = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == 13
    assert all(layer.bias is None for layer in convolutions)
    assert sum(isinstance(layer, nn.MaxPool2d) for layer in model.modules()) == 4
    for layer in convolutions[4:]:
        assert float(layer.weight.detach().var()) == pytest.approx(2 / (9 * layer.out_channels), rel=0.05)
    assert all(float(layer.weight.detach().std()) == pytest.approx(0.01, rel=0.05) for layer in linear)


def test_the_convolutions_of_vgg_are_torchvisions() -> None:
    """Given the same weights, but for the biases and the last pooling, which the small stem does not have."""
    from torchvision.models import vgg

    ours, theirs = network("vgg16_bn", 3, 32, 32).body[0].eval(), vgg.make_layers(vgg.cfgs["D"], batch_norm=True)[:-1]
    with torch.no_grad():
        for one, other in zip(ours, theirs.eval(), strict=True):
            if isinstance(other, nn.Conv2d):
                other.weight.copy_(one.weight)
                other.bias.zero_()
        images = pixels(2, 3, 32, 32) / 255
        assert torch.allclose(ours(images), theirs(images), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("side", "stem", "patch"),
    [(32, "cifar", 4), (64, "cifar", 8), (16, "cifar", 2), (8, "cifar", 2), (32, "imagenet", 16)],
)
@pytest.mark.parametrize("architecture", ["vit_mini", pytest.param("vit_small", marks=needs_timm)])
def test_images_are_cut_into_patches(architecture: str, side: int, stem: str, patch: int) -> None:
    with torch.device("meta"):
        model = network(architecture, 1, side, side, stem=stem)
    (first,) = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    assert (first.kernel_size, first.stride, first.in_channels) == ((patch, patch), (patch, patch), 1)
    (places,) = [weight for name, weight in model.named_parameters() if "pos_emb" in name]
    assert places.shape == (1, (side // patch) ** 2 + 1, FEATURES[architecture])


def test_the_mini_transformer_is_torchvisions() -> None:
    """With the weights of one of its own, in gray and in colours."""
    for channels in (1, 3):
        model = network("vit_mini", channels, 16, 16).eval()
        theirs = torchvision.models.VisionTransformer(16, 2, 6, 4, 128, 256, num_classes=7)
        if channels == 1:
            theirs.conv_proj = nn.Conv2d(1, 128, 2, 2)
        theirs.eval().load_state_dict({
            **model.body.state_dict(), "heads.head.weight": model.head.weight, "heads.head.bias": model.head.bias,
        })  # fmt: skip
        with torch.no_grad():
            model.head.weight.normal_()
            theirs.heads.head.weight.copy_(model.head.weight)
            images = pixels(3, channels, 16, 16)
            assert torch.allclose(model(images), theirs((images / 255 - 0.5) / 0.2), rtol=1e-3, atol=1e-4)
        first = model.body.conv_proj
        assert float(first.weight.detach().std()) == pytest.approx(1 / (2 * channels**0.5), rel=0.1)
        assert not first.bias.any()


@needs_timm
def test_the_small_transformer_is_timms() -> None:
    import timm

    with torch.device("meta"):
        theirs = timm.create_model("vit_small_patch16_224", num_classes=7, img_size=32, patch_size=4)
        ours = network("vit_small", 3, 32, 32)
    assert sizes(ours) == sizes(theirs)
    assert sum(weight.numel() for weight in ours.parameters()) == 21_341_191


@pytest.mark.parametrize(
    ("architecture", "stem", "size", "told"),
    [
        ("vgg16_bn", "cifar", (8, 8), "images of 8 x 8 pixels, which must have at least 16 pixels a side"),
        ("vgg16_bn", "imagenet", (32, 31), "images of 31 x 32 pixels, which must have at least 32 pixels a side"),
        ("vit_mini", "cifar", (32, 24), "images of 24 x 32 pixels, which must be squares made up of patches of 4 x 4"),
        ("vit_mini", "cifar", (34, 34), "images of 34 x 34 pixels, which must be squares made up of patches of 4 x 4"),
        ("vit_mini", "cifar", (7, 7), "images of 7 x 7 pixels, which must be squares made up of patches of 2 x 2"),
        ("vit_mini", "imagenet", (8, 8), "images of 8 x 8 pixels, which must be squares made up of patches of 16 x 16"),
    ],
)
def test_images_that_do_not_go_with_a_network_are_refused(
    architecture: str, stem: str, size: tuple[int, int], told: str
) -> None:
    with pytest.raises(ValueError, match=rf'Argument `architecture` must be another than "{architecture}" .*{told}'):
        network(architecture, 1, *size, stem=stem)


def test_a_transformer_must_know_the_size_of_images() -> None:
    with pytest.raises(ValueError, match='Argument `image_size` must be given for "vit_mini"'):
        build(ModelConfig(architecture="vit_mini"), n_classes=3, channels=1, mean=(0.5,), std=(0.2,), seed=0)


@pytest.mark.parametrize("size", [(8,), (8, 8, 8), (0, 8), (8.5, 8), "88", 8])
def test_bad_sizes_are_named(size: object) -> None:
    with pytest.raises(ValueError, match="`image_size`"):
        build(
            ModelConfig(architecture="convnet"), n_classes=3, channels=1, mean=(0.5,), std=(0.2,), seed=0,
            image_size=size,
        )  # fmt: skip
