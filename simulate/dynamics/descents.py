r"""Steps that are more than a move along the gradient, as loops: `simulate.dynamics.step.descend`, compiled.

A direction ĝ is gathered first, by updates of step size -1 on arrays of zeros, as coefficients and as pre-activations;
then it is clipped, decay and momentum are added, and what moves does. Rows are filters; `initial` is the share of each
initial filter that is left, (2m,). An activation is None for ReLU, whose loops are then compiled without the others.
"""

from __future__ import annotations

import math

import numpy as np

from simulate.dynamics.activations.kernels import activated_output, gather_direction, room_for_products
from simulate.dynamics.kernels import (
    CONVERGED,
    NONFINITE,
    RUNNING,
    is_watched,
    network_output,
    room_to_work,
    rule_met,
    update_along,
)
from simulate.machine.compilation import kernel, summing_kernel

__all__ = ["descend_trajectories"]


@summing_kernel
def _length(directions):
    """‖ĝ‖, from its coefficients and their products with the Gram matrix; filters that do not move have none."""
    c, z, total = directions[0], directions[1], 0.0
    for row in range(c.shape[0]):
        for k in range(c.shape[1]):
            total += c[row, k] * z[row, k]
    return math.sqrt(max(total, 0.0))


@summing_kernel
def _descend_row(place, direction, velocity, scale, lr, momentum, nesterov, decay):
    """Move one row of coefficients or pre-activations, and its velocity."""
    for k in range(place.size):
        d = scale * direction[k] + decay * place[k]
        velocity[k] = momentum * velocity[k] + d
        place[k] -= lr * (d + momentum * velocity[k] if nesterov else velocity[k])


@summing_kernel
def _descend(places, directions, velocities, moves, lr, descent):
    """Move every filter that does."""
    momentum, nesterov, decay, clip = descent[0], descent[1] > 0.0, descent[2], descent[3]
    scale = 1.0
    if clip < math.inf:
        norm = _length(directions)
        scale = min(1.0, clip / norm) if norm > 0.0 else 1.0
    c, z, initial = places
    of_c, of_z, of_initial = velocities
    for row in range(moves.size):
        if moves[row]:
            _descend_row(c[row], directions[0][row], of_c[row], scale, lr, momentum, nesterov, decay)
            _descend_row(z[row], directions[1][row], of_z[row], scale, lr, momentum, nesterov, decay)
            share, speed = initial[row : row + 1], of_initial[row : row + 1]
            _descend_row(share, directions[2], speed, scale, lr, momentum, nesterov, decay)


@summing_kernel
def _output(z, y_true, multiplicity, activation, closest, vectors):
    """Fill the first of the vectors with the outputs at z."""
    if activation is None:
        network_output(z, y_true, multiplicity, vectors[2], closest, vectors[0])
    else:
        activated_output(z, y_true, multiplicity, activation, closest, vectors[0])


@summing_kernel
def _gather(directions, z, gram, y_true, target, multiplicity, batch, update, activation, closest, rooms):
    """Add the direction of an update at z; False, with nothing added, once an output is not finite."""
    c, products = directions[0], directions[1]
    if activation is None:
        return update_along(c, products, z, gram, y_true, target, multiplicity, batch, update, closest, rooms[0])
    return gather_direction(
        c, products, z, gram, y_true, target, multiplicity, batch, update, activation, closest, rooms[1]
    )  # fmt: skip


@summing_kernel
def _activation_of(activations, t):
    """Power and leak of one trajectory's activation, or None for ReLU."""
    return None if activations is None else (activations[0][t], activations[1][t])


@kernel
def room_to_descend(n_filters, n, n_noise):
    """What an update works with, for ReLU and for others; three directions that are gathered; labels as a step sees."""
    rooms = room_to_work(n_filters, n, n_noise), room_for_products(n_filters, n, n_noise)
    directions = np.empty((n_filters, n_noise + 1)), np.empty((n_filters, n_noise + 1)), np.zeros(1)
    return rooms, directions, np.empty(n)


@summing_kernel
def _advance(
    places, velocities, gram, labels, updates, descent, bound, windows, rules, until, closest, multiplicity, activation,
    start, room,
):  # fmt: skip
    """Advance one trajectory from step `start` to at most `until`; returns the step reached and the status."""
    z = places[1]
    y, y_true, forget, target, learned = labels
    weight, perturbed, moves, scalars = updates
    present, turned, rates = windows
    stop, every = rules
    rooms, directions, seen = room
    vectors, watched = rooms[0][0], is_watched(stop)
    output = vectors[0]
    directions[0][:] = 0.0
    directions[1][:] = 0.0
    step = start
    while True:
        if watched and step % every == 0:
            _output(z, y_true, multiplicity, activation, closest, vectors)
            if rule_met(stop, learned, target, y, forget, output):
                return step, CONVERGED
        if step == until:
            return step, RUNNING
        batch = present[(step - start) % present.shape[0]]
        turns, rate = turned[(step - start) % turned.shape[0]], rates[(step - start) % rates.size]
        for i in range(target.size):
            seen[i] = -target[i] if turns[i] else target[i]
        for number in range(scalars.shape[0]):
            lr, tau, mixing = scalars[number, 0], scalars[number, 1], scalars[number, 2]
            how = (-1.0, tau, mixing, scalars[number, 3] > 0.0)
            update = (weight[number], perturbed[number], moves[number], how, bound)
            if not _gather(directions, z, gram, y_true, seen, multiplicity, batch, update, activation, closest, rooms):
                # a step that overflows in its first part counts as taken
                return step + (1 if number > 0 else 0), NONFINITE
            if scalars[number, 4] == 0.0:  # it does not wait for the next one
                _descend(places, directions, velocities, moves[number], lr * rate, descent)
                directions[0][:] = 0.0
                directions[1][:] = 0.0
        step += 1


@kernel
def descend_trajectories(
    chosen, first, last, places, velocities, gram, labels, updates, descents, bounds, windows, rules, until, closest,
    multiplicity, activations, steps, status,
):  # fmt: skip
    """Advance some trajectories in place; see `simulate.dynamics.kernels.advance_trajectories`.

    Args:
        chosen: Numbers of the trajectories that have such steps, (C,).
        first: First of them.
        last: One past the last of them.
        places: Coefficients and pre-activations (T, 2m, L) and shares of initial filters (T, 2m).
        velocities: The velocity of each, same shapes.
        gram: Gram matrices (T, L, L'), their rows padded to whole stretches.
        labels: y, y_true, forget, target and normalised `learned` weights, each (T, n).
        updates: weight and perturbed (T, U, n), moves (T, U, 2m), and lr, tau, mixing, normalised, gathers (T, U, 5).
        descents: Momentum, whether it is Nesterov's, weight decay and clip, (T, 4).
        bounds: β (T,) and log p₀ (T, n) of the terms that are damped, NaN for samples that are not.
        windows: Batches and turned labels (T, S, n) of bool, and step sizes over lr (T, S), of the coming steps.
        rules: Stopping rules (T, 4) and the steps between looks at them (T,).
        until: Last step of this call, (T,).
        closest: Smallest |pre-activation| met so far, per column, (T, L).
        multiplicity: How often each noise vector is repeated.
        activations: Powers and leaks of the activations, (T,) each; None for ReLU in all chosen trajectories.
        steps: Steps of the phase taken so far, (T,); updated.
        status: RUNNING, CONVERGED or NONFINITE, (T,); updated.
    """
    c, z, initial = places
    vc, vz, vinitial = velocities
    y, y_true, forget, target, learned = labels
    weight, perturbed, moves, scalars = updates
    present, turned, rates = windows
    stop, every = rules
    beta, reference = bounds
    room = room_to_descend(z.shape[1], y.shape[1], z.shape[2] - 1)
    for number in range(first, last):
        t = chosen[number]
        if status[t] == RUNNING:
            of_labels = (y[t], y_true[t], forget[t], target[t], learned[t])
            of_updates = (weight[t], perturbed[t], moves[t], scalars[t])
            steps[t], status[t] = _advance(
                (c[t], z[t], initial[t]), (vc[t], vz[t], vinitial[t]), gram[t], of_labels, of_updates, descents[t],
                (beta[t], reference[t]), (present[t], turned[t], rates[t]), (stop[t], every[t]), until[t], closest[t],
                multiplicity, _activation_of(activations, t), steps[t], room,
            )  # fmt: skip
