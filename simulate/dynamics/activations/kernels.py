r"""Directions of networks whose activation is not ReLU, as loops: `simulate.dynamics.step.direction`, compiled.

Where σ' takes other values than 0 and 1 no two filters share a pattern: a filter's coefficients are a row of their own,
and its product with the Gram matrix a sum over the rows where they are not zero. An activation is its power and its
leak (`simulate.problems.activations`); for shapes see `simulate.dynamics.kernels`.
"""

from __future__ import annotations

import math

import numpy as np

from simulate.dynamics.kernels import damp, fill_slopes
from simulate.dynamics.patterns import add_stretch
from simulate.machine.compilation import kernel, summing_kernel
from simulate.machine.stretches import WIDTH, plus_multiple, stretch_of, zeros

__all__ = ["activated_output", "gather_direction", "room_for_products"]


@summing_kernel
def _value(x, power, leak):
    """σ(x)."""
    if x <= 0.0:
        return leak * x if leak > 0.0 else 0.0
    value = x
    for _ in range(1, power):
        value *= x
    return value


@summing_kernel
def _slope(x, power, leak):
    """σ'(x), at 0 that of the left side."""
    if x <= 0.0:
        return leak
    slope = float(power)
    for _ in range(1, power):
        slope *= x
    return slope


@summing_kernel
def activated_output(z, y_true, multiplicity, activation, closest, output):
    """Fill output (n,) with f_i; closest (L,) keeps the smallest |pre-activation| of each column, if σ has a kink."""
    power, leak = activation
    m, patches = z.shape[0] // 2, (z.shape[1] - 1) // output.size
    facing, opposed = 0.0, 0.0
    output[:] = 0.0
    for row in range(2 * m):
        sign = 1.0 if row < m else -1.0
        facing += sign * _value(z[row, 0], power, leak)
        opposed += sign * _value(-z[row, 0], power, leak)
        for i in range(output.size):
            for k in range(i * patches, (i + 1) * patches):
                output[i] += sign * multiplicity * _value(z[row, 1 + k], power, leak)
        if power == 1:
            for k in range(closest.size):
                closest[k] = min(closest[k], abs(z[row, k]))
    for i in range(output.size):
        output[i] = ((facing if y_true[i] > 0 else opposed) + output[i]) / m


@summing_kernel
def _add_coefficients(z, slopes, y_true, multiplicity, activation, scale, b):
    """B += scale · the coefficients (2m, L) of the gradient with these slopes ∂L/∂f at the pre-activations z."""
    power, leak = activation
    m, patches = z.shape[0] // 2, (z.shape[1] - 1) // slopes.size
    plus, minus = 0.0, 0.0
    for i in range(slopes.size):
        if y_true[i] > 0:
            plus += slopes[i]
        else:
            minus += slopes[i]
    for row in range(2 * m):
        signed = scale / m if row < m else -scale / m
        b[row, 0] += signed * (plus * _slope(z[row, 0], power, leak) - minus * _slope(-z[row, 0], power, leak))
        for i in range(slopes.size):
            if slopes[i] != 0.0:
                each = signed * multiplicity * slopes[i]
                for k in range(1 + i * patches, 1 + (i + 1) * patches):
                    b[row, k] += each * _slope(z[row, k], power, leak)


@summing_kernel
def _add_product(b, gram, row, lists, out):
    """out[row] += b[row] · gram."""
    rows, factors, room = lists
    count = 0
    for k in range(b.shape[1]):
        rows[count], factors[count] = k, b[row, k]
        count += b[row, k] != 0.0
    for column in range(0, out.shape[1], WIDTH):
        total = zeros()
        for position in range(count):
            total = plus_multiple(total, factors[position], stretch_of(gram, rows[position], column))
        add_stretch(total, column, room, out, row)


@kernel
def room_for_products(n_filters, n, n_noise):
    """What `gather_direction` writes to, for networks of such sizes, one after the other."""
    shape = (n_filters, n_noise + 1)
    lists = np.empty(n_noise + 1, np.int64), np.empty(n_noise + 1), np.empty((1, WIDTH))
    return (np.empty(n), np.empty(n), np.empty(n)), (np.empty(shape), np.empty(shape), np.empty(shape)), lists


@summing_kernel
def _perturbed_place(at, gram, felt, tau, normalised, lists, place):
    """Fill `place` with the pre-activations at W + ε̂, for the coefficients `felt` of the gradient that ε̂ follows."""
    place[:] = 0.0
    total = 0.0
    for row in range(at.shape[0]):
        _add_product(felt, gram, row, lists, place)
        for k in range(at.shape[1]):
            total += felt[row, k] * place[row, k]
    norm = math.sqrt(max(total, 0.0)) if normalised else 1.0
    scale = tau / norm if norm > 0.0 else 0.0
    for row in range(at.shape[0]):
        for k in range(at.shape[1]):
            place[row, k] = at[row, k] + scale * place[row, k]


@summing_kernel
def gather_direction(c, z, at, gram, y_true, target, multiplicity, present, update, activation, closest, room):
    """Add the direction ĝ of an `Update` to c and z (2m, L), as coefficients and as pre-activations.

    Args:
        c: Coefficients gathered so far, of filters that move.
        z: Their products with the Gram matrix.
        at: Pre-activations at which gradients are taken.
        gram: Gram matrix (L, L'), its rows padded to whole stretches.
        y_true: Signs of the signal patches, (n,).
        target: Labels the loss uses, (n,).
        multiplicity: How often each noise vector is repeated.
        present: Samples of the batch, (n,) of bool.
        update: As in `simulate.dynamics.kernels.update_along`; its step size plays no role.
        activation: Power and leak of σ.
        closest: Smallest |pre-activation| that each column has had, (L,); updated.
        room: That of `room_for_products`.

    Returns:
        False, with nothing added, once an output is not finite.
    """
    weight, perturbed, moves, (_, tau, mixing, normalised), bound = update
    (output, slopes, there), (b, place, felt), lists = room
    activated_output(at, y_true, multiplicity, activation, closest, output)
    if not math.isfinite(output.sum()):
        return False
    b[:] = 0.0
    if fill_slopes(weight, target, present, perturbed, True, output, slopes):
        damp(slopes, target, output, bound)
        felt[:] = 0.0
        _add_coefficients(at, slopes, y_true, multiplicity, activation, 1.0, felt)
        _perturbed_place(at, gram, felt, tau, normalised, lists, place)
        for row in range(b.shape[0]):
            for k in range(b.shape[1]):
                b[row, k] = (1.0 - mixing) * felt[row, k]
        activated_output(place, y_true, multiplicity, activation, closest, there)
        fill_slopes(weight, target, present, perturbed, True, there, slopes)
        damp(slopes, target, there, bound)
        _add_coefficients(place, slopes, y_true, multiplicity, activation, mixing, b)
    if fill_slopes(weight, target, present, perturbed, False, output, slopes):
        damp(slopes, target, output, bound)
        _add_coefficients(at, slopes, y_true, multiplicity, activation, 1.0, b)
    for row in range(b.shape[0]):
        if moves[row]:
            _add_product(b, gram, row, lists, z)
            for k in range(b.shape[1]):
                c[row, k] += b[row, k]
    return True
