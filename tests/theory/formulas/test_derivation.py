"""The updates derived from the loss are those the theory states and those that `simulate` takes."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import sympy

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, RandomLabel, Record, run
from simulate.dynamics.plan import compile_phase
from theory.formulas import symbols as s
from theory.formulas.derivation import OBJECTIVES, Updates, derive_updates, inner, neurons, objective_of, step_function
from theory.formulas.recursions import stated_updates
from theory.formulas.statements import STATEMENTS

TERMS = ("kappa", "zeta", "signal_shift", "noise_shift")
each_objective = pytest.mark.parametrize("objective", OBJECTIVES)
each_optimizer = pytest.mark.parametrize("sam", [False, True], ids=["sgd", "sam"])


def differences(one: Updates, other: Updates) -> set:
    """All that is left when two steps are subtracted; {0} if they are the same."""
    pairs = [(getattr(one, name), getattr(other, name)) for name in TERMS]
    assert all(mine.keys() == theirs.keys() for mine, theirs in pairs)
    rest = {sympy.expand(mine[key] - theirs[key]) for mine, theirs in pairs for key in mine}
    return rest | {sympy.expand(one.squared_norm - other.squared_norm)}


# --- derived = stated ----------------------------------------------------------------------------------------


@each_objective
@pytest.mark.parametrize(("n", "m", "sam"), [(2, 1, False), (1, 2, False), (3, 2, False), (2, 1, True), (1, 2, True)])
def test_derived_updates_are_the_stated_ones(n: int, m: int, sam: bool, objective) -> None:
    assert differences(derive_updates(n, m, objective, sam=sam), stated_updates(n, m, objective, sam=sam)) == {0}


@each_optimizer
def test_with_all_shifts_put_in_they_are_the_same_expressions(sam: bool) -> None:
    derived, stated = (make(2, 1, sam=sam).explicit() for make in (derive_updates, stated_updates))
    assert derived == stated
    assert (s.tau in derived[0][1, 1].free_symbols) is sam


@cache
def pair() -> tuple[Updates, Updates]:
    return derive_updates(2, 1, sam=True), stated_updates(2, 1, sam=True)


def scaled(terms: dict, factor) -> dict:
    return {key: factor * term for key, term in terms.items()}


WRONG = {
    "P - 1 for its square": lambda u: replace(u, zeta=scaled(u.zeta, 1 / (s.P - 1))),
    "ascent for descent": lambda u: replace(u, kappa=scaled(u.kappa, -1)),
    "one class for both": lambda u: replace(u, zeta={key: u.zeta[1, *key[1:]] for key in u.zeta}),
    "the other perturbation": lambda u: replace(u, noise_shift=scaled(u.noise_shift, -1)),
    "orthogonal noise": lambda u: replace(u, squared_norm=u.squared_norm.subs(s.gram[1, 2], 0)),
    "a norm for each filter": lambda u: replace(u, squared_norm=u.squared_norm.subs(s.v[-1, 1, 1], -1)),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_in_the_stated_updates_is_caught(mistake: str) -> None:
    derived, stated = pair()
    assert differences(derived, WRONG[mistake](stated)) != {0}


def test_random_labels_that_flip_are_ascent_of_another_strength() -> None:
    """On F both objectives turn the sign of ζ's update; what differs is ℓ'(-y f) for ℓ'(y f), and the weight."""
    flipped = derive_updates(1, 1, "random_label").zeta[1, 1, 1].subs({s.forgotten[1]: 1, s.y_random[1]: -s.y[1]})
    ascent = derive_updates(1, 1, "neggrad").zeta[1, 1, 1].subs(s.forgotten[1], 1)
    signs = [
        sympy.expand(term).replace(lambda x: isinstance(x, s.logistic_slope), lambda _: -1)
        for term in (flipped, ascent)
    ]
    quotient = sympy.simplify(signs[0] / signs[1])
    assert sympy.simplify(quotient - s.n_forget / ((1 - s.alpha) * (s.n_retain + s.n_forget))) == 0


def test_statements_are_the_derived_updates() -> None:
    derived = derive_updates(1, 1, "loss")
    output = STATEMENTS["model"].formula.rhs.subs(s.m, 1).doit().subs(s.true_label, s.y_true[1])
    output = output.xreplace({s.v[j, 1]: s.v[j, 1, 1] for j in (1, -1)})
    kappa = STATEMENTS["kappa_update"].formula.rhs.subs({s.n: 1, s.m: 1}).doit()
    kappa = kappa.xreplace({s.weight[1]: 1, s.outputs[1]: output, s.signal_preactivation: s.u[-1, 1]})
    assert sympy.expand(kappa - derived.kappa[-1, 1]) == 0
    for part, j in enumerate((1, -1)):  # the own class of y = +1, then the opposite one
        zeta = STATEMENTS["zeta_update"].formula[part].rhs.subs(s.m, 1)
        at = {s.sample_weight: 1, s.label: 1, s.output: output, s.preactivation: s.v[j, 1, 1]}
        zeta = zeta.xreplace({**at, s.noise_norm: s.xi_norm[1]})
        assert sympy.expand(zeta - derived.zeta[j, 1, 1].subs(s.y[1], 1)) == 0


# --- the chain rule, in coordinates --------------------------------------------------------------------------

AXES = range(3)
PHI = sympy.symbols("phi_1:4", real=True)
XI = {i: sympy.symbols(f"xi_{i}_1:4", real=True) for i in (1, 2)}
W = {j: sympy.symbols(f"w_{'+' if j > 0 else '-'}_1:4", real=True) for j in (1, -1)}


def dot(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def in_coordinates() -> dict:
    """What the symbols of the derivation are when φ, ξ_i and w_jr have three coordinates."""
    span = {0: PHI, **XI}
    norms = {s.signal: sympy.sqrt(dot(PHI, PHI)), **{s.xi_norm[i]: sympy.sqrt(dot(XI[i], XI[i])) for i in XI}}
    products = {inner(one, other): dot(span[one], span[other]) for one in span for other in span if one < other}
    signal = {s.u[j, 1]: dot(W[j], PHI) for j in W}
    noise = {s.v[j, 1, i]: dot(W[j], XI[i]) for j in W for i in XI}
    return {**norms, **products, **signal, **noise}


@cache
def numbers() -> dict:
    """Random numbers for the coordinates and for everything else."""
    rng = np.random.default_rng(0)
    coordinates = [*PHI, *XI[1], *XI[2], *W[1], *W[-1]]
    draws = map(sympy.Float, rng.standard_normal(len(coordinates)))
    values: dict = dict(zip(coordinates, draws, strict=True))
    signs = {s.y[1]: 1, s.y[2]: 1, s.y_true[1]: 1, s.y_true[2]: -1, s.y_random[1]: -1, s.y_random[2]: -1}
    sizes = {s.forgotten[1]: 0, s.forgotten[2]: 1, s.n_retain: 1, s.n_forget: 1, s.P: 4}
    scales = {s.alpha: sympy.Float(0.7), s.eta: sympy.Float(0.3), s.tau: sympy.Float(0.2)}
    return {**values, **{symbol: sympy.Integer(value) for symbol, value in (signs | sizes).items()}, **scales}


def number(expression) -> float:
    return float(sympy.lambdify([], expression.xreplace(numbers()), modules=[s.NUMPY, "numpy"])())


@each_objective
def test_gradient_in_coordinates_is_the_chain_rules(objective) -> None:
    """Symbolically: ∂L/∂w_jr in R³ is (∂L/∂u) φ + Σ (∂L/∂v) ξ_i."""
    where = in_coordinates()
    abstract = objective_of(objective, 2, 1)
    concrete = abstract.xreplace(where)
    for j in W:
        for axis in AXES:
            chain = abstract.diff(s.u[j, 1]) * PHI[axis]
            chain += sum(abstract.diff(s.v[j, 1, i]) * XI[i][axis] for i in XI)
            assert sympy.expand(concrete.diff(W[j][axis]) - chain.xreplace(where)) == 0


@each_objective
def test_sam_in_coordinates(objective) -> None:
    """ε̂ = τ ∇L/‖∇L‖ in R³ has the derived inner products, and the weights move as κ and ζ say."""
    where, derived = in_coordinates(), derive_updates(2, 1, objective, sam=True)
    loss = objective_of(objective, 2, 1).xreplace(where)
    slope = {j: np.array([number(loss.diff(W[j][axis])) for axis in AXES]) for j in W}
    square = sum(float(part @ part) for part in slope.values())
    vectors = {i: np.array([number(part) for part in vector]) for i, vector in {0: PHI, **XI}.items()}
    assert number(derived.squared_norm.xreplace(where)) == pytest.approx(square, rel=1e-12)
    for j in W:
        shifts = [derived.signal_shift[j, 1], *(derived.noise_shift[j, 1, i] for i in XI)]
        found = [number(shift.xreplace(where)) for shift in shifts]
        assert found == pytest.approx([0.2 * slope[j] @ vectors[i] for i in vectors], rel=1e-12)
        kappa, zeta = number(derived.kappa[j, 1].xreplace(where)), [derived.zeta[j, 1, i] for i in XI]
        move = j * kappa * vectors[0] / (vectors[0] @ vectors[0])
        for i, term in enumerate(zeta, start=1):
            move += number(term.xreplace(where)) * vectors[i] / (3 * vectors[i] @ vectors[i])
        assert move == pytest.approx(-0.3 * slope[j], rel=1e-12)


# --- derived = simulated -------------------------------------------------------------------------------------

N, M, STEPS = 3, 2, 20
CASES = {"loss": Loss(), "neggrad": NegGrad(alpha=0.6), "random_label": RandomLabel(flip=1.0)}


@cache
def instance_of(P: int) -> Instance:
    """Noise that is not orthogonal to φ; a clean and a flipped label on R, and one sample to forget."""
    problem = Problem(d=40, n=N, m=M, P=P, signal=1.5, sigma_0=0.2, label_flip=0.4, forget=0.34, noise="isotropic")
    return Instance.draw(problem, seed=56, space="ambient")


def simulated(objective: str, sam: bool, P: int, engine: str):
    optimizer = SAM(lr=0.02, tau=0.3) if sam else SGD(lr=0.02)
    phase = Phase("train", CASES[objective], optimizer, steps=STEPS)
    record = Record(every=1, observe=("coefficients_full",))
    result = run(instance_of(P), [phase], engine=engine, record=record)
    assert result.kink_margin > 1e-9
    return result.trace.kappa.values, result.trace.zeta.values[..., 0], compile_phase(phase, instance_of(P)).target


def derived_path(objective: str, sam: bool, P: int, target: np.ndarray, spoil=lambda before, after: after):
    """κ and ζ after every step of the derived recursion; `spoil` may put a mistake into each step."""
    instance = instance_of(P)
    step = step_function(N, M, objective, sam=sam)
    common = {
        "gram": instance.geometry.gram, "start": instance.geometry.start, "y": instance.y, "y_true": instance.y_true,
        "y_random": target, "forget": instance.forget, "P": P, "lr": 0.02, "alpha": 0.6, "tau": 0.3,
    }  # fmt: skip
    path = [(np.zeros((2, M)), np.zeros((2, M, N)))]
    for _ in range(STEPS):
        path.append(spoil(path[-1], step(*path[-1], **common)))
    return [np.array(part) for part in zip(*path, strict=True)]


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Largest difference relative to the largest entry."""
    return float(np.abs(one - other).max() / np.abs(other).max())


@each_objective
@each_optimizer
@pytest.mark.parametrize("P", [2, 4])
@pytest.mark.parametrize("engine", ["numpy", "dense"])
def test_derived_steps_are_those_of_simulate(objective, sam: bool, P: int, engine: str) -> None:
    kappa, zeta, target = simulated(objective, sam, P, engine)
    derived = derived_path(objective, sam, P, target)
    assert np.abs(kappa[-1]).max(axis=1).min() > 0.01  # filters of both signs have learned something
    assert distance(derived[0], kappa) < 1e-12
    assert distance(derived[1], zeta) < 1e-12


def forget_a_factor(P: int):
    return lambda before, after: (after[0], before[1] + (after[1] - before[1]) / (P - 1))


def test_the_lost_factor_is_caught_unless_there_are_two_patches() -> None:
    for P, caught in ((4, True), (2, False)):
        _, zeta, target = simulated("neggrad", False, P, "numpy")
        spoiled = derived_path("neggrad", False, P, target, forget_a_factor(P))
        assert (distance(spoiled[1], zeta) > 0.1) is caught


@each_objective
def test_sgd_is_not_taken_for_sam(objective) -> None:
    kappa, zeta, target = simulated(objective, True, 4, "numpy")
    plain = derived_path(objective, False, 4, target)
    assert max(distance(plain[0], kappa), distance(plain[1], zeta)) > 1e-3


# --- doors ---------------------------------------------------------------------------------------------------


def test_the_instance_has_every_kind_of_sample() -> None:
    for P in (2, 4):
        instance = instance_of(P)
        assert sorted(zip(instance.forget.tolist(), (instance.y == instance.y_true).tolist(), strict=True)) == [
            (False, False),
            (False, True),
            (True, True),
        ]
        assert set(instance.y.tolist()) == {-1, 1}


def test_neurons_are_in_the_order_of_arrays() -> None:
    filters, pairs = neurons(2, 1)
    assert filters == [(1, 1), (-1, 1)]
    assert pairs == [(1, 1, 1), (1, 1, 2), (-1, 1, 1), (-1, 1, 2)]


@pytest.mark.parametrize(
    ("arguments", "options", "name"),
    [((0, 1), {}, "n"), ((1, 1.5), {}, "m"), ((1, 1, "ascent"), {}, "objective"), ((1, 1), {"sam": 1}, "sam")],
)
def test_bad_sizes_are_refused(arguments, options, name: str) -> None:
    for make in (derive_updates, stated_updates, step_function):
        with pytest.raises(ValueError, match=f"^Argument `{name}` must"):
            make(*arguments, **options)


def test_a_flat_loss_has_no_perturbation() -> None:
    """All filters off: the gradient and its norm are 0, and a step of SAM moves nothing."""
    arrays = {"gram": np.eye(2), "start": np.full((2, 1, 2), -1.0), "y": np.ones(1), "y_true": np.ones(1)}
    zero = np.zeros((2, 1)), np.zeros((2, 1, 1))
    moved = step_function(1, 1, sam=True)(*zero, **arrays, forget=np.zeros(1, bool), P=2, lr=1.0, tau=1.0)
    assert not any(part.any() for part in moved)
