"""A compiled network holds one graph for each way it is used, whatever the sizes of its batches, and changes no bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from deepnet.learning.sharpness import asam  # noqa: E402
from deepnet.methods import NegGrad, Pretrain, SharpMinMax, apply  # noqa: E402
from deepnet.methods.base import Method  # noqa: E402
from deepnet.networks.modes import autotuned  # noqa: E402
from deepnet.networks.normalization import BatchNorm, frozen_statistics  # noqa: E402
from tests.deepnet.oracles import small_network, small_task, weights_of  # noqa: E402


@pytest.mark.slow  # it loads torch's compiler
@pytest.mark.parametrize(
    ("method", "graphs"), [(Pretrain(), 2), (NegGrad(), 2), (SharpMinMax(alpha=0.7), 3)],
    ids=["pretrain", "neggrad", "sharp-minmax"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_it_holds_a_graph_for_each_way_it_is_used(method: Method, graphs: int) -> None:
    """Batches of 11 and 12, of 7 and 8 images, with statistics and without; and once in testing, for a mask."""
    made: list[Any] = []

    def backend(graph: Any, inputs: Any) -> Callable[..., Any]:
        made.append(graph)
        return graph.forward

    ends = []
    for compiled in (False, True):
        torch._dynamo.reset()
        model = small_network(dtype=torch.float32)
        if compiled:
            model.compile(backend=backend)
        task = small_task(model=model, sharpness=asam(0.5), epochs=2)
        apply(method, task)
        ends.append(weights_of(model))
    torch._dynamo.reset()
    assert len(made) == graphs
    assert all(torch.equal(value, ends[1][name]) for name, value in ends[0].items())


def test_the_switch_of_a_layer_is_its_own() -> None:
    """Else the first use of it would make another layer of it, as a compiler sees it."""
    layer = BatchNorm(3)
    assert vars(layer)["updates_statistics"] is True
    with frozen_statistics(layer):
        assert vars(layer)["updates_statistics"] is False
    assert vars(layer)["updates_statistics"] is True


def test_algorithms_are_tried_where_that_is_wanted() -> None:
    assert not torch.backends.cudnn.benchmark
    with autotuned(True):
        assert torch.backends.cudnn.benchmark
        with autotuned(False):
            assert not torch.backends.cudnn.benchmark
        assert torch.backends.cudnn.benchmark
    assert not torch.backends.cudnn.benchmark
