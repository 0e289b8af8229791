r"""The updates of κ and ζ as the theory states them, typed in without looking at `theory.formulas.derivation`.

With S_± the samples with ŷ_i = ±y_i, and ω_i the weight of sample i in the loss:

    κ_jr  ← κ_jr  - (η ‖φ‖²/m) [Σ_{S_+} - Σ_{S_-}] ω_i ℓ'_i σ'(⟨w_jr, ŷ_i φ⟩)
    ζ_jri ← ζ_jri - (η (P - 1)²/m) ω_i ℓ'_i σ'(⟨w_jr, ξ_i⟩) ‖ξ_i‖²    if j = y_i (own class)
    ζ_jri ← ζ_jri + (the same)                                        if j = -y_i (opposite class)

and SAM's perturbation is τ/‖∇L‖ times

    ∇_jr L = ((P - 1)/m) Σ_i ω_i ℓ'_i σ'(⟨w_jr, ξ_i⟩) j y_i ξ_i + (1/m) Σ_i ω_i ℓ'_i σ'(⟨w_jr, ŷ_i φ⟩) ŷ_i y_i j φ.

A case such as j = y_i is written by its indicator (1 + j y_i)/2, which is right for labels ±1. ω_i is 1/n for the
plain loss; α/|R| on R and -(1 - α)/|F| on F for NegGrad; and 1/n for random labels, with ỹ_i for y_i on F.

Source: Chen et al. 2023 [M 90%, derived anew]; weights of unlearning [D].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Rational

from simulate.house import checks
from theory.formulas import symbols as s
from theory.formulas.derivation import OBJECTIVES, ObjectiveName, Terms, Updates, inner, neurons
from theory.formulas.symbols import gate, logistic_slope, relu

__all__ = ["stated_updates"]


def _same(one: Any, other: Any) -> Any:
    """1 if two signs agree, else 0."""
    return (1 + one * other) / 2


def _weight(objective: ObjectiveName, i: int, n: int) -> Any:
    """ω_i."""
    if objective == "neggrad":
        on_retain, on_forget = s.alpha / s.n_retain, -(1 - s.alpha) / s.n_forget
        return on_retain * (1 - s.forgotten[i]) + on_forget * s.forgotten[i]
    return Rational(1, n) if objective == "loss" else 1 / (s.n_retain + s.n_forget)


def _output(i: int, m: int) -> Any:
    """f_i: the filters of sign +1 minus those of sign -1."""
    total = 0
    for r in range(1, m + 1):
        total += relu(s.y_true[i] * s.u[1, r]) + (s.P - 1) * relu(s.v[1, r, i])
        total -= relu(s.y_true[i] * s.u[-1, r]) + (s.P - 1) * relu(s.v[-1, r, i])
    return total / m


def stated_updates(n: int, m: int, objective: ObjectiveName = "loss", *, sam: bool = False) -> Updates:
    """The updates as the theory states them.

    Args:
        n: Number of samples.
        m: Number of filters for each sign.
        objective: "loss", "neggrad" or "random_label".
        sam: Whether the gradient is taken at W + ε̂.

    Returns:
        The updates, in the symbols of `theory.formulas.derivation.derive_updates`.

    Raises:
        ValueError: naming the argument that is out of range.
    """
    checks.choice("objective", objective, OBJECTIVES)
    checks.boolean("sam", sam)
    samples = range(1, n + 1)
    filters, _ = neurons(n, m)

    def at_labels(i: int, term: Callable[[int, Any], Any]) -> Any:
        """A term of sample i and its label, at the label the objective uses."""
        if objective != "random_label":
            return term(i, s.y[i])
        return (1 - s.forgotten[i]) * term(i, s.y[i]) + s.forgotten[i] * term(i, s.y_random[i])

    def pull(i: int, label: Any) -> Any:
        """ω_i ℓ'_i."""
        return _weight(objective, i, n) * logistic_slope(label * _output(i, m))

    def signal_sum(j: int, r: int) -> Any:
        """[Σ_{S_+} - Σ_{S_-}] ω_i ℓ'_i σ'(⟨w_jr, ŷ_i φ⟩)."""

        def signed(i: int, label: Any) -> Any:
            return (_same(s.y_true[i], label) - _same(s.y_true[i], -label)) * pull(i, label)

        return sum(at_labels(i, signed) * gate(s.y_true[i] * s.u[j, r]) for i in samples)

    def noise_term(j: int, r: int, i: int) -> Any:
        """ω_i ℓ'_i σ'(⟨w_jr, ξ_i⟩), less where j = -y_i."""
        own = at_labels(i, lambda i, label: _same(j, label) * pull(i, label))
        opposite = at_labels(i, lambda i, label: _same(j, -label) * pull(i, label))
        return (own - opposite) * gate(s.v[j, r, i])

    kappa: Terms = {(j, r): -s.eta * s.signal**2 / m * signal_sum(j, r) for j, r in filters}
    noise_rate = s.eta * (s.P - 1) ** 2 / m
    zeta: Terms = {
        (j, r, i): -noise_rate * noise_term(j, r, i) * s.xi_norm[i] ** 2 for j, r in filters for i in samples
    }
    if not sam:
        return Updates(kappa, zeta, {}, {}, sympy.S.Zero)

    def gradient(j: int, r: int) -> list[Any]:
        """∇_jr L along φ, ξ_1, ..., ξ_n."""
        along_signal = sum(
            at_labels(i, lambda i, label: pull(i, label) * s.y_true[i] * label * j) * gate(s.y_true[i] * s.u[j, r])
            for i in samples
        )
        along_noise = [
            (s.P - 1) * gate(s.v[j, r, i]) * at_labels(i, lambda i, label: pull(i, label) * j * label) for i in samples
        ]
        return [part / m for part in (along_signal, *along_noise)]

    def product(j: int, r: int, k: int) -> Any:
        """⟨∇_jr L, s_k⟩."""
        return sum(part * inner(k, other) for other, part in enumerate(gradient(j, r)))

    squared = sum(part * product(*one, k) for one in filters for k, part in enumerate(gradient(*one)))
    return Updates(
        kappa,
        zeta,
        signal_shift={(j, r): s.tau * product(j, r, 0) for j, r in filters},
        noise_shift={(j, r, i): s.tau * product(j, r, i) for j, r in filters for i in samples},
        squared_norm=squared,
    )
