"""Trainings that begin alike are trained once as far as they do, and no bit changes."""

from contextlib import nullcontext
from dataclasses import replace

import pytest

from simulate import SAM, SGD, LabelNoise, Loss, NegGrad, Phase, Problem, SharpMinMax
from simulate.dynamics.engines.readable import ReadableEngine
from simulate.runs import ensemble, lanes
from simulate.runs.ensemble import Cell, run_ensemble
from tests.oracles.gpu_rehearsal import numpy_for_cupy

PROBLEM = Problem(d=200, n=10, m=2, signal=3.0, forget=0.3, label_flip=0.1)
ASIDE = Phase("reference", Loss(on="retain"), SGD(lr=0.05), steps=30, stop_loss=0.4, aside=True)
FIT = Phase("fit", Loss(), SGD(lr=0.05, batch=5), steps=40, stop_loss=0.3)
UNLEARN = Phase("unlearn", NegGrad(alpha=0.6), SGD(lr=0.05), steps=20, stop_forget_loss_above="reference")
ENDS = (
    UNLEARN,
    replace(UNLEARN, objective=NegGrad(alpha=0.9)),
    replace(UNLEARN, optimizer=SAM(lr=0.05, tau=0.1)),
    replace(UNLEARN, optimizer=SharpMinMax(lr=0.05)),
    replace(UNLEARN, steps=0),
)
UNLEARN_AT_ONCE = replace(UNLEARN, stop_forget_loss_above=None, optimizer=SharpMinMax(lr=0.05))
OBSERVE = ("coefficients", "loss", "test_error")


def family(seed: int, problem: Problem = PROBLEM) -> list[Cell]:
    """One network, pretrained, and then unlearned in several ways; and one whose pretraining is another."""
    common = [Cell(problem, (ASIDE, FIT, end), seed) for end in ENDS]
    return [*common, Cell(problem, (ASIDE, replace(FIT, steps=7), UNLEARN), seed)]


def cells() -> list[Cell]:
    """Three families; of the first two, cells are in turn. One overflows while pretrained."""
    burst = replace(FIT, optimizer=SGD(lr=1e200))
    mixed = [cell for pair in zip(family(1), family(2), strict=True) for cell in pair]
    return [*mixed, *(Cell(PROBLEM, (ASIDE, burst, end), 3) for end in ENDS[:2])]


@pytest.mark.parametrize("engine", ["numba", "numpy", "dense", "cupy"])
def test_what_is_shared_has_the_bits_of_what_is_alone(engine: str) -> None:
    with numpy_for_cupy() if engine == "cupy" else nullcontext():
        together = run_ensemble(cells(), engine=engine, test_directions=16, observe=OBSERVE)
        for number, cell in enumerate(cells()):
            alone = run_ensemble([cell], engine=engine, test_directions=16, observe=OBSERVE)
            assert together.isel(cell=[number]).identical(alone), number


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_other_data_with_the_same_labels_share_a_plan_and_no_bit_changes(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Minibatches and turned labels are asked for by several trajectories, segment after segment, till each stops."""
    monkeypatch.setattr(ensemble, "SEGMENT", 16)
    noisy = Phase("noisy", LabelNoise(flip=0.2), SGD(lr=0.05, batch=3, momentum=0.5), steps=40)
    louder = [replace(PROBLEM, signal=signal) for signal in (0.5, 3.0, 9.0, 1e200)]
    chosen = [Cell(problem, (FIT, UNLEARN_AT_ONCE, noisy), seed) for problem in louder for seed in (1, 2)]
    together = run_ensemble(chosen, engine=engine, test_directions=16)
    assert len(set(together["phase_steps"].values[:, 0])) > 2
    assert set(together["status"].values) > {"nonfinite"}
    for number, cell in enumerate(chosen):
        assert together.isel(cell=[number]).identical(run_ensemble([cell], engine=engine, test_directions=16)), number


@pytest.mark.parametrize("chunk_bytes", [lanes.CHUNK_BYTES, 1])
def test_a_common_beginning_is_trained_once(chunk_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    move = ReadableEngine.move

    def counted(self, number, *arguments):
        taken.append(self.plans[number].phase.name)
        return move(self, number, *arguments)

    monkeypatch.setattr(ReadableEngine, "move", counted)
    monkeypatch.setattr(lanes, "CHUNK_BYTES", chunk_bytes)
    chosen = [Cell(PROBLEM, (ASIDE, FIT, end), seed) for end in ENDS[:3] for seed in (1, 2)]
    steps = run_ensemble(chosen, engine="numpy", test_directions=16)["phase_steps"].values
    shared = chunk_bytes > 1
    assert taken.count("reference") == (steps[:2, 0] if shared else steps[:, 0]).sum()
    assert taken.count("fit") == (steps[:2, 1] if shared else steps[:, 1]).sum()
    assert taken.count("unlearn") == steps[:, 2].sum() > 0


def test_a_name_that_differs_is_another_beginning() -> None:
    """Minibatches follow from the names of phases, so that these two networks are not the same."""
    first, second = Cell(PROBLEM, (FIT,), 1), Cell(PROBLEM, (replace(FIT, name="other"),), 1)
    ends = run_ensemble([first, second], test_directions=16)
    assert ends["kappa_mean"][0] != ends["kappa_mean"][1]


def test_families_are_not_taken_apart_without_need() -> None:
    many = [Cell(PROBLEM, (FIT, replace(UNLEARN, steps=steps)), seed) for steps in range(4) for seed in range(8)]
    chunks = list(lanes.cut(many, lanes.Lanes.of("numba", 2)))
    assert sorted(number for chunk in chunks for number in chunk) == list(range(32))
    assert [len(chunk) for chunk in chunks] == [2] * 16  # busy to the end, each with half a family
    assert all(len({many[number].family for number in chunk}) == 1 for chunk in chunks)
    (alone,) = lanes.cut(many, lanes.Lanes.of("numba", 1))
    assert [many[number].seed for number in alone] == [seed for seed in range(8) for _ in range(4)]


def test_a_card_takes_one_kind_of_step_at_a_time() -> None:
    chosen = [Cell(PROBLEM, (FIT, end), 1) for end in ENDS[:3]]
    assert len(list(lanes.cut(chosen, lanes.Lanes.of("numba", 1)))) == 1
    assert len(list(lanes.cut(chosen, lanes.Lanes.of("cupy", 1)))) == 2
