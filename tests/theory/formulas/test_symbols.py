"""Symbols are defined once, and the functions are what their letters say, in sympy and in NumPy."""

from collections import Counter

import numpy as np
import pytest
import sympy
from scipy import stats

from theory.formulas import symbols as s

CONSTANTS = {name: symbol for name, symbol in vars(s).items() if name.startswith("C_")}
FUNCTIONS = {
    "relu": s.relu,
    "gate": s.gate,
    "logistic": s.logistic,
    "logistic_slope": s.logistic_slope,
    "logistic_curvature": s.logistic_curvature,
    "Phi": s.Phi,
    "Phi_inverse": s.Phi_inverse,
}


def defined() -> list:
    """The symbols that the module's names stand for; families are objects of their own."""
    return [value for value in vars(s).values() if isinstance(value, sympy.Symbol)]


def test_every_letter_has_one_meaning_among_scalars() -> None:
    seen = Counter(str(symbol) for symbol in defined())
    assert [letter for letter, times in seen.items() if times > 1] == []


def test_a_symbol_defined_twice_would_be_seen() -> None:
    seen = Counter(map(str, [*defined(), sympy.Symbol(r"\eta")]))
    assert [letter for letter, times in seen.items() if times > 1] == [r"\eta"]


def test_constants_are_positive_and_unknown() -> None:
    assert len(CONSTANTS) == len(set(CONSTANTS.values())) > 20
    assert all(constant.is_positive and constant.is_Symbol for constant in CONSTANTS.values())


@pytest.mark.parametrize("symbol", [s.d, s.n, s.m, s.P, s.B, s.n_retain, s.n_forget])
def test_sizes_are_whole(symbol) -> None:
    assert symbol.is_integer
    assert symbol.is_positive


def test_scales_have_signs() -> None:
    assert all(symbol.is_positive for symbol in (s.sigma_p, s.sigma_0, s.eta, s.tau, s.signal, s.epsilon))
    assert s.p.is_nonnegative
    assert s.p.is_positive is None


def test_noise_scale_at_two_patches_is_that_of_one_vector() -> None:
    assert s.noise_scale.subs(s.P, 2) == s.sigma_p
    assert sympy.simplify(s.snr**2 * s.sigma_p**2 * s.d - s.signal**2) == 0


# --- functions -----------------------------------------------------------------------------------------------

Z = sympy.Symbol("z", real=True)
POINTS = np.array([-30.0, -2.0, -0.3, 0.0, 0.7, 4.0, 30.0])


def numeric(expression):
    return sympy.lambdify(Z, expression, modules=[s.NUMPY, "numpy"])


def test_every_function_has_a_numpy_form() -> None:
    assert set(s.NUMPY) == set(FUNCTIONS)


@pytest.mark.parametrize("function", [s.relu, s.logistic, s.logistic_slope])
def test_derivatives_agree_with_differences(function) -> None:
    z, h = POINTS[POINTS != 0], 1e-5
    value = numeric(function(Z))
    assert numeric(function(Z).diff(Z))(z) == pytest.approx((value(z + h) - value(z - h)) / (2 * h), abs=1e-9)


def test_the_gate_is_shut_at_zero_and_flat() -> None:
    assert numeric(s.gate(Z))(np.array([-1.0, 0.0, 1.0])).tolist() == [0.0, 0.0, 1.0]
    assert s.gate(Z).diff(Z) == 0


def test_the_logistic_loss_does_not_overflow() -> None:
    far = np.array([-1e4, 1e4])
    assert numeric(s.logistic(Z))(far).tolist() == [1e4, 0.0]
    assert numeric(s.logistic_slope(Z))(far).tolist() == [-1.0, 0.0]
    assert numeric(s.logistic_curvature(Z))(far).tolist() == [0.0, 0.0]


def test_the_normal_law_keeps_its_left_tail() -> None:
    assert numeric(s.Phi(Z))(-38.0) == pytest.approx(float(stats.norm.sf(38.0)), rel=1e-12)
    assert (1 + np.tanh(-38.0)) / 2 == 0.0  # what a formula in 1 + erf would say
    assert numeric(s.Phi_inverse(s.Phi(Z)))(-20.0) == pytest.approx(-20.0)


def test_sympy_solves_through_the_normal_law() -> None:
    q = sympy.Symbol("q")
    assert sympy.solve(sympy.Eq(s.Phi(2 * Z), q), Z) == [s.Phi_inverse(q) / 2]
    assert sympy.solve(sympy.Eq(s.Phi_inverse(Z), q), Z) == [s.Phi(q)]


@pytest.mark.parametrize(
    ("expression", "latex"),
    [
        (s.relu(s.u[1, s.r]), r"\sigma\left({u}_{1,r}\right)"),
        (s.logistic_slope(Z) ** 2, r"\ell'\left(z\right)^{2}"),
        (s.Phi_inverse(Z), r"\Phi^{-1}\left(z\right)"),
        (s.signal**2, r"\|\varphi\|^{2}"),
    ],
)
def test_formulas_carry_the_papers_letters(expression, latex) -> None:
    assert sympy.latex(expression) == latex
