"""What every experiment would run, by the primary protocol: problems, phases, steps inside the hypotheses, seeds."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem
from simulate.runs.ensemble import Cell
from tests.theory.recording import Asked, asked, check_alike
from theory.experiments import unlearning
from theory.experiments.forgetting import retrained
from theory.experiments.lab import Lab
from theory.experiments.training import sam, sgd, signals
from theory.formulas.conditions import HYPOTHESES, problem_margins

OPTIMIZERS = ("SGD", "SAM")


def tau(problem: Problem) -> float:
    """The theory's radius, m √n / (P σ_p √d), of two patches of σ_p = 1."""
    return problem.m * math.sqrt(problem.n / problem.d) / 2.0


def start(problem: Problem, optimizer: str) -> float:
    """σ_0 of each optimizer's own theorem, of two patches of σ_p = 1."""
    return 0.1 * math.sqrt(problem.n) / problem.d if optimizer == "SGD" else 1.0 / (2.0 * math.sqrt(problem.d))


def check_step(problem: Problem, phase: Phase, epsilon: float) -> None:
    """Require the largest step inside the hypotheses, for a loss to reach."""
    found = problem_margins(problem, [replace(phase, stop_loss=epsilon, stop_forget_loss_above=None, aside=False)])
    assert min(margin for name, margin in found.items() if name.startswith("step_")) == pytest.approx(0.0, abs=1e-9)


def check_pretraining(problem: Problem, phases: tuple[Phase, ...], optimizer: str) -> None:
    """Require SGD to a loss of 0.05, after SAM for η T q² / m = 2 where it is to be SAM."""
    assert problem.sigma_0 == pytest.approx(start(problem, optimizer))
    *stage, fit = phases
    expected = Phase("fit", Loss(), SGD(lr=fit.optimizer.lr), steps=125_000, stop_loss=0.05)
    assert fit == expected
    check_step(problem, fit, 0.05)
    assert len(stage) == (optimizer == "SAM")
    for phase in stage:
        lr = phase.optimizer.lr
        check_alike(phase.optimizer, SAM(lr=lr, tau=tau(problem)))
        assert (phase.name, phase.objective, phase.stop_loss, phase.aside) == ("sam", Loss(), 0.4, False)
        assert phase.steps == math.ceil(2.0 * problem.m / lr)
        check_step(problem, phase, 0.4)


def check_unlearning(cell: Cell, pretraining: str, objective: Any, optimizer: Any) -> None:
    """Require pretraining, with the retrained network aside before, and unlearning until its loss on F."""
    problem, phases = cell.problem, cell.phases
    assert isinstance(problem, Problem)
    count = 2 if pretraining == "SAM" else 1
    before, last = phases[count:-1], phases[-1]
    check_pretraining(problem, before, pretraining)
    assert phases[:count] == tuple(
        replace(phase, name=f"reference_{phase.name}", objective=Loss(on="retain"), aside=True) for phase in before
    )
    lr = last.optimizer.lr
    expected = Phase(
        "unlearn", objective, replace(optimizer, lr=lr), steps=100_000, stop_forget_loss_above="reference_fit"
    )
    check_alike(last, expected)
    check_step(problem, last, 1.0)


def check_inside(cell: Cell, *but: str) -> None:
    """Require all hypotheses with constant 1, but some."""
    assert isinstance(cell.problem, Problem)
    found = problem_margins(cell.problem, cell.phases)
    outside = [name for name in HYPOTHESES if found.get(name, 0.0) < -1e-9 and name not in but]
    assert outside == []


def only(experiment: Callable[[Lab], Any], **protocol: Any) -> Asked:
    (found,) = asked(experiment, **protocol)
    return found


STANDARD = Problem(d=2000, n=20, m=10, signal=7.9, label_flip=0.1, forget=0.2)

# --- unlearning at one problem -----------------------------------------------------------------------


def test_the_grid_of_weights() -> None:
    found = only(unlearning.alpha_grid)
    assert dict(found.grid.axes) == {
        "pretraining": ["SGD", "SAM"],
        "optimizer": ["SGD", "SAM"],
        "alpha": [0.5, 0.7, 0.9],
    }
    assert set(found.grid.observe) == {"coefficients", "hessian", "sharpness"}
    for pretraining in OPTIMIZERS:
        for optimizer in OPTIMIZERS:
            for alpha in (0.5, 0.7, 0.9):
                cell = found.cell(pretraining=pretraining, optimizer=optimizer, alpha=alpha)
                check_alike(cell.problem, replace(STANDARD, sigma_0=start(STANDARD, pretraining)))
                chosen = SGD() if optimizer == "SGD" else SAM(tau=tau(STANDARD))
                check_unlearning(cell, pretraining, NegGrad(alpha=alpha), chosen)
                check_inside(cell)
    assert found.grid.tau == pytest.approx(tau(STANDARD))
    assert only(unlearning.alpha_grid, alpha=0.95).grid.axes["alpha"] == [0.5, 0.9, 0.95]


def test_sgd_again_is_sgd_with_other_seeds() -> None:
    found = only(unlearning.again)
    like = only(unlearning.alpha_grid)
    twin = like.cell(pretraining="SGD", optimizer="SGD", alpha=0.7)
    cell = found.cell()
    assert (cell.problem, cell.phases) == (twin.problem, twin.phases)
    assert cell.seed != twin.seed
    assert (found.replicates, found.grid.observe) == (like.replicates, ("coefficients",))


@pytest.mark.parametrize("stop", ["retrained loss", "accuracy 1/2", "5 passes"])
def test_what_was_never_learned_is_matched_whatever_the_stop(stop: str) -> None:
    found = only(unlearning.never_learned, stop=stop)
    for pretraining in OPTIMIZERS:
        cell, count = found.cell(pretraining=pretraining), 2 if pretraining == "SAM" else 1
        before = cell.phases[count:-1]
        assert [phase.objective for phase in before] == [Loss(on="retain")] * count
        learned = tuple(replace(phase, objective=Loss()) for phase in before)
        check_unlearning(
            replace(cell, phases=(*cell.phases[:count], *learned, cell.phases[-1])),
            pretraining,
            NegGrad(alpha=0.7),
            SGD(),
        )
        check_alike(cell.problem, replace(STANDARD, sigma_0=start(STANDARD, pretraining)))
    assert set(found.grid.observe) == {"hessian", "sharpness"}
    assert found.grid.tau == pytest.approx(tau(STANDARD))


def test_signals_of_the_line_are_relative_to_the_boundary() -> None:
    found = only(unlearning.snr_line)
    assert found.grid.axes == {"place": [0.7, 1.0, 1.5, 2.5, 3.5]}
    for place in (0.7, 1.0, 1.5, 2.5, 3.5):
        cell = found.cell(place=place)
        assert cell.problem.signal == pytest.approx(place * 100**0.25)
        check_unlearning(cell, "SGD", NegGrad(alpha=0.7), SGD())
        check_inside(cell)


def test_forgetting_over_dimension_is_at_twice_the_noise() -> None:
    found = only(unlearning.forgettable)
    assert found.grid.axes["d"][0] == 500
    for pretraining in OPTIMIZERS:
        for d in found.grid.axes["d"]:
            cell = found.cell(pretraining=pretraining, d=d)
            expected = replace(STANDARD, d=d, signal=2.0)
            check_alike(cell.problem, replace(expected, sigma_0=start(expected, pretraining)))
            check_unlearning(cell, pretraining, NegGrad(alpha=0.7), SGD())
            check_inside(cell)


# --- boundaries after unlearning ---------------------------------------------------------------------

AFTER: dict[Callable[[Lab], Any], tuple[str, str, bool]] = {
    unlearning.after_sgd: ("SGD", "SGD", True),
    unlearning.after_sam: ("SAM", "SGD", False),
    unlearning.both_sam: ("SAM", "SAM", False),
}
"""Pretraining, optimizer of unlearning, and whether signals are relative to SGD's boundary."""


@pytest.mark.parametrize("experiment", AFTER, ids=lambda experiment: experiment.__name__)
def test_lines_after_unlearning(experiment: Callable[[Lab], Any]) -> None:
    pretraining, optimizer, relative = AFTER[experiment]
    found = only(experiment)
    for d in found.grid.axes["d"]:
        for place in found.grid.axes["place"]:
            cell = found.cell(d=d, place=place)
            signal = place * ((d / 20) ** 0.25 if relative else 1.0)
            expected = replace(STANDARD, d=d, signal=signal)
            check_alike(cell.problem, replace(expected, sigma_0=start(expected, pretraining)))
            chosen = SGD() if optimizer == "SGD" else SAM(tau=tau(expected))
            check_unlearning(cell, pretraining, NegGrad(alpha=0.7), chosen)
            check_inside(cell, "signal_noise")  # it is what the line varies


def test_from_the_start_there_is_no_training_before() -> None:
    found = only(unlearning.from_start)
    for cell in found.grid.cells:
        (phase,) = cell.phases
        lr = phase.optimizer.lr
        assert phase == Phase("unlearn", NegGrad(alpha=0.9), SGD(lr=lr), steps=100_000, stop_loss=0.05)
        check_step(cell.problem, phase, 1.0)
        assert cell.problem.sigma_0 == pytest.approx(start(cell.problem, "SGD"))
        assert (cell.problem.d, cell.problem.forget) == (6400, 0.2)
    assert [cell.problem.signal for cell in found.grid.cells] == pytest.approx([x * 320**0.25 for x in (0.5, 2.5, 4)])


# --- training ----------------------------------------------------------------------------------------


def test_lines_of_small_weights() -> None:
    along_d, along_n, along_noise = asked(sgd.small_weights)
    for found, factor in ((along_d, "d"), (along_n, "n")):
        for value in found.grid.axes[factor]:
            for place in found.grid.axes["place"]:
                cell = found.cell(**{factor: value, "place": place})
                expected = {"d": 6400, "n": 20, factor: value}
                assert {name: getattr(cell.problem, name) for name in expected} == expected
                assert cell.problem.signal == pytest.approx(place * (expected["d"] / expected["n"]) ** 0.25)
                assert (cell.problem.forget, cell.problem.label_flip, cell.problem.m) == (0.0, 0.1, 10)
                check_pretraining(cell.problem, cell.phases, "SGD")
                check_inside(cell, "signal_noise")
    assert [found.grid.axes[name] for found, name in ((along_n, "n"), (along_noise, "noise"))] == [
        [10, 20, 80], [0.25, 4.0],
    ]  # fmt: skip
    for value, (P, sigma_p) in {0.25: (2, 0.25), 4.0: (5, 1.0)}.items():
        problem = along_noise.cell(noise=value, place=1.1).problem
        assert (problem.P, problem.sigma_p, problem.patches) == (P, sigma_p, "copied")
        assert problem.signal == pytest.approx(1.1 * 320**0.25 * value)
        assert problem.sigma_0 == pytest.approx(0.1 * math.sqrt(20) / (value * 6400))


def test_lines_of_large_weights_and_of_the_decay() -> None:
    for cell in only(sgd.large_weights).grid.cells:
        assert cell.problem.sigma_0 == pytest.approx(start(cell.problem, "SAM"))
        (phase,) = cell.phases
        assert phase == Phase("fit", Loss(), SGD(lr=phase.optimizer.lr), steps=125_000, stop_loss=0.05)
    for found, factor in zip(asked(sgd.decay), ("d", "n"), strict=True):
        assert list(found.grid.axes["place"]) == pytest.approx([3.0, 18**0.5, 6.0])
        for cell in found.grid.cells:
            check_pretraining(cell.problem, cell.phases, "SGD")
            check_inside(cell)
        assert {cell.problem.n if factor == "d" else cell.problem.d for cell in found.grid.cells} == {
            20 if factor == "d" else 64_000
        }


@pytest.mark.parametrize(
    ("experiment", "factor", "values"),
    [(sam.over_dimension, "d", [1000, 2000]), (sam.over_samples, "n", [10, 20])],
)
def test_lines_of_sam(experiment: Callable[[Lab], Any], factor: str, values: list[int]) -> None:
    found = only(experiment)
    assert found.grid.axes[factor] == values
    for value in values:
        for place in found.grid.axes["place"]:
            cell = found.cell(**{factor: value, "place": place})
            expected = {"d": 1000, "n": 20, factor: value}
            assert {name: getattr(cell.problem, name) for name in expected} == expected
            assert cell.problem.signal == pytest.approx(place)
            check_pretraining(cell.problem, cell.phases, "SAM")
            check_inside(cell, "signal_noise")


def test_times_of_sams_stage() -> None:
    every = asked(sam.over_time)
    assert [found.grid.seeds for found in every] == [every[0].grid.seeds] * 3
    for time, found in zip((0.5, 2.0, 8.0), every, strict=True):
        for cell in found.grid.cells:
            stage, _ = cell.phases
            assert stage.steps == math.ceil(time * cell.problem.m / stage.optimizer.lr)


@pytest.mark.parametrize(
    ("experiment", "factor"),
    [(signals.over_signal, "signal"), (signals.over_dimension, "d"), (signals.over_samples, "n")],
)
def test_ends_of_training(experiment: Callable[[Lab], Any], factor: str) -> None:
    found = only(experiment)
    for optimizer in OPTIMIZERS:
        for value in found.grid.axes[factor]:
            cell = found.cell(optimizer=optimizer, **{factor: value})
            expected = {"d": 2000, "n": 20, "signal": 3.0, "forget": 0.0, factor: value}
            assert {name: getattr(cell.problem, name) for name in expected} == expected
            check_pretraining(cell.problem, cell.phases, optimizer)
            check_inside(cell)


def test_first_steps_are_of_one_size() -> None:
    found, without = only(signals.early), only(signals.early_without_radius)
    for signal in found.grid.axes["signal"]:
        plain, sharp = (found.cell(optimizer=name, signal=signal) for name in OPTIMIZERS)
        lr = plain.phases[0].optimizer.lr
        assert plain.phases == (Phase("early", Loss(), SGD(lr=lr), steps=10),)
        (phase,) = sharp.phases
        check_alike(phase, Phase("early", Loss(), SAM(lr=lr, tau=tau(sharp.problem)), steps=10))
        assert [cell.problem.sigma_0 for cell in (plain, sharp)] == pytest.approx(
            [start(cell.problem, name) for cell, name in zip((plain, sharp), OPTIMIZERS, strict=True)]
        )
        check_inside(plain)
        check_inside(sharp)
        nothing = without.cell(optimizer="SAM", signal=signal)
        assert nothing.problem == sharp.problem
        assert nothing.phases == (replace(phase, optimizer=SAM(lr=lr, tau=0.0)),)


def test_first_steps_are_of_the_shorter_of_both_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where steps go with the initial weights, as they do far from this design."""
    monkeypatch.setattr(signals, "largest_step", lambda problem: problem.sigma_0)
    for cell in only(signals.early).grid.cells:
        assert cell.phases[0].optimizer.lr == pytest.approx(min(start(cell.problem, name) for name in OPTIMIZERS))


def test_weights_that_are_needed() -> None:
    found = only(signals.alpha_needed)
    assert found.grid.axes["alpha"] == [0.3, 0.7, 0.95]
    for pretraining in OPTIMIZERS:
        for d in found.grid.axes["d"]:
            for n in (20, 30):
                for alpha in (0.3, 0.7, 0.95):
                    cell = found.cell(pretraining=pretraining, d=d, n=n, alpha=alpha)
                    assert (cell.problem.d, cell.problem.n, cell.problem.forget) == (d, n, 0.2)
                    assert cell.problem.signal == pytest.approx(2.5 * (d / n) ** 0.25)
                    check_unlearning(cell, pretraining, NegGrad(alpha=alpha), SGD())
                    check_inside(cell)


# --- seeds -------------------------------------------------------------------------------------------

PAIRED = {"scored": 2, "sgd small weights": 3, "sgd decay": 2, "signal learned": 3, "early signal": 2, "sam time": 3}
"""Grids that share their data sets, so that they can be compared replicate by replicate; no others do."""


def test_grids_share_seeds_only_where_they_are_compared() -> None:
    experiments: tuple[Callable[[Lab], Any], ...] = (
        unlearning.alpha_grid, unlearning.again, unlearning.never_learned, unlearning.snr_line, unlearning.forgettable,
        unlearning.from_start, *AFTER, sgd.small_weights, sgd.large_weights, sgd.decay, sam.over_dimension,
        sam.over_samples, sam.over_time, signals.over_signal, signals.over_dimension, signals.over_samples,
        signals.early, signals.early_without_radius, signals.alpha_needed, retrained.scored, retrained.interaction,
    )  # fmt: skip
    grids = [found.grid for experiment in experiments for found in asked(experiment, only={})]
    names = [grid.name for grid in grids]
    assert {name: names.count(name) for name in names if names.count(name) > 1} == PAIRED
    assert len({tuple(grid.seeds) for grid in grids}) == len(set(names))
    for grid in grids:
        assert {cell.seed for cell in grid.cells} == set(grid.seeds)
