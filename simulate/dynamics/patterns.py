r"""Gradients times the Gram matrix, through activation patterns.

A gradient has coefficients b_rk = ± g_k 1[z_rk > 0], so a filter's row of b · gram depends on nothing but which of its
neurons are active. Filters of one sign mostly agree on that: the sum of Gram rows over the majority's pattern is formed
once for each sign, and every filter adds or takes away the rows where it differs. That replaces 2m n² products by n²
and a few, and never does more than skipping the inactive neurons would.

Patterns are bits, 64 to a word, and they change little from step to step, so the lists of rows made of them are kept
and only mended. Columns are taken a stretch at a time: its part of the Gram matrix stays in the nearest cache while all
filters add rows of it, and their sums stay in registers.
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
    "no_pattern",
    "refresh_pattern",
    "room_for_gradients",
    "signal_coefficient",
]

_WORD = 64


@summing_kernel
def signal_coefficient(u, plus, minus):
    """Coefficient of φ for a j = +1 filter with ⟨w, φ⟩ = u."""
    return plus if u > 0.0 else (-minus if u < 0.0 else 0.0)


@inlined_kernel
def _mark_exceeding(level, values, row, first, words, into):
    """Set the bits of words[into] to where values[row, first:] exceed a level; say whether that changed any."""
    n, changed = values.shape[1] - first, np.int64(0)
    for word in range(words.shape[1]):
        bits, start = np.int64(0), _WORD * word
        stop = min(start + _WORD, n)
        whole = stop - (stop - start) % WIDTH
        for k in range(start, whole, WIDTH):
            bits |= which_exceed(stretch_of(values, row, first + k), level) << (k - start)
        for k in range(whole, stop):
            bits |= np.int64(values[row, first + k] > level) << (k - start)
        changed |= bits ^ words[into, word]
        words[into, word] = bits
    return changed != 0


@inlined_kernel
def _list_bits(words, row, others, other, rows, into, lengths):
    """List in rows[into] at which bits words[row] and others[other] differ, and put their number into lengths."""
    count = 0
    for word in range(words.shape[1]):
        bits = words[row, word] ^ others[other, word]
        while bits != 0:
            rows[into, count] = _WORD * word + lowest_bit(bits)
            bits &= bits - 1
            count += 1
    lengths[into] = count


@summing_kernel
def refresh_pattern(z, pattern):
    """Bring an activation pattern up to date with the pre-activations z (2m, L).

    It is a function of the signs of z alone. It holds where the filters are active (2m, words) and the majority of each
    half (3, words; the third is nobody), and lists: for each filter where it is not with its majority, then the two
    majorities, (2m + 2, n patches), with their lengths.
    """
    active, majority, rows, lengths, votes, changed = pattern
    m = z.shape[0] // 2
    for half in range(2):
        any_changed = False
        for row in range(half * m, half * m + m):
            changed[row] = _mark_exceeding(0.0, z, row, 1, active, row)
            any_changed |= changed[row]
        if any_changed:
            votes[:] = 0.0
            for row in range(half * m, half * m + m):
                for k in range(votes.shape[1]):
                    votes[0, k] += 1.0 if z[row, 1 + k] > 0.0 else 0.0
            swung = _mark_exceeding(0.5 * m, votes, 0, 0, majority, half)
            for row in range(half * m, half * m + m):
                if changed[row] or swung:
                    _list_bits(active, row, majority, half, rows, row, lengths)
            if swung:
                _list_bits(majority, half, majority, 2, rows, 2 * m + half, lengths)


@summing_kernel
def _keep_felt(rows, lengths, factors, kept, kept_lengths):
    """Copy the lists without the rows that get a factor of zero, as samples do that are not of the batch."""
    for i in range(lengths.size):
        count = 0
        for position in range(lengths[i]):
            kept[i, count] = rows[i, position]
            count += factors[0, rows[i, position]] != 0.0
        kept_lengths[i] = count


@inlined_kernel
def _plus_rows(total, rows, lengths, which, factors, half, gram, column):
    """Total + Σ factors[half, k] · gram[1 + k] on a stretch of columns, over the rows k of a list."""
    for position in range(lengths[which]):
        k = rows[which, position]
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
    rows, lengths = pattern[2], pattern[3]
    room, factors, signals, kept, kept_lengths = scratch
    m = z.shape[0] // 2
    felt = True
    for half in range(2):
        sign = scale if half == 0 else -scale
        for k in range(g.size):
            factors[half, k] = sign * g[k]
            felt &= g[k] != 0.0
        for position in range(lengths[2 * m + half]):
            factors[half, rows[2 * m + half, position]] *= -1.0  # a filter that is not with the majority takes away
        for row in range(half * m, half * m + m):
            signals[row] = sign * signal_coefficient(z[row, 0], plus, minus)
    if not felt:
        _keep_felt(rows, lengths, factors, kept, kept_lengths)
        rows, lengths = kept, kept_lengths
    for column in range(0, out.shape[1], WIDTH):
        of_signal = stretch_of(gram, 0, column)
        for half in range(2):
            withheld = _plus_rows(zeros(), rows, lengths, 2 * m + half, factors, half, gram, column)
            shared = plus_multiple(zeros(), -1.0, withheld)
            for row in range(half * m, half * m + m):
                if moves[row]:
                    total = plus_multiple(shared, signals[row], of_signal)
                    total = _plus_rows(total, rows, lengths, row, factors, half, gram, column)
                    add_stretch(total, column, room, out, row)


@kernel
def no_pattern(n_filters, n_noise):
    """The pattern of filters that are active nowhere."""
    words = (n_noise + _WORD - 1) // _WORD
    active, majority = np.zeros((n_filters, words), np.int64), np.zeros((3, words), np.int64)
    rows, lengths = np.empty((n_filters + 2, n_noise), np.int32), np.zeros(n_filters + 2, np.int32)
    return active, majority, rows, lengths, np.empty((1, n_noise)), np.empty(n_filters, np.bool_)


@kernel
def room_for_gradients(n_filters, n_noise):
    """What `add_gradient` works with."""
    kept, kept_lengths = np.empty((n_filters + 2, n_noise), np.int32), np.empty(n_filters + 2, np.int32)
    return np.empty((1, WIDTH)), np.empty((2, n_noise)), np.empty(n_filters), kept, kept_lengths
