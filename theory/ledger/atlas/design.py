"""Which protocols are tried: a designed sample of all that the choices of a claim allow.

First the primary one, then every other value by itself, then as many more as are asked for, such that all values of a
choice, and all pairs of values of two choices, appear about equally often among all protocols together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from simulate.house import checks
from theory.ledger.choice import Choice, Protocol

__all__ = ["combined", "crossed", "designed", "levels_of", "protocol_of"]

_SWEEPS = 8
"""Rounds of the exchange at most; it mostly ends before."""


def designed(choices: Sequence[Choice[Any]], protocols: int, seed: int = 0) -> np.ndarray:
    """Protocols to try.

    Args:
        choices: What is left open.
        protocols: How many at most; fewer if there are not as many. Those that change one value come before all that
            change several.
        seed: Decides the sample.

    Returns:
        The place of each value among the `values` of its choice, (protocols, choices); rows differ, the first is
        primary.

    Example:
        >>> one, other = (Choice(name=name, words=name, primary=0, others=(1, 2), reason="-") for name in "ab")
        >>> designed([one, other], 6)[:5].tolist()
        [[0, 0], [1, 0], [2, 0], [0, 1], [0, 2]]
        >>> len(designed([one, other], 100))
        9
    """
    checks.integer("protocols", protocols, least=1, most=10**4)
    checks.integer("seed", seed, least=0)
    sizes = [len(choice.values) for choice in choices]
    first = np.array(_one_by_one(sizes))[:protocols]
    if protocols >= combined(choices):
        known = {tuple(row) for row in first.tolist()}
        return np.array([*first.tolist(), *(row for row in product(*map(range, sizes)) if row not in known)])
    return _balanced(first, sizes, protocols, np.random.default_rng([seed, *b"atlas"]))


def combined(choices: Sequence[Choice[Any]]) -> int:
    """How many protocols there are."""
    return math.prod(len(choice.values) for choice in choices)


def crossed(choices: Sequence[Choice[Any]], chosen: Sequence[int]) -> np.ndarray:
    """Every combination of the values of some choices, all others primary; as `designed` returns them.

    Args:
        choices: What is left open.
        chosen: Places of some of them.

    Example:
        >>> one, other = (Choice(name=name, words=name, primary=0, others=(1,), reason="-") for name in "ab")
        >>> crossed([one, other], [1]).tolist()
        [[0, 0], [0, 1]]
    """
    rows = product(*(range(len(choices[k].values)) for k in chosen))
    made = np.zeros((math.prod(len(choices[k].values) for k in chosen), len(choices)), dtype=int)
    made[:, list(chosen)] = list(rows)
    return made


def protocol_of(choices: Sequence[Choice[Any]], levels: Sequence[int]) -> dict[str, Any]:
    """The protocol whose values are at some places.

    Primary values are left out: claims that share some choices then share laboratories where the others are primary.
    """
    return {choice.name: choice.values[k] for choice, k in zip(choices, levels, strict=True) if k}


def levels_of(choices: Sequence[Choice[Any]], protocol: Protocol) -> tuple[int, ...]:
    """Where the values of a protocol stand."""
    return tuple(choice.values.index(choice.of(protocol)) for choice in choices)


def _one_by_one(sizes: Sequence[int]) -> list[list[int]]:
    """The primary protocol, and those that differ from it in one value."""
    primary = [0] * len(sizes)
    changed = [[*primary[:k], level, *primary[k + 1 :]] for k, size in enumerate(sizes) for level in range(1, size)]
    return [primary, *changed]


def _balanced(first: np.ndarray, sizes: Sequence[int], count: int, rng: np.random.Generator) -> np.ndarray:
    """Further rows, one value after another exchanged as long as that balances pairs of values better."""
    rows = first.tolist()
    known = {tuple(row) for row in rows}
    while len(rows) < count:
        fresh = [int(rng.integers(size)) for size in sizes]
        if tuple(fresh) not in known:
            known.add(tuple(fresh))
            rows.append(fresh)
    made, pairs = np.array(rows), _Pairs(np.array(rows), sizes)
    for _ in range(_SWEEPS):
        moved = [pairs.improve(made[row], known) for row in rng.permutation(np.arange(len(first), count))]
        if not any(moved):
            break
    return made


class _Pairs:
    """How often each value, and each pair of values of two choices, appears more often than if all did equally."""

    def __init__(self, rows: np.ndarray, sizes: Sequence[int]) -> None:
        self._starts, self._sizes = np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes
        share = np.repeat(1.0 / np.array(sizes), sizes)
        self._excess = -len(rows) * np.outer(share, share)
        np.fill_diagonal(self._excess, -len(rows) * share)
        for row in rows:
            places = self._starts + row
            self._excess[np.ix_(places, places)] += 1.0

    def improve(self, row: np.ndarray, known: set[tuple[int, ...]]) -> bool:
        """Give each choice of a row the value that balances best and makes no other row; whether any is changed."""
        before = row.tolist()
        for choice in range(len(row)):
            others = np.delete(self._starts + row, choice)
            self._count(choice, row, others, -1.0)
            block = slice(self._starts[choice], self._starts[choice] + self._sizes[choice])
            cost = 2.0 * self._excess[block, others].sum(axis=1) + np.diagonal(self._excess)[block]
            known.remove(tuple(row.tolist()))
            for level in range(self._sizes[choice]):
                if (*row[:choice].tolist(), level, *row[choice + 1 :].tolist()) in known:
                    cost[level] = np.inf
            if cost.min() < cost[row[choice]] - 1e-9:
                row[choice] = int(cost.argmin())
            known.add(tuple(row.tolist()))
            self._count(choice, row, others, 1.0)
        return bool(row.tolist() != before)

    def _count(self, choice: int, row: np.ndarray, others: np.ndarray, by: float) -> None:
        """Count the value of a choice with the others of its row, or take it out."""
        place = self._starts[choice] + row[choice]
        self._excess[place, others] += by
        self._excess[others, place] += by
        self._excess[place, place] += by
