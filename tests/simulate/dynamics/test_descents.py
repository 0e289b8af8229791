"""Momentum, weight decay, clipping, schedules, turned labels and other SAMs: every engine takes PyTorch's steps."""

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
    BoundedNegGrad,
    Cell,
    GradientDifference,
    Instance,
    LabelNoise,
    Loss,
    NegGrad,
    Phase,
    RandomLabel,
    Result,
    SharpMinMax,
    Status,
    run,
    run_ensemble,
)
from simulate.dynamics.label_turns import Turns
from simulate.dynamics.optimizers import Optimizer
from simulate.dynamics.step import logistic_loss, network_output
from simulate.runs import ensemble
from tests.oracles.configurations import Configuration, configurations
from tests.oracles.gpu_rehearsal import numpy_for_cupy
from tests.simulate.engine_runs import ENGINES, TOLERANCE, compare, draw, end_of, instance_of, relative_error
from tests.simulate.two_phases import SMALL

INERTIAS: tuple[dict[str, Any], ...] = (
    {},
    {"momentum": 0.7},
    {"momentum": 0.7, "nesterov": True},
    {"weight_decay": 0.02},
    {"clip": 0.05},
    {"schedule": "cosine"},
    {"schedule": "steps", "warmup": 0.3},
    {"momentum": 0.5, "weight_decay": 0.01, "clip": 0.1, "schedule": "cosine", "warmup": 0.1},
)
BASES: tuple[Optimizer, ...] = (
    SGD(),
    SAM(),
    SAM(mixing=0.5, sharpness="max"),
    SAM(normalised=False),
    SAM(micro_batches=3),
    SAM(micro_batches=2, on="forget"),
    SharpMinMax(),
    SharpMinMax(mixing=0.5, polarity="bottom"),
)
OPTIMIZERS = tuple(replace(base, **inertia) for base, inertia in product(BASES, INERTIAS))
OBJECTIVES = (
    LabelNoise(flip=0.2),
    LabelNoise(flip=0.3, on="retain"),
    NegGrad(),
    BoundedNegGrad(alpha=0.6, beta=2.0),
    RandomLabel(flip=0.5),
    GradientDifference(weight=0.4),
)


def random_runs(number: int, *, steps: int, seed: int = 5) -> list[Configuration]:
    """Random problems; unlearning has each of the optimizers, and the objectives in turn."""
    rng = np.random.default_rng(seed)
    made = []
    for k, each in enumerate(configurations(number, optimizers=OPTIMIZERS, steps=steps, seed=seed)):
        before, unlearn = each.phases
        objective = (unlearn.objective, *OBJECTIVES)[k % (len(OBJECTIVES) + 1)]
        if isinstance(unlearn.optimizer, SharpMinMax):
            objective = (unlearn.objective, OBJECTIVES[3])[k % 2]
        if getattr(unlearn.optimizer, "on", "joint") == "joint":
            unlearn = replace(unlearn, objective=objective)
        inertia = INERTIAS[int(rng.integers(len(INERTIAS)))]
        before = replace(before, optimizer=replace(before.optimizer, **inertia))
        made.append(replace(each, phases=(before, unlearn)))
    return made


@pytest.mark.parametrize(("number", "steps"), [(40, 50), pytest.param(2000, 300, marks=pytest.mark.slow)])
def test_engines_reach_the_same_weights(number: int, steps: int, record_property) -> None:
    for engine in ENGINES[1:]:
        compare(random_runs(number, steps=steps), engine, lambda each: end_of(each, "dense"), record_property)


@pytest.mark.parametrize("number", [24, pytest.param(400, marks=pytest.mark.slow)])
def test_the_steps_are_those_of_torch(number: int) -> None:
    pytest.importorskip("torch", reason="the oracle needs PyTorch")
    from tests.oracles import torch_descent

    seen = set()
    for each in random_runs(number, steps=20, seed=6):
        unlearn = each.phases[1]
        if isinstance(unlearn.optimizer, SAM) and unlearn.optimizer.on != "joint":
            continue
        if isinstance(unlearn.optimizer, SAM) and unlearn.optimizer.sharpness == "max":
            continue
        weights = torch_descent.train(instance_of(each), each.phases)
        assert relative_error(end_of(each, "numba")[0], weights) <= 1e-9, each
        seen |= {type(unlearn.optimizer).__name__, type(unlearn.objective).__name__}
    assert seen >= {"SGD", "SAM", "SharpMinMax", "NegGrad", "BoundedNegGrad", "LabelNoise"}


@pytest.mark.parametrize(
    "change",
    [
        {"momentum": 0.7001},
        {"nesterov": False},
        {"weight_decay": 0.0101},
        {"clip": 0.1001},
        {"warmup": 0.0},
        {"schedule": "steps"},
    ],
    ids=str,
)
def test_a_number_slightly_off_would_be_noticed(change: dict[str, Any]) -> None:
    right = SGD(lr=0.2, momentum=0.7, nesterov=True, weight_decay=0.01, clip=0.1, schedule="cosine", warmup=0.1)
    instance = draw(SMALL, 1)
    ends = [
        run(instance, [Phase("fit", Loss(), optimizer, steps=40)]) for optimizer in (right, replace(right, **change))
    ]
    assert relative_error(*(end.state.preactivations for end in ends)) > 1000 * TOLERANCE


def test_what_is_not_used_changes_no_bit() -> None:
    """Momentum 0, a clip that is never reached, and one micro-batch are the plain step, up to rounding."""
    instance = draw(SMALL, 1)
    plain, other = (
        run(instance, [Phase("fit", Loss(), optimizer, steps=40)], engine="dense")
        for optimizer in (SAM(lr=0.1, tau=0.1), SAM(lr=0.1, tau=0.1, clip=1e9))
    )
    assert relative_error(plain.state.weights, other.state.weights) < 1e-13


def test_decay_alone_shrinks_the_initial_weights() -> None:
    """Where no sample has a weight, w(t) = (1 - η λ)^t w(0)."""
    phases = [Phase("fade", NegGrad(alpha=0.0), SAM(lr=0.1, on="forget", weight_decay=0.5, clip=1e-300), steps=20)]
    instance = draw(SMALL, 1)
    for engine in ENGINES:
        result = run(instance, phases, engine=engine)
        np.testing.assert_allclose(result.state.initial_share, (1 - 0.05) ** 20, rtol=1e-12)
        np.testing.assert_allclose(result.state.preactivations, (1 - 0.05) ** 20 * instance.geometry.start, rtol=1e-9)


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_test_errors_know_what_is_left_of_the_initial_weights(engine: str) -> None:
    instance = Instance.draw(SMALL, 2, space="ambient")
    phases = [Phase("fit", Loss(), SGD(lr=0.2, weight_decay=0.05, momentum=0.5), steps=20)]
    dense, other = (run(instance, phases, engine=one, test_directions=64) for one in ("dense", engine))
    assert other.test.log_clean_error == pytest.approx(dense.test.log_clean_error, rel=1e-9)  # flips would hide it
    assert dense.test.log_clean_error < -20
    assert other.state.initial_share.max() < 0.9


def test_plain_and_other_steps_share_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell's numbers are the same, whatever other cells it is with; on one thread all are in one chunk."""
    monkeypatch.setattr(ensemble, "numba", SimpleNamespace(get_num_threads=lambda: 1))
    optimizers = [SGD(lr=0.1), SGD(lr=0.1, momentum=0.9), SAM(lr=0.1, weight_decay=0.1), SAM(lr=0.1, schedule="cosine")]
    objectives = [Loss(), LabelNoise(flip=0.2)]
    cells = [
        Cell(SMALL, (Phase("fit", objective, optimizer, steps=steps, stop_loss=0.2),), seed)
        for seed, (steps, objective, optimizer) in enumerate(product((20, 70), objectives, optimizers))
    ]
    together = run_ensemble(cells, test_directions=16)
    for number, cell in enumerate(cells):
        alone = run_ensemble([cell], test_directions=16)
        assert together.isel(cell=[number]).identical(alone), number


def test_a_card_takes_plain_steps_alone() -> None:
    with numpy_for_cupy(), pytest.raises(ValueError, match=r'^Argument `engine` must be "numba"'):
        run(draw(SMALL, 1), [Phase("fit", Loss(), SGD(momentum=0.9), steps=2)], engine="cupy")


@pytest.mark.parametrize(("source", "target"), [("numba", "numpy"), ("numpy", "numba")])
def test_a_run_goes_on_in_another_engine(source: str, target: str) -> None:
    phase = Phase("fit", LabelNoise(flip=0.2), SGD(lr=0.1, momentum=0.9, weight_decay=0.05), steps=30)
    instance = draw(SMALL, 1)
    half = run(instance, [replace(phase, steps=13)], engine=source).state
    whole, gone_on = run(instance, [phase], engine=target), run(instance, [phase], engine=target, start=half)
    assert relative_error(gone_on.state.preactivations, whole.state.preactivations) < 1e-12


def test_a_fresh_phase_has_no_velocity() -> None:
    phases = [Phase(name, Loss(), SGD(lr=0.1, momentum=0.9), steps=10) for name in ("one", "two")]
    instance = draw(SMALL, 1)
    twice, once = run(instance, phases), run(instance, [replace(phases[0], steps=20)])
    assert relative_error(twice.state.preactivations, once.state.preactivations) > 1e-3


def test_what_is_forgotten_is_no_longer_pushed() -> None:
    """The first step is NegGrad's; after a thousand the loss on F is far below NegGrad's, and β → 0 is NegGrad."""
    instance = draw(SMALL, 1)
    fit = Phase("fit", Loss(), SGD(lr=0.3), steps=200)

    def unlearned(objective: NegGrad, steps: int) -> Result:
        return run(instance, [fit, Phase("unlearn", objective, SGD(lr=0.1), steps=steps)])

    bounded, plain = BoundedNegGrad(alpha=0.5, beta=1.0), NegGrad(alpha=0.5)
    first, other = (unlearned(objective, 1).state.preactivations for objective in (bounded, plain))
    assert relative_error(first, other) < 1e-12
    ends = (unlearned(each, 1000) for each in (plain, BoundedNegGrad(alpha=0.5, beta=1e-9), bounded))
    losses = [loss_on_forget_set(end.state.preactivations, instance) for end in ends]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[2] < 0.2 * losses[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_stopping_looks_at_the_observed_labels(engine: str) -> None:
    """Turned labels have a loss that never falls so low."""
    instance = draw(SMALL, 1)
    fit = Phase("fit", LabelNoise(flip=0.45), SGD(lr=1.0), steps=4000, stop_loss=0.6)
    result = run(instance, [fit], engine=engine)
    assert result.status is Status.CONVERGED
    assert result.train_loss <= 0.6
    assert result.phases["fit"][0] == run(instance, [fit], engine="dense").phases["fit"][0] > 5


def loss_on_forget_set(z: np.ndarray, instance: Instance) -> float:
    return float(logistic_loss(instance.y * network_output(instance, z))[instance.forget].mean())


def test_turned_labels_are_drawn_by_step() -> None:
    """However the steps are asked for, step s sees the same labels; a fifth of them turned."""
    turns = Turns(0.2, 9, seed=3, phase="fit")
    whole = turns.turned(0, 1500)
    assert whole.mean() == pytest.approx(0.2, abs=0.02)
    fresh = Turns(0.2, 9, seed=3, phase="fit")
    pieces = [fresh.turned(first, last) for first, last in ((700, 1100), (0, 512), (512, 513), (1100, 1500))]
    assert np.array_equal(pieces[0], whole[700:1100])
    assert np.array_equal(pieces[3], whole[1100:])
    assert np.array_equal(np.concatenate(pieces[1:3]), whole[:513])
    assert not np.array_equal(whole[:500], whole[500:1000])
    for other in (Turns(0.2, 9, seed=3, phase="unlearn"), Turns(0.2, 9, seed=4, phase="fit")):
        assert not np.array_equal(other.turned(0, 500), whole[:500])


def test_schedules_by_hand() -> None:
    assert SGD().rates(3, 9, 10).tolist() == [1.0]
    assert SGD(schedule="steps").rates(0, 8, 8).round(12).tolist() == [1.0] * 4 + [0.1] * 2 + [0.01] * 2
    assert SGD(warmup=0.5).rates(0, 4, 4).round(12).tolist() == [round(1 / 3, 12), round(2 / 3, 12), 1.0, 1.0]
    assert SGD(schedule="cosine", warmup=0.5).rates(2, 4, 4).round(12).tolist() == [1.0, 0.5]
    assert SGD(schedule="cosine").rates(2, 2, 4).round(12).tolist() == [0.5]  # nothing comes; a row there must be


def test_rarer_options_are_told_where_they_are_used() -> None:
    assert repr(SGD(lr=0.1)) == "SGD(lr=0.1, batch=None)"
    assert repr(SGD(lr=0.1, momentum=0.9)) == "SGD(lr=0.1, batch=None, momentum=0.9)"
    assert "micro_batches" not in repr(SAM())
    assert repr(SAM(micro_batches=2)).endswith("adaptive=False, micro_batches=2)")
