r"""Gradients times the Gram matrix, through activation patterns.

A gradient has coefficients b_rk = ± g_k 1[z_rk > 0], so a filter's row of b · gram depends on nothing but which of its
neurons are active. Filters of one sign mostly agree on that: the sum of Gram rows over the majority's pattern is formed
once for each sign, and every filter adds or takes away the rows where it differs. That replaces 2m n² products by n²
and a few, and never does more than skipping the inactive neurons would.

Patterns are bits, 64 to a word. Columns are taken a stretch at a time: its part of the Gram matrix stays in the nearest
cache while all filters add rows of it, and their sums stay in registers.
"""

from __future__ import annotations

import numpy as np

from simulate.machine.compilation import inlined_kernel, kernel, summing_kernel
from simulate.machine.stretches import (
    WIDTH,
    lowest_bit,
    plus_multiple,
    put_stretch,
    stretch_of,
    which_exceed,
    zeros,
)

__all__ = [
    "add_gradient",
    "add_stretch",
    "mark_pattern",
    "room_for_gradients",
    "room_for_pattern",
    "signal_coefficient",
]

_WORD = 64


@summing_kernel
def signal_coefficient(u, plus, minus):
    """Coefficient of φ for a j = +1 filter with ⟨w, φ⟩ = u."""
    return plus if u > 0.0 else (-minus if u < 0.0 else 0.0)


@inlined_kernel
def _mark_active(z, row, words):
    """Set the bits of words[row] to where the noise pre-activations z[row, 1:] are positive."""
    n = z.shape[1] - 1
    for word in range(words.shape[1]):
        bits, start = np.int64(0), _WORD * word
        stop = min(start + _WORD, n)
        whole = stop - (stop - start) % WIDTH
        for k in range(start, whole, WIDTH):
            bits |= which_exceed(stretch_of(z, row, 1 + k), 0.0) << (k - start)
        for k in range(whole, stop):
            bits |= np.int64(z[row, 1 + k] > 0.0) << (k - start)
        words[row, word] = bits


@inlined_kernel
def _majority(words, first, last, word, counts):
    """The bits that are set in more than half of words[first:last, word].

    `counts` (digits,) holds the number of votes for every bit, a binary digit at a time.
    """
    counts[:] = 0
    for row in range(first, last):
        carry = words[row, word]
        for digit in range(counts.size):
            counts[digit], carry = counts[digit] ^ carry, counts[digit] & carry
    more, equal = np.int64(0), np.int64(-1)
    for digit in range(counts.size - 1, -1, -1):
        half = -np.int64(((last - first) // 2 >> digit) & 1)  # a digit of half the number, for every bit
        more |= equal & counts[digit] & ~half
        equal &= ~(counts[digit] ^ half)
    return more


@summing_kernel
def mark_pattern(z, pattern):
    """Fill an activation pattern with that of the pre-activations z (2m, L).

    Its words (2m + 2, words) say for each filter where it is not with the majority of its half, and then what the two
    majorities are.
    """
    words, counts = pattern
    m = z.shape[0] // 2
    for row in range(2 * m):
        _mark_active(z, row, words)
    for half in range(2):
        for word in range(words.shape[1]):
            majority = _majority(words, half * m, half * m + m, word, counts)
            words[2 * m + half, word] = majority
            for row in range(half * m, half * m + m):
                words[row, word] ^= majority


@inlined_kernel
def _mark_felt(g, felt):
    """Set the bits of felt (words,) to where a neuron gets anything; samples that are not of the batch get nothing."""
    felt[:] = -1
    missing = False
    for k in range(g.size):
        missing |= g[k] == 0.0
    if missing:
        for k in range(g.size):
            if g[k] == 0.0:
                felt[k // _WORD] &= ~(np.int64(1) << (k % _WORD))


@inlined_kernel
def _plus_rows(total, words, row, felt, factors, half, gram, column):
    """Total + Σ factors[half, k] · gram[1 + k] on a stretch of columns, over the bits k of words[row] that are felt."""
    for word in range(felt.size):
        bits = words[row, word] & felt[word]
        while bits != 0:
            k = _WORD * word + lowest_bit(bits)
            bits &= bits - 1
            total = plus_multiple(total, factors[half, k], stretch_of(gram, 1 + k, column))
    return total


@inlined_kernel
def add_stretch(total, column, room, out, row):
    """Add a stretch to out[row], from a column on; what is beyond its end is left out."""
    if column + WIDTH <= out.shape[1]:
        put_stretch(out, row, column, plus_multiple(total, 1.0, stretch_of(out, row, column)))
    else:
        put_stretch(room, 0, 0, total)
        for k in range(column, out.shape[1]):
            out[row, k] += room[0, k - column]


@summing_kernel
def add_gradient(gram, z, pattern, g, plus, minus, moves, scale, scratch, out):
    """out += scale · b · gram, (2m, L), for the filters that move; z, its pattern and `out` may belong together."""
    words = pattern[0]
    room, factors, signals, felt = scratch
    m = z.shape[0] // 2
    _mark_felt(g, felt)
    for half in range(2):
        sign = scale if half == 0 else -scale
        for k in range(g.size):
            factors[half, k] = sign * g[k]
        for word in range(felt.size):
            bits = words[2 * m + half, word]
            while bits != 0:  # a filter that is not with the majority takes away
                factors[half, _WORD * word + lowest_bit(bits)] *= -1.0
                bits &= bits - 1
        for row in range(half * m, half * m + m):
            signals[row] = sign * signal_coefficient(z[row, 0], plus, minus)
    for column in range(0, out.shape[1], WIDTH):
        of_signal = stretch_of(gram, 0, column)
        for half in range(2):
            withheld = _plus_rows(zeros(), words, 2 * m + half, felt, factors, half, gram, column)
            shared = plus_multiple(zeros(), -1.0, withheld)
            for row in range(half * m, half * m + m):
                if moves[row]:
                    total = plus_multiple(shared, signals[row], of_signal)
                    total = _plus_rows(total, words, row, felt, factors, half, gram, column)
                    add_stretch(total, column, room, out, row)


@kernel
def room_for_pattern(n_filters, n_noise):
    """What `mark_pattern` fills."""
    words, digits = (n_noise + _WORD - 1) // _WORD, 1
    while n_filters // 2 >> digits:
        digits += 1
    return np.empty((n_filters + 2, words), np.int64), np.empty(digits, np.int64)


@kernel
def room_for_gradients(n_filters, n_noise):
    """What `add_gradient` works with."""
    words = (n_noise + _WORD - 1) // _WORD
    return np.empty((1, WIDTH)), np.empty((2, n_noise)), np.empty(n_filters), np.empty(words, np.int64)
