"""Curvature of the loss at a model's weights: largest eigenvalue, trace and diagonal of the Hessian.

H = ∇²_w L, with w the weights that are not frozen and L the mean cross-entropy over some batches, in evaluation mode
(running statistics of BatchNorm), is never formed. It enters through products H v, which curvlinops makes batch by
batch and one vector at a time, so that memory does not grow with the number of samples or of probes. Random vectors are
drawn on the CPU, by seed and index.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, eigsh
from torch import Tensor, nn

from deepnet.house.fields import entries, of_type
from deepnet.house.packages import CURVLINOPS, need
from deepnet.house.seeding import generator
from deepnet.networks.frozen import trainable
from deepnet.networks.modes import attention_by_formula, evaluating
from deepnet.networks.precision import matrix_products
from simulate.house import checks
from simulate.house.counting import counted

OBSOLETE = ".*torch.jit.script"
"""Start of torch's notice that a way of compiling is to go, which a package that curvlinops loads still takes."""

if TYPE_CHECKING:
    from curvlinops import HessianLinearOperator

__all__ = ["Curvature", "check_batches", "check_classes", "curvature", "hessian_diagonal"]

LANCZOS_VECTORS = 20
"""Vectors that the eigenvalue solver keeps, in float64 in the memory of the CPU: 160 bytes a weight."""


@dataclass(frozen=True, kw_only=True)
class Curvature:
    """Two numbers that say how sharp the loss is at some weights."""

    top: float
    """Algebraically largest eigenvalue of the Hessian: the curvature along the steepest direction."""
    trace: float
    """Estimate of the trace, the sum of the curvatures along all weights."""
    trace_se: float
    """Standard error of that estimate over its probes."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is not finite, or the standard error is negative; the message names it.
        """
        checks.real("top", self.top)
        checks.real("trace", self.trace)
        checks.real("trace_se", self.trace_se, nonnegative=True)


def curvature(
    model: nn.Module,
    batches: Sequence[tuple[Tensor, Tensor]],
    *,
    seed: int,
    probes: int = 32,
    tolerance: float = 1e-3,
    restarts: int = 100,
) -> Curvature:
    """Largest eigenvalue and trace of the Hessian of the mean cross-entropy.

    The trace is Hutchinson's mean of vᵀ H v over random signs v, without bias. The eigenvalue comes from ARPACK's
    restarted Lanczos iteration for the upper end of the spectrum; power iteration would find the eigenvalue of largest
    modulus, which may be a negative one.

    Args:
        model: A network from images to logits (b, K); used in evaluation mode, and left in the mode it was in.
        batches: Images (b, ...) and labels (b,) of int64; each sample weighs the same, whatever its batch.
        seed: Seed of the probes and of the first Lanczos vector.
        probes: Random vectors behind the trace, at least 2; each costs one product H v.
        tolerance: Residual ‖H u - θ u‖ / |θ| at which the eigenvalue θ counts as found.
        restarts: Largest number of restarts of the Lanczos iteration.

    Raises:
        ValueError: if an argument is out of range, a batch is malformed, or the Hessian is not finite.
        RuntimeError: if the eigenvalue is not found within `restarts`.
        ModuleNotFoundError: if curvlinops is not installed.

    Source: Hutchinson 1989, Communications in Statistics 18(3); Lehoucq, Sorensen & Yang 1998, ARPACK Users' Guide.
    """
    checks.integer("probes", probes, least=2)
    checks.real("tolerance", tolerance, positive=True)
    checks.integer("restarts", restarts, least=1)
    with _hessian(model, batches) as hessian:
        values = [float((v * product).cpu().double().sum()) for v, product in _products(hessian, probes, seed)]
        top = _largest_eigenvalue(hessian, seed, tolerance, restarts) if any(values) else 0.0
    return Curvature(top=top, trace=float(np.mean(values)), trace_se=float(np.std(values, ddof=1) / probes**0.5))


def hessian_diagonal(
    model: nn.Module, batches: Sequence[tuple[Tensor, Tensor]], *, probes: int, seed: int
) -> dict[str, Tensor]:
    """Estimate of the diagonal of the Hessian of the mean cross-entropy.

    The mean of v ⊙ H v over random signs v: without bias, with variance Σ_{j≠i} H_ij² / probes in entry i.

    Args:
        model: A network from images to logits (b, K); used in evaluation mode, and left in the mode it was in.
        batches: Images (b, ...) and labels (b,) of int64; each sample weighs the same, whatever its batch.
        probes: Random vectors, at least 1; each costs one product H v.
        seed: Their seed.

    Returns:
        The estimate for each parameter by name, of its shape and type and on its device.

    Raises:
        ValueError: if an argument is out of range, a batch is malformed, or the Hessian is not finite.
        ModuleNotFoundError: if curvlinops is not installed.

    Source: Bekas, Kokiopoulou & Saad 2007, Applied Numerical Mathematics 57.
    """
    checks.integer("probes", probes, least=1)
    with _hessian(model, batches) as hessian:
        total = torch.zeros(hessian.shape[0], dtype=hessian.dtype, device=hessian.device)
        for v, product in _products(hessian, probes, seed):
            total.addcmul_(v, product)
    weights = trainable(model)
    parts = total.div_(probes).split([weight.numel() for weight in weights.values()])
    return {name: part.view_as(weight) for (name, weight), part in zip(weights.items(), parts, strict=True)}


@contextmanager
def _hessian(model: nn.Module, batches: Sequence[tuple[Tensor, Tensor]]) -> Iterator[HessianLinearOperator]:
    """The Hessian as a linear operator, good within the context only.

    Raises:
        ModuleNotFoundError: if the package that makes it is not installed.
    """
    need(CURVLINOPS, "The Hessian")
    of_type("model", model, nn.Module)
    check_batches(batches)
    check_classes(model, batches)
    with evaluating(model), matrix_products("float32"), attention_by_formula(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=OBSOLETE)
        yield _operator()(
            model,
            nn.CrossEntropyLoss(),
            list(trainable(model).values()),
            batches,
            num_data=sum(len(labels) for _, labels in batches),
            # It would cost several products and draw from the global generator; a fixed list of tensors and
            # evaluation mode leave nothing random to find.
            check_deterministic=False,
        )


@cache
def _operator() -> type[HessianLinearOperator]:
    """The operator of curvlinops, whose products are made by differentiating backwards twice.

    Its own go through torch's rules for many directions at a time, which leave out how the mean and deviation of layer
    and instance normalisation move, and of batch normalisation without running statistics: products were wrong by some
    per cent, and impossible with group normalisation.
    """
    from curvlinops import HessianLinearOperator  # late, since not every machine has it

    class TwiceBackwards(HessianLinearOperator):
        @torch.enable_grad()
        def _matmat_batch(self, X: Tensor, y: Tensor, M: list[Tensor]) -> list[Tensor]:
            """Products of a batch's Hessian with vectors, which lie along the last axis of a tensor for each weight."""
            weights = self._params
            slopes = torch.autograd.grad(
                self._loss_func(self._model_func(X), y), weights, create_graph=True, materialize_grads=True
            )
            products = []
            for vector in zip(*(part.unbind(-1) for part in M), strict=True):
                slope = torch.stack([(s * v).sum() for s, v in zip(slopes, vector, strict=True)]).sum()
                products.append(torch.autograd.grad(slope, weights, retain_graph=True, materialize_grads=True))
            return [torch.stack(parts, dim=-1) for parts in zip(*products, strict=True)]

    return TwiceBackwards


def _products(hessian: HessianLinearOperator, probes: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Vectors v of random signs, each with H v."""
    for index in range(probes):
        bits = generator(seed, "probe", index).integers(0, 2, size=hessian.shape[0], dtype=np.int8)
        signs = torch.from_numpy(2 * bits - 1).to(hessian.device, hessian.dtype)
        product = hessian @ signs
        if not bool(product.isfinite().all()):
            raise ValueError("Argument `model` must have a finite Hessian, but has one with NaN or infinite entries.")
        yield signs, product


def _largest_eigenvalue(hessian: HessianLinearOperator, seed: int, tolerance: float, restarts: int) -> float:
    size = hessian.shape[0]
    start = generator(seed, "start").standard_normal(size)
    try:
        (top,) = eigsh(
            hessian.to_scipy(np.float64),
            k=1,
            which="LA",
            v0=start,
            ncv=min(size, LANCZOS_VECTORS),
            maxiter=restarts,
            tol=tolerance,
            return_eigenvectors=False,
        )
    except ArpackNoConvergence:
        raise RuntimeError(
            f"The largest eigenvalue of the Hessian was not found to {tolerance:g} within {restarts} restarts; "
            "raise `tolerance` or `restarts`."
        ) from None
    return float(top)


def check_batches(batches: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Require at least one batch, each of as many labels of int64 as images, and at least one.

    Raises:
        ValueError: if that is not so; the message names the first batch that fails.
    """
    entries("batches", batches, tuple)
    if len(batches) == 0:
        raise ValueError("Argument `batches` must hold at least one batch, but is empty.")
    for index, batch in enumerate(batches):
        if len(batch) != 2 or not all(isinstance(part, Tensor) for part in batch):
            raise ValueError(f"Argument `batches` must hold pairs of tensors, but batch {index} is none.")
        images, labels = batch
        if labels.dtype != torch.int64 or labels.ndim != 1:
            raise ValueError(
                "Argument `batches` must hold vectors of int64 labels, "
                f"but those of batch {index} have type {labels.dtype} and shape {tuple(labels.shape)}."
            )
        if len(labels) == 0 or len(images) != len(labels):
            raise ValueError(
                "Argument `batches` must hold as many labels as images, and at least one, "
                f"but batch {index} has {counted(len(images), 'image')} and {counted(len(labels), 'label')}."
            )


def check_classes(model: nn.Module, batches: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Require labels that are classes of a model.

    Raises:
        ValueError: if some are not; the message names the first batch that has one.
    """
    with torch.no_grad(), evaluating(model):
        n_classes = model(batches[0][0][:1]).shape[1]
    for index, (_, labels) in enumerate(batches):
        if int(labels.min()) < 0 or int(labels.max()) >= n_classes:
            raise ValueError(f"Argument `batches` must hold labels in 0..{n_classes - 1}, but batch {index} does not.")
