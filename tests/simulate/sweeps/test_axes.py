"""Names of axes, formulas, and the errors of sweeps that cannot run."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem, SharpMinMax, run, sweep
from simulate.sweeps.axes import Names, read_axes
from simulate.sweeps.expressions import Expression
from simulate.sweeps.grid import make_grid

PROBLEM = Problem(d=500, n=10, m=3, forget=0.2)
PHASES = (
    Phase("pretrain", Loss(), SAM(), steps=3),
    Phase("unlearn", NegGrad(), SharpMinMax(), steps=2),
)


# --- names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("d", ("d",)),
        ("unlearn.alpha", ("unlearn", "objective", "alpha")),
        ("pretrain.tau", ("pretrain", "optimizer", "tau")),
        ("pretrain.steps", ("pretrain", "steps")),
        ("pretrain.stop_loss", ("pretrain", "stop_loss")),
        ("pretrain.optimizer", ("pretrain", "optimizer")),
        ("pretrain.optimizer.on", ("pretrain", "optimizer", "on")),
        ("pretrain.objective.on", ("pretrain", "objective", "on")),
        ("unlearn.objective.alpha", ("unlearn", "objective", "alpha")),
    ],
)
def test_names_are_looked_up_in_phase_objective_and_optimizer(name: str, path: tuple[str, ...]) -> None:
    assert Names(PHASES, ()).path(name, "axes") == path


def test_an_ambiguous_name_asks_which() -> None:
    with pytest.raises(ValueError, match=r"`axes`.*pretrain.objective.on.*pretrain.optimizer.on"):
        Names(PHASES, ()).path("pretrain.on", "axes")


@pytest.mark.parametrize(
    "name",
    ["D", "alpha", "unlearn", "unlearn.", ".d", "relearn.lr", "pretrain.alpha", "pretrain.name", "d.d", "a.b.c.d"],
)
def test_an_unknown_name_is_told_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match=rf'^Argument `axes` .*sigma_0.*unlearn.alpha.*but has "{name}"'):
        Names(PHASES, ()).path(name, "axes")


def test_a_field_must_be_one_of_every_optimizer_on_the_axis() -> None:
    names = Names(PHASES, read_axes({"pretrain.optimizer": [SGD(), SAM()]}))
    assert names.path("pretrain.lr", "axes") == ("pretrain", "optimizer", "lr")
    with pytest.raises(ValueError, match=r'has "pretrain.tau"'):
        names.path("pretrain.tau", "axes")


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("d", True), ("P", True), ("signal", False), ("noise", False), ("pretrain.steps", True),
        ("pretrain.batch", True), ("pretrain.lr", False), ("pretrain.stop_loss", False), ("unlearn.alpha", False),
    ],
)  # fmt: skip
def test_whole_numbers_are_known_by_their_fields(name: str, whole: bool) -> None:
    assert Names(PHASES, ()).is_whole(name, "axes") is whole


def test_values_of_numpy_are_numbers() -> None:
    (axis,) = read_axes({"d": np.array([100, 200])})
    assert [type(value) for value in axis.column("d")] == [int, int]


# --- formulas --------------------------------------------------------------------------------------------------


@given(n=st.integers(1, 10**6), d=st.integers(1, 10**9), sigma=st.floats(1e-3, 1e3))
def test_formulas_are_pythons_arithmetic(n: int, d: int, sigma: float) -> None:
    text = "0.1*sqrt(n)/((3-1)*sigma_p*d) + max(n, d)//7 - -(n % 5)**2 / log(d + e) * pi"
    names = {"n": n, "d": d, "sigma_p": sigma}
    expected = eval(text, {"sqrt": math.sqrt, "log": math.log, "e": math.e, "pi": math.pi, "max": max}, names)
    assert Expression(text, "x").value(names) == expected
    assert Expression(text, "x").names == {"n", "d", "sigma_p"}


@pytest.mark.parametrize(
    "text",
    [
        "", "1 +", "__import__('os')", "n.__class__()", "[n][0]", "lambda: 1", "n if n else 1", "n < 1", "'n'", "True",
        "sqrt(n, key=1)", "open(n)", "(n := 3)", "f'{n}'", "n" * 2000, "1j", "*n", "n; d", "-" * 3000 + "n", 3,
        None,
    ],
)  # fmt: skip
def test_what_is_not_arithmetic_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"^Argument `coupled` must .* for x"):
        Expression(text, "x")


@pytest.mark.parametrize("text", ["1/(n-n)", "sqrt(-n)", "(-n)**0.5", "9**9**9**9", "exp(n*1000)", "log(n-n)"])
def test_a_formula_without_a_value_says_where(text: str) -> None:
    with pytest.raises(ValueError, match=r"^Argument `coupled` must give x a value"):
        Expression(text, "x").value({"n": 10})


def test_formulas_may_use_those_before_them() -> None:
    coupled = {"sigma_0": "1/d", "pretrain.lr": "sigma_0*n", "pretrain.tau": "2*pretrain.lr", "pretrain.steps": "2*n"}
    grid = make_grid(PROBLEM, PHASES, {"d": [100, 200], "signal": [1.0, 2.0, 3.0]}, [0], coupled)
    problem, phases = grid.at((1, 2))
    assert problem.sigma_0 == 1 / 200
    assert phases[0].optimizer == SAM(lr=10 / 200, tau=20 / 200)
    assert phases[0].steps == 20
    coordinates = grid.coordinates()
    assert coordinates["pretrain.tau"][0] == ("d",)
    assert coordinates["pretrain.steps"] == ((), 20)
    assert pickle.loads(pickle.dumps(grid)) == grid


# --- what cannot run -------------------------------------------------------------------------------------------

GOOD = {"axes": {"signal": [1.0, 2.0]}, "seeds": [0], "test_directions": 16}
BAD = [
    ("axes", {"axes": [("d", [1])]}),
    ("axes", {"axes": {"d": 1000}}),
    ("axes", {"axes": {"d": "1000"}}),
    ("axes", {"axes": {"d": []}}),
    ("axes", {"axes": {"signal": np.array(3.0)}}),
    ("axes", {"axes": {"signal": [1, 1.0]}}),
    ("axes", {"axes": {"signal": [10**400]}}),
    ("axes", {"axes": {"d": [1000, 2**63]}}),
    ("axes", {"axes": {"d": [1000, 2**64]}}),
    ("d", {"coupled": {"d": f"n*1{'0' * 30}"}}),
    ("P", {"coupled": {"P": f"n*1{'0' * 30}"}}),
    ("steps", {"coupled": {"pretrain.steps": f"n*1{'0' * 30}"}}),
    ("coupled", {"coupled": {"sigma_0": f"signal*n*1{'0' * 350}"}}),
    ("coupled", {"coupled": {"d": f"n*1{'0' * 350}"}}),
    ("coupled", {"coupled": {3: "d"}}),
    ("seeds", {"seeds": None}),
    ("seeds", {"seeds": np.array(3)}),
    ("axes", {"axes": {"d": [1000, 1000]}}),
    ("axes", {"axes": {3: [1000]}}),
    ("axes", {"axes": {(): [()]}}),
    ("axes", {"axes": {("d", "signal"): [1000, 2000]}}),
    ("axes", {"axes": {("d", "signal"): [(1000,)]}}),
    ("axes", {"axes": {"d": [1000], ("d", "signal"): [(1000, 1.0)]}}),
    ("axes", {"axes": {"unlearn.alpha": [0.5], "unlearn.objective.alpha": [0.6]}}),
    ("axes", {"axes": {"dimension": [1000]}}),
    ("axes", {"axes": {"unlearn.optimizer": ["SGD()"]}}),
    ("axes", {"axes": {"unlearn.objective": [SGD()]}}),
    ("d", {"axes": {"d": [1000, 12]}}),
    ("d", {"axes": {"d": [1000.0]}}),
    ("signal", {"axes": {"signal": [1.0, -1.0]}}),
    ("alpha", {"axes": {"unlearn.alpha": [0.5, 1.5]}}),
    ("forget", {"axes": {"forget": [0.2, 0.0]}}),
    ("objective", {"axes": {"unlearn.objective": [NegGrad(), Loss()]}}),
    ("batch", {"axes": {"pretrain.batch": [5, 50]}}),
    ("adaptive", {"axes": {"pretrain.adaptive": [False, True]}}),
    ("partition", {"axes": {"unlearn.partition": ["filter", "coordinate"]}}),
    ("coupled", {"coupled": ["d"]}),
    ("coupled", {"coupled": {"d": 3}}),
    ("coupled", {"coupled": {"dimension": "3"}}),
    ("coupled", {"coupled": {"sigma_0": "1/D"}}),
    ("coupled", {"coupled": {"sigma_0": "pretrain.lr"}}),
    ("coupled", {"coupled": {"pretrain.lr": "sigma_0", "sigma_0": "1/d"}}),
    ("coupled", {"coupled": {"sigma_0": "sigma_0/2"}}),
    ("coupled", {"coupled": {"signal": "1.0"}}),
    ("coupled", {"coupled": {"sigma_0": "1/(signal-1)"}}),
    ("sigma_0", {"coupled": {"sigma_0": "0*d"}}),
    ("seeds", {"seeds": 5}),
    ("seeds", {"seeds": []}),
    ("seeds", {"seeds": [1, 1]}),
    ("seeds", {"seeds": [-1]}),
    ("seeds", {"seeds": [0.5]}),
    ("seeds", {"seeds": "12"}),
    ("seeds", {"seeds": [2**63]}),
    ("engine", {"engine": "abacus"}),
    ("client", {"client": "localhost"}),
    ("test_directions", {"test_directions": 3}),
    ("observe", {"observe": ("sharpnes",)}),
    ("observe", {"observe": ("coefficients_full",), "axes": {"n": [10, 20]}}),
    ("observe", {"observe": ("coefficients_full",), "axes": {("P", "patches"): [(3, "copied"), (3, "independent")]}}),
    ("observe", {"observe": "loss"}),
    ("observe", {"observe": 3}),
    ("observe", {"observe": [3]}),
    ("out", {"out": 3}),
    ("tau", {"tau": -1.0}),
    ("chunk", {"chunk": 0}),
    ("progress", {"progress": "yes"}),
]


@pytest.mark.parametrize(("name", "changes"), BAD, ids=[f"{name}-{list(bad.values())}"[:60] for name, bad in BAD])
def test_bad_input_is_named_before_anything_runs(name: str, changes: dict, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("simulate.sweeps.workers.run_ensemble", None)
    with pytest.raises(ValueError, match=rf"^Argument `{name}` "):
        sweep(PROBLEM, PHASES, **{"out": tmp_path / "x.zarr", **GOOD, **changes})
    assert not list(tmp_path.iterdir())


def test_an_impossible_cell_says_where_it_is() -> None:
    with pytest.raises(ValueError, match=r"is 12. This is the cell d=12, signal=2.0.$"):
        sweep(PROBLEM, PHASES, axes={"d": [1000, 12], "signal": [2.0]}, seeds=[0])


def test_a_dimension_beyond_63_bits_is_refused_by_runs_and_sweeps() -> None:
    run(replace(PROBLEM, d=2**63 - 1), PHASES[:1], test_directions=16)
    for train in (run, lambda *given: sweep(*given, **{**GOOD, "axes": {}})):
        with pytest.raises(ValueError, match=r"^Argument `d` must be below 2\*\*63"):
            train(replace(PROBLEM, d=2**63), PHASES[:1])
    with pytest.raises(ValueError, match=r"^Argument `signal`"):
        replace(PROBLEM, signal=10**400)


@pytest.mark.parametrize("phases", [[], PHASES[0], [PHASES[0], PHASES[0]]])
def test_bad_phases_are_named(phases: object) -> None:
    with pytest.raises(ValueError, match=r"^Argument `phases`"):
        sweep(PROBLEM, phases, **GOOD)
