r"""The tug of war (ToW) of many networks against many references, and the ceiling that retrained networks reach.

With R, F, T the accuracies on the retain, forget and test set, the ToW of network i against the retrained networks of
replicate j is the mean over these of

    (1 - |R_i - R_r|) (1 - |F_i - F_r|) (1 - |T_i - T_r|),

and its ToW against all references of a study the mean of that over the replicates j, its own among them. It is the mean
of products, not the product with mean references: chance among retrained networks counts, so that even a retrained
network stays below 1. How far is the ceiling: the reference of each replicate against all retrained networks but
itself, its own replicate's second one among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["accuracies", "ceiling_matrix", "tow", "tow_matrix"]

Numbers = Mapping[str, Any]
Masked = np.ma.MaskedArray[Any, Any]
_SETS = ("retain", "forget", "test")


def accuracies(numbers: Numbers) -> np.ndarray:
    """Accuracies on the retain, forget and test set, (3,), of measured numbers."""
    return np.array([numbers[f"{name}_accuracy"] for name in _SETS], dtype=float)


def tow(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """ToW of accuracies, (..., 3), against others, (..., 3); see `deepnet.metrics.tug_of_war.tug_of_war`.

    Example:
        >>> float(tow(np.array([1.0, 0.5, 0.75]), np.array([1.0, 0.6, 0.75])))
        0.9
    """
    return np.asarray(np.prod(1.0 - np.abs(one - other), axis=-1))


def tow_matrix(networks: Sequence[Numbers | None], references: Sequence[Sequence[Numbers]]) -> Masked:
    """ToW of networks against references, replicate by replicate.

    Args:
        networks: Measured numbers of the network of each replicate; empty ones of a run that diverged, which is worth
            nothing; None where there is no network.
        references: Those of the retrained networks of each replicate; none where there is none.

    Returns:
        (networks, replicates of references), masked where there is no network or no reference.
    """
    there = np.array([numbers is not None for numbers in networks], dtype=bool)
    worth = np.array([bool(numbers) for numbers in networks], dtype=bool)
    ours = np.array([accuracies(numbers) if numbers else np.zeros(len(_SETS)) for numbers in networks])
    found = np.where(worth[:, None], _mean_tow(ours, references), 0.0)
    known = np.array([len(each) > 0 for each in references], dtype=bool)
    return np.ma.array(found, mask=~(there[:, None] & known))


def ceiling_matrix(references: Sequence[Sequence[Numbers]]) -> Masked:
    """ToW of the first retrained network of each replicate against all the others; as `tow_matrix` returns it."""
    made = tow_matrix([own[0] if own else None for own in references], references)
    for i, own in enumerate(references):
        others = tow_matrix(own[:1], [own[1:]]) if own else np.ma.masked_all((1, 1))
        made[i, i] = others[0, 0]
    return made


def _mean_tow(networks: np.ndarray, references: Sequence[Sequence[Numbers]]) -> np.ndarray:
    """Mean over the references of each replicate; 0 where there is none."""
    total = np.zeros((len(networks), len(references)))
    owners = np.array([j for j, known in enumerate(references) for _ in known], dtype=int)
    if len(owners):
        flat = np.array([accuracies(numbers) for known in references for numbers in known])
        np.add.at(total.T, owners, tow(networks[:, None], flat).T)
    return total / np.maximum([len(known) for known in references], 1)
