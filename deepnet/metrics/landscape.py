"""The loss on a plane through a model's weights, along directions that all models of an architecture share.

With random directions of its own, each model would be shown in another plane, and pictures of two models could not be
compared. Here a direction depends on a seed and on the names and shapes of the parameters; only its scale, filter by
filter, comes from a model, and that may be one reference for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from deepnet.house.fields import of_type
from deepnet.house.seeding import generator
from deepnet.metrics.curvature import check_batches, check_classes
from deepnet.networks.modes import evaluating
from deepnet.networks.precision import matrix_products
from simulate.house import checks

__all__ = ["Directions", "Landscape", "directions", "draw_pair", "landscape"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Directions:
    """Two directions in the space of weights; for each parameter by name a tensor of its shape."""

    first: Mapping[str, Tensor]
    """d₁, along the axis a."""
    second: Mapping[str, Tensor]
    """d₂, along the axis b."""

    def check(self, model: nn.Module) -> None:
        """Require that both directions belong to a model of this shape.

        Raises:
            ValueError: if names or shapes differ; the message names the first that does.
        """
        for direction in (self.first, self.second):
            _check_shapes("directions", _shapes(direction), model)


@dataclass(frozen=True, eq=False, kw_only=True)
class Landscape:
    """The loss on a grid of a plane through a model's weights w."""

    a: np.ndarray
    """Coordinates along the first direction, (g,) float64: increasing, of odd number, with 0 in the middle."""
    b: np.ndarray
    """Coordinates along the second direction, alike."""
    loss: np.ndarray
    """Mean cross-entropy in nats at w + a_i d₁ + b_j d₂, (g, g) float64."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if the axes have no middle at 0, shapes disagree, or a loss is not finite; the message names
                the field.
        """
        for name in ("a", "b"):
            axis = checks.real_array(name, getattr(self, name))
            checks.shape(name, axis, ("g",))
            if len(axis) % 2 == 0 or len(axis) < 3 or axis[len(axis) // 2] != 0 or (np.diff(axis) <= 0).any():
                checks.fail(name, "be an odd number of at least 3 increasing numbers with 0 in the middle", axis)
            object.__setattr__(self, name, axis)
        loss = checks.real_array("loss", self.loss)
        checks.shape("loss", loss, (len(self.a), len(self.b)))
        object.__setattr__(self, "loss", loss)

    @property
    def centre(self) -> float:
        """The loss L₀ at w itself."""
        return float(self.loss[len(self.a) // 2, len(self.b) // 2])

    @property
    def basin_ratio(self) -> float:
        """Fraction of the grid with |L - L₀| ≤ std(L) / 2.

        It is measured in units of its own surface: a loss rising a hundred times as steeply has the same ratio. So it
        tells the shape of a basin, and nothing of its sharpness; for that see `rise`.

        Source: the loss landscapes of the paper's released code.
        """
        return float((np.abs(self.loss - self.centre) <= self.loss.std() / 2).mean())

    def rise(self, radius: float) -> float:
        """Mean of L - L₀ over the grid points other than the centre with a² + b² ≤ radius², in nats.

        Raises:
            ValueError: if the disc reaches beyond the grid, or holds no point of it besides the centre.
        """
        checks.real("radius", radius, positive=True)
        reach = min(-self.a[0], self.a[-1], -self.b[0], self.b[-1])
        slack = 1 + 1e-9  # a point on the circle counts, however its coordinates are rounded
        if radius > reach * slack:
            checks.fail("radius", f"be at most {reach:g}, where the grid ends", radius)
        distance = np.hypot(self.a[:, None], self.b[None, :])
        inside = (distance > 0) & (distance <= radius * slack)
        if not inside.any():
            checks.fail("radius", f"be at least {distance[distance > 0].min():g}, the spacing of the grid", radius)
        return float((self.loss[inside] - self.centre).mean())


def directions(model: nn.Module, seed: int, *, reference: nn.Module | None = None) -> Directions:
    """Two random directions, scaled filter by filter to the weights of a reference model.

    `draw_pair` gives them; then each output filter (first index of a tensor of at least two axes) gets the Euclidean
    norm of the same filter of the reference. Biases and the parameters of BatchNorm do not move.

    Args:
        model: The model that the directions are for; they lie on its device, in its type.
        seed: Seed of the directions.
        reference: Model of the same architecture whose filters set the scale. None takes `model` itself: then a unit
            along an axis is relative to each model's own filters, and absolute distances differ between models.

    Raises:
        ValueError: if the reference has other parameters than the model; the message names the first that differs.

    Source: Li et al. 2018, Visualizing the Loss Landscape of Neural Nets (arXiv 1712.09913), section 4.
    """
    of_type("model", model, nn.Module)
    of_type("reference", reference, nn.Module, optional=True)
    weights = dict(model.named_parameters())
    norms_from = dict((model if reference is None else reference).named_parameters())
    _check_shapes("reference", _shapes(norms_from), model)
    first, second = (
        {name: _scaled(values, norms_from[name]).to(weights[name]) for name, values in direction.items()}
        for direction in draw_pair(_shapes(weights), seed)
    )
    return Directions(first=first, second=second)


def draw_pair(shapes: Mapping[str, Sequence[int]], seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Two Gaussian directions, the second orthogonal to the first over the whole vector of weights.

    Entries of tensors with fewer than two axes are 0. The tensors depend on the seed and on names and shapes alone.

    Args:
        shapes: Shape of each parameter by name.
        seed: Seed of the directions.

    Returns:
        The two directions, of float64 on the CPU.
    """
    first, second = (
        {
            name: torch.from_numpy(generator(seed, axis, name).standard_normal(shape))
            if len(shape) >= 2
            else torch.zeros(*shape, dtype=torch.float64)
            for name, shape in shapes.items()
        }
        for axis in ("first direction", "second direction")
    )
    overlap = _inner(first, second) / _inner(first, first)
    for name, values in second.items():
        values.sub_(first[name], alpha=overlap)
    return first, second


def _inner(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    return float(sum(float((one[name] * other[name]).sum()) for name in one))


def _scaled(direction: Tensor, weight: Tensor) -> Tensor:
    """A direction, each filter of it as long as that filter of a weight."""
    if direction.ndim < 2:
        return direction
    filters = direction.flatten(1)
    wanted = weight.detach().cpu().double().flatten(1).norm(dim=1, keepdim=True)
    return (filters * (wanted / filters.norm(dim=1, keepdim=True))).view_as(direction)


def landscape(
    model: nn.Module,
    directions: Directions,
    batches: Sequence[tuple[Tensor, Tensor]],
    *,
    extent: float = 1.0,
    points: int = 25,
) -> Landscape:
    """Mean cross-entropy at w + a d₁ + b d₂ for a and b in [-extent, extent].

    In evaluation mode, with the running statistics of BatchNorm that belong to w. The weights come out as they went
    in, to the bit, and so does the mode, whatever happens.

    Args:
        model: A network from images to logits (b, K).
        directions: d₁ and d₂.
        batches: Images (b, ...) and labels (b,) of int64; each sample weighs the same. Moved to the model's device.
        extent: Largest coordinate along either axis.
        points: Number of coordinates along either axis, odd, so that the middle of the grid is w.

    Raises:
        ValueError: if an argument is out of range, a batch is malformed, the directions are not the model's, or the
            loss is not finite somewhere on the grid.

    Cost: `points`² forward passes over the batches, and three copies of the weights.
    """
    checks.real("extent", extent, positive=True)
    checks.integer("points", points, least=3)
    if points % 2 == 0:
        checks.fail("points", "be odd", points)
    check_batches(batches)
    directions.check(model)
    half = points // 2
    axis = extent * np.arange(-half, half + 1) / half
    weights: dict[str, Tensor] = dict(model.named_parameters())
    first, second = (
        [direction[name].to(weight) for name, weight in weights.items()]
        for direction in (directions.first, directions.second)
    )
    device = next(iter(weights.values())).device
    data = [(images.to(device), labels.cpu()) for images, labels in batches]
    check_classes(model, data)
    loss = np.empty((points, points))
    moved = list(weights.values())
    with torch.no_grad(), evaluating(model), matrix_products("float32"), _restored(moved) as before:
        for (i, a), (j, b) in ((row, column) for row in enumerate(axis) for column in enumerate(axis)):
            # From w each time, and not from the point before, so that rounding does not pile up.
            torch._foreach_copy_(moved, before)
            torch._foreach_add_(moved, first, alpha=float(a))
            torch._foreach_add_(moved, second, alpha=float(b))
            loss[i, j] = _mean_loss(model, data)
    return Landscape(a=axis, b=axis, loss=loss)


@contextmanager
def _restored(weights: list[Tensor]) -> Iterator[list[Tensor]]:
    """Gives copies of the weights, and puts them back at the end."""
    before = [weight.clone() for weight in weights]
    try:
        yield before
    finally:
        torch._foreach_copy_(weights, before)


def _mean_loss(model: nn.Module, data: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Mean cross-entropy, summed in float64 because differences of it are what counts."""
    total = 0.0
    for images, labels in data:
        total += float(functional.cross_entropy(model(images).cpu().double(), labels, reduction="sum"))
    return total / sum(len(labels) for _, labels in data)


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(values.shape) for name, values in tensors.items()}


def _check_shapes(argument: str, shapes: Mapping[str, tuple[int, ...]], model: nn.Module) -> None:
    wanted = _shapes(dict(model.named_parameters()))
    for name in [*wanted, *shapes]:
        if shapes.get(name) != wanted.get(name):
            raise ValueError(
                f"Argument `{argument}` must have the parameters of this model, but at {name} it has shape "
                f"{shapes.get(name)} and the model {wanted.get(name)}."
            )
