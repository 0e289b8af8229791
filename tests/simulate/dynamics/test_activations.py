"""Leaky ReLU and powers of ReLU: every engine takes PyTorch's steps, whatever else a step has in it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simulate import (
    SAM,
    SGD,
    Cell,
    Instance,
    LabelNoise,
    Loss,
    NegGrad,
    Phase,
    Record,
    Result,
    SharpMinMax,
    State,
    deactivation_radius,
    run,
    run_ensemble,
)
from simulate.dynamics.step import network_output
from simulate.problems.activations import Activation
from simulate.runs import ensemble
from tests.oracles.configurations import Configuration
from tests.oracles.gpu_rehearsal import numpy_for_cupy
from tests.simulate.dynamics.test_descents import random_runs
from tests.simulate.engine_runs import ENGINES, TOLERANCE, draw, end_of, instance_of, relative_error
from tests.simulate.refusals import refused
from tests.simulate.small_trainings import assert_same_bits
from tests.simulate.two_phases import RUNS, SMALL

LEAKY: dict[str, Any] = {"activation": "leaky", "leak": 0.1}
SQUARE: dict[str, Any] = {"activation": "power", "power": 2}
CUBE: dict[str, Any] = {"activation": "power", "power": 3}
KINDS = (LEAKY, SQUARE, CUBE)
every_kind = pytest.mark.parametrize("kind", KINDS, ids=["leaky", "square", "cube"])


def activated_runs(number: int, *, steps: int, seed: int) -> list[Configuration]:
    """Random runs, each with the next activation."""
    runs = random_runs(number, steps=steps, seed=seed)
    return [replace(each, problem=replace(each.problem, **KINDS[k % 3])) for k, each in enumerate(runs)]


@pytest.mark.parametrize(("number", "steps"), [(30, 40), pytest.param(500, 200, marks=pytest.mark.slow)])
def test_engines_agree_on_every_activation(number: int, steps: int) -> None:
    """But for rare trajectories that amplify rounding: see `tests.simulate.dynamics.test_engines.compare`."""
    compared, unstable = 0, 0
    for each in activated_runs(number, steps=steps, seed=11):
        reference, margin = end_of(each, "dense")
        if not np.abs(reference).max() < 1e6:  # powers overflow easily
            continue
        for engine in ENGINES[1:]:
            weights, other = end_of(each, engine)
            if min(margin, other) > TOLERANCE:
                error = relative_error(weights, reference)
                if error > 100 * TOLERANCE:
                    assert error <= 3 * relative_error(end_of(each, "dense", shaken=True)[0], reference), (each, engine)
                    unstable += 1
                compared += 1
    assert compared >= 1.8 * number
    assert unstable <= 0.02 * compared


@pytest.mark.parametrize("number", [24, pytest.param(240, marks=pytest.mark.slow)])
def test_activated_steps_are_those_of_torch(number: int) -> None:
    pytest.importorskip("torch", reason="the oracle needs PyTorch")
    from tests.oracles import torch_descent

    seen = set()
    for each in activated_runs(number, steps=16, seed=12):
        unlearn = each.phases[1]
        if isinstance(unlearn.optimizer, SAM) and (unlearn.optimizer.on, unlearn.optimizer.sharpness) != (
            "joint",
            "min",
        ):
            continue
        weights = torch_descent.train(instance_of(each), each.phases)
        if np.abs(weights).max() < 1e6:
            assert relative_error(end_of(each, "numba")[0], weights) <= 1e-9, each
            seen |= {type(unlearn.optimizer).__name__, each.problem.power or each.problem.leak}
    assert seen == {"SGD", "SAM", "SharpMinMax", 0.1, 2, 3}


@pytest.mark.parametrize("change", [{"leak": 0.1001}, {"activation": "relu", "leak": None}], ids=str)
def test_another_leak_leads_elsewhere(change: dict[str, Any]) -> None:
    phases = [Phase("fit", Loss(), SGD(lr=0.2), steps=40)]
    ends = [run(draw(replace(SMALL, **one), 1), phases).state.preactivations for one in (LEAKY, {**LEAKY, **change})]
    assert relative_error(*ends) > 1000 * TOLERANCE


@every_kind
@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
@pytest.mark.parametrize("name", ["minibatches", "sharp minmax", "momentum"])
def test_activated_runs_go_on_bit_for_bit(name: str, engine: str, kind: dict[str, Any]) -> None:
    problem, (first, second) = replace(SMALL, **kind), RUNS[name]

    def end(phases: list[Phase], start: State | None = None) -> Result:
        options: dict[str, Any] = {"record": Record(every=100), "test_directions": 16, "engine": engine}
        return run(problem, phases, seed=8, start=start, **options)

    whole = end([first, second])
    for phases in ([replace(first, steps=5)], [first, replace(second, steps=4)]):
        assert_same_bits(end([first, second], end(phases).state), whole)
    assert name == "momentum" or whole.state.velocity is None


def test_activations_share_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell's numbers are the same, whatever other cells it is with; on one thread all are in one chunk."""
    monkeypatch.setattr(ensemble, "numba", SimpleNamespace(get_num_threads=lambda: 1))
    steps = [(SGD(lr=0.1), Loss()), (SAM(lr=0.1, momentum=0.5), LabelNoise(flip=0.2)), (SAM(lr=0.1), NegGrad())]
    cells = [
        Cell(replace(SMALL, **kind), (Phase("fit", objective, optimizer, steps=20, stop_loss=0.2),), seed)
        for seed, (kind, (optimizer, objective)) in enumerate(product(({}, *KINDS), steps))
    ]
    together = run_ensemble(cells, test_directions=16, observe=("loss", "gradient_norm"), tau=0.1)
    for number, cell in enumerate(cells):
        alone = run_ensemble([cell], test_directions=16, observe=("loss", "gradient_norm"), tau=0.1)
        assert together.isel(cell=[number]).identical(alone), number
        ended = run(cell.problem, cell.phases, seed=cell.seed, test_directions=16)
        assert ended.test_error == together.test_error.values[number]
        assert ended.train_loss == together.train_loss.values[number]


@every_kind
def test_a_card_refuses_activations_by_name(kind: dict[str, Any]) -> None:
    with numpy_for_cupy(), refused("engine"):
        run(draw(replace(SMALL, **kind), 1), [Phase("fit", Loss(), SGD(), steps=2)], engine="cupy")


@pytest.mark.parametrize("engine", ENGINES)
def test_only_a_kink_has_a_margin(engine: str) -> None:
    phases = [Phase("fit", Loss(), SGD(lr=0.1), steps=3)]
    margins = [run(draw(replace(SMALL, **kind), 1), phases, engine=engine).kink_margin for kind in KINDS]
    assert 0.0 < margins[0] < 1.0
    assert margins[1:] == [np.inf, np.inf]


@every_kind
def test_outputs_are_homogeneous(kind: dict[str, Any]) -> None:
    """Twice the weights give 2^q times the output, and a leak is felt on the left side alone."""
    instance = draw(replace(SMALL, **kind), 1)
    start = instance.geometry.start
    once, twice = network_output(instance, start), network_output(instance, 2.0 * start)
    np.testing.assert_allclose(twice, 2.0**instance.activation.power * once, rtol=1e-12)


def test_what_has_no_meaning_is_refused() -> None:
    phases = (Phase("fit", Loss(), SAM(lr=0.1), steps=2),)
    for kind, words in ((LEAKY, ("deactivation", "deactivation_radius")), (SQUARE, ("hessian",))):
        for word in words:
            with refused("observe"):
                run(replace(SMALL, **kind), phases, record=Record(observe=(word,)))
            with refused("observe"):
                run_ensemble([Cell(replace(SMALL, **kind), phases, 0)], observe=(word,))
    with refused("instance"):
        deactivation_radius(draw(replace(SMALL, **LEAKY), 1), Loss())


def test_the_radius_that_switches_off_squares_is_told() -> None:
    """Noise vectors at right angles, for which the closed form is exact."""
    n, m, d = 8, 3, 40
    rng = np.random.default_rng(0)
    given = {"phi": np.eye(d)[0] * 2.0, "xi": np.eye(d)[1 : n + 1] * 3.0, "w0": 0.1 * rng.standard_normal((2, m, d))}
    labels = {"y": np.where(np.arange(n) % 2, 1, -1), "forget": np.arange(n) < 2}
    instance = Instance.from_arrays(**given, **labels, **SQUARE)
    tau = deactivation_radius(instance, Loss(), fraction=0.5)
    words = ("deactivation", "deactivation_radius")
    record = Record(observe=words, tau=tau * (1.0 + 1e-9))
    trace = run(instance, [Phase("fit", Loss(), SAM(lr=0.1, tau=tau), steps=0)], record=record).trace
    measured, told = trace.deactivated.values[0], trace.deactivated_predicted.values[0]
    np.testing.assert_allclose(measured, told)
    assert 0.5 <= measured[0, 0] < 1.0


def test_the_hessian_of_leaky_relu_is_that_of_its_gradients() -> None:
    """Against Σ_i h_i ∇f_i ∇f_iᵀ, its gradients written out in R^d."""
    instance = draw(replace(SMALL, **LEAKY), 3)
    record = Record(observe=("hessian",))
    trace = run(instance, [Phase("fit", Loss(), SGD(lr=1e-9), steps=0)], record=record).trace
    eigenvalue = float(trace.hessian_eigenvalue.sel(part="train").values[0])
    z = instance.geometry.start
    slopes = instance.activation.slope(z * 1.0)
    assert set(np.unique(slopes)) == {0.1, 1.0}
    jacobian = []
    for i in range(instance.n):  # ∇f_i in R^d, written out
        signal = (
            instance.activation.slope(z[..., 0] * instance.y_true[i])[..., None] * instance.y_true[i] * instance.phi
        )
        noise = slopes[..., 1 + i][..., None] * instance.xi[i, 0] * instance.multiplicity
        jacobian.append(((signal + noise) * np.array([1.0, -1.0])[:, None, None] / instance.m).ravel())
    margin = instance.y * network_output(instance, z)
    weight = 1.0 / (1.0 + np.exp(margin)) / (1.0 + np.exp(-margin)) / instance.n
    hessian = np.array(jacobian).T @ (weight[:, None] * np.array(jacobian))
    assert eigenvalue == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-9)


def test_sharp_minmax_of_a_power_parts_by_its_own_gradients() -> None:
    """The parts of the network are those of the gradient of the forget loss, which differ from ReLU's."""
    phase = [Phase("part", NegGrad(), SharpMinMax(lr=0.1), steps=1)]
    parts = [run(draw(replace(SMALL, **kind), 2), phase).state.forget_part for kind in ({}, CUBE)]
    assert parts[0] is not None
    assert parts[1] is not None
    assert (parts[0] != parts[1]).any()


@every_kind
def test_a_clip_sees_the_part_that_moves(kind: dict[str, Any]) -> None:
    instance = draw(replace(SMALL, **kind), 2)
    phase = [Phase("part", NegGrad(), SharpMinMax(lr=0.1, clip=0.01, fraction=0.7), steps=10)]
    ends = [run(instance, phase, engine=engine).state.preactivations for engine in ("dense", "numba")]
    assert relative_error(ends[1], ends[0]) < TOLERANCE


def test_activation_by_hand() -> None:
    x = np.array([-2.0, 0.0, 3.0])
    square, leaky = Activation.named("power", power=2), Activation.named("leaky", leak=0.5)
    assert (square.value(x).tolist(), square.slope(x).tolist()) == ([0.0, 0.0, 9.0], [0.0, 0.0, 6.0])
    assert (leaky.value(x).tolist(), leaky.slope(x).tolist()) == ([-1.0, 0.0, 3.0], [0.5, 0.5, 1.0])
    assert (str(square), str(leaky), str(Activation())) == ("ReLU^2", "leaky ReLU of slope 0.5", "ReLU")
