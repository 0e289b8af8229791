r"""The training step as loops, compiled by numba: `simulate.dynamics.step` without its temporaries.

Arrays of one trajectory: z and c are (2m, L) with L = 1 + n patches, column 0 the signal and the first m rows
j = +1; gram is (L, L'), its rows padded to whole stretches. A gradient with slopes ∂L/∂f is held as g (n patches,), the
coefficient that an active j = +1 neuron of each noise vector gets, and two sums for the signal;
`simulate.dynamics.patterns` multiplies it by gram.
"""

from __future__ import annotations

import math

import numpy as np

from simulate.dynamics.patterns import (
    add_gradient,
    mark_pattern,
    room_for_gradients,
    room_for_pattern,
    signal_coefficient,
)
from simulate.machine.compilation import kernel, summing_kernel
from simulate.machine.elementary import exponential

__all__ = [
    "CONVERGED",
    "NONFINITE",
    "RUNNING",
    "advance_trajectories",
    "damp",
    "fill_slopes",
    "is_watched",
    "network_output",
    "room_to_work",
    "rule_met",
    "update_along",
    "weighted_loss",
]

RUNNING, CONVERGED, NONFINITE = 0, 1, 2
"""How a phase stands: it goes on, a stopping rule fired, or a number is not finite."""


@summing_kernel
def network_output(z, y_true, multiplicity, noise, closest, output):
    """Fill output (n,) with f_i; noise (n patches,) is scratch.

    On the way, closest (L,) keeps the smallest |pre-activation| that each column has had.
    """
    m, patches = z.shape[0] // 2, (z.shape[1] - 1) // output.size
    noise[:] = 0.0
    facing, opposed = 0.0, 0.0
    for row in range(m):
        for k in range(noise.size):
            plus, minus = z[row, 1 + k], z[m + row, 1 + k]
            noise[k] += max(plus, 0.0) - max(minus, 0.0)
            closer = min(abs(plus), abs(minus))
            closest[1 + k] = closer if closer < closest[1 + k] else closest[1 + k]
        facing += max(z[row, 0], 0.0) - max(z[m + row, 0], 0.0)
        opposed += max(-z[row, 0], 0.0) - max(-z[m + row, 0], 0.0)
        closest[0] = min(closest[0], abs(z[row, 0]), abs(z[m + row, 0]))
    for i in range(output.size):
        total = 0.0
        for k in range(i * patches, (i + 1) * patches):
            total += noise[k]
        output[i] = ((facing if y_true[i] > 0 else opposed) + multiplicity * total) / m


@summing_kernel
def fill_slopes(weight, target, present, perturbed, chosen, output, slopes):
    """Fill slopes (n,) with ∂L/∂f_i over the present samples whose `perturbed` mark is `chosen`; say if any."""
    found = 0
    for i in range(slopes.size):
        counts = present[i] & (perturbed[i] == chosen) & (weight[i] != 0.0)
        slope = -weight[i] * target[i] / (1.0 + exponential(target[i] * output[i]))
        slopes[i] = slope if counts else 0.0
        found |= counts
    return found != 0


@summing_kernel
def damp(slopes, target, output, bound):
    """Multiply by 2 (p/p₀)^β / (1 + (p/p₀)^β) where log p₀ is a number; see `simulate.dynamics.step.damping`."""
    beta, reference = bound
    for i in range(reference.size):
        if not math.isnan(reference[i]):
            margin = target[i] * output[i]
            loss = max(-margin, 0.0) + math.log1p(math.exp(-abs(margin)))
            slopes[i] *= 2.0 / (1.0 + math.exp(beta * (loss + reference[i])))


@summing_kernel
def _signal_sums(slopes, y_true, m):
    """(1/m) Σ ∂L/∂f_i over the samples with ŷ = +1 and over those with ŷ = -1."""
    plus, minus = 0.0, 0.0
    for i in range(slopes.size):
        plus += slopes[i] if y_true[i] > 0 else 0.0
        minus += 0.0 if y_true[i] > 0 else slopes[i]
    return plus / m, minus / m


@summing_kernel
def _noise_slopes(slopes, multiplicity, m, g):
    """Fill g (n patches,) with the coefficient an active neuron of each noise vector gets, for j = +1."""
    patches = g.size // slopes.size
    for i in range(slopes.size):
        for k in range(i * patches, (i + 1) * patches):
            g[k] = slopes[i] * multiplicity / m


@summing_kernel
def _squared_norm(z, g, plus, minus, products):
    """‖∇L‖² = Σ b · (b · gram)."""
    m, total = z.shape[0] // 2, 0.0
    for row in range(2 * m):
        inner = signal_coefficient(z[row, 0], plus, minus) * products[row, 0]
        for k in range(g.size):
            inner += g[k] * products[row, 1 + k] if z[row, 1 + k] > 0.0 else 0.0
        total += inner if row < m else -inner
    return total


@summing_kernel
def _move_coefficients(c, z, g, plus, minus, moves, scale):
    """C -= scale · b for the filters that move."""
    m = z.shape[0] // 2
    for row in range(2 * m):
        if moves[row]:
            signed = scale if row < m else -scale
            c[row, 0] -= signed * signal_coefficient(z[row, 0], plus, minus)
            for k in range(g.size):
                c[row, 1 + k] -= signed * g[k] if z[row, 1 + k] > 0.0 else 0.0


@summing_kernel
def _perturb(z, scale, products, z_perturbed):
    """Fill z_perturbed with the pre-activations at W + scale · gradient."""
    for row in range(z.shape[0]):
        for k in range(z.shape[1]):
            z_perturbed[row, k] = z[row, k] + scale * products[row, k]


@summing_kernel
def _add_scaled(out, scale, array, moves):
    """Out += scale · array on the rows that move."""
    for row in range(out.shape[0]):
        if moves[row]:
            for k in range(out.shape[1]):
                out[row, k] += scale * array[row, k]


@summing_kernel
def _move(c, z, gram, y_true, multiplicity, slopes, g, moves, step, at, pattern, scratch):
    """C -= step · b and z -= step · b · gram, for the gradient b of these slopes at the pre-activations `at`."""
    m = z.shape[0] // 2
    plus, minus = _signal_sums(slopes, y_true, m)
    _noise_slopes(slopes, multiplicity, m, g)
    _move_coefficients(c, at, g, plus, minus, moves, step)
    add_gradient(gram, at, pattern, g, plus, minus, moves, -step, scratch, z)


@summing_kernel
def update_along(c, z, at, gram, y_true, target, multiplicity, present, update, closest, room):
    """One `simulate.dynamics.updates.Update` of c and z, its gradients taken at the pre-activations `at`.

    An update is plain when no sample is marked as perturbed; its last part is β and log p₀ (n,) of what is damped,
    empty where nothing is. `at` is z itself, or an array of its own while c and z gather a direction; `room` is that of
    `room_to_work`. Returns False, with nothing changed, once an output is not finite.
    """
    weight, perturbed, moves, (lr, tau, mixing, normalised), bound = update
    (output, slopes, g, everyone), (felt_products, z_perturbed), patterns, scratch = room
    network_output(at, y_true, multiplicity, g, closest, output)
    if not math.isfinite(output.sum()):
        return False
    mark_pattern(at, patterns[0])

    felt = fill_slopes(weight, target, present, perturbed, True, output, slopes)
    if felt:
        damp(slopes, target, output, bound)
        m = at.shape[0] // 2
        plus, minus = _signal_sums(slopes, y_true, m)
        _noise_slopes(slopes, multiplicity, m, g)
        felt_products[:] = 0.0
        add_gradient(gram, at, patterns[0], g, plus, minus, everyone, 1.0, scratch, felt_products)
        norm = 1.0
        if normalised:
            norm = math.sqrt(max(_squared_norm(at, g, plus, minus, felt_products), 0.0))
        _perturb(at, tau / norm if norm > 0.0 else 0.0, felt_products, z_perturbed)
        if mixing != 1.0:
            _move_coefficients(c, at, g, plus, minus, moves, lr * (1.0 - mixing))

    if fill_slopes(weight, target, present, perturbed, False, output, slopes):
        damp(slopes, target, output, bound)
        _move(c, z, gram, y_true, multiplicity, slopes, g, moves, lr, at, patterns[0], scratch)

    if felt:
        if mixing != 1.0:
            _add_scaled(z, -lr * (1.0 - mixing), felt_products, moves)
        network_output(z_perturbed, y_true, multiplicity, g, closest, output)
        mark_pattern(z_perturbed, patterns[1])
        fill_slopes(weight, target, present, perturbed, True, output, slopes)
        damp(slopes, target, output, bound)
        _move(c, z, gram, y_true, multiplicity, slopes, g, moves, lr * mixing, z_perturbed, patterns[1], scratch)
    return True


@summing_kernel
def weighted_loss(weight, target, output):
    """Σ_i ω_i log(1 + exp(-t_i f_i))."""
    total = 0.0
    for i in range(weight.size):
        margin = target[i] * output[i]
        total += weight[i] * (max(-margin, 0.0) + math.log1p(math.exp(-abs(margin))))
    return total


@summing_kernel
def is_watched(stop):
    """Whether there is any rule to stop by."""
    return not (math.isnan(stop[0]) and math.isnan(stop[1]) and math.isnan(stop[2]) and math.isnan(stop[3]))


@summing_kernel
def rule_met(stop, learned, target, y, forget, output):
    """Whether one of the rules (loss, forget_below, forget_above, forget_loss_above; NaN when absent) asks to stop."""
    if not math.isnan(stop[0]) and weighted_loss(learned, target, output) <= stop[0]:
        return True
    if math.isnan(stop[1]) and math.isnan(stop[2]) and math.isnan(stop[3]):
        return False
    right, size, loss = 0.0, 0.0, 0.0
    for i in range(y.size):
        if forget[i]:
            margin = y[i] * output[i]
            size += 1.0
            right += 1.0 if margin > 0.0 else 0.0
            if not math.isnan(stop[3]):
                loss += max(-margin, 0.0) + math.log1p(math.exp(-abs(margin)))
    return right / size <= stop[1] or right / size >= stop[2] or loss / size >= stop[3]


@kernel
def room_to_work(n_filters, n, n_noise):
    """What `update_along` writes to, the first of it the outputs: for networks of such sizes, one after the other."""
    everyone = np.ones(n_filters, np.bool_)  # the whole network is perturbed, also a part that does not move
    vectors = (np.empty(n), np.empty(n), np.empty(n_noise), everyone)
    matrices = (np.empty((n_filters, n_noise + 1)), np.empty((n_filters, n_noise + 1)))
    patterns = (room_for_pattern(n_filters, n_noise), room_for_pattern(n_filters, n_noise))
    return vectors, matrices, patterns, room_for_gradients(n_filters, n_noise)


@summing_kernel
def _advance(c, z, gram, labels, updates, present, rules, until, closest, multiplicity, start, nothing, room):
    """Advance one trajectory from step `start` to at most `until`; returns the step reached and the status."""
    y, y_true, forget, target, learned = labels
    weight, perturbed, moves, scalars = updates
    stop, every = rules
    output, g, watched = room[0][0], room[0][2], is_watched(stop)
    step = start
    while True:
        if watched and step % every == 0:
            network_output(z, y_true, multiplicity, g, closest, output)
            if rule_met(stop, learned, target, y, forget, output):
                return step, CONVERGED
        if step == until:
            return step, RUNNING
        batch = present[(step - start) % present.shape[0]]
        for number in range(scalars.shape[0]):
            lr, tau, mixing = scalars[number, 0], scalars[number, 1], scalars[number, 2]
            update = (weight[number], perturbed[number], moves[number], (lr, tau, mixing, True), (0.0, nothing))
            if not update_along(c, z, z, gram, y_true, target, multiplicity, batch, update, closest, room):
                # a step that overflows in its first part counts as taken
                return step + (1 if number > 0 else 0), NONFINITE
        step += 1


@kernel
def advance_trajectories(
    first, last, c, z, gram, labels, updates, present, rules, until, closest, multiplicity, steps, status
):
    """Advance the trajectories first..last in place, each from steps[t] to at most until[t] or its own stop.

    Args:
        first: First trajectory.
        last: One past the last trajectory.
        c: Coefficients (T, 2m, L).
        z: Pre-activations (T, 2m, L).
        gram: Gram matrices (T, L, L'), their rows padded to whole stretches.
        labels: y, y_true, forget, target and normalised `learned` weights, each (T, n).
        updates: weight and perturbed (T, U, n), moves (T, U, 2m), and lr, tau, mixing as (T, U, 3).
        present: Batches (T, S, n) of bool; step steps[t] + s sees row s modulo S.
        rules: Stopping rules (T, 4), NaN when absent, and the steps between looks at them (T,).
        until: Last step of this call, (T,).
        closest: Smallest |pre-activation| met so far, per column, (T, L).
        multiplicity: How often each noise vector is repeated.
        steps: Steps of the phase taken so far, (T,); updated.
        status: RUNNING, CONVERGED or NONFINITE, (T,); updated. Trajectories that are not running stay as they are.
    """
    y, y_true, forget, target, learned = labels
    weight, perturbed, moves, scalars = updates
    stop, every = rules
    nothing, room = np.empty(0), room_to_work(z.shape[1], y.shape[1], z.shape[2] - 1)
    for t in range(first, last):
        if status[t] == RUNNING:
            of_labels = (y[t], y_true[t], forget[t], target[t], learned[t])
            of_updates = (weight[t], perturbed[t], moves[t], scalars[t])
            steps[t], status[t] = _advance(
                c[t], z[t], gram[t], of_labels, of_updates, present[t], (stop[t], every[t]), until[t], closest[t],
                multiplicity, steps[t], nothing, room,
            )  # fmt: skip
