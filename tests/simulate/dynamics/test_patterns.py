"""Activation patterns as bits, and gradients times the Gram matrix through them, against the plain product."""

import numpy as np
import pytest

from simulate.dynamics.patterns import add_gradient, mark_pattern, room_for_gradients, room_for_pattern
from simulate.machine.stretches import padded_rows

SIZES = [(1, 3), (2, 16), (3, 64), (10, 70), (4, 131)]
"""Filters of a half, and noise vectors: below, at and beyond a stretch and a word."""


def _preactivations(m, n, seed=0):
    """Pre-activations (2m, 1 + n), a fifth of them exactly zero, at which ReLU's slope is 0."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((2 * m, 1 + n))
    z[rng.random(z.shape) < 0.2] = 0.0
    return z


def _pattern_of(z):
    pattern = room_for_pattern(len(z), z.shape[1] - 1)
    mark_pattern(z, pattern)
    return pattern


def _bits(words, n):
    return np.array([[int(row[k // 64]) >> (k % 64) & 1 for k in range(n)] for row in words], dtype=bool)


@pytest.mark.parametrize(("m", "n"), SIZES)
def test_words_are_majorities_and_where_filters_differ(m, n):
    z = _preactivations(m, n)
    active = z[:, 1:] > 0.0
    bits = _bits(_pattern_of(z)[0], n)
    for half, rows in enumerate((slice(m), slice(m, 2 * m))):
        majority = 2 * active[rows].sum(axis=0) > m
        np.testing.assert_array_equal(bits[2 * m + half], majority)
        np.testing.assert_array_equal(bits[rows], active[rows] ^ majority)


@pytest.mark.parametrize("absent", [False, True], ids=["full batch", "minibatch"])
@pytest.mark.parametrize(("m", "n"), SIZES)
def test_gradients_are_the_plain_product_for_filters_that_move(m, n, absent):
    rng = np.random.default_rng(1)
    z, g = _preactivations(m, n), rng.standard_normal(n)
    g[rng.random(n) < (0.7 if absent else 0.0)] = 0.0
    root = rng.standard_normal((1 + n, 1 + n))
    gram, moves, plus, minus, scale = root @ root.T, np.arange(2 * m) % 3 != 1, 0.7, -0.4, -0.3
    signs = np.repeat([1.0, -1.0], m)[:, None]
    coefficients = np.column_stack([plus * (z[:, 0] > 0) - minus * (z[:, 0] < 0), g * (z[:, 1:] > 0)])
    out = np.ones_like(z)
    room = room_for_gradients(2 * m, n)
    add_gradient(padded_rows([gram])[0], z, _pattern_of(z), g, plus, minus, moves, scale, room, out)
    wanted = np.ones_like(z) + np.where(moves[:, None], scale * signs * (coefficients @ gram), 0.0)
    np.testing.assert_allclose(out, wanted, rtol=1e-12, atol=1e-12 * np.abs(wanted).max())
