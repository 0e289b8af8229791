r"""The updates of κ and ζ, derived from the loss by sympy.

All that a loss knows of a filter w_jr are its pre-activations u_jr = ⟨w_jr, φ⟩ and v_jri = ⟨w_jr, ξ_i⟩. By the chain
rule

    ∂L/∂w_jr = (∂L/∂u_jr) φ + Σ_i (∂L/∂v_jri) ξ_i,

and a step of gradient descent moves the coefficients of
w_jr = w_jr(0) + j κ_jr φ/‖φ‖² + Σ_i ζ_jri ξ_i/((P - 1) ‖ξ_i‖²) by

    Δκ_jr = -η j ‖φ‖² ∂L/∂u_jr,    Δζ_jri = -η (P - 1) ‖ξ_i‖² ∂L/∂v_jri.

SAM takes the same derivatives at u + ⟨ε̂, φ⟩ and v + ⟨ε̂, ξ_i⟩, where ε̂ = τ ∇L/‖∇L‖ and all inner products are those
of the chain rule's gradient. Here the loss is written down for a small network, P and all weights symbols, and sympy
differentiates it. `theory.formulas.recursions` holds what the theory says the result should be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations, product
from typing import Any, Literal

import numpy as np
import sympy

from simulate.house import checks
from theory.formulas import symbols as s
from theory.formulas.statements import STATEMENTS
from theory.formulas.symbols import NUMPY, logistic, relu

__all__ = [
    "OBJECTIVES",
    "ObjectiveName",
    "Terms",
    "Updates",
    "derive_updates",
    "inner",
    "neurons",
    "objective_of",
    "step_function",
]

ObjectiveName = Literal["loss", "neggrad", "random_label"]
"""Name of an objective."""
OBJECTIVES = ("loss", "neggrad", "random_label")
"""The mean loss over all samples; α L(R) - (1 - α) L(F); and the mean loss with random labels on F."""

Terms = dict[tuple[int, ...], Any]
"""Expressions by neuron: (j, r) for the signal, (j, r, i) for the noise of sample i."""


@dataclass(frozen=True)
class Updates:
    """A step of the coefficients of a network, with symbols of `theory.formulas.symbols`.

    Attributes:
        kappa: Δκ_jr by (j, r), with u and v the pre-activations where the gradient is taken.
        zeta: Δζ_jri by (j, r, i), likewise.
        signal_shift: τ ⟨∇_jr L, φ⟩ by (j, r), which is ‖∇L‖ ⟨ε̂_jr, φ⟩; empty without SAM.
        noise_shift: τ ⟨∇_jr L, ξ_i⟩ by (j, r, i), likewise.
        squared_norm: ‖∇L‖² over all filters; 0 without SAM.
    """

    kappa: Terms
    zeta: Terms
    signal_shift: Terms
    noise_shift: Terms
    squared_norm: Any

    def explicit(self) -> tuple[Terms, Terms]:
        """Δκ and Δζ in the pre-activations before the step, SAM's shifts put in; they grow long fast.

        All is expanded before it is put together, so that two ways to write the same step give equal expressions.
        """
        norm = sympy.sqrt(sympy.expand(self.squared_norm))
        moved = {s.u[key]: s.u[key] + sympy.expand(shift) / norm for key, shift in self.signal_shift.items()}
        moved |= {s.v[key]: s.v[key] + sympy.expand(shift) / norm for key, shift in self.noise_shift.items()}
        kappa, zeta = (
            {key: sympy.expand(term).xreplace(moved) for key, term in terms.items()}
            for terms in (self.kappa, self.zeta)
        )
        return kappa, zeta


def neurons(n: int, m: int) -> tuple[list[tuple[int, int]], list[tuple[int, int, int]]]:
    """The indices (j, r) of filters and (j, r, i) of filters and samples, in the order of arrays, j = +1 first."""
    checks.integer("n", n, least=1)
    checks.integer("m", m, least=1)
    filters = list(product((1, -1), range(1, m + 1)))
    return filters, [(*one, i) for one in filters for i in range(1, n + 1)]


def inner(one: int, other: int) -> Any:
    """⟨s_k, s_l⟩ of s_0 = φ and s_i = ξ_i, as a symbol."""
    if one != other:
        return s.gram[min(one, other), max(one, other)]
    return s.signal**2 if one == 0 else s.xi_norm[one] ** 2


def objective_of(objective: ObjectiveName, n: int, m: int) -> Any:
    """The loss that is descended, as an expression in u, v, labels and weights; which samples are in F is symbolic."""

    def output(i: int) -> Any:
        filters, _ = neurons(n, m)
        terms = (j * (relu(s.y_true[i] * s.u[j, r]) + (s.P - 1) * relu(s.v[j, r, i])) for j, r in filters)
        return sum(terms) / m

    def mean(chosen: Callable[[int], Any], size: Any, labels: Any) -> Any:
        return sum(chosen(i) * logistic(labels[i] * output(i)) for i in range(1, n + 1)) / size

    if objective == "loss":
        return mean(lambda i: 1, n, s.y)
    formula = STATEMENTS[f"{objective}_loss"].formula.rhs
    parts = {
        s.loss_retain: mean(lambda i: 1 - s.forgotten[i], s.n_retain, s.y),
        s.loss_forget: mean(lambda i: s.forgotten[i], s.n_forget, s.y),
        s.loss_random: mean(lambda i: s.forgotten[i], s.n_forget, s.y_random),
    }
    return formula.xreplace(parts)


def derive_updates(n: int, m: int, objective: ObjectiveName = "loss", *, sam: bool = False) -> Updates:
    r"""Differentiate the loss of a small network, and read off a step of κ and ζ.

    Args:
        n: Number of samples; 2 to 4 is sensible.
        m: Number of filters for each sign.
        objective: "loss", "neggrad" or "random_label".
        sam: Whether the gradient is taken at W + ε̂.

    Returns:
        The updates.

    Raises:
        ValueError: naming the argument that is out of range.

    Example:
        >>> derive_updates(1, 1).zeta[1, 1, 1].subs(s.P, 2)
        -\eta*gate(v[1, 1, 1])*logistic_slope(...)*\|\xi\|[1]**2*y[1]
    """
    checks.choice("objective", objective, OBJECTIVES)
    checks.boolean("sam", sam)
    filters, pairs = neurons(n, m)
    loss = objective_of(objective, n, m)
    signal = {key: loss.diff(s.u[key]) for key in filters}
    noise = {key: loss.diff(s.v[key]) for key in pairs}
    kappa: Terms = {(j, r): -s.eta * j * s.signal**2 * slope for (j, r), slope in signal.items()}
    zeta: Terms = {(j, r, i): -s.eta * (s.P - 1) * s.xi_norm[i] ** 2 * slope for (j, r, i), slope in noise.items()}
    if not sam:
        return Updates(kappa, zeta, {}, {}, sympy.S.Zero)
    slopes = {one: [signal[one], *(noise[(*one, i)] for i in range(1, n + 1))] for one in filters}

    def along(one: tuple[int, int], k: int) -> Any:
        """⟨∇_jr L, s_k⟩."""
        return sum(slope * inner(k, other) for other, slope in enumerate(slopes[one]))

    return Updates(
        kappa,
        zeta,
        signal_shift={one: s.tau * along(one, 0) for one in filters},
        noise_shift={(j, r, i): s.tau * along((j, r), i) for j, r, i in pairs},
        squared_norm=sum(slope * along(one, k) for one in filters for k, slope in enumerate(slopes[one])),
    )


Step = Callable[..., tuple[np.ndarray, np.ndarray]]


@cache
def step_function(n: int, m: int, objective: ObjectiveName = "loss", *, sam: bool = False) -> Step:
    """The derived step as a NumPy function of κ and ζ.

    Args:
        n: Number of samples.
        m: Number of filters for each sign.
        objective: "loss", "neggrad" or "random_label".
        sam: Whether the gradient is taken at W + ε̂.

    Returns:
        A function step(kappa, zeta, *, gram, start, y, y_true, forget, P, lr, ...) that returns the next κ (2, m) and
        ζ (2, m, n). Its arguments are κ; ζ; the Gram matrix (1 + n, 1 + n) of φ and the ξ_i; their initial
        pre-activations (2, m, 1 + n); observed and true labels and forget set (n,); the number of patches (copies of
        one noise vector) and the step size; and, where the objective needs them, y_random (n,), alpha, tau.
    """
    derived = derive_updates(n, m, objective, sam=sam)
    filters, pairs = neurons(n, m)
    samples = range(1, n + 1)
    arguments = [
        [s.u[key] for key in filters],
        [s.v[key] for key in pairs],
        [inner(*pair) for pair in combinations(range(n + 1), 2)],
        [s.signal, *(s.xi_norm[i] for i in samples)],
        *([family[i] for i in samples] for family in (s.y, s.y_true, s.y_random, s.forgotten)),
        [s.n_retain, s.n_forget, s.P, s.eta, s.alpha, s.tau],
    ]

    plain = {symbol: sympy.Symbol(f"x_{place}") for place, symbol in enumerate(chain(*arguments))}

    def compiled(*groups: Any) -> Callable[..., Any]:
        # Members of families replaced at once: `lambdify` would go through all expressions for each of them.
        terms = [[term.xreplace(plain) for term in group] for group in groups]
        return sympy.lambdify(
            [[plain[x] for x in part] for part in arguments], terms, modules=[NUMPY, "numpy"], cse=True
        )

    move = compiled(derived.kappa.values(), derived.zeta.values())
    shift = compiled(derived.signal_shift.values(), derived.noise_shift.values(), [derived.squared_norm])

    def step(
        kappa: np.ndarray,
        zeta: np.ndarray,
        *,
        gram: np.ndarray,
        start: np.ndarray,
        y: np.ndarray,
        y_true: np.ndarray,
        forget: np.ndarray,
        P: int,
        lr: float,
        y_random: np.ndarray | None = None,
        alpha: float = float("nan"),
        tau: float = float("nan"),
    ) -> tuple[np.ndarray, np.ndarray]:
        u, v = _preactivations(kappa, zeta, gram, start, P)
        fixed = (
            gram[np.triu_indices(n + 1, 1)],
            np.sqrt(np.diagonal(gram)),
            y,
            y_true,
            np.full(n, np.nan) if y_random is None else y_random,
            forget.astype(float),
            (n - forget.sum(), forget.sum(), P, lr, alpha, tau),
        )
        if sam:
            signal_shift, noise_shift, (squared_norm,) = shift(u.ravel(), v.ravel(), *fixed)
            scale = 1 / np.sqrt(squared_norm) if squared_norm > 0 else 0.0
            u, v = u + scale * np.reshape(signal_shift, u.shape), v + scale * np.reshape(noise_shift, v.shape)
        delta_kappa, delta_zeta = move(u.ravel(), v.ravel(), *fixed)
        return kappa + np.reshape(delta_kappa, kappa.shape), zeta + np.reshape(delta_zeta, zeta.shape)

    return step


def _preactivations(
    kappa: np.ndarray, zeta: np.ndarray, gram: np.ndarray, start: np.ndarray, P: int
) -> tuple[np.ndarray, np.ndarray]:
    """⟨w_jr, φ⟩, (2, m), and ⟨w_jr, ξ_i⟩, (2, m, n), of the weights that κ and ζ stand for."""
    signed = np.array([1.0, -1.0])[:, None] * kappa
    along = np.concatenate([signed[..., None], zeta / (P - 1)], axis=-1) / np.diagonal(gram)
    z = start + along @ gram
    return z[..., 0], z[..., 1:]
