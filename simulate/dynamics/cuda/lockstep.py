"""The training step of `simulate.dynamics.kernels` for all trajectories at once, as batched matrix products.

For problems whose state does not fit in the shared memory of a block. The array module is an argument: CuPy on a GPU,
NumPy where there is none, which is how the text is tested. Trajectories walk in step; one that has ended stays as it
is while the others go on.
"""

from __future__ import annotations

from typing import Any

from simulate.dynamics.kernels import CONVERGED, NONFINITE, RUNNING

__all__ = ["advance_trajectories"]

_Array = Any
"""An array of CuPy or of NumPy."""


def advance_trajectories(
    xp: Any, c: _Array, z: _Array, gram: _Array, labels: tuple, updates: tuple, present: _Array, rules: tuple,
    until: _Array, closest: _Array, multiplicity: float, steps: _Array, status: _Array,
) -> None:  # fmt: skip
    """Advance trajectories in place; the arguments after `xp` are those of `kernels.advance_trajectories`.

    Args:
        xp: The module whose arrays the others are.
        c: Coefficients (T, 2m, L).
        z: Pre-activations (T, 2m, L).
        gram: Gram matrices (T, L, L).
        labels: y, y_true, forget, target and `learned`, each (T, n).
        updates: weight and perturbed (T, U, n), moves (T, U, 2m), and lr, tau, mixing as (T, U, 3).
        present: Batches (T, S, n).
        rules: Stopping rules (T, 4) and the steps between looks at them (T,).
        until: Last step of this call, (T,).
        closest: Smallest |pre-activation| met so far, per column, (T, L).
        multiplicity: How often each noise vector is repeated.
        steps: Steps of the phase taken so far, (T,).
        status: RUNNING, CONVERGED or NONFINITE, (T,).
    """
    walk = _Walk(xp, c, z, gram, labels, closest, multiplicity)
    stop, every = rules
    watched = ~xp.isnan(stop).all(axis=1)
    taken = 0
    while True:
        running = status == RUNNING
        looking = running & watched & (steps % every == 0)
        if bool(looking.any()):
            met = looking & walk.rules_met(stop, walk.output(z, looking))
            status[met] = CONVERGED
            running &= ~met
        running &= steps < until
        if not bool(running.any()):
            return
        batch = present[:, taken % present.shape[1]]
        for number in range(updates[0].shape[1]):
            finite = walk.take(running, batch, *(part[:, number] for part in updates))
            status[running & ~finite] = NONFINITE
            steps[running & ~finite] += number > 0  # a step that overflows in its first part counts as taken
            running &= finite
        steps[running] += 1
        taken += 1


class _Walk:
    """Arrays that stay the same from step to step, and the operations of a step."""

    def __init__(
        self, xp: Any, c: _Array, z: _Array, gram: _Array, labels: tuple, closest: _Array, multiplicity: float
    ) -> None:
        self.xp, self.c, self.z, self.gram, self.closest, self.multiplicity = xp, c, z, gram, closest, multiplicity
        self.y, self.y_true, self.forget, self.target, self.learned = labels
        self.n, self.m = self.y.shape[1], z.shape[1] // 2
        self.signs = xp.repeat(xp.asarray([1.0, -1.0]), self.m)[:, None]

    def output(self, z: _Array, seen: _Array) -> _Array:
        """f_i (T, n); notes how close the pre-activations of the trajectories `seen` (T,) come to a kink."""
        xp = self.xp
        self.closest[:] = xp.where(seen[:, None], xp.fmin(self.closest, xp.abs(z).min(axis=1)), self.closest)
        noise = (self.signs * xp.maximum(z[..., 1:], 0.0)).sum(axis=1).reshape(len(z), self.n, -1).sum(axis=-1)
        facing, opposed = ((self.signs[:, 0] * xp.maximum(s * z[..., 0], 0.0)).sum(axis=1) for s in (1.0, -1.0))
        signal = xp.where(self.y_true > 0.0, facing[:, None], opposed[:, None])
        return (signal + self.multiplicity * noise) / self.m

    def rules_met(self, stop: _Array, output: _Array) -> _Array:
        """Which trajectories one of the rules of `kernels.advance_trajectories` stops, (T,)."""
        xp = self.xp
        loss = (self.learned * xp.logaddexp(0.0, -self.target * output)).sum(axis=1)
        size = self.forget.sum(axis=1)
        size = xp.where(size > 0, size, xp.nan)
        margin = self.y * output
        right = (self.forget & (margin > 0.0)).sum(axis=1) / size
        forget_loss = xp.where(self.forget, xp.logaddexp(0.0, -margin), 0.0).sum(axis=1) / size
        by_accuracy = (right <= stop[:, 1]) | (right >= stop[:, 2])
        return (loss <= stop[:, 0]) | by_accuracy | (forget_loss >= stop[:, 3])

    def take(
        self, running: _Array, batch: _Array, weight: _Array, perturbed: _Array, moves: _Array, scalars: _Array
    ) -> _Array:
        """One update of the plan for the running trajectories; returns whose outputs are finite, (T,) of bool."""
        xp, z = self.xp, self.z
        lr, tau, mixing = (scalars[:, None, None, i] for i in range(3))
        weight = xp.where(batch, weight, 0.0)
        output = self.output(z, running)
        finite = xp.isfinite(output.sum(axis=1))
        running = running & finite
        moving = running[:, None, None] & moves[..., None]
        step = self.gradient(z, xp.where(perturbed, 0.0, weight), output)
        feels = (perturbed & (weight != 0.0)).any(axis=1) & running
        if bool(feels.any()):
            felt = self.gradient(z, xp.where(perturbed, weight, 0.0), output)
            products = felt @ self.gram
            norm = xp.sqrt(xp.maximum((felt * products).sum(axis=(1, 2), keepdims=True), 0.0))
            z_perturbed = z + xp.where(norm > 0.0, tau / xp.where(norm > 0.0, norm, 1.0), 0.0) * products
            output = self.output(z_perturbed, feels)
            step = step + (1.0 - mixing) * felt
            step = step + mixing * self.gradient(z_perturbed, xp.where(perturbed, weight, 0.0), output)
        self.z[:] = xp.where(moving, z - lr * (step @ self.gram), z)
        self.c[:] = xp.where(moving, self.c - lr * step, self.c)
        return finite

    def gradient(self, z: _Array, weight: _Array, output: _Array) -> _Array:
        """Coefficients b (T, 2m, L) of the gradient of the loss with these signed weights (T, n)."""
        xp = self.xp
        slopes = -weight * self.target / (1.0 + xp.exp(self.target * output)) / self.m
        plus, minus = (xp.where(side, slopes, 0.0).sum(axis=1)[:, None] for side in (self.y_true > 0, self.y_true <= 0))
        b = xp.empty_like(z)
        b[..., 0] = xp.where(z[..., 0] > 0.0, plus, xp.where(z[..., 0] < 0.0, -minus, 0.0))
        patches = (z.shape[-1] - 1) // self.n
        b[..., 1:] = xp.where(z[..., 1:] > 0.0, xp.repeat(self.multiplicity * slopes, patches, axis=1)[:, None], 0.0)
        return self.signs * b
