r"""The paper's statements, and those that follow from them, as sympy objects: one statement, one object.

The paper is *Sharpness-Aware Machine Unlearning* (Tang & Khanna, ICLR 2026, arXiv 2506.13715). Its full text was not
at hand: what is marked [S] was read in summaries of it (or in the source that is named), [M 90%] is remembered with
that confidence, and [D] is derived here. Constants, logarithms and exact hypotheses of its theorems are known from
none of these, so every constant is a symbol.
"""

from __future__ import annotations

from typing import Any

from sympy import Eq, Ge, Gt, Le, Lt, Rational, Sum, exp, sqrt

from theory.formulas import symbols as s
from theory.formulas.consequences import consequences
from theory.formulas.statement import Statement
from theory.formulas.symbols import Phi, Phi_inverse, gate, logistic_curvature, logistic_slope, relu

__all__ = ["STATEMENTS"]

_MODEL = "Chen et al. 2023 and Kou et al. 2023 [M 95%]"
_SIZES = ("dimension_samples", "dimension_signal", "dimension_batch", "filters", "samples", "label_flip")
_STEPS = ("step_filter", "step_batch", "step_signal", "step_accuracy")
_SGD = (*_SIZES, "signal_noise", "start_noise", "start_signal", *_STEPS)
_SAM = (*_SIZES, *_STEPS, "sam_start_least", "sam_start_most", "sam_radius_least", "sam_radius_most")
_NOISE = s.P * s.sigma_p
_BOUNDARY = s.d ** Rational(1, 4) * s.n ** Rational(-1, 4) * _NOISE


def _is(left: Any, right: Any) -> Any:
    """An equation that sympy leaves as it stands."""
    return Eq(left, right, evaluate=False)


def _own(strength: Any) -> Any:
    """Probability that |N(0, 1)| is below a strength."""
    return 2 * Phi(strength) - 1


def _filter_output(j: int) -> Any:
    """What one filter of sign j adds to the output of one sample."""
    return relu(s.true_label * s.u[j, s.r]) + (s.P - 1) * relu(s.v[j, s.r])


def _definitions() -> tuple[Statement, ...]:
    total = Sum(_filter_output(1) - _filter_output(-1), (s.r, 1, s.m))
    pull = s.alpha * s.loss_retain - (1 - s.alpha) * s.loss_forget
    relabelled = (s.n_retain * s.loss_retain + s.n_forget * s.loss_random) / (s.n_retain + s.n_forget)
    ascent = s.gradient_retain + s.mixing * (s.gradient_retain_perturbed - s.gradient_retain)
    descent = s.gradient_forget - s.mixing * (s.gradient_forget_perturbed - s.gradient_forget)
    return (
        Statement(
            "model", "Network output", _MODEL, _is(s.output, total / s.m),
            note="Pre-activations u = ⟨w, φ⟩ and v = ⟨w, ξ⟩ of one sample; its signal patch shows the true label. The "
            "P - 1 noise patches are copies of one vector.",
        ),
        Statement(
            "snr", "Signal-to-noise ratio", "Label-noise GD (Huang et al. 2025) [S]", s.snr,
            note="Of one noise patch, as it is usually written; the boundary of SGD is at n SNR⁴ d = Θ(1) for P = 2.",
        ),
        Statement(
            "neggrad_loss", "NegGrad objective", "Unlearning paper, as summaries state it [S]", _is(s.loss, pull),
            note="Both losses are means over their own set, as in the released code [S].",
        ),
        Statement(
            "random_label_loss", "Random-label objective", "Mean over all samples, as in `simulate` [D]",
            _is(s.loss, relabelled),
            note="The tilde marks the loss with random labels. The paper's released code draws them from all classes, "
            "the true one included [S]: with two classes a flip with probability 1/2.",
        ),
        Statement(
            "sam_perturbation", "SAM perturbation", "Foret et al. 2021 [M 95%]; one norm over all filters: "
            "Chen et al. 2023 [M 95%]", _is(s.perturbation, s.tau * s.gradient / s.gradient_norm),
            note="The gradient is that of the whole signed objective on the batch of the step.",
        ),
        Statement(
            "sharp_minmax", "Sharp MinMax step",
            "Unlearning paper, as summaries state it [S]; the order of the steps and λ: its released code [S]",
            (
                _is(s.weight_retain_next, s.weight_retain - s.eta * s.alpha * ascent),
                _is(s.weight_forget_next, s.weight_forget + s.eta * (1 - s.alpha) * descent),
            ),
            note="The retain part takes the first step, the forget part the second; ε̂ follows α L(R) in the first and "
            "-(1 - α) L(F) in the second. ε̂ moves the whole network, a step only its part (as in `simulate`).",
        ),
        Statement(
            "sharpness", "Sharpness", "Unlearning paper, objective of its two parts as summaries state it [S]",
            _is(s.sharpness, s.loss_perturbed - s.loss),
            note="The maximum over the ball is taken at its first-order maximiser, as SAM does.",
        ),
        Statement(
            "tug_of_war", "Tug of war", "Absolute form: code of RUM, where the score comes from [S]",
            _is(s.tug_of_war, (1 - abs(s.gap_retain)) * (1 - abs(s.gap_forget)) * (1 - abs(s.gap_test))),
            note="Δ are accuracies minus those of a retrained model, as fractions. The paper's released code drops the "
            "absolute values and can exceed 1 [S].",
        ),
        Statement(
            "hessian_eigenvalue", "Largest Hessian eigenvalue of one sample", "[D]",
            _is(
                s.eigenvalue,
                s.sample_weight * logistic_curvature(s.label * s.output)
                * (s.active_signal * s.signal**2 + s.active_noise * (s.P - 1) ** 2 * s.noise_norm**2) / s.m**2,
            ),
            note="For one sample of noise orthogonal to φ, with that many filters active on the signal and on the "
            "noise. A ReLU adds no curvature off its kinks.",
        ),
    )  # fmt: skip


def _recursions() -> tuple[Statement, ...]:
    memory = s.zeta[s.i] * s.xi[s.i] / s.xi_norm[s.i] ** 2
    facing = logistic_slope(s.y[s.i] * s.outputs[s.i]) * gate(s.y_true[s.i] * s.signal_preactivation)
    signal_sum = Sum(s.weight[s.i] * s.y_true[s.i] * s.y[s.i] * facing, (s.i, 1, s.n))
    noise_pull = (
        s.sample_weight * logistic_slope(s.label * s.output) * gate(s.preactivation) * s.noise_norm**2
        * s.eta * (s.P - 1) ** 2 / s.m
    )  # fmt: skip
    return (
        Statement(
            "decomposition", "Signal-noise decomposition", "Chen et al. 2023 [M 85%]; at P = 2 [S]",
            _is(
                s.w,
                s.w_0 + s.j * s.kappa * s.phi / s.signal**2 + Sum(memory, (s.i, 1, s.n)) / (s.P - 1),
            ),
            note="Exact, as gradients lie in the span of φ and the ξ_i. Vectors are written like numbers: it holds "
            "coordinate by coordinate.",
        ),
        Statement(
            "kappa_update", "Signal learned in a step", "Chen et al. 2023 [M 90%; D]; weights ω_i of unlearning [D]",
            _is(s.delta_kappa, -s.eta * s.signal**2 / s.m * signal_sum),
            note="The sign of the filter drops out: ŷ_i y_i is +1 for clean and -1 for flipped labels. With SAM the "
            "same at W + ε̂.",
        ),
        Statement(
            "zeta_update", "Noise memorised in a step: own class, opposite class",
            "Chen et al. 2023 [M 90%; D]; weights ω_i of unlearning [D]",
            (_is(s.zeta_own, -noise_pull), _is(s.zeta_opposite, noise_pull)),
            note="ω_i is 1/B for the plain loss, α/|R| or -(1 - α)/|F| under NegGrad. ℓ' < 0, so a sample that is "
            "learned raises its own-class ζ and lowers the other. With SAM the same at W + ε̂.",
        ),
        Statement(
            "signal_balance", "Net signal grows under NegGrad", "[D]",
            (
                Gt(s.alpha * s.slope_retain, (1 - s.alpha) * s.slope_forget),
                Gt(s.alpha, s.slope_forget / (s.slope_retain + s.slope_forget)),
            ),
            note="Means of |ℓ'| over each set, over the samples a filter faces and with clean labels. The sizes of the "
            "sets drop out, since both losses are means. Its second part is the first, solved for α.",
        ),
    )  # fmt: skip


def _deactivation() -> tuple[Statement, ...]:
    whole = sqrt(Sum(s.pulls[s.i] ** 2 * s.active[s.i], (s.i, 1, s.n)))
    return (
        Statement(
            "deactivation_shift", "Shift of a noise pre-activation by SAM", "[D]",
            (
                _is(s.psi, s.tau * s.pull * (s.P - 1) * s.noise_norm**2 / (s.m * s.gradient_norm)),
                _is(s.psi, s.tau * s.pull * s.sigma_p * sqrt(s.d) / whole),
            ),
            note="ε̂ shifts ⟨w_jr, ξ_k⟩ of an active neuron by -sgn(ω_k) j y_k ψ_k, up to inner products of different "
            "noise vectors. The second form is for large d; c_k = |ω_k ℓ'_k|, N_i counts active noise neurons.",
        ),
        Statement(
            "deactivation_radius", "Radius from which on a noise neuron of R is off", "[D]",
            (
                _is(s.tau_off, s.preactivation * s.m * s.gradient_norm / (s.pull * (s.P - 1) * s.noise_norm**2)),
                _is(s.tau_off, s.preactivation * whole / (s.pull * s.sigma_p * sqrt(s.d))),
            ),
            note="An active own-class neuron is off iff 0 < ⟨w_jr, ξ_k⟩ < ψ_k (deactivation_shift), solved for τ. At "
            "any weights. Exact for noise vectors orthogonal to each other and to φ; else off by about "
            "√(B/(2d)) of itself. The second form is for d ≫ n and d ≫ n‖φ‖²/((P - 1) σ_p)².",
        ),
    )  # fmt: skip


def _deactivation_at_start() -> tuple[Statement, ...]:
    relative = s.tau / (s.sigma_0 * sqrt(s.m))
    total = sqrt(s.alpha**2 / s.n_retain + (1 - s.alpha) ** 2 / s.n_forget)
    start = ("sam_start_least", "sam_start_most", "sam_radius_least", "sam_radius_most")
    strength = s.tau / (s.sigma_0 * sqrt(s.m * s.B))
    signal_share = s.signal**2 / s.noise_scale**2 * ((1 - 2 * s.p) ** 2 * (s.B - 1) + 2)
    return (
        Statement(
            "deactivation_law", "Own-class neurons switched off at initialisation", "[D]",
            _is(s.off, _own(strength)), start,
            note="Of the active ones, for equal weights; no constant is fitted. None of the opposite class.",
        ),
        Statement(
            "deactivation_finite", "The same in any dimension", "[D]",
            _is(s.off, _own(strength / sqrt(1 + (signal_share + s.B * strength**2) / (2 * s.d)))), start,
            note="φ has a share in the norm of the gradient: 2m filters face the n_+ or n_- samples of one sign, so it "
            "adds ‖φ‖² m E[(Σ y ŷ)²] over both signs to (P - 1)² σ_p² d m B. And other samples of the batch, half of "
            "them active and with signs of chance, spread the shift by √((B - 1)/(2d)) of itself, the length of ξ_k by "
            "√(1/(2d)): E Φ(ρ (1 + s G)) = Φ(ρ/√(1 + ρ² s²)) for G normal, s² = B/(2d). No constant is fitted.",
        ),
        Statement(
            "deactivation_weighted", "The same under NegGrad: own class on R, opposite class on F", "[D]",
            (
                _is(s.off_retain, _own(relative * s.alpha / (s.n_retain * total))),
                _is(s.off_forget, _own(relative * (1 - s.alpha) / (s.n_forget * total))),
            ),
            start,
            note="At initialisation |ℓ'| = 1/2 and m of the 2m filters are active for every sample, so ψ_k goes with "
            "|ω_k| / √(m Σ ω_i²). Own class on F and opposite class on R stay on.",
        ),
        Statement(
            "lemma_3_1", "SAM keeps denoising R, and not F", "Unlearning paper, Lemma 3.1 as summaries state it [S]",
            (Le(s.perturbed_retain, 0), Gt(s.perturbed_forget, 0)), _SAM,
            note="For neurons with ⟨w_jr, ξ_k⟩ > 0 and j = y_k; that it speaks of the own class only is read off the "
            "signs [D]. A law for fractions of neurons stands in deactivation_weighted.",
        ),
    )  # fmt: skip


def _test_error_bounds() -> tuple[Statement, ...]:
    rate = s.n * s.signal**4 / (s.C_2 * s.d * s.noise_scale**4)
    unknown = "Whether n is |S| or |R|, whether p enters and when training stops cannot be recovered."
    return (
        Statement(
            "theorem_3_2_benign", "NegGrad with SGD: enough signal to be benign",
            "Unlearning paper, Theorem 3.2 as summaries state it [S]", Ge(s.signal, s.C_1 * _BOUNDARY), _SGD,
            note=f'What follows is "benign overfitting", in words; see benign_bound. {unknown}',
        ),
        Statement(
            "theorem_3_2_harmful", "NegGrad with SGD: too little signal",
            'Unlearning paper, Theorem 3.2 as summaries state it [S]: "otherwise"; a C_3 apart from C_1: Chen [M 90%]',
            (Lt(s.signal, s.C_3 * _BOUNDARY), Ge(s.test_error, Rational(1, 10))), _SGD,
            note=f"Chen and Kou have p + 0.1 [M 90%]. {unknown}",
        ),
        Statement(
            "benign_bound", "Test error of benign overfitting", "Kou et al. 2023 [M 90%]",
            Le(s.test_error, s.p + exp(-rate)), (*_SGD, "sgd_benign"),
            note="Written for any P by the exact equivalence of P - 1 copies with a longer noise vector [D]. Chen "
            "states p + ε instead, and what the unlearning paper states is not known.",
        ),
        Statement(
            "theorem_3_3", "NegGrad with SAM: enough signal", "Unlearning paper, Theorem 3.3 as summaries state it [S]",
            Ge(s.signal, s.C_4 * s.noise_scale), _SAM,
            note='"‖φ‖ ≥ Ω(1)", provided that R has enough signal. Since rescaling the data changes nothing, it is '
            "read relative to (P - 1) σ_p [D]. O(1) signal on R is left open by the paper itself [S].",
        ),
        Statement(
            "training_time", "Steps until the training loss is ε", "Chen et al. 2023, Theorem 3.2 [M 90%]",
            _is(s.training_time, s.C_8 * s.m * s.n / (s.eta * s.epsilon * s.d * _NOISE**2)), _SGD,
            note="Up to logarithms.",
        ),
        Statement(
            "signal_to_memory", "Signal over memorised noise", "Kou et al. 2023, key lemma, at P = 2 [M 90%]",
            _is(s.signal_learned / s.total_zeta, s.C_9 * s.snr**2), _SGD,
            note="Θ(SNR²), with the same constant for all filters only up to factors.",
        ),
    )  # fmt: skip


def _signal_rates() -> tuple[Statement, ...]:
    lemma, both = "Unlearning paper, Lemma 3.4 as summaries state it [S]", tuple(dict.fromkeys((*_SGD, *_SAM)))
    return (
        Statement(
            "lemma_3_4_rate_per_signal", "Signal learned, SAM over SGD: reading H1", lemma,
            _is(s.kappa_ratio, s.C_5 * s.signal**2 / _NOISE**2), both,
            note='"Θ(‖φ‖²) times that of SGD", in units of P σ_p since rescaling changes nothing [D]. What "rate" '
            "means, a step or the whole training, cannot be recovered.",
        ),
        Statement(
            "lemma_3_4_rate_on_boundary", "Signal learned, SAM over SGD: reading H2", f"[D], rival of {lemma}",
            _is(s.kappa_ratio, s.C_6 * s.d * _NOISE**2 / (s.n * s.signal**2)), both,
            note="From κ ∼ n SNR² under SGD and κ ∼ 1 under SAM at the end of training. On the boundary of SGD, "
            "‖φ‖² = √(d/n) (P σ_p)², both readings agree; off it they slope opposite ways.",
        ),
        Statement(
            "lemma_3_4_alpha_gap", "Gap in the α that SGD and SAM need", lemma,
            Le(s.alpha_gap, s.C_7 * sqrt(s.d / s.n)), (*both, "sgd_benign"),
            note="In the benign regime. Two α in [0, 1] differ by at most 1 while d ≥ n², so for a difference of α the "
            "bound says nothing unless C is small; it can speak of α/(1 - α) only [D].",
        ),
    )  # fmt: skip


def _error_surface() -> tuple[Statement, ...]:
    depth = s.a * s.signal**s.b * s.n**s.c / (s.d**s.e * s.noise_scale**s.g)
    surface = s.p + (1 - 2 * s.p) * Phi(-depth)
    needed = -Phi_inverse((s.level - s.p) / (1 - 2 * s.p))  # the depth at which the error is the level
    critical = (needed * s.d**s.e * s.noise_scale**s.g / (s.a * s.n**s.c)) ** (1 / s.b)
    return (
        Statement(
            "error_surface", "Test error over signal, samples and dimension", "[D], a family to be fitted",
            _is(s.test_error, surface),
            note="Half the labels are wrong without signal, p of them with plenty. The exponents are what theorems are "
            "compared with: theorem_3_2_benign has e/b = c/b = 1/4 and g = b.",
        ),
        Statement(
            "boundary_from_surface", "Signal at which the test error is q", "[D], error_surface solved for the signal",
            _is(s.critical_signal, critical),
            note="For p < q < 1/2. Its exponents are e/b in d, -c/b in n and g/b in the noise scale, at any q.",
        ),
    )  # fmt: skip


STATEMENTS: dict[str, Statement] = {
    statement.name: statement
    for group in (
        _definitions, _recursions, _deactivation, _deactivation_at_start, _test_error_bounds, _signal_rates,
        _error_surface, consequences,
    )
    for statement in group()
}  # fmt: skip
"""Every statement by name."""
