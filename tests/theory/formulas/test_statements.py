"""Statements: they can be printed, they refuse to guess constants, and their numbers are right."""

import math

import numpy as np
import pytest
import sympy
from matplotlib.mathtext import MathTextParser
from scipy import stats

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, RandomLabel, Record, SharpMinMax, run
from simulate.dynamics.step import network_output
from theory.formulas import symbols as s
from theory.formulas.conditions import CONDITIONS
from theory.formulas.statement import Statement
from theory.formulas.statements import STATEMENTS

ASKED_FOR = {
    "model", "decomposition", "kappa_update", "zeta_update", "sam_perturbation", "neggrad_loss", "random_label_loss",
    "deactivation_law", "deactivation_shift", "deactivation_weighted", "lemma_3_1", "theorem_3_2_benign",
    "deactivation_radius", "deactivation_finite",
    "theorem_3_2_harmful", "benign_bound", "theorem_3_3", "lemma_3_4_rate_per_signal", "lemma_3_4_rate_on_boundary",
    "lemma_3_4_alpha_gap", "error_surface", "boundary_from_surface", "signal_balance", "sharp_minmax", "tug_of_war",
    "sharpness", "hessian_eigenvalue",
}  # fmt: skip
PARSER = MathTextParser("path")
every_statement = pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)


def right_side(name: str, part: int = 0):
    return STATEMENTS[name].right_sides[part]


def exponent(expression, symbol):
    """Exponent of a power law: ∂ log / ∂ log."""
    return sympy.simplify(symbol * sympy.diff(sympy.log(expression), symbol))


# --- the table -----------------------------------------------------------------------------------------------


def test_the_table_is_whole() -> None:
    assert set(STATEMENTS) >= ASKED_FOR
    assert [name for name, statement in STATEMENTS.items() if statement.name != name] == []


@every_statement
def test_hypotheses_exist_and_sources_are_marked(statement: Statement) -> None:
    assert set(statement.hypotheses) <= set(CONDITIONS)
    assert len(set(statement.hypotheses)) == len(statement.hypotheses)
    assert any(mark in statement.source for mark in ("[S]", "[M ", "[D]"))
    assert statement.title
    assert statement.note


@every_statement
def test_mathtext_can_set_it(statement: Statement) -> None:
    assert r"\begin" not in statement.latex
    PARSER.parse(f"${statement.latex}$")


def test_mathtext_does_refuse() -> None:
    with pytest.raises(ValueError, match="Unknown symbol"):
        PARSER.parse(r"$\begin{cases} x \end{cases}$")


@every_statement
def test_no_symbol_is_ever_guessed(statement: Statement) -> None:
    symbols = sorted(statement.free_symbols, key=str)
    statement.function(*symbols)
    for one in symbols:
        with pytest.raises(ValueError, match=rf"^Argument `arguments` must hold .* of `{statement.name}`, but lacks"):
            statement.function(*(symbol for symbol in symbols if symbol is not one))


@pytest.mark.parametrize(
    ("name", "constant"),
    [("theorem_3_2_benign", s.C_1), ("benign_bound", s.C_2), ("theorem_3_2_harmful", s.C_3), ("theorem_3_3", s.C_4)],
)
def test_constants_of_theorems_are_arguments(name: str, constant) -> None:
    assert constant in STATEMENTS[name].free_symbols
    scale = STATEMENTS[name].function(constant, s.d, s.n, s.P, s.sigma_p, s.signal, s.p)
    assert not np.allclose(scale(1.0, 1e4, 20, 2, 1.0, 3.0, 0.1), scale(2.0, 1e4, 20, 2, 1.0, 3.0, 0.1))


# --- numbers by hand -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ratio", "fraction"), [(0.25, 0.197), (0.5, 0.383), (1, 0.683), (2, 0.954), (10**0.5, 0.998)])
def test_deactivation_law(ratio: float, fraction: float) -> None:
    law = STATEMENTS["deactivation_law"].function(s.tau, s.sigma_0, s.m, s.B)
    assert law(ratio * 1e-3 * math.sqrt(10 * 20), 1e-3, 10, 20) == pytest.approx(fraction, abs=6e-4)


def test_weighted_deactivation() -> None:
    function = STATEMENTS["deactivation_weighted"].function(s.alpha, s.n_retain, s.n_forget, s.tau, s.sigma_0, s.m)
    retain, forget = function(0.8, 30, 10, 1e-3 * math.sqrt(10 * 40), 1e-3, 10)
    total = math.sqrt(0.64 / 30 + 0.04 / 10)
    for value, weight in ((retain, 0.8 / 30), (forget, 0.2 / 10)):
        ratio = math.sqrt(40) * weight / total
        assert value == pytest.approx(stats.norm.cdf(ratio) - stats.norm.cdf(-ratio))
    assert (retain, forget) == pytest.approx((0.711, 0.573), abs=5e-4)


def test_equal_weights_give_the_plain_law() -> None:
    equal = {s.alpha: s.n_retain / (s.n_retain + s.n_forget)}
    plain = right_side("deactivation_law").subs(s.B, s.n_retain + s.n_forget)
    for part in (0, 1):
        weighted = right_side("deactivation_weighted", part).subs(equal)
        (strength,), (expected,) = (sorted(side.atoms(s.Phi), key=str) for side in (weighted, plain))
        assert sympy.simplify(strength.args[0] / expected.args[0]) == 1


def test_deactivation_shift_has_one_large_d_form() -> None:
    exact = STATEMENTS["deactivation_shift"].function(
        s.tau, s.pull, s.P, s.noise_norm, s.m, s.gradient_norm, s.sigma_p, s.d, s.pulls, s.active, s.n
    )
    d, m, P, sigma_p, pulls, active = 10_000, 4, 3, 0.5, np.array([0.1, 0.3]), np.array([3.0, 5.0])
    norm = math.sqrt(sum(pulls**2 * active)) * (P - 1) * sigma_p * math.sqrt(d) / m
    first, second = exact(0.01, 0.3, P, sigma_p * math.sqrt(d), m, norm, sigma_p, d, pulls, active, 2)
    assert first == pytest.approx(second, rel=1e-12)


def test_the_radius_is_the_shift_solved_for_it() -> None:
    for part in (0, 1):
        shift, radius = right_side("deactivation_shift", part), right_side("deactivation_radius", part)
        assert sympy.simplify(shift.subs(s.tau, radius) - s.preactivation) == 0


def test_the_finite_law_becomes_the_plain_one() -> None:
    finite, plain = right_side("deactivation_finite"), right_side("deactivation_law")
    (strength,), (limit,) = (side.atoms(s.Phi) for side in (finite, plain))
    assert sympy.limit(strength.args[0] / limit.args[0], s.d, sympy.oo) == 1


def test_the_finite_law_by_hand() -> None:
    """ρ = 1, B = 65, ‖φ‖ = 2, d = 100, p = 0: z² = 1/(1 + (4 · 66 + 65)/200) = 1/2.645; p = ¼: 1/(1 + 137/200)."""
    law = STATEMENTS["deactivation_finite"].function(s.tau, s.sigma_0, s.m, s.B, s.d, s.signal, s.P, s.sigma_p, s.p)
    for p, square in ((0.0, 2.645), (0.25, 1 + (4 * (0.25 * 64 + 2) + 65) / 200)):
        found = law(1e-3 * math.sqrt(10 * 65), 1e-3, 10, 65, 100, 2.0, 2, 1.0, p)
        assert found == pytest.approx(2 * stats.norm.cdf(square**-0.5) - 1)


def test_thresholds() -> None:
    benign = STATEMENTS["theorem_3_2_benign"].function(s.C_1, s.d, s.n, s.P, s.sigma_p)
    assert benign(2.0, 160_000, 10_000, 3, 0.5) == pytest.approx(2.0 * 2.0 * 3 * 0.5)
    harmful = STATEMENTS["theorem_3_2_harmful"].function(s.C_3, s.d, s.n, s.P, s.sigma_p)
    assert harmful(2.0, 160_000, 10_000, 3, 0.5) == (pytest.approx(6.0), 0.1)
    assert [exponent(right_side("theorem_3_2_benign"), x) for x in (s.d, s.n)] == [
        sympy.Rational(1, 4),
        -sympy.Rational(1, 4),
    ]
    assert exponent(right_side("theorem_3_3"), s.d) == 0


def test_benign_bound() -> None:
    bound = STATEMENTS["benign_bound"].function(s.p, s.C_2, s.n, s.signal, s.d, s.P, s.sigma_p)
    assert bound(0.1, 2.0, 20, 3.0, 500, 3, 0.5) == pytest.approx(0.1 + math.exp(-20 * 81 / (2 * 500)))
    kou = s.p + sympy.exp(-s.n * s.signal**4 / (s.C_2 * s.sigma_p**4 * s.d))
    assert sympy.simplify(right_side("benign_bound").subs(s.P, 2) - kou) == 0


def test_readings_of_lemma_3_4_agree_on_the_boundary_only() -> None:
    step = STATEMENTS["lemma_3_4_rate_per_signal"].function(s.C_5, s.signal, s.P, s.sigma_p)
    whole = STATEMENTS["lemma_3_4_rate_on_boundary"].function(s.C_6, s.signal, s.d, s.n, s.P, s.sigma_p)
    edge = (8000 / 20) ** 0.25 * 3 * 0.5
    ratios = [step(1.0, x, 3, 0.5) / whole(1.0, x, 8000, 20, 3, 0.5) for x in (0.5 * edge, edge, 2 * edge)]
    assert ratios == pytest.approx([1 / 16, 1, 16])
    gap = STATEMENTS["lemma_3_4_alpha_gap"].function(s.C_7, s.d, s.n)
    assert gap(1.0, 8000, 20) == pytest.approx(20)


def test_boundary_is_where_the_surface_has_the_level() -> None:
    shape = (s.p, s.a, s.b, s.c, s.e, s.g, s.n, s.d, s.P, s.sigma_p)
    values = (0.1, 1.3, 2.0, 0.5, 0.4, 2.1, 50, np.array([1e3, 1e6]), 3, 0.7)
    surface = STATEMENTS["error_surface"].function(s.signal, *shape)
    boundary = STATEMENTS["boundary_from_surface"].function(s.level, *shape)
    for level in (0.11, 0.3, 0.49):
        assert surface(boundary(level, *values), *values) == pytest.approx(level)
    assert surface(0.0, *values) == pytest.approx(0.5)
    assert surface(1e9, *values) == pytest.approx(0.1)


def test_boundary_exponents_do_not_depend_on_the_level() -> None:
    boundary = right_side("boundary_from_surface")
    assert sympy.simplify(exponent(boundary, s.d) - s.e / s.b) == 0
    assert sympy.simplify(exponent(boundary, s.n) + s.c / s.b) == 0
    assert sympy.simplify(exponent(boundary, s.sigma_p) - s.g / s.b) == 0


def test_signal_balance_solves_itself() -> None:
    gain, critical = STATEMENTS["signal_balance"].parts
    assert sympy.simplify((gain.lhs - gain.rhs).subs(s.alpha, critical.rhs)) == 0
    assert STATEMENTS["signal_balance"].function(s.alpha, s.slope_forget, s.slope_retain)(0.7, 0.3, 0.1) == (
        pytest.approx(0.09),
        pytest.approx(0.75),
    )


def test_tug_of_war() -> None:
    score = STATEMENTS["tug_of_war"].function(s.gap_retain, s.gap_forget, s.gap_test)
    assert score(0.0, 0.0, 0.0) == 1.0
    assert score(0.1, -0.2, 0.5) == score(-0.1, 0.2, -0.5) == pytest.approx(0.9 * 0.8 * 0.5)


def test_sharp_minmax_at_full_mixing() -> None:
    retain, forget = (side.subs(s.mixing, 1) for side in STATEMENTS["sharp_minmax"].right_sides)
    assert sympy.expand(retain - s.weight_retain + s.eta * s.alpha * s.gradient_retain_perturbed) == 0
    ascent = s.eta * (1 - s.alpha) * (2 * s.gradient_forget - s.gradient_forget_perturbed)
    assert sympy.expand(forget - s.weight_forget - ascent) == 0


@pytest.mark.parametrize("name", ["theorem_3_2_benign", "theorem_3_2_harmful", "theorem_3_3"])
def test_rescaling_the_data_rescales_thresholds(name: str) -> None:
    threshold, c = right_side(name), sympy.Symbol("c", positive=True)
    assert sympy.simplify(threshold.subs(s.sigma_p, c * s.sigma_p) - c * threshold) == 0


# --- what simulate does --------------------------------------------------------------------------------------

PROBLEM = Problem(d=60, n=6, m=3, P=3, signal=2.0, sigma_0=0.1, label_flip=0.3, forget=0.34, noise="isotropic")
INSTANCE = Instance.draw(PROBLEM, seed=4)


def test_model_is_the_networks_output() -> None:
    z = INSTANCE.geometry.start
    model = STATEMENTS["model"].function(s.u, s.v, s.true_label, s.P, s.m)
    outputs = model(z[..., :1], z[..., 1:], INSTANCE.y_true, PROBLEM.P, PROBLEM.m)
    assert outputs == pytest.approx(network_output(INSTANCE, z), rel=1e-12)


def test_decomposition_gives_the_weights() -> None:
    result = run(INSTANCE, [Phase("pretrain", Loss(), SGD(lr=0.05), steps=30)], engine="dense")
    weights = STATEMENTS["decomposition"].function(
        s.w_0, s.j, s.kappa, s.phi, s.signal, s.zeta, s.xi, s.xi_norm, s.n, s.P
    )
    xi = INSTANCE.xi[:, 0]
    for sign, j in enumerate((1, -1)):
        for r in range(PROBLEM.m):
            formula = weights(
                INSTANCE.w0[sign, r], j, result.kappa[sign, r], INSTANCE.phi, PROBLEM.signal, result.zeta[sign, r],
                xi, np.linalg.norm(xi, axis=1), PROBLEM.n, PROBLEM.P,
            )  # fmt: skip
            assert formula == pytest.approx(result.state.weights[sign, r], abs=1e-12)


@pytest.mark.parametrize(
    ("objective", "name"), [(NegGrad(alpha=0.6), "neggrad_loss"), (RandomLabel(flip=1.0), "random_label_loss")]
)
def test_objectives_are_those_of_simulate(objective, name: str) -> None:
    phase = Phase("unlearn", objective, SGD(), steps=0)
    loss = run(INSTANCE, [phase], engine="numpy").trace.loss.isel(step=0)
    margin = INSTANCE.y * network_output(INSTANCE, INSTANCE.geometry.start)
    relabelled = float(np.logaddexp(0, margin[INSTANCE.forget]).mean())
    formula = STATEMENTS[name].function(s.loss_retain, s.loss_forget, s.loss_random, s.alpha, s.n_retain, s.n_forget)
    retain, forget = (float(loss.sel(part=part)) for part in ("retain", "forget"))
    assert formula(retain, forget, relabelled, 0.6, 4, 2) == pytest.approx(float(loss.sel(part="objective")), rel=1e-12)


def test_sharpness_and_perturbation_are_those_of_simulate() -> None:
    phase = Phase("look", Loss(), SAM(tau=0.03), steps=0)
    record = Record(observe=("sharpness", "gradient_norm"))
    trace = run(INSTANCE, [phase], engine="numpy", record=record).trace.isel(step=0).sel(part="objective")
    perturbation = STATEMENTS["sam_perturbation"].function(s.tau, s.gradient, s.gradient_norm)
    assert perturbation(0.03, 2.0, 4.0) == pytest.approx(0.015)
    first_order = float(perturbation(0.03, trace.gradient_norm**2, trace.gradient_norm))  # ⟨ε̂, ∇L⟩
    assert float(trace.sharpness) == pytest.approx(first_order, rel=0.2)
    sharpness = STATEMENTS["sharpness"].function(s.loss_perturbed, s.loss)
    assert sharpness(0.75, 0.5) == 0.25


def test_hessian_of_one_sample() -> None:
    instance = Instance.draw(Problem(d=40, n=1, m=4, P=3, signal=2.0, sigma_0=0.1, forget=0.0), seed=1)
    record = Record(observe=("hessian",))
    trace = run(instance, [Phase("look", Loss(), SGD(), steps=0)], engine="numpy", record=record).trace
    z = instance.geometry.start
    formula = STATEMENTS["hessian_eigenvalue"].function(
        s.sample_weight, s.label, s.output, s.active_signal, s.signal, s.active_noise, s.P, s.noise_norm, s.m
    )
    (output,), (label,), (true_label,) = network_output(instance, z), instance.y, instance.y_true
    active = (z[..., 0] * true_label > 0).sum(), (z[..., 1] > 0).sum()
    value = formula(1.0, label, output, active[0], 2.0, active[1], 3, np.linalg.norm(instance.xi), 4)
    assert value == pytest.approx(float(trace.hessian_eigenvalue.sel(part="objective")[0]), rel=1e-12)


def test_sharp_minmax_is_the_step_of_simulate() -> None:
    """With all filters in one part the other step moves nothing, so that both start from the same weights."""

    def moved(objective, optimizer) -> np.ndarray:
        return run(INSTANCE, [Phase("once", objective, optimizer, steps=1)], engine="numpy").kappa

    minimiser, only_forget = SAM(lr=1.0, tau=0.3), NegGrad(alpha=0.0)  # ε̂ of -L(F) goes down in L(F)
    gradients = (
        -moved(Loss(on="retain"), SGD(lr=1.0)),
        -moved(Loss(on="retain"), minimiser),
        -moved(Loss(on="forget"), SGD(lr=1.0)),
        moved(only_forget, minimiser),
    )
    assert not np.allclose(gradients[0], gradients[1])
    assert not np.allclose(gradients[2], gradients[3])
    step = STATEMENTS["sharp_minmax"].function(
        s.weight_retain, s.weight_forget, s.eta, s.alpha, s.mixing,
        s.gradient_retain, s.gradient_retain_perturbed, s.gradient_forget, s.gradient_forget_perturbed,
    )  # fmt: skip
    for fraction, expected in enumerate(step(0.0, 0.0, 0.1, 0.6, 0.8, *gradients)):
        optimizer = SharpMinMax(lr=0.1, tau=0.3, mixing=0.8, fraction=float(fraction))
        assert moved(NegGrad(alpha=0.6), optimizer) == pytest.approx(expected, rel=1e-12)
