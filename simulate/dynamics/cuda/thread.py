r"""What one GPU thread does between two barriers, in the step that `simulate.dynamics.cuda.block` puts together.

Thread (x, y) of X × Y owns the columns x, x + X, … (column 0 the signal, then the noise vectors) of the filters in the
tiles y, y + Y, …, a tile being TILE filters; it alone writes what it owns. Matrices are flat, row after row. The signs
of pre-activations are words of bits, one bit a filter: bits (tiles, L + 1) says z > 0 in each of the L columns and, in
the end, z < 0 in column 0. Vectors g (L,) hold what an active j = +1 neuron of each noise vector gets of the gradient.

Nothing here knows of CUDA but the compiler: threads talk through arrays, and where a barrier has to stand is for the
caller to know. `while` is used where `range` would have a step, which costs a division of 64-bit integers on a GPU.
"""

from __future__ import annotations

import math

from numba import cuda

__all__ = [
    "PARTS",
    "TILE",
    "add_parts",
    "answer",
    "follow",
    "load_rows",
    "mark_moving",
    "multiply",
    "perturb",
    "rate",
    "rate_forget",
    "read_signs",
    "slope_of_loss",
    "store_rows",
    "sum_of_parts",
]

TILE = 10
"""Filters whose sums a thread keeps in registers at a time; at most 31, the bits of a word."""

PARTS = 8
"""Partial sums that a sum over the block is made of."""


@cuda.jit(device=True, inline="always")
def multiply(bits, at, k, g, plus, minus, gram, near, held, sums):
    """Fill sums (TILE,) with column k of b · gram for the filters whose signs begin at bits[at], as if j were +1.

    The first `held` rows of gram (L, L) are `near`, in shared memory. Each product g_l gram_lk is made once.
    """
    above, below, signal = bits[at], bits[at + g.size], near[k]
    for r in range(TILE):
        sums[r] = plus * signal if (above >> r) & 1 else (-minus * signal if (below >> r) & 1 else 0.0)
    row = 1
    while row < held:
        _add_share(bits[at + row], g[row], near[row * g.size + k], sums)
        row += 1
    while row < g.size:
        _add_share(bits[at + row], g[row], gram[row, k], sums)
        row += 1


@cuda.jit(device=True, inline="always")
def _add_share(on, weight, product, sums):
    """Add weight · product to the sums whose bit is set; threads of a warp agree on the bits and the weight."""
    if (on != 0) & (weight != 0.0):
        share = weight * product
        for r in range(TILE):
            if (on >> r) & 1:
                sums[r] += share


@cuda.jit(device=True, inline="always")
def read_signs(thread, z, m, bits, partial, least):
    """Note the signs of z and the smallest |z| so far, least (Y, L), and add up the columns' parts of the outputs.

    Row y of partial (Y, L + 1) gets Σ_r j σ(z_rk) over the filters of the threads y, and Σ_r j σ(-z_r0) in the end.
    """
    x, y, n_lanes, n_groups = thread
    n_columns = least.size // n_groups
    k = x
    while k < n_columns:
        facing, opposed, closest = 0.0, 0.0, least[y * n_columns + k]
        tile = y
        while tile * TILE < 2 * m:
            on, below = 0, 0
            for r in range(TILE):
                row = tile * TILE + r
                if row < 2 * m:
                    value = z[row * n_columns + k]
                    signed = value if row < m else -value
                    closest = abs(value) if abs(value) < closest else closest
                    if value > 0.0:
                        facing += signed
                        on |= 1 << r
                    elif value < 0.0:
                        opposed -= signed
                        below |= 1 << r
                    else:  # zero; or NaN, which must reach the output
                        facing += value
                        opposed += value
            bits[tile * (n_columns + 1) + k] = on
            if k == 0:
                bits[tile * (n_columns + 1) + n_columns] = below
            tile += n_groups
        partial[y * (n_columns + 1) + k] = facing
        if k == 0:
            partial[y * (n_columns + 1) + n_columns] = opposed
        least[y * n_columns + k] = closest
        k += n_lanes


@cuda.jit(device=True, inline="always")
def answer(thread, partial, y_true, multiplicity, m, n_columns, values):
    """Fill the first n of values (3, n) with f_i; returns whether those of this thread are finite."""
    x, y, n_lanes, n_groups = thread
    n = y_true.size
    patches = (n_columns - 1) // n
    finite = True
    i = y * n_lanes + x
    while i < n:
        signal, noise = 0.0, 0.0
        for group in range(n_groups):
            at = group * (n_columns + 1)
            signal += partial[at] if y_true[i] > 0.0 else partial[at + n_columns]
            for k in range(1 + i * patches, 1 + (i + 1) * patches):
                noise += partial[at + k]
        values[i] = (signal + multiplicity * noise) / m
        finite = finite and math.isfinite(values[i])
        i += n_lanes * n_groups
    return finite


@cuda.jit(device=True, inline="always")
def slope_of_loss(thread, weight, target, y_true, present, perturbed, chosen, multiplicity, m, values, g):
    """Fill g for the present samples whose `perturbed` mark is `chosen`; returns whether this thread has any.

    The second and third n of values (3, n) become (∂L/∂f_i) / m of the samples with ŷ = +1 and with ŷ = -1.
    """
    x, y, n_lanes, n_groups = thread
    n = y_true.size
    patches = (g.size - 1) // n
    found = False
    i = y * n_lanes + x
    while i < n:
        slope = 0.0
        if present[i] and perturbed[i] == chosen and weight[i] != 0.0:
            slope = -weight[i] * target[i] / (1.0 + math.exp(target[i] * values[i])) / m
            found = True
        values[n + i] = slope if y_true[i] > 0.0 else 0.0
        values[2 * n + i] = 0.0 if y_true[i] > 0.0 else slope
        for k in range(1 + i * patches, 1 + (i + 1) * patches):
            g[k] = slope * multiplicity
        i += n_lanes * n_groups
    return found


@cuda.jit(device=True, inline="always")
def rate(thread, learned, target, y, forget, values):
    """Fill the second n of values (3, n) with the samples' parts of the watched loss.

    The third n are 1 for forget samples on the right side, else 0.
    """
    n = target.size
    i = thread[1] * thread[2] + thread[0]
    while i < n:
        margin = target[i] * values[i]
        values[n + i] = learned[i] * (max(-margin, 0.0) + math.log1p(math.exp(-abs(margin))))
        values[2 * n + i] = 1.0 if forget[i] and y[i] * values[i] > 0.0 else 0.0
        i += thread[2] * thread[3]


@cuda.jit(device=True, inline="always")
def rate_forget(thread, y, forget, values):
    """Fill the second n of values (3, n) with the losses of the forget samples and zeros."""
    i = thread[1] * thread[2] + thread[0]
    while i < y.size:
        margin = y[i] * values[i]
        values[y.size + i] = max(-margin, 0.0) + math.log1p(math.exp(-abs(margin))) if forget[i] else 0.0
        i += thread[2] * thread[3]


@cuda.jit(device=True, inline="always")
def add_parts(thread, values, rows, count, parts):
    """Add up PARTS parts of each row of values (rows, count)."""
    place = thread[1] * thread[2] + thread[0]
    while place < rows * PARTS:
        row, i, total = place // PARTS, place % PARTS, 0.0
        while i < count:
            total += values[row * count + i]
            i += PARTS
        parts[place] = total
        place += thread[2] * thread[3]


@cuda.jit(device=True, inline="always")
def sum_of_parts(parts, row):
    """Sum of a row whose parts have been added up."""
    total = 0.0
    for part in range(PARTS):
        total += parts[row * PARTS + part]
    return total


@cuda.jit(device=True, inline="always")
def follow(thread, z, c, m, bits, moving, step, g, plus, minus, gram, near, held, sums, felt, products, partial):
    """C -= step · b and z -= step · b · gram for the filters that move.

    If felt, instead fill products (2m, L) with b · gram, and partial (Y, L) with parts of ‖∇L‖² = Σ b · (b · gram).
    """
    x, y, n_lanes, n_groups = thread
    k = x
    while k < g.size:
        high, low = (g[k], 0.0) if k > 0 else (plus, -minus)
        inner, tile = 0.0, y
        while tile * TILE < 2 * m:
            first, at = tile * TILE, tile * (g.size + 1)
            multiply(bits, at, k, g, plus, minus, gram, near, held, sums)
            above, below, moves = bits[at + k], bits[at + g.size], moving[tile]
            for r in range(TILE):
                own = high if (above >> r) & 1 else (low if (below >> r) & 1 else 0.0)
                place = (first + r) * g.size + k
                if felt and first + r < 2 * m:
                    inner += own * sums[r]
                    products[place] = sums[r] if first + r < m else -sums[r]
                elif not felt and (moves >> r) & 1:
                    signed = step if first + r < m else -step
                    z[place] -= signed * sums[r]
                    c[place] -= signed * own
            tile += n_groups
        if felt:
            partial[y * g.size + k] = inner
        k += n_lanes


@cuda.jit(device=True, inline="always")
def perturb(thread, z, c, m, bits, moving, g, plus, minus, scale, step, products):
    """Turn the products b · gram into the pre-activations z + scale · b · gram, and take a step along b at z."""
    x, y, n_lanes, n_groups = thread
    k = x
    while k < g.size:
        high, low = (g[k], 0.0) if k > 0 else (plus, -minus)
        tile = y
        while tile * TILE < 2 * m:
            first, at = tile * TILE, tile * (g.size + 1)
            above, below, moves = bits[at + k], bits[at + g.size], moving[tile]
            for r in range(TILE):
                if first + r < 2 * m:
                    place = (first + r) * g.size + k
                    product = products[place]
                    products[place] = z[place] + scale * product
                    if step != 0.0 and (moves >> r) & 1:
                        own = high if (above >> r) & 1 else (low if (below >> r) & 1 else 0.0)
                        z[place] -= step * product
                        c[place] -= (step if first + r < m else -step) * own
            tile += n_groups
        k += n_lanes


@cuda.jit(device=True, inline="always")
def mark_moving(thread, moves, moving):
    """Pack which filters each update moves, moves (U, 2m), into words of bits (U, tiles)."""
    tiles = (moves.shape[1] + TILE - 1) // TILE
    place = thread[1] * thread[2] + thread[0]
    while place < moves.shape[0] * tiles:
        number, tile, marks = place // tiles, place % tiles, 0
        for r in range(TILE):
            if tile * TILE + r < moves.shape[1] and moves[number, tile * TILE + r]:
                marks |= 1 << r
        moving[place] = marks
        place += thread[2] * thread[3]


@cuda.jit(device=True, inline="always")
def load_rows(thread, source, count, into):
    """Copy the first `count` rows of a matrix into shared memory."""
    k = thread[0]
    while k < source.shape[1]:
        row = thread[1]
        while row < count:
            into[row * source.shape[1] + k] = source[row, k]
            row += thread[3]
        k += thread[2]


@cuda.jit(device=True, inline="always")
def store_rows(thread, source, into):
    """Copy a matrix in shared memory back."""
    k = thread[0]
    while k < into.shape[1]:
        row = thread[1]
        while row < into.shape[0]:
            into[row, k] = source[row * into.shape[1] + k]
            row += thread[3]
        k += thread[2]
