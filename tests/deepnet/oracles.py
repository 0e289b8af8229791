"""Slow, obvious twins of the core: written from the formulas, a tensor at a time, with torch's own layers."""

import math
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from deepnet.data.datasets import Dataset
from deepnet.data.images import DeviceImages
from deepnet.data.splits import Split
from deepnet.data.streams import Batch
from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import Sharpness, sgd
from deepnet.learning.task import Task
from deepnet.learning.training import Training
from deepnet.networks.models import ModelConfig, Network, build
from deepnet.networks.normalization import BatchNorm

N_CLASSES = 3


# --- small things to work on ---------------------------------------------------------------------------


def small_dataset(n: int = 60, seed: int = 0) -> Dataset:
    """Noisy pictures of three classes, each bright in its own corner, 1 x 6 x 6."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % N_CLASSES
    pixels = rng.integers(0, 120, (n, 1, 6, 6))
    for row, label in enumerate(labels):
        top, left = divmod(int(label), 2)
        pixels[row, 0, 3 * top : 3 * top + 3, 3 * left : 3 * left + 3] += 90
    images = DeviceImages(torch.from_numpy(pixels.astype(np.uint8)), torch.from_numpy(labels))
    return Dataset(
        name="small", train=images, test=images, class_names=("a", "b", "c"), mean=(0.35,), std=(0.2,)
    )  # fmt: skip


def small_split(n: int = 60) -> Split:
    """Of every twelve rows two for validation, three to forget and seven to retain."""
    place = torch.arange(n) % 12

    def rows(*places: int) -> Tensor:
        return torch.nonzero(torch.isin(place, torch.tensor(places))).flatten()

    return Split(
        pretrain=rows(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), retain=rows(0, 1, 2, 3, 5, 6, 7), forget=rows(4, 8, 9),
        val=rows(10, 11), seed=0,
    )  # fmt: skip


def small_network(seed: int = 0, dtype: torch.dtype = torch.float64, width: int = 2) -> Network:
    """A convnet with BatchNorm for those pictures, its affine parameters moved away from their symmetric start."""
    config = ModelConfig(architecture="convnet", width=width)
    network = build(config, n_classes=N_CLASSES, channels=1, mean=(0.35,), std=(0.2,), seed=seed).to(dtype)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter += 0.2 * torch.rand(parameter.shape, generator=generator, dtype=dtype)
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean += 0.1 * torch.rand(layer.running_mean.shape, generator=generator, dtype=dtype)
    return network


def small_task(
    *, sharpness: Sharpness | None = None, epochs: int = 1, batch_size: int = 12, model: Network | None = None,
    seed: tuple[int, ...] = (3,), descent: Descent | None = None, **changes: object,
) -> Task:  # fmt: skip
    """35 images to retain in batches of 11 or 12, 15 to forget in batches of 7 or 8."""
    descent = descent or Descent(lr=0.05, momentum=0.9, weight_decay=0.01)
    return Task(
        model=small_network() if model is None else model, dataset=small_dataset(), split=small_split(),
        training=Training(epochs=epochs, batch_size=batch_size, descent=descent), seed=seed,
        sharpness=sharpness or sgd(), **changes,
    )  # fmt: skip


def batch_of(task: Task, part: str, number: int = 0) -> Batch:
    """Batch `number` of a set."""
    return next(iter(task.stream(part).batches(number)))


def batches_of(task: Task, part: str, count: int) -> list[Batch]:
    """The first batches of a set."""
    return list(islice(task.stream(part).batches(), count))


# --- gradients -----------------------------------------------------------------------------------------


def naive_direction(
    loss: Callable[[dict[str, Tensor]], Tensor], weights: Mapping[str, Tensor], sharpness: Sharpness,
    mask: Mapping[str, Tensor] | None = None,
) -> dict[str, Tensor]:  # fmt: skip
    """ĝ = m [g + s λ (g(w + ε) - g)], a weight at a time, for a loss that is a function of its weights."""

    def slope(point: dict[str, Tensor]) -> dict[str, Tensor]:
        leaves = {name: value.detach().clone().requires_grad_() for name, value in point.items()}
        loss(leaves).backward()
        return {name: torch.zeros_like(v) if v.grad is None else v.grad for name, v in leaves.items()}

    point = {name: value.detach().clone() for name, value in weights.items()}
    g = slope(point)
    if sharpness.rho == 0:
        return {name: g[name] if mask is None else g[name] * mask[name] for name in g}
    scale = {}
    for name, value in point.items():
        adaptive = sharpness.adaptive == "all" or (sharpness.adaptive == "weights" and "weight" in name)
        scale[name] = value.abs() + sharpness.eta if adaptive else torch.ones_like(value)
    norm = math.sqrt(sum(float(x) ** 2 for name in g for x in (scale[name] * g[name]).flatten()))
    epsilon = {name: sharpness.rho * scale[name] ** 2 * g[name] / norm for name in g}
    if mask is not None and sharpness.mask_perturbation:
        epsilon = naive_masked_epsilon(g, scale, mask, sharpness.rho)
    second = slope({name: point[name] + epsilon[name] for name in point})
    sign = 1.0 if sharpness.goal == "min" else -1.0
    hide_second = mask is not None and sharpness.mask_site == "second"
    out = {}
    for name in g:
        there = second[name] * mask[name] if hide_second else second[name]
        out[name] = g[name] + sign * sharpness.mixing * (there - g[name])
        if mask is not None and sharpness.mask_site == "final":
            out[name] = torch.where(mask[name], out[name], torch.zeros_like(out[name]))
    return out


def naive_masked_epsilon(
    g: dict[str, Tensor], scale: dict[str, Tensor], mask: Mapping[str, Tensor], rho: float
) -> dict[str, Tensor]:
    """The perturbation of the masked gradient: its length is ρ within the mask."""
    hidden = {name: torch.where(mask[name], g[name], torch.zeros_like(g[name])) for name in g}
    norm = math.sqrt(sum(float(x) ** 2 for name in g for x in (scale[name] * hidden[name]).flatten()))
    return {name: rho * scale[name] ** 2 * hidden[name] / norm for name in g}


def cosine(one: Iterable[Tensor], other: Iterable[Tensor]) -> float:
    """Cosine of the angle between two gradients."""
    a, b = (torch.cat([t.detach().double().flatten() for t in tensors]) for tensors in (one, other))
    return float(a @ b / a.norm() / b.norm())


# --- networks and steps --------------------------------------------------------------------------------


def with_torch_layers(network: nn.Module) -> nn.Module:
    """A copy of a network whose batch normalisation is torch's."""
    copy = deepcopy(network)
    for module in list(copy.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, BatchNorm):
                layer = nn.BatchNorm2d(child.num_features, eps=child.eps, momentum=child.momentum)
                layer.to(child.weight.dtype).load_state_dict(child.state_dict())
                setattr(module, name, layer)
    return copy


def buffers_of(network: nn.Module) -> dict[str, Tensor]:
    """A copy of running statistics and counters."""
    return {name: value.clone() for name, value in network.named_buffers()}


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """A copy of the parameters."""
    return {name: value.detach().clone() for name, value in network.named_parameters()}


class At:
    """A network in training mode at some weights: called, it may move its running statistics; `quiet` never does."""

    def __init__(self, network: nn.Module, weights: dict[str, Tensor], traces: bool) -> None:
        self.network, self.weights, self.traces = network, weights, traces

    def __call__(self, images: Tensor) -> Tensor:
        buffers = dict(self.network.named_buffers()) if self.traces else buffers_of(self.network)
        return torch.func.functional_call(self.network, {**self.weights, **buffers}, (images,))

    def quiet(self, images: Tensor) -> Tensor:
        return torch.func.functional_call(self.network, {**self.weights, **buffers_of(self.network)}, (images,))


def network_direction(
    network: nn.Module, loss: Callable[[At], Tensor], sharpness: Sharpness, mask: Mapping[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """ĝ of a loss of a whole network; its running statistics move as by one evaluation at w."""
    network.train()
    start = weights_of(network)
    with torch.no_grad():
        loss(At(network, start, traces=True))
    return naive_direction(lambda weights: loss(At(network, weights, traces=False)), start, sharpness, mask)


def step(network: nn.Module, optimizer: torch.optim.Optimizer, direction: Mapping[str, Tensor]) -> None:
    """Give every parameter its direction, and let torch's optimizer go."""
    for name, parameter in network.named_parameters():
        parameter.grad = direction[name].clone()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def optimizer_of(network: nn.Module, descent: Descent) -> torch.optim.Optimizer:
    """torch's optimizer with the settings of a descent."""
    if descent.rule == "adamw":
        return torch.optim.AdamW(network.parameters(), lr=descent.lr, weight_decay=descent.weight_decay)
    return torch.optim.SGD(
        network.parameters(), lr=descent.lr, momentum=descent.momentum, weight_decay=descent.weight_decay
    )


# --- losses, from their definitions --------------------------------------------------------------------


def naive_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """-mean log p_y."""
    probabilities = logits.exp() / logits.exp().sum(1, keepdim=True)
    return -torch.stack([probabilities[i, int(y)].log() for i, y in enumerate(labels)]).mean()


def naive_divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T² Σ_k p_k log(p_k / q_k), mean over samples; p the softened teacher, q the softened student."""
    p, q = (torch.softmax(logits / temperature, 1) for logits in (teacher.detach(), student))
    return temperature**2 * (p * (p.log() - q.log())).sum(1).mean()


# --- masks ---------------------------------------------------------------------------------------------


def naive_selection(scores: Mapping[str, Tensor], fraction: float, largest: bool) -> set[tuple[str, int]]:
    """Names and places of the ⌊fraction n⌋ extreme scores, by sorting a list."""
    entries = [(float(x), name, i) for name, values in scores.items() for i, x in enumerate(values.flatten())]
    entries.sort(key=lambda entry: -entry[0] if largest else entry[0])
    return {(name, i) for _, name, i in entries[: math.floor(len(entries) * fraction)]}


def places(mask: Mapping[str, Tensor]) -> set[tuple[str, int]]:
    """Names and places where a mask is True."""
    return {(name, i) for name, values in mask.items() for i, x in enumerate(values.flatten().tolist()) if x}


def naive_saliency(network: nn.Module, batches: Iterable[Batch]) -> dict[str, Tensor]:
    """|Σ ∂(mean cross-entropy)/∂w| over batches, in the mode for testing."""
    copy = with_torch_layers(network).eval()
    total = {name: torch.zeros_like(value) for name, value in copy.named_parameters()}
    for batch in batches:
        copy.zero_grad()
        naive_cross_entropy(copy(batch.x), batch.y).backward()
        for name, value in copy.named_parameters():
            total[name] += value.grad
    return {name: value.abs() for name, value in total.items()}
