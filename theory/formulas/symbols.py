r"""Every symbol of the theory, once, with what is assumed of it; and the four functions it is written in.

Names are words, or letters where the letter is the name of the thing (n, m, P, η as `eta`); what is printed is the
paper's letter. Vectors are written like numbers: a formula such as that of the weights holds coordinate by
coordinate, and its NumPy function broadcasts over coordinates.

The constants C of the theory are never known. Each is a symbol of its own, so that no number comes out of a formula
before somebody has said what its constants are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from scipy import special
from sympy import Function, IndexedBase, Symbol

__all__ = ["NUMPY", "Phi", "Phi_inverse", "gate", "logistic", "logistic_curvature", "logistic_slope", "relu"]


def _size(name: str) -> Symbol:
    """A whole number of at least 1."""
    return Symbol(name, integer=True, positive=True)


def _scale(name: str) -> Symbol:
    """A positive number."""
    return Symbol(name, positive=True)


def _share(name: str) -> Symbol:
    """A number of at least 0."""
    return Symbol(name, nonnegative=True)


def _number(name: str) -> Symbol:
    """A real number, or a vector of them."""
    return Symbol(name, real=True)


def _family(name: str) -> IndexedBase:
    """Real numbers with an index."""
    return IndexedBase(name, real=True)


# --- sizes and scales ----------------------------------------------------------------------------------------

d, n, m, P, B = map(_size, ("d", "n", "m", "P", "B"))
n_retain, n_forget = map(_size, (r"|\mathcal{R}|", r"|\mathcal{F}|"))
signal = _scale(r"\|\varphi\|")
sigma_p, sigma_0, eta, tau, epsilon = map(_scale, (r"\sigma_{p}", r"\sigma_{0}", r"\eta", r"\tau", r"\epsilon"))
p, alpha, mixing = map(_share, ("p", r"\alpha", r"\lambda"))

noise_scale = (P - 1) * sigma_p
"""Scale of the noise a neuron sees: P - 1 copies of one vector are one vector P - 1 times as long."""
snr = signal / (sigma_p * sympy.sqrt(d))
"""Signal-to-noise ratio ‖φ‖/(σ_p √d)."""

# --- unknown constants ---------------------------------------------------------------------------------------

C_1, C_2, C_3, C_4, C_5, C_6, C_7, C_8, C_9, C_10, C_11 = (_scale(f"C_{{{k}}}") for k in range(1, 12))
"""Constants of the conclusions: thresholds, exponents and rates."""
C_n, C_signal, C_batch, C_filters, C_samples = (_scale(f"C_{{{k}}}") for k in ("d,n", r"d,\varphi", "d,B", "m", "n"))
C_weak, C_flip = (_scale(f"C_{{{k}}}") for k in (r"\varphi", "p"))
C_start_noise, C_start_signal, C_start_least, C_start_most = (
    _scale(rf"C_{{\sigma_0,{k}}}") for k in (r"\xi", r"\varphi", r"\geq", r"\leq")
)
C_step_filter, C_step_batch, C_step_signal, C_step_accuracy = (
    _scale(rf"C_{{\eta,{k}}}") for k in ("m", "B", r"\varphi", r"\epsilon")
)
C_radius_least, C_radius_most = (_scale(rf"C_{{\tau,{k}}}") for k in (r"\geq", r"\leq"))
"""Constants of the hypotheses, one each."""
a, b, c, e, g = map(_scale, ("a", "b", "c", "e", "g"))
"""Parameters of the fitted error surface; `g` is the exponent of the noise scale."""

# --- indices and families ------------------------------------------------------------------------------------

j = Symbol("j", integer=True, nonzero=True)
"""Sign of a filter's group, +1 or -1."""
i, k, r = map(_size, ("i", "k", "r"))
u, v = map(_family, ("u", "v"))
"""Pre-activations u_jr = ⟨w_jr, φ⟩ and v_jri = ⟨w_jr, ξ_i⟩ (v_jr if there is but one sample)."""
gram = _family("G")
"""⟨s_k, s_l⟩ of s_0 = φ and s_i = ξ_i."""
y, y_true, y_random, forgotten = map(_family, ("y", r"\hat{y}", r"\tilde{y}", r"\chi"))
"""Observed, true and random labels ±1, and 1 for what is to be forgotten, else 0."""
weight, outputs, pulls, active = map(_family, (r"\omega", "f", "c", "N"))
"""Of samples: signed weight ω_i in the loss, output f_i, pull c_i = |ω_i ℓ'_i|, number N_i of active noise neurons."""
xi, xi_norm, zeta = map(_family, (r"\xi", r"\|\xi\|", r"\zeta"))

# --- single quantities ---------------------------------------------------------------------------------------

output, label, true_label, sample_weight = map(_number, ("f", "y", r"\hat{y}", r"\omega"))
preactivation, noise_norm = _number(r"\langle w_{j,r},\xi\rangle"), _scale(r"\|\xi\|")
signal_preactivation = _number(r"\langle w_{j,r},\varphi\rangle")
w, w_0, phi = map(_number, (r"w_{j,r}", r"w_{j,r}^{(0)}", r"\varphi"))
kappa, delta_kappa = map(_number, (r"\kappa_{j,r}", r"\Delta\kappa_{j,r}"))
zeta_own, zeta_opposite = map(_number, (r"\Delta\zeta_{y,r}", r"\Delta\zeta_{-y,r}"))
signal_learned, kappa_ratio = _number(r"\kappa"), _scale(r"\kappa_{\mathrm{SAM}}/\kappa_{\mathrm{SGD}}")
total_zeta = _scale(r"\sum_{i}\bar{\zeta}_{i}")
perturbation, gradient = map(_number, (r"\hat{\epsilon}_{j,r}", r"\nabla_{j,r}L"))
gradient_norm = _share(r"\|\nabla L\|")
psi, pull, tau_off = _scale(r"\psi_{k}"), _share("c_{k}"), _scale(r"\tau_{j,r,k}")
perturbed_retain, perturbed_forget = (
    _number(rf"\langle w_{{j,r}}+\hat{{\epsilon}}_{{j,r}},\xi_{{k}}\rangle_{{k\in\mathcal{{{part}}}}}") for part in "RF"
)
off, off_retain, off_forget = (
    _share(rf"\mathrm{{Pr}}(\mathrm{{off}}{given})") for given in (r"|j=y", r"|\mathcal{R},j=y", r"|\mathcal{F},j=-y")
)
loss, loss_retain, loss_forget, loss_random, loss_perturbed = map(
    _number,
    ("L", r"L(\mathcal{R})", r"L(\mathcal{F})", r"\tilde{L}(\mathcal{F})", r"L(W+\tau\nabla L/\|\nabla L\|)"),
)
sharpness = _number("S")
test_error = _share(r"L_{\mathcal{D}}^{0-1}")
level, critical_signal = _share("q"), _scale(r"\|\varphi\|^{*}")
slope_retain, slope_forget = map(_scale, (r"\overline{|\ell'|}_{\mathcal{R}}", r"\overline{|\ell'|}_{\mathcal{F}}"))
alpha_gap, training_time = _number(r"\Delta\alpha^{*}"), _scale("T")
patch_quantile, forgetting_time = _scale("Q_{P-1,n}(q)"), _scale(r"\eta T_{\mathcal{F}}")
psi_signal, off_signal = _scale(r"\psi_{\varphi}"), _share(r"\mathrm{Pr}(\mathrm{off}|\varphi)")
zeta_own_total, zeta_opposite_total = map(_number, (r"\zeta_{y,r}", r"\zeta_{-y,r}"))
weight_retain, weight_retain_next, weight_forget, weight_forget_next = map(
    _number, (r"W_{\mathcal{R}}", r"W_{\mathcal{R}}'", r"W_{\mathcal{F}}", r"W_{\mathcal{F}}'")
)
gradient_retain, gradient_retain_perturbed, gradient_forget, gradient_forget_perturbed = map(
    _number,
    (r"\nabla L(\mathcal{R})", r"\nabla L_{\hat{\epsilon}}(\mathcal{R})",
     r"\nabla L(\mathcal{F})", r"\nabla L_{\hat{\epsilon}}(\mathcal{F})"),
)  # fmt: skip
tug_of_war, gap_retain, gap_forget, gap_test = map(
    _number, (r"\mathrm{ToW}", r"\Delta_{\mathcal{R}}", r"\Delta_{\mathcal{F}}", r"\Delta_{\mathrm{test}}")
)
eigenvalue, active_signal, active_noise = _number(r"\lambda_{\max}"), _share(r"N_{\varphi}"), _share(r"N_{\xi}")


# --- functions -----------------------------------------------------------------------------------------------


class _Named(Function):
    """A function of one number, printed by its letter."""

    nargs = 1
    letter = ""

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"{self.letter}\left({printer.doprint(self.args[0])}\right){power}"

    def _eval_is_extended_real(self) -> Any:
        return self.args[0].is_extended_real


class gate(_Named):  # noqa: N801
    """σ'(z) = 1 for z > 0, else 0; σ'(0) = 0."""

    letter = r"\sigma'"

    def fdiff(self, argindex: int = 1) -> Any:
        """0: curvature of the ReLU sits on its kink, where no step is taken."""
        return sympy.S.Zero


class relu(_Named):  # noqa: N801
    """σ(z) = max(z, 0).

    Example:
        >>> z = Symbol("z")
        >>> relu(3 * z).diff(z)
        3*gate(3*z)
    """

    letter = r"\sigma"

    def fdiff(self, argindex: int = 1) -> Any:
        """σ'(z)."""
        return gate(self.args[0])


class logistic_curvature(_Named):  # noqa: N801
    """ℓ''(z) = 1/((1 + exp(z)) (1 + exp(-z)))."""

    letter = r"\ell''"


class logistic_slope(_Named):  # noqa: N801
    """ℓ'(z) = -1/(1 + exp(z))."""

    letter = r"\ell'"

    def fdiff(self, argindex: int = 1) -> Any:
        """ℓ''(z)."""
        return logistic_curvature(self.args[0])


class logistic(_Named):  # noqa: N801
    """ℓ(z) = log(1 + exp(-z))."""

    letter = r"\ell"

    def fdiff(self, argindex: int = 1) -> Any:
        """ℓ'(z)."""
        return logistic_slope(self.args[0])


class Phi_inverse(_Named):  # noqa: N801
    """Quantile of the standard normal law."""

    letter = r"\Phi^{-1}"

    def inverse(self, argindex: int = 1) -> Any:
        """Φ."""
        return Phi


class Phi(_Named):
    """Distribution function of the standard normal law.

    Unlike an expression in erf it stays accurate far down the left tail, where the test errors of the theory lie.
    """

    letter = r"\Phi"

    def inverse(self, argindex: int = 1) -> Any:
        """Φ⁻¹."""
        return Phi_inverse


NUMPY = {
    "relu": lambda z: np.maximum(z, 0.0),
    "gate": lambda z: np.where(np.greater(z, 0), 1.0, 0.0),
    "logistic": lambda z: np.logaddexp(0.0, np.negative(z)),
    "logistic_slope": lambda z: -special.expit(np.negative(z)),
    "logistic_curvature": lambda z: special.expit(z) * special.expit(np.negative(z)),
    "Phi": special.ndtr,
    "Phi_inverse": special.ndtri,
}
"""What the functions are in NumPy, for `sympy.lambdify`."""
