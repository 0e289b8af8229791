r"""The training step of `simulate.dynamics.kernels` for a block of GPU threads: a trajectory in one launch.

A trajectory's state lies in shared memory, and with it the Gram matrix or as many of its rows as there is room for.
Threads share the work as `simulate.dynamics.cuda.thread` says. They tell each other the signs of the pre-activations, a
bit each, and one slope a noise vector; with these a thread makes its columns of b · gram, filter by filter in
registers. A product so costs one double-precision addition for each filter and pair of noise vectors, and one read of
shared memory for TILE of them. No thread waits for another trajectory, and the order of every sum depends on the shape
of the block alone: results do not depend on what else runs.

The same source runs under numba's CUDA simulator, where threads are Python's. It therefore uses barriers and shared
memory alone, and nothing that the threads of a warp have in common.
"""

from __future__ import annotations

import math

from numba import boolean, cuda, float64, int32, int64, types

from simulate.dynamics.cuda.thread import (
    TILE,
    add_parts,
    answer,
    follow,
    load_rows,
    mark_moving,
    perturb,
    rate,
    rate_forget,
    read_signs,
    slope_of_loss,
    store_rows,
    sum_of_parts,
)
from simulate.dynamics.kernels import CONVERGED, NONFINITE, RUNNING

__all__ = ["SIGNATURE", "advance"]

_FEEL, _PLAIN, _PERTURBED = 0, 1, 2
"""Stages of an update: SAM's samples at z, the other samples at z, SAM's samples at the perturbed weights."""

_LABELS = types.Tuple((float64[:, ::1], float64[:, ::1], boolean[:, ::1], float64[:, ::1], float64[:, ::1]))
_UPDATES = types.Tuple((float64[:, :, ::1], boolean[:, :, ::1], boolean[:, :, ::1], float64[:, :, ::1]))
_RULES = types.Tuple((float64[:, ::1], int64[::1]))
SIGNATURE = types.void(
    float64[:, :, ::1], float64[:, :, ::1], float64[:, :, ::1], _LABELS, _UPDATES, boolean[:, :, ::1], _RULES,
    int64[::1], float64[:, ::1], float64, int64[::1], int64[::1], int64, types.UniTuple(int64, 10),
)  # fmt: skip
"""Types of the arguments of `advance`."""


def advance(c, z, gram, labels, updates, present, rules, until, closest, multiplicity, steps, status, held, bounds):
    """Advance trajectory number blockIdx.x in place; `kernels.advance_trajectories` names the arguments.

    Two more come from `simulate.dynamics.cuda.layout`: how many rows of each Gram matrix are copied to shared memory,
    and where each array in shared memory begins.
    """
    t = cuda.blockIdx.x
    if status[t] != RUNNING:
        return
    thread = cuda.threadIdx.x, cuda.threadIdx.y, cuda.blockDim.x, cuda.blockDim.y
    m, n_columns, n = z.shape[1] // 2, z.shape[2], labels[0].shape[1]
    y, y_true, forget, target, learned = labels[0][t], labels[1][t], labels[2][t], labels[3][t], labels[4][t]
    stop, every = rules[0][t], rules[1][t]

    memory, words = cuda.shared.array(0, float64), cuda.shared.array(0, int32)
    own_c, own_z, products = memory[: bounds[0]], memory[bounds[0] : bounds[1]], memory[bounds[1] : bounds[2]]
    near, g, least = memory[bounds[2] : bounds[3]], memory[bounds[3] : bounds[4]], memory[bounds[4] : bounds[5]]
    values, partial, parts = memory[bounds[5] : bounds[6]], memory[bounds[6] : bounds[7]], memory[bounds[7] :]
    bits, moving = words[bounds[8] : bounds[9]], words[bounds[9] :]
    sums = cuda.local.array(TILE, float64)

    load_rows(thread, c[t], 2 * m, own_c)
    load_rows(thread, z[t], 2 * m, own_z)
    load_rows(thread, gram[t], held, near)
    mark_moving(thread, updates[2][t], moving)
    k = thread[0]
    while k < n_columns:
        least[thread[1] * n_columns + k] = closest[t, k]
        k += thread[2]
    n_forget = 0.0
    for i in range(n):
        n_forget += 1.0 if forget[i] else 0.0
    cuda.syncthreads()

    watched = not (math.isnan(stop[0]) and math.isnan(stop[1]) and math.isnan(stop[2]) and math.isnan(stop[3]))
    step, batch, since = steps[t], 0, steps[t] % every
    code, number, stage, felt, finite = RUNNING, 0, _FEEL, False, True
    while True:
        begins = stage == _FEEL and number == 0
        looks = begins and watched and since == 0
        if begins and step == until[t] and not looks:
            break
        if stage != _PLAIN:
            read_signs(thread, products if stage == _PERTURBED else own_z, m, bits, partial, least)
            cuda.syncthreads()
            finite = answer(thread, partial, y_true, multiplicity, m, n_columns, values)
            finite = cuda.syncthreads_and(1 if finite else 0) != 0
        if looks:
            rate(thread, learned, target, y, forget, values)
            cuda.syncthreads()
            add_parts(thread, values, 3, n, parts)
            cuda.syncthreads()
            right = sum_of_parts(parts, 2) / n_forget
            met = sum_of_parts(parts, 1) <= stop[0] or right <= stop[1] or right >= stop[2]  # NaN when absent
            if not math.isnan(stop[3]):
                rate_forget(thread, y, forget, values)
                cuda.syncthreads()
                add_parts(thread, values, 2, n, parts)
                cuda.syncthreads()
                met = met or sum_of_parts(parts, 1) / n_forget >= stop[3]
            if met:
                code = CONVERGED
                break
            if step == until[t]:
                break
        if stage == _FEEL and not finite:  # a step that overflows in its first part counts as taken
            step, code = step + (1 if number > 0 else 0), NONFINITE
            break

        weight, perturbed, scalars = updates[0][t, number], updates[1][t, number], updates[3][t, number]
        lr, tau, mixing = scalars[0], scalars[1], scalars[2]
        found = slope_of_loss(
            thread, weight, target, y_true, present[t, batch], perturbed, stage != _PLAIN, multiplicity, m, values, g
        )
        if cuda.syncthreads_or(1 if found else 0) != 0:
            add_parts(thread, values, 3, n, parts)
            cuda.syncthreads()
            plus, minus = sum_of_parts(parts, 1), sum_of_parts(parts, 2)
            moves = moving[number * ((2 * m + TILE - 1) // TILE) :]
            felt = felt or stage == _FEEL
            follow(
                thread, own_z, own_c, m, bits, moves, lr * mixing if stage == _PERTURBED else lr, g, plus, minus,
                gram[t], near, held, sums, stage == _FEEL, products, partial,
            )  # fmt: skip
            cuda.syncthreads()
            if stage == _FEEL:
                add_parts(thread, partial, 1, thread[3] * n_columns, parts)
                cuda.syncthreads()
                norm = math.sqrt(max(sum_of_parts(parts, 0), 0.0))
                scale = tau / norm if norm > 0.0 else 0.0
                perturb(
                    thread, own_z, own_c, m, bits, moves, g, plus, minus, scale, lr * (1.0 - mixing), products
                )  # fmt: skip
                cuda.syncthreads()
        if stage == _FEEL or (stage == _PLAIN and felt):
            stage += 1
            continue
        stage, felt, number = _FEEL, False, number + 1
        if number == updates[0].shape[1]:
            number, step = 0, step + 1
            batch = batch + 1 if batch + 1 < present.shape[1] else 0
            since = since + 1 if since + 1 < every else 0

    cuda.syncthreads()
    store_rows(thread, own_c, c[t])
    store_rows(thread, own_z, z[t])
    k = thread[1] * thread[2] + thread[0]
    while k < n_columns:
        for group in range(thread[3]):
            closest[t, k] = min(closest[t, k], least[group * n_columns + k])
        k += thread[2] * thread[3]
    if thread[0] == 0 and thread[1] == 0:
        steps[t], status[t] = step, code
