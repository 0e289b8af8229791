"""Modes for a while: what a network was in before, it is in again, layer by layer."""

from contextlib import suppress

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from deepnet.networks.modes import autotuned, evaluating  # noqa: E402


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_every_layer_is_in_its_mode_again(training: bool, fails: bool) -> None:
    net = nn.Sequential(nn.BatchNorm1d(2), nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2)))
    net.train(training)
    net[1][1].train(not training)  # a part that is held in the other mode
    modes = [layer.training for layer in net.modules()]
    with suppress(KeyError), evaluating(net):
        assert not any(layer.training for layer in net.modules())
        if fails:
            raise KeyError
    assert [layer.training for layer in net.modules()] == modes


@pytest.mark.parametrize("before", [True, False])
def test_tuning_is_as_it_was(monkeypatch: pytest.MonkeyPatch, before: bool) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", before)
    for wanted in (True, False):
        with suppress(KeyError), autotuned(wanted):
            assert torch.backends.cudnn.benchmark is wanted
            raise KeyError
        assert torch.backends.cudnn.benchmark is before
