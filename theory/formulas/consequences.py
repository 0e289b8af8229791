r"""What follows from the paper's statements and is derived here, or remembered of the papers it builds on."""

from __future__ import annotations

from sympy import Eq, Ge, Le, Rational, log, sqrt

from theory.formulas import symbols as s
from theory.formulas.statement import Statement
from theory.formulas.symbols import Phi

__all__ = ["consequences"]


def consequences() -> tuple[Statement, ...]:
    """Statements on independent patches, signal neurons, the time of forgetting and the size of the memory."""
    growth = sqrt(sqrt(s.P - 1) * s.patch_quantile)
    norm = sqrt(s.noise_scale**2 * s.d / s.n + s.signal**2 / 2)
    shift = s.tau * s.signal**2 / (2 * sqrt(s.m) * norm)
    most = 4 * log(s.training_time)
    return (
        Statement(
            "independent_patches", "Boundary with independent noise patches", "[D]",
            Eq(s.critical_signal, s.C_10 * s.sigma_p * (s.d / s.n) ** Rational(1, 4) * growth, evaluate=False),
            note="P - 1 patches of a sample share its memory, so that training lasts 1/(P - 1) as long as with one, "
            "and n (P - 1) vectors are in every filter: its answer to one unseen patch has the scale √(P - 1). Q is "
            "the signal, in units of 2k/n, that the sum of P - 1 answers Σ [a' h(g') - a h(g)] exceeds with "
            "probability q; a² = 2k/n and a'² = 2 - a² for a class of k samples, k binomial. h(g) = (g Φ(g) + "
            "φ(g))/√2 with g, g' standard normal is the mean answer of many filters, any two of which are active on "
            "the same half of the samples. The boundary grows like P - 1 to a power of about 0.6.",
        ),
        Statement(
            "signal_deactivation", "Own-class signal neurons switched off at initialisation", "[D]",
            (
                Eq(s.psi_signal, shift, evaluate=False),
                Eq(s.off_signal, 2 * Phi(shift / (s.sigma_0 * s.signal)) - 1, evaluate=False),
            ),
            ("sam_start_least", "sam_start_most"),
            note="ε̂ moves ⟨w_jr, φ⟩ by -j ψ_φ: equal slopes 1/2 on n/2 samples of each class, m of the 2m filters "
            "active for each. Own class means j = ŷ; a neuron is off if |⟨w_jr, φ⟩| < ψ_φ. Full batch, no flips.",
        ),
        Statement(
            "forgetting_time", "Time ηT until F is forgotten", "[D]",
            Eq(
                s.forgetting_time,
                s.C_11 * s.m * s.n_forget / ((1 - s.alpha) * s.d * s.noise_scale**2),
                evaluate=False,
            ),
            note="From one loss on F to another under NegGrad with SGD. A margin z of F falls at a rate that goes as "
            "(1 - α) d q² |ℓ'(z)|/(m|F|), and |ℓ'(z)| ∼ exp(-z) at its start, so that the time goes as one over the "
            "loss of pretraining. That R pulls back is left out.",
        ),
        Statement(
            "memory_bounds", "Sizes of the noise coefficients while training", "Kou et al. 2023 and Chen et al. 2023, "
            "proposition on the coefficients [M 70%]",
            (Ge(s.zeta_own_total, 0), Le(s.zeta_own_total, most), Le(s.zeta_opposite_total, 0),
             Ge(s.zeta_opposite_total, -most)),
            note="Own class (j = y_i) first, opposite class second. T is there the largest admissible number of steps; "
            "here those taken so far, which asks for more. It is a statement on training, not on unlearning.",
        ),
    )  # fmt: skip
