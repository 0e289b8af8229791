"""Weights from files of others: under which names they are found, and what is refused in one sentence."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from deepnet import load_checkpoint
from deepnet.networks.checkpoints import names_outside, read_checkpoint
from deepnet.networks.models import ModelConfig, build

State = dict[str, Tensor]


def network(seed: int = 0, width: int = 3) -> nn.Module:
    torch.default_generator.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.Linear(width, 2))
    with torch.no_grad():
        net(torch.randn(5, 4))  # running statistics of its own
    return net


def same(one: nn.Module, state: State) -> bool:
    mine = one.state_dict()
    return set(mine) == set(state) and all(torch.equal(mine[name], value) for name, value in state.items())


def below(prefix: str) -> Callable[[State], State]:
    return lambda state: {prefix + name: value for name, value in state.items()}


WRAPPED: dict[str, Callable[[State], Any]] = {
    "plain": dict,
    "state_dict": lambda state: {"state_dict": state, "epoch": 3, "optimizer": {"lr": 0.1}},
    "model_state_dict": lambda state: {"epoch": 3, "model_state_dict": state},
    "model": lambda state: {"model": state, "args": [1, "two"]},
    "twice": lambda state: {"model": {"state_dict": state}},
    "parallel": below("module."),
    "compiled in parallel": below("module._orig_mod."),
    "lightning": lambda state: {"state_dict": below("model.")(state), "hyper_parameters": {"lr": 0.1}},
    "double precision": lambda state: {name: value.double() for name, value in state.items()},
}


@pytest.mark.parametrize("how", WRAPPED)
def test_weights_are_found_in_the_usual_wrappers(how: str, tmp_path: Path) -> None:
    state = network(seed=1).state_dict()
    torch.save(WRAPPED[how](state), tmp_path / "net.pt")
    net = network(seed=2)
    assert load_checkpoint(net, tmp_path / "net.pt") is net
    assert same(net, state)


def test_weights_of_safetensors_are_read(tmp_path: Path) -> None:
    state = network(seed=1).state_dict()
    save_file(below("module.")(state), tmp_path / "net.safetensors")
    assert same(load_checkpoint(network(), str(tmp_path / "net.safetensors")), state)


def test_names_that_begin_like_a_prefix_stay(tmp_path: Path) -> None:
    """A network whose layers really lie in one called `model`."""
    net, other = (nn.ModuleDict({"model": network(seed)}) for seed in (1, 2))
    torch.save(net.state_dict(), tmp_path / "net.pth")
    assert same(load_checkpoint(other, tmp_path / "net.pth"), net.state_dict())


def test_old_files_without_counters_of_batches_are_read(tmp_path: Path) -> None:
    state = {name: value for name, value in network(seed=1).state_dict().items() if "tracked" not in name}
    torch.save(state, tmp_path / "net.pt")
    assert same(
        load_checkpoint(network(seed=2), tmp_path / "net.pt"), state | {"1.num_batches_tracked": torch.tensor(1)}
    )


class Harmful:
    """What would run code if it were unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.place,)


@pytest.mark.parametrize("suffix", ["pt", "pth", "bin", "safetensors"])
def test_no_pickle_is_executed(suffix: str, tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / f"net.{suffix}"
    torch.save({"state_dict": network().state_dict(), "other": Harmful(mark)}, path)
    with pytest.raises(ValueError, match=r"^Argument `checkpoint` must be a file of weights, .*run code"):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps(Harmful(mark)))
    with pytest.raises(ValueError, match=r"^Argument `checkpoint` must be a file of weights"):
        read_checkpoint(path)
    assert not mark.exists()


def weights() -> State:
    return network(seed=1).state_dict()


REFUSED: dict[str, tuple[Any, str]] = {
    "lacks": ({name: one for name, one in weights().items() if name != "0.bias"}, r"but \S+ lacks 0\.bias\."),
    "other": (weights() | {"3.bias": torch.zeros(2)}, r"this network, but \S+ also holds 3\.bias\."),
    "another": (
        {f"fc{k}.weight": torch.zeros(1) for k in range(5)},
        r"lacks 0\.weight, 0\.bias, 1\.weight and 5 others and also holds fc0\.weight, .* and 2 others\.",
    ),
    "shape": (
        weights() | {"2.weight": torch.zeros(7, 3)},
        r"shapes of this network, but 2\.weight has the shape \(7, 3\) in \S+ and \(2, 3\) in the network\.",
    ),
    "nan": (
        weights() | {"1.running_var": torch.tensor([1.0, float("nan"), 1.0])},
        r"finite weights, but 1\.running_var in \S+ holds NaN or infinity\.",
    ),
    "optimizer": ({"optimizer": {"lr": 1.0}, "epoch": 3}, "must hold a state_dict, .* a dict of 'optimizer', 'epoch'"),
    "empty": ({}, "is a dict of nothing"),
    "tensor": (torch.zeros(3), "holds something of the type Tensor"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_other_weights_are_refused_and_change_nothing(what: str, tmp_path: Path) -> None:
    held, told = REFUSED[what]
    torch.save(held, tmp_path / "net.pt")
    net = network(seed=2)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(ValueError, match=told) as refused:
        load_checkpoint(net, tmp_path / "net.pt")
    assert str(refused.value).startswith("Argument `checkpoint` must hold ")
    assert "\n" not in str(refused.value)
    assert same(net, before)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"The checkpoint .*nothing\.pt does not exist\."):
        load_checkpoint(network(), tmp_path / "nothing.pt")
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(ValueError, match="is a folder"):
        load_checkpoint(network(), tmp_path / "folder.pt")
    torch.save(network().state_dict(), tmp_path / "whole.pt")
    (tmp_path / "half.pt").write_bytes((tmp_path / "whole.pt").read_bytes()[:900])
    (tmp_path / "text.pt").write_text("weights")
    for name in ("half.pt", "text.pt"):
        with pytest.raises(ValueError, match=rf"{re.escape(name)} is damaged or holds other objects"):
            load_checkpoint(network(), tmp_path / name)
    with pytest.raises(ValueError, match="Argument `model`"):
        load_checkpoint("net", tmp_path / "whole.pt")  # type: ignore[arg-type]


def test_what_is_told_beside_weights_is_no_trap(tmp_path: Path) -> None:
    state = network().state_dict()
    for about, told in ((json.dumps({"mean": [0.5]}), {"mean": [0.5]}), ("[" * 9, {}), (3, {})):
        torch.save({"state_dict": state, "about": about}, tmp_path / "net.pt")
        assert read_checkpoint(tmp_path / "net.pt").about == told


def test_a_network_takes_the_names_of_its_maker(tmp_path: Path) -> None:
    from torchvision import models

    theirs = models.shufflenet_v2_x0_5(num_classes=3)
    torch.save({"state_dict": below("module.")(theirs.state_dict())}, tmp_path / "net.pt")
    config = ModelConfig(factory="torchvision:shufflenet_v2_x0_5")
    net = build(config, n_classes=3, channels=3, mean=(0.4,) * 3, std=(0.2,) * 3, seed=0)
    assert set(names_outside(net).values()) == set(theirs.state_dict())
    load_checkpoint(net, tmp_path / "net.pt")
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    expected = theirs.eval()((images / 255 - 0.4) / 0.2)
    assert torch.allclose(net.eval()(images), expected, rtol=1e-4, atol=1e-5)
    torch.save(net.state_dict(), tmp_path / "own.pt")  # and its own
    assert same(load_checkpoint(net, tmp_path / "own.pt"), net.state_dict())
