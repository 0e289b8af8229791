"""The engine "cupy" takes the steps of "numba": its kernel in numba's simulator, its lockstep walk with NumPy."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from time import sleep
from typing import ClassVar

import numpy as np
import pytest

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, SharpMinMax, Status, run
from simulate.dynamics.cuda.device import Gpu, find_gpu
from simulate.dynamics.cuda.layout import A100, H100, Shape, choose_layout, lay_out, resident_blocks
from simulate.dynamics.cuda.thread import TILE
from simulate.dynamics.engines.gpu import CupyEngine
from simulate.runs import lanes
from simulate.runs.ensemble import Cell, run_ensemble
from tests.benchmarks import gpu_sweep
from tests.oracles.configurations import configurations
from tests.oracles.gpu_rehearsal import End, Training, numpy_for_cupy, rehearse, train
from tests.simulate.small_sweep import small_sweep
from tests.threads import numba_threads

TOLERANCE = 1e-12
"""Largest error, relative to the largest entry, after the few steps that a simulator of threads can take."""


def instances(problem: Problem, count: int = 1) -> list[Instance]:
    return [replace(Instance.draw(problem, seed), noise_law=None) for seed in range(count)]


def every_option(number: int, steps: int) -> list[Training]:
    """Trainings that between them use every option, in blocks of different shapes."""
    return [
        Training([replace(Instance.draw(each.problem, each.seed), noise_law=None)], each.phases, 2 + i % 4, 1 + i % 2)
        for i, each in enumerate(configurations(number, steps=steps))
    ]


def several_tiles() -> Training:
    """More filters than a tile has, in groups of threads that have more than one tile or one too many."""
    problem = Problem(d=60, n=6, m=TILE + 2, P=3, patches="independent", signal=2.0, sigma_0=0.1, forget=0.34)
    phases = [Phase("a", Loss(), SAM(lr=0.5, tau=0.3, mixing=0.5), steps=3)]
    return Training(instances(problem), phases, lanes=5, groups=2)


def part_of_the_gram_matrix() -> Training:
    """Room for half of the rows only."""
    problem = Problem(d=60, n=10, m=3, signal=2.0, sigma_0=0.1, forget=0.3)
    phases = [Phase("a", Loss(), SGD(lr=0.5), steps=4), Phase("b", NegGrad(), SharpMinMax(lr=0.3, tau=0.3), steps=4)]
    full = lay_out(Shape(n=10, m=3, n_columns=11, updates=2), 10**6, groups=1)
    assert full is not None
    return Training(instances(problem), phases, lanes=4, capacity=full.n_bytes - 5 * 11 * 8)


def stopping() -> Training:
    """Trajectories that stop at different steps, by each of the rules, and some that do not."""
    problem = Problem(d=60, n=8, m=2, signal=1.0, sigma_0=0.3, forget=0.4, label_flip=0.2)
    learn = Phase("a", Loss(), SGD(lr=1.0, batch=3), steps=8, stop_loss=0.45)
    forget = Phase("b", NegGrad(alpha=0.3), SGD(lr=1.0), steps=8, stop_forget_below=0.4)
    again = Phase("c", Loss(), SGD(lr=1.0), steps=8, stop_forget_above=0.9)
    unlike = Phase("d", NegGrad(alpha=0.3), SGD(lr=1.0), steps=8, stop_forget_loss_above=1.5)
    return Training(instances(problem, 4), [learn, forget, again, unlike], lanes=3)


def heavy_tails() -> Training:
    """Images whose noise differs in strength: other Gram matrices, the same kernel."""
    problem = Problem(d=60, n=8, m=2, signal=1.0, sigma_0=0.3, forget=0.4, tails="student-t", degrees_of_freedom=2.5)
    phases = [Phase("a", Loss(), SAM(lr=0.5, tau=0.3), steps=3), Phase("b", NegGrad(), SGD(lr=0.3), steps=3)]
    return Training(instances(problem, 2), phases, lanes=3)


def overflowing() -> list[Training]:
    """Steps that overflow, noticed in the next step or in the second update of the same."""
    problem = Problem(d=60, n=6, m=2, signal=1e3, sigma_p=1e3, sigma_0=0.3, forget=0.4)
    optimizers = SGD(lr=1e308), SAM(lr=1e308, tau=0.3), SharpMinMax(lr=1e308, tau=0.3)
    phases = [[Phase("a", NegGrad(), each, steps=4), Phase("b", Loss(), SGD(), steps=4)] for each in optimizers]
    return [Training(instances(problem, 3), each, lanes=4) for each in phases]


def assert_ended_alike(found: list[End], expected: list[End]) -> None:
    for here, there in zip(found, expected, strict=True):
        assert (here.steps, here.status) == (there.steps, there.status)


def assert_equal(found: list[End], expected: list[End]) -> None:
    assert_ended_alike(found, expected)
    for here, there in zip(found, expected, strict=True):
        for one, other in zip(
            (here.coefficients, here.preactivations), (there.coefficients, there.preactivations), strict=True
        ):
            scale = np.abs(other).max(axis=(1, 2, 3), keepdims=True)
            assert (np.abs(one - other) <= TOLERANCE * scale).all()
        np.testing.assert_allclose(here.closest, there.closest, rtol=1e-6, atol=1e-13)


# --- the kernel -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [24, pytest.param(240, marks=pytest.mark.slow)])
def test_kernel_takes_the_steps_of_numba(number, tmp_path):
    trainings = [*every_option(number, steps=4), several_tiles(), part_of_the_gram_matrix(), stopping(), heavy_tails()]
    for training, ends in zip(trainings, rehearse(trainings, tmp_path), strict=True):
        assert_equal(ends, train(training, "numba"))


def test_kernel_says_what_overflows_as_numba_does(tmp_path):
    trainings = overflowing()
    for training, ends in zip(trainings, rehearse(trainings, tmp_path), strict=True):
        assert_ended_alike(ends, train(training, "numba"))


def test_a_wrong_step_size_would_be_noticed():
    for training in every_option(8, steps=6):
        optimizers = [replace(each.optimizer, lr=each.optimizer.lr * (1 + 1e-9)) for each in training.phases]
        faster = [replace(each, optimizer=to) for each, to in zip(training.phases, optimizers, strict=True)]
        with pytest.raises(AssertionError):
            assert_equal(train(replace(training, phases=faster), "numba"), train(training, "numba"))


def test_trajectories_of_the_samples_stop_and_overflow():
    """Otherwise nothing was compared."""
    ends = train(stopping(), "numba")
    assert all(Status.CONVERGED in end.status for end in ends)
    assert any(None in end.status for end in ends)
    assert len({step for end in ends for step in end.steps}) > 4
    assert all(set(train(training, "numba")[0].status) == {Status.NONFINITE} for training in overflowing())


# --- lockstep ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [96, pytest.param(960, marks=pytest.mark.slow)])
def test_lockstep_takes_the_steps_of_numba(number):
    trainings = [*every_option(number, steps=20), several_tiles(), stopping(), heavy_tails()]
    for training in trainings:
        with numpy_for_cupy():
            found = train(training, "cupy")
        assert_equal(found, train(training, "numba"))


def test_lockstep_says_what_overflows_as_numba_does():
    for training in overflowing():
        with numpy_for_cupy():
            found = train(training, "cupy")
        assert_ended_alike(found, train(training, "numba"))


# --- sweeps ----------------------------------------------------------------------------------------------


def test_a_sweep_gives_what_numba_gives():
    with numpy_for_cupy():
        found = small_sweep(engine="cupy", chunk=20)
    expected = small_sweep()
    for name in ("test_error", "train_loss", "kappa_mean", "zeta_mean_retain", "loss", "deactivated"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, err_msg=name)
    assert found["status"].equals(expected["status"])


def test_a_chunk_is_drawn_while_another_is_on_the_card(monkeypatch):
    monkeypatch.setattr(lanes, "CARD_CELLS", 4)
    begun, made, overlapped = Event(), [], []
    start, launch = CupyEngine.__init__, CupyEngine._launch

    def counted(engine, drawn):
        made.append(len(drawn))
        if len(made) > 1:
            begun.set()
        start(engine, drawn)

    def wait_for_the_next(engine, arrays):
        overlapped.append(begun.wait(timeout=20))
        launch(engine, arrays)

    monkeypatch.setattr(CupyEngine, "__init__", counted)
    monkeypatch.setattr(CupyEngine, "_launch", wait_for_the_next)
    phase = Phase("a", Loss(), SGD(lr=0.5), steps=3)
    cells = [Cell(Problem(d=60, n=6, m=2, forget=0.0), (phase,), seed) for seed in range(8)]
    with numpy_for_cupy(), numba_threads(2):
        found = run_ensemble(cells, engine="cupy", test_directions=16)
    assert made == [4, 4]
    assert all(overlapped)
    np.testing.assert_allclose(found["train_loss"], run_ensemble(cells, test_directions=16)["train_loss"], rtol=1e-12)


def test_large_problems_visit_the_card_together():
    large, small = (
        [Cell(Problem(d=10**6, n=n, m=10), (Phase("a"),), seed) for seed in range(count)]
        for n, count in ((4000, 8), (20, 16_384))
    )
    assert [len(chunk) for chunk in lanes.cut(large, lanes.Lanes.of("cupy", 16))] == [4, 4]
    assert [len(chunk) for chunk in lanes.cut(small, lanes.Lanes.of("cupy", 16))] == [2048] * 8
    assert [len(chunk) for chunk in lanes.cut(large, lanes.Lanes.of("numba", 2))] == [1] * 8


def test_launches_from_several_threads_keep_their_limits():
    class Kernel:
        max_dynamic_shared_size_bytes = 0
        kept: ClassVar[list[bool]] = []

        def __call__(self, grid, block, values, shared_mem):
            sleep(1e-3)
            self.kept.append(self.max_dynamic_shared_size_bytes == shared_mem)

    gpu = Gpu(None, H100, Kernel())
    layouts = [lay_out(Shape(n=n, m=10, n_columns=n + 1), 10**5, groups=1) for n in (10, 20, 30)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: gpu.launch(layouts[number % 3], (np.zeros(1),)), range(60)))
    assert Kernel.kept == [True] * 60


def test_the_benchmark_of_sweeps_runs():
    with numpy_for_cupy():
        figures = list(gpu_sweep.swept(points=2, seeds=2, on_host=10))
    for words in ("8 trainings, end to end", "drawing", "compiling", "test errors", "summaries"):
        assert sum(words in each.name for each in figures) == 1


# --- layout -----------------------------------------------------------------------------------------------


def test_a_small_problem_lies_in_shared_memory_many_times():
    layout = choose_layout(Shape(n=20, m=10, n_columns=21, perturbs=False), registers=122, card=H100)
    assert layout is not None
    assert layout.held == 21
    assert layout.warps * resident_blocks(layout, 122, H100) >= 16


@pytest.mark.parametrize("card", [A100, H100], ids=["A100", "H100"])
def test_what_does_not_fit_leaves_gram_rows_and_then_the_kernel(card):
    held = {}
    for n in (50, 100, 200, 400, 4000):
        layout = choose_layout(Shape(n=n, m=10, n_columns=1 + n), registers=122, card=card)
        held[n] = layout and layout.held
        assert layout is None or layout.n_bytes <= card.block_bytes
    assert held[50] == 51
    assert 0 < held[200] < 201
    assert held[4000] is None


def test_arrays_in_shared_memory_follow_each_other():
    layout = lay_out(Shape(n=20, m=10, n_columns=21, updates=2), 10**5, groups=2)
    assert layout is not None
    assert list(layout.bounds) == sorted(layout.bounds)
    assert 4 * layout.bounds[-1] < layout.n_bytes <= 10**5


# --- no GPU, and a GPU ------------------------------------------------------------------------------------


def gpu_or_none():
    try:
        return find_gpu()
    except ValueError:
        return None


def test_without_a_gpu_one_sentence_says_so():
    if gpu_or_none() is not None:
        pytest.skip("there is a GPU")
    with pytest.raises(ValueError, match=r'^Argument `engine` must be .*, but is "cupy": .*\.$'):
        run(Problem(d=60, n=6, m=2), [Phase("a", Loss(), SGD(), steps=1)], engine="cupy")


@pytest.mark.gpu
@pytest.mark.parametrize("lockstep", [False, True], ids=["kernel", "lockstep"])
def test_a_gpu_takes_the_steps_of_numba(lockstep, monkeypatch):
    if gpu_or_none() is None:
        pytest.skip("there is no GPU")
    if lockstep:
        monkeypatch.setattr("simulate.dynamics.engines.gpu.choose_layout", lambda *_: None)
    for training in [*every_option(48, steps=20), several_tiles(), stopping(), heavy_tails()]:
        assert_equal(train(training, "cupy"), train(training, "numba"))
