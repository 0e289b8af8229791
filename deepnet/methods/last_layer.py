"""The layer that a network calls last, which some methods treat otherwise than the rest."""

from __future__ import annotations

from torch import Tensor, nn

from deepnet.learning.task import Task
from deepnet.networks.features import linear_calls
from deepnet.networks.models import Network

__all__ = ["last_layer"]


def last_layer(task: Task) -> frozenset[str]:
    """The names of the parameters of the linear layer that is called last, of those with any that are not frozen.

    In which order layers are registered makes no difference: it need not be that in which they are called. Where no
    linear layer is called, it is the layer of the parameter that is registered last.

    Args:
        task: The network and its samples, of which it is shown one.
    """
    names = {id(weight): name for name, weight in task.parameters.items()}
    for layer in reversed(_called(task)):
        found = frozenset(names[id(weight)] for weight in layer.parameters() if id(weight) in names)
        if found:
            return found
    last = next(reversed(task.parameters)).rpartition(".")[0]
    return frozenset(name for name in task.parameters if name.rpartition(".")[0] == last)


def _called(task: Task) -> list[nn.Module]:
    """Linear layers in the order of their calls; of our own networks the head is known without a call."""
    model = task.model
    if isinstance(model, Network) and any(weight.requires_grad for weight in model.head.parameters()):
        return [model.head]
    sample: Tensor = next(iter(task.dataset.train.batches([(task.split.forget[:1], None)])))
    layers = dict(model.named_modules())
    return [layers[name] for name in linear_calls(model, sample)]
