"""Which rows are to be forgotten, in any of the ways in which one may say it."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepnet.data.indices import read_indices
from deepnet.data.splits import Split
from simulate.house import checks
from simulate.house.counting import counted

__all__ = ["Classes", "Forget", "classes", "rows_to_forget", "split_of"]

_NEED = "be indices of samples, a boolean mask, a class, `classes(...)`, or the path of a file of indices"


@dataclass(frozen=True)
class Classes:
    """All samples of some classes."""

    labels: tuple[int, ...]
    """The classes, by number."""

    def __post_init__(self) -> None:
        """Require at least one class, and each once."""
        if not self.labels:
            raise ValueError("Argument `classes` must hold at least one class, but is empty.")
        for label in self.labels:
            checks.integer("classes", label, least=0)
        if len(set(self.labels)) < len(self.labels):
            checks.fail("classes", "hold each class once", list(self.labels))


Forget = Collection[int] | np.ndarray | Tensor | int | Classes | str | os.PathLike[str]
"""What may be given as `forget`."""


def classes(*labels: int) -> Classes:
    """All samples of some classes, to be forgotten: `forget=classes(3, 5)`.

    A list of numbers would be indices of samples; a number alone, `forget=3`, is a class, too.

    Example:
        >>> rows_to_forget(classes(0, 2), torch.tensor([2, 1, 0, 1])).tolist()
        [0, 2]
    """
    return Classes(labels)


def rows_to_forget(forget: Any, labels: Tensor, argument: str = "forget") -> Tensor:
    """The rows of a training set that are to be forgotten.

    Args:
        forget: Indices (a list, an array, a tensor, a range); a mask of bool, one entry a sample; a class, by its
            number; several, by `classes(3, 5)`; or the path of a file of indices: `.npy`, or text with whole numbers
            between blanks, commas or line breaks, in which what follows a # is a remark.
        labels: The classes of the training set, (n,).
        argument: What errors call it.

    Returns:
        The rows in ascending order, (k,) of int64; at least one, and not all of them.

    Raises:
        ValueError: if it is none of these, or if an index is out of range or given twice; the message names the
            argument.
        OSError: if a file cannot be read.

    Example:
        >>> labels = torch.tensor([2, 1, 0, 1])
        >>> rows_to_forget([3, 0], labels).tolist(), rows_to_forget(1, labels).tolist()
        ([0, 3], [1, 3])
    """
    if isinstance(forget, str | os.PathLike):
        forget = read_indices(Path(forget), argument)
    if isinstance(forget, bool):
        checks.fail(argument, _NEED, forget)
    if isinstance(forget, float) and 0 < forget < 1:
        share = f"torch.randperm({len(labels)})[:{max(1, round(forget * len(labels)))}]"
        checks.fail(argument, _NEED, forget, hint=f"a share of the samples, drawn at random, is `{share}`.")
    if isinstance(forget, tuple | list) and any(isinstance(one, Tensor | np.ndarray) and one.ndim for one in forget):
        raise ValueError(f"Argument `{argument}` must {_NEED}, but holds arrays; say which of `train_set` they are.")
    if isinstance(forget, Integral):
        checks.integer(argument, forget, least=0)
    if isinstance(forget, Classes | Integral):
        rows = _of_classes(forget if isinstance(forget, Classes) else Classes((int(forget),)), labels, argument)
    else:
        rows = _of_entries(forget, len(labels), argument)
    if not len(rows):
        raise ValueError(f"Argument `{argument}` must name at least one sample, but names none.")
    if len(rows) == len(labels):
        raise ValueError(f"Argument `{argument}` must leave a sample to retain, but takes all {len(rows):,} of them.")
    return rows


def split_of(forget: Any, labels: Tensor, seed: int = 0, without: Any = None) -> Split:
    """The split of a training set into what is to be forgotten and all the rest.

    Args:
        forget: What is to be forgotten, as `rows_to_forget` takes it.
        labels: The classes of the training set, (n,).
        seed: Noted in the split.
        without: What was forgotten before, likewise: it is in no part, nor is it to be forgotten again.

    Raises:
        ValueError: if nothing is left to forget, or to retain.
    """
    rows = rows_to_forget(forget, labels)
    there = torch.ones(len(labels), dtype=torch.bool)
    if without is not None:
        there[rows_to_forget(without, labels, "without")] = False
        rows = rows[there[rows]]
        if not len(rows):
            raise ValueError("Argument `forget` must name a sample that is not among `without`, but names none.")
    pretrain = there.nonzero().flatten()
    kept = pretrain[~torch.isin(pretrain, rows)]
    if not len(kept):
        raise ValueError("Argument `forget` must leave a sample to retain beside those of `without`, but leaves none.")
    return Split(pretrain=pretrain, retain=kept, forget=rows, val=torch.empty(0, dtype=torch.int64), seed=seed)


def _of_classes(wanted: Classes, labels: Tensor, argument: str) -> Tensor:
    for label in wanted.labels:
        if not bool((labels == label).any()):
            hint = f"; sample {label} alone is [{label}]" if len(wanted.labels) == 1 else ""
            raise ValueError(
                f"Argument `{argument}` must name classes that have samples (0 to {int(labels.max())}), but class "
                f"{label} has none{hint}."
            )
    return torch.isin(labels, torch.tensor(wanted.labels)).nonzero().flatten()


def _of_entries(forget: Any, n: int, argument: str) -> Tensor:
    if isinstance(forget, Tensor):
        forget = forget.detach().cpu().numpy()
    if not isinstance(forget, np.ndarray):
        forget = checks.listed(argument, _NEED, forget)
        if not forget:
            return torch.empty(0, dtype=torch.int64)
    try:
        entries = np.asarray(forget)
    except ValueError:
        checks.fail(argument, _NEED, forget)
    if entries.ndim != 1 or entries.dtype.kind not in "biu":
        found = f"has entries of the type {entries.dtype}" if entries.ndim == 1 else f"has {entries.ndim} axes"
        raise ValueError(f"Argument `{argument}` must {_NEED}, but {found}.")
    if entries.dtype.kind == "b":
        if len(entries) != n:
            raise ValueError(
                f"Argument `{argument}` must have an entry for each of {counted(n, 'sample')} if it is a mask, but has "
                f"{len(entries)}."
            )
        return torch.from_numpy(np.flatnonzero(entries))
    return _of_indices(entries, n, argument)


def _of_indices(indices: np.ndarray, n: int, argument: str) -> Tensor:
    outside = indices[(indices < 0) | (indices >= n)]
    if len(outside):
        raise ValueError(f"Argument `{argument}` must hold indices in 0..{n - 1}, but holds {outside[0]}.")
    rows, counts = np.unique(indices.astype(np.int64), return_counts=True)
    if len(rows) < len(indices):
        twice = rows[counts > 1][0]
        raise ValueError(f"Argument `{argument}` must hold each index once, but holds {twice} repeatedly.")
    return torch.from_numpy(rows)
