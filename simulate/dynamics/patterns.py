r"""Gradients times the Gram matrix, through activation patterns.

A gradient has coefficients b_rk = ± g_k 1[z_rk > 0], so a filter's row of b · gram depends on nothing but which of its
neurons are active. Filters of one sign mostly agree on that: the sum of Gram rows over the majority's pattern is formed
once for each sign, and every filter adds or takes away the rows where it differs. That replaces 2m n² products by n²
and a few, and never does more than skipping the inactive neurons would. Patterns change little from step to step, so
the lists of differences are kept and only mended.
"""

from __future__ import annotations

import numpy as np

from simulate.machine.compilation import summing_kernel

__all__ = ["add_gradient", "add_rows", "no_pattern", "refresh_pattern", "signal_coefficient"]


@summing_kernel
def signal_coefficient(u, plus, minus):
    """Coefficient of φ for a j = +1 filter with ⟨w, φ⟩ = u."""
    return plus if u > 0.0 else (-minus if u < 0.0 else 0.0)


@summing_kernel
def add_rows(gram, rows, factors, count, out, row):
    """out[row] += Σ factors · gram[rows] over the first `count` entries, four rows at a time."""
    position = 0
    while position + 4 <= count:
        a, b, c, d = rows[position], rows[position + 1], rows[position + 2], rows[position + 3]
        fa, fb, fc, fd = factors[position], factors[position + 1], factors[position + 2], factors[position + 3]
        for k in range(out.shape[1]):
            out[row, k] += fa * gram[a, k] + fb * gram[b, k] + fc * gram[c, k] + fd * gram[d, k]
        position += 4
    while position < count:
        a, fa = rows[position], factors[position]
        for k in range(out.shape[1]):
            out[row, k] += fa * gram[a, k]
        position += 1


@summing_kernel
def refresh_pattern(z, pattern):
    """Bring an activation pattern up to date with the pre-activations z (2m, L).

    A pattern is a function of the signs of z alone; that most of it stays from step to step only saves work. It holds
    active (2m, n patches), the majority of each half (2, n patches), and for each filter the noise vectors at which
    it is not with the majority, as a list and its length.
    """
    active, majority, minority, n_minority, votes = pattern
    m, n_noise = z.shape[0] // 2, z.shape[1] - 1
    for half in range(2):
        votes[:] = 0.0
        for row in range(half * m, half * m + m):
            for k in range(n_noise):
                votes[k] += 1.0 if z[row, 1 + k] > 0.0 else 0.0
        swung = 0.0
        for k in range(n_noise):
            vote = 1.0 if 2.0 * votes[k] > m else 0.0
            swung += abs(majority[half, k] - vote)
            majority[half, k] = vote
        for row in range(half * m, half * m + m):
            changed = 0.0
            for k in range(n_noise):
                on = 1.0 if z[row, 1 + k] > 0.0 else 0.0
                changed += abs(active[row, k] - on)
                active[row, k] = on
            if changed > 0.0 or swung > 0.0:
                count = 0
                for k in range(n_noise):
                    minority[row, count] = k
                    count += active[row, k] != majority[half, k]
                n_minority[row] = count


@summing_kernel
def add_gradient(gram, z, pattern, g, plus, minus, moves, scale, scratch, out):
    """out += scale · b · gram, (2m, L), for the filters that move; z, its pattern and `out` may belong together."""
    majority, minority, n_minority = pattern[1], pattern[2], pattern[3]
    shared, signed, rows, factors = scratch
    m = z.shape[0] // 2
    for half in range(2):
        sign = scale if half == 0 else -scale
        count = 0
        for k in range(g.size):
            rows[count], factors[count] = 1 + k, sign * g[k]
            count += (majority[half, k] > 0.0) & (g[k] != 0.0)
            signed[k] = sign * g[k] * (1.0 - 2.0 * majority[half, k])
        shared[0] = 0.0
        add_rows(gram, rows, factors, count, shared, 0)
        for row in range(half * m, half * m + m):
            if moves[row]:
                count = 0
                for position in range(n_minority[row]):
                    k = minority[row, position]
                    rows[count], factors[count] = 1 + k, signed[k]
                    count += signed[k] != 0.0
                signal = sign * signal_coefficient(z[row, 0], plus, minus)
                for k in range(out.shape[1]):
                    out[row, k] += shared[0, k] + signal * gram[0, k]
                add_rows(gram, rows, factors, count, out, row)


@summing_kernel
def no_pattern(n_filters, n_noise):
    """A pattern that no pre-activations have, so that the first refresh sets all of it."""
    active, majority = np.full((n_filters, n_noise), -1.0), np.full((2, n_noise), -1.0)
    minority, n_minority = np.empty((n_filters, n_noise + 1), np.int32), np.empty(n_filters, np.int32)
    return active, majority, minority, n_minority, np.empty(n_noise)
