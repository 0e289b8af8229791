"""What a model says of a set of images, and the numbers per sample that the metrics are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.special import logsumexp
from torch import Tensor, nn

from deepnet.data.images import Images
from deepnet.house.fields import of_type
from deepnet.networks.features import READ_BY, features_noted, last_linear
from deepnet.networks.modes import evaluating
from simulate.house import checks

__all__ = [
    "NotFiniteError",
    "Outputs",
    "collect",
    "confidence",
    "correctness",
    "cross_entropy",
    "entropy",
    "log_softmax",
    "m_entropy",
    "m_entropy_official",
    "margin",
]


class NotFiniteError(ValueError):
    """Outputs are NaN or infinite: the model has diverged, even if its weights are finite."""


@dataclass(frozen=True, eq=False)
class Outputs:
    """Logits, labels and features of n samples; a row is a sample, in the order in which it was asked for."""

    logits: np.ndarray
    """Logits z, (n, K) float32."""
    labels: np.ndarray
    """Labels y in 0..K-1, (n,) int64."""
    features: np.ndarray
    """What the last linear layer reads, (n, p) float32."""

    def __post_init__(self) -> None:
        """Validate the arrays, and bring them to their types.

        Raises:
            ValueError: if there is no sample, if shapes disagree, if a label is no class, or if a logit or a feature
                is NaN or infinite (a model that has diverged); the message names the field.
        """
        logits = _float_matrix("logits", self.logits, columns="K")
        features = _float_matrix("features", self.features, columns="p")
        of_type("labels", self.labels, np.ndarray)
        labels = self.labels
        if labels.dtype.kind not in "iu":
            raise ValueError(f"Argument `labels` must hold whole numbers, but has type {labels.dtype}.")
        checks.shape("labels", labels, (len(logits),))
        checks.shape("features", features, (len(logits), "p"))
        if logits.shape[1] < 2:
            raise ValueError("Argument `logits` must have at least two classes, but has one.")
        if labels.min() < 0 or labels.max() >= logits.shape[1]:
            wrong = labels.min() if labels.min() < 0 else labels.max()
            raise ValueError(f"Argument `labels` must lie in 0..{logits.shape[1] - 1}, but holds {wrong}.")
        object.__setattr__(self, "logits", logits)
        object.__setattr__(self, "features", features)
        object.__setattr__(self, "labels", labels.astype(np.int64, copy=False))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_classes(self) -> int:
        """Number of classes K."""
        return int(self.logits.shape[1])

    def subset(self, mask: np.ndarray) -> Outputs:
        """The samples that a mask marks, in their order.

        Args:
            mask: Which samples to keep, (n,) bool.

        Raises:
            ValueError: if the mask is not of bool, has another length, or marks nothing.
        """
        mask = np.asarray(mask)
        if mask.dtype != bool:
            raise ValueError(f"Argument `mask` must hold True or False, but has type {mask.dtype}.")
        checks.shape("mask", mask, (len(self),))
        if not mask.any():
            raise ValueError("Argument `mask` must keep at least one sample, but keeps none.")
        return self.take(np.flatnonzero(mask))

    def take(self, rows: np.ndarray) -> Outputs:
        """The samples at these rows, (m,) of whole numbers, in that order."""
        return Outputs(self.logits[rows], self.labels[rows], self.features[rows])

    @staticmethod
    def concatenate(parts: Sequence[Outputs]) -> Outputs:
        """Several sets of samples as one, in their order.

        Raises:
            ValueError: if there is none, or if they differ in the number of classes or of features.
        """
        if not parts:
            raise ValueError("Argument `parts` must hold at least one set of outputs, but is empty.")
        widths = sorted({(part.n_classes, part.features.shape[1]) for part in parts})
        if len(widths) > 1:
            raise ValueError(f"Argument `parts` must agree in (classes, features), but has {widths}.")
        return Outputs(
            np.concatenate([part.logits for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.features for part in parts]),
        )


def _float_matrix(name: str, values: object, columns: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"Argument `{name}` must be a matrix, but has rows of several lengths.") from None
    if array.dtype.kind != "f":
        raise ValueError(f"Argument `{name}` must be an array of floating-point numbers, but has type {array.dtype}.")
    checks.shape(name, array, ("n", columns))
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is found below
        array = array.astype(np.float32, copy=False)
    try:
        checks.finite(name, array)
    except ValueError as error:
        raise NotFiniteError(str(error)) from None
    return array


def collect(
    model: nn.Module,
    images: Images,
    rows: Tensor,
    batch_size: int = 512,
    autocast: torch.dtype | None = None,
    features: str | None = None,
) -> Outputs:
    """Run a model over images as for testing: no augmentation, evaluation mode, no gradient.

    Every layer is left in the mode, training or evaluation, in which it was found.

    Args:
        model: A network from a batch x to logits (b, K). One with methods `features(x) -> (b, p)` and
            `head(features) -> (b, K)`, such as `deepnet.Network`, says itself what its features are.
        images: The images, or other samples.
        rows: Which of them, (n,) int64 on the CPU.
        batch_size: Images in a forward pass.
        autocast: Type for automatic mixed precision, such as `torch.float16`; None computes in the weights' own type.
        features: Name of the layer whose output the features are; with "input:" before it, what it reads. None is the
            model's own word for it, or else the input of the linear layer that is called last.

    Returns:
        The outputs, row i of them for `rows[i]`.

    Raises:
        ValueError: if no features are found, if `rows` is empty or leaves the range of the images, or if an output is
            not finite.
    """
    of_type("model", model, nn.Module)
    checks.integer("batch_size", batch_size, least=1)
    if autocast not in (None, torch.float16, torch.bfloat16):
        checks.fail("autocast", "be torch.float16, torch.bfloat16 or None", autocast)
    _check_rows(rows, len(images))
    if features is not None or not _names_its_features(model):
        first = next(iter(images.batches([(rows[:1], None)])))
        _check_reads(model, first)
        features = _features_by_default(model, first) if features is None else features
    requests = ((chunk, None) for chunk in rows.split(min(int(batch_size), len(rows))))
    logits, found = [], []
    with torch.no_grad(), evaluating(model), _both(model, features) as look:
        for x in images.batches(requests):
            with torch.autocast(x.device.type, dtype=autocast, enabled=autocast is not None):
                scores, hidden = look(x)
            found.append(hidden.float().cpu().numpy())
            logits.append(scores.float().cpu().numpy())
    return Outputs(np.concatenate(logits), images.labels[rows].cpu().numpy(), np.concatenate(found))


def _check_reads(model: nn.Module, x: Tensor) -> None:
    """Require that somebody's network reads the images, by the first of them.

    Raises:
        ValueError: from what it raises.
    """
    try:
        with torch.no_grad(), evaluating(model):
            model(x)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        told = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        checks.fail("model", f"read images of {x.dtype} and shape {tuple(x.shape[1:])}", model, hint=told)


def _names_its_features(model: nn.Module) -> bool:
    """Whether a network has methods for features and head; layers of these names are something else."""
    own: Any = getattr(model, "features", None)
    return callable(own) and not isinstance(own, nn.Module) and callable(getattr(model, "head", None))


def _features_by_default(model: nn.Module, x: Tensor) -> str:
    """What the linear layer that is called last reads.

    Raises:
        ValueError: if none is called.
    """
    last = last_linear(model, x)
    if last is None:
        checks.fail("features", "name a layer of a network that calls no linear layer", None)
    return READ_BY + last


@contextmanager
def _both(model: nn.Module, features: str | None) -> Iterator[Callable[[Tensor], tuple[Tensor, Tensor]]]:
    """What makes logits and features of a batch."""
    network: Any = model

    def own_words(x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = network.features(x)
        return network.head(hidden), hidden

    if features is None:
        yield own_words
        return
    with features_noted(model, features) as noted:

        def look(x: Tensor) -> tuple[Tensor, Tensor]:
            logits = model(x)
            if not noted:
                checks.fail("features", "name a layer that is called", features)
            return logits, noted[0]

        yield look


def _check_rows(rows: Tensor, n_images: int) -> None:
    of_type("rows", rows, Tensor)
    if rows.ndim != 1 or rows.dtype != torch.int64 or len(rows) == 0:
        raise ValueError(
            "Argument `rows` must be a vector of int64 with at least one entry, "
            f"but has type {rows.dtype} and shape {tuple(rows.shape)}."
        )
    if rows.min() < 0 or rows.max() >= n_images:
        wrong = int(rows.min()) if rows.min() < 0 else int(rows.max())
        raise ValueError(f"Argument `rows` must lie in 0..{n_images - 1}, but holds {wrong}.")


def log_softmax(outputs: Outputs) -> np.ndarray:
    """Log-probabilities log p_k = z_k - log Σ_j exp z_j, (n, K) float64."""
    logits = outputs.logits.astype(np.float64)
    return logits - logsumexp(logits, axis=1, keepdims=True)


def margin(outputs: Outputs) -> np.ndarray:
    """Margins z_y - log Σ_{k≠y} exp z_k = log p_y - log(1 - p_y), (n,) float64; sharp where p_y rounds to 0 or 1."""
    return _log_odds(outputs.logits, outputs.labels)


def _log_odds(logits: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Log-odds z_c - log Σ_{k≠c} exp z_k of one class a row, (n,)."""
    others = logits.astype(np.float64)
    rows = np.arange(len(others))
    own = others[rows, classes]
    others[rows, classes] = -np.inf
    return own - logsumexp(others, axis=1)


def cross_entropy(outputs: Outputs) -> np.ndarray:
    """Losses -log p_y, (n,) float64; accurate also where p_y rounds to 1."""
    return np.logaddexp(0.0, -margin(outputs))


def confidence(outputs: Outputs) -> np.ndarray:
    """Probabilities p_y of the true class, (n,) float64."""
    return np.exp(-cross_entropy(outputs))


def correctness(outputs: Outputs) -> np.ndarray:
    """Whether the largest logit (the first, among equals) is that of the label, (n,) bool."""
    return outputs.logits.argmax(axis=1) == outputs.labels


def entropy(outputs: Outputs) -> np.ndarray:
    """Entropies -Σ_k p_k log p_k in nats, (n,) float64."""
    log_p = log_softmax(outputs)
    return -(np.exp(log_p) * log_p).sum(axis=1)


def m_entropy(outputs: Outputs) -> np.ndarray:
    """Modified entropies -(1 - p_y) log p_y - Σ_{k≠y} p_k log(1 - p_k), (n,) float64.

    Small where the model is sure and right, large where it is sure and wrong.

    Source: Song and Mittal 2021 (arXiv 2003.10595), equation 6.
    """
    log_p = log_softmax(outputs)
    p = np.exp(log_p)
    rows = np.arange(len(p))
    # Only the likeliest class can have p > 1/2, where 1 - p loses digits: there log(1 - p) comes from the log-odds.
    top = log_p.argmax(axis=1)
    p_below = p.copy()
    p_below[rows, top] = 0.0
    log_rest = np.log1p(-p_below)
    log_rest[rows, top] = -np.logaddexp(0.0, _log_odds(outputs.logits, top))
    terms = p * log_rest
    terms[rows, outputs.labels] = -np.exp(log_rest[rows, outputs.labels]) * cross_entropy(outputs)
    return -terms.sum(axis=1)


def m_entropy_official(outputs: Outputs) -> np.ndarray:
    """What the released code takes for the modified entropy, (n,) float64.

    Its indexing exchanges whole columns, and it takes log p also where log(1 - p) is meant, so that the value is
    -Σ_{k∈Y} (1 - p_k) log p_k - Σ_{k∉Y} p_k log p_k with Y the set of all classes among the labels of the set: it
    does not depend on the sample's own label. Probabilities are rounded to float32, and log 0 is log 1e-30, as there.

    Source: `m_entropy` of the paper's released code.
    """
    p = np.exp(log_softmax(outputs)).astype(np.float32).astype(np.float64)
    log_p = np.log(np.where(p > 0.0, p, 1e-30))
    present = np.isin(np.arange(outputs.n_classes), outputs.labels)
    return -(np.where(present, 1.0 - p, p) * log_p).sum(axis=1)
