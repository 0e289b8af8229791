"""Networks as files: of use without this package, and read back to the bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from deepnet import ModelConfig, Network, build, export, open_network
from deepnet.networks.checkpoints import read_checkpoint

OWN = f"{__name__}:perceptron"
IMAGES = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def perceptron(*, n_classes: int, channels: int) -> nn.Module:
    """A function of one's own, for images of eight pixels a side."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64 * channels, 5), nn.ReLU(), nn.Linear(5, n_classes))


def network(size: tuple[int, int] | None = (8, 8), **config: Any) -> Network:
    chosen = ModelConfig(**({"architecture": "convnet", "width": 3} | config))
    return build(chosen, n_classes=4, channels=3, mean=MEAN, std=STD, seed=1, image_size=size).eval()


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
def test_a_network_comes_back_to_the_bit(suffix: str, tmp_path: Path) -> None:
    net = network()
    path = export(net, tmp_path / f"net{suffix}", class_names=("a", "b", "c", "d"), about={"method": "neggrad"})
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    again = open_network(path)
    assert again.origin == net.origin
    assert torch.equal(again(IMAGES), net(IMAGES))
    about = read_checkpoint(path).about
    assert (about["mean"], about["std"], about["class_names"]) == (list(MEAN), list(STD), ["a", "b", "c", "d"])
    assert (about["n_classes"], about["image_size"], about["method"]) == (4, [8, 8], "neggrad")
    assert again.mean.flatten().tolist() == net.mean.flatten().tolist()


def test_without_this_package_torchvision_takes_the_weights(tmp_path: Path) -> None:
    """As the page says: its own network, its own names, and the normalisation of the metadata."""
    from torchvision import models

    net = network(factory="torchvision:shufflenet_v2_x0_5")
    path = export(net, tmp_path / "net.safetensors")
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["about"])
    maker, _, name = about["model"]["factory"].partition(":")
    assert maker == "torchvision"
    theirs = models.get_model(name, num_classes=about["n_classes"])
    theirs.load_state_dict(load_file(path))
    mean, std = (torch.tensor(about[word]).view(-1, 1, 1) for word in ("mean", "std"))
    images = torch.nn.functional.interpolate(IMAGES.float(), 32).to(torch.uint8)
    assert torch.allclose(theirs.eval()((images / 255 - mean) / std), net(images), rtol=1e-4, atol=1e-5)


def test_a_plain_module_says_what_it_was_told(tmp_path: Path) -> None:
    from torchvision import models

    torch.default_generator.manual_seed(0)
    theirs = models.shufflenet_v2_x0_5(num_classes=4).eval()
    path = export(theirs, tmp_path / "net.pt", architecture="torchvision:shufflenet_v2_x0_5", mean=MEAN, std=STD)
    saved = torch.load(path, weights_only=True)
    theirs.load_state_dict(saved["state_dict"])
    images = torch.nn.functional.interpolate(IMAGES.float(), 32).to(torch.uint8)
    mean, std = (torch.tensor(word).view(-1, 1, 1) for word in (MEAN, STD))
    assert torch.allclose(open_network(path)(images), theirs((images / 255 - mean) / std), rtol=1e-4, atol=1e-5)


def test_a_program_runs_by_itself_for_batches_of_any_size(tmp_path: Path) -> None:
    net = network().train()
    path = export(net, tmp_path / "net.pt2")
    assert net.training
    assert net.body[1].training
    told = {"about": ""}
    program = torch.export.load(path, extra_files=told).module()
    assert torch.allclose(program(IMAGES), net.eval()(IMAGES), atol=1e-6)
    assert json.loads(told["about"])["mean"] == list(MEAN)


def test_what_is_exported_is_a_copy_and_tied_weights_may_be(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    net[1].weight = net[0].weight
    found = load_file(export(net, tmp_path / "net.safetensors"))
    assert torch.equal(found["0.weight"], found["1.weight"])


def test_a_file_alone_has_no_function_called(tmp_path: Path) -> None:
    net = network(factory=OWN)
    path = export(net, tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match=r"^Argument `architecture` must be given, .* function \S+:perceptron, and a"):
        open_network(path)
    assert torch.equal(open_network(path, OWN)(IMAGES), net(IMAGES))


def test_errors_name_the_argument_that_was_given(tmp_path: Path) -> None:
    path = export(network(), tmp_path / "net.pt")
    for word, told in {"torchvision:resnet1": "architecture", "vit_mini": "path"}.items():
        with pytest.raises(ValueError, match=f"^Argument `{told}` must"):
            open_network(path, word)


def test_a_network_made_by_hand_has_its_normalisation(tmp_path: Path) -> None:
    net = network()
    by_hand = Network(net.body, net.head, MEAN, STD).eval()
    path = export(by_hand, tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match="does not say which network it holds"):
        open_network(path)
    about = read_checkpoint(path).about
    assert about["mean"] == pytest.approx(MEAN, rel=1e-6)
    assert (about["n_classes"], about["channels"]) == (4, 3)


class Unforeseen(nn.Module):
    """What no tracing follows."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x) if float(x.sum()) > 0 else x


REFUSED: dict[str, tuple[nn.Module, str, dict[str, Any], str]] = {
    "suffix": (network(), "net.onnx", {}, r"`path` must end in \.safetensors, \.pt, \.pth, \.pt2, but"),
    "std": (network(), "net.pt", {"mean": (0.5,), "std": (0.0,)}, "`std` must be a positive number"),
    "lengths": (network(), "net.pt", {"mean": (0.5,)}, "`std` must have 1 entries as `mean`"),
    "architecture": (network(), "net.pt", {"architecture": "lenet"}, "`architecture` must be one of convnet, "),
    "sample": (network(size=None), "net.pt2", {}, "`sample` must be given for a program"),
    "one": (network(), "net.pt2", {"sample": IMAGES[:1]}, r"`sample` must be a batch of at least two samples"),
    "program": (Unforeseen(), "net.pt2", {"sample": torch.ones(2, 2)}, r"`model` must be one that `torch\.export`"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_exported_leaves_no_file(what: str, tmp_path: Path) -> None:
    net, name, words, told = REFUSED[what]
    with pytest.raises(ValueError, match=told) as refused:
        export(net, tmp_path / name, **words)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({}, "`architecture` must be given"),
        ({"model": 3}, "`architecture` must be given"),
        ({"model": {"architecture": "lenet"}}, "`architecture` must be one of"),
        ({"model": {"architecture": "convnet"}}, "`path` must be a file that says 'n_classes'"),
        ({"model": {"architecture": "convnet"}, "n_classes": 4, "channels": 3, "mean": 3, "std": [1] * 3}, "`mean`"),
        (
            {"model": {"architecture": "convnet"}, "n_classes": 4, "channels": 3, "mean": [0] * 3, "std": [1] * 3},
            r"`path` must hold weights of the shapes of this network",
        ),
    ],
)
def test_files_that_do_not_say_enough_are_refused(about: dict[str, Any], told: str, tmp_path: Path) -> None:
    torch.save({"state_dict": network().state_dict(), "about": json.dumps(about)}, tmp_path / "net.pt")
    with pytest.raises(ValueError, match=told):
        open_network(tmp_path / "net.pt")
