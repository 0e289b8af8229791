"""Trainings that the benchmarks time: full-batch steps of the numba engine on drawn instances."""

from __future__ import annotations

from collections.abc import Callable

import numba

from simulate import SAM, SGD, Instance, Loss, Phase, Problem
from simulate.dynamics.engines import make_engine
from simulate.dynamics.optimizers import Optimizer
from simulate.dynamics.plan import compile_phase

__all__ = ["OPTIMIZERS", "instances", "steps"]


def _lr(problem: Problem) -> float:
    """Step size at which an own-noise neuron moves its sample's output by 0.1 |ℓ'| a step."""
    return 0.1 * problem.n * problem.m / problem.d


def _tau(problem: Problem) -> float:
    """The theory's radius m √n / (P √d)."""
    return problem.m * problem.n**0.5 / (problem.P * problem.d**0.5)


OPTIMIZERS: dict[str, Callable[[Problem], Optimizer]] = {
    "SGD": lambda problem: SGD(lr=_lr(problem)),
    "SAM": lambda problem: SAM(lr=_lr(problem), tau=_tau(problem)),
}


def instances(problem: Problem, count: int) -> list[Instance]:
    """Draw instances, with their Gram matrices ready."""
    drawn = [Instance.draw(problem, seed) for seed in range(count)]
    for instance in drawn:
        instance.geometry  # noqa: B018  computed once, outside of what is timed
    return drawn


def steps(drawn: list[Instance], optimizer: Optimizer, count: int, threads: int) -> Callable[[], None]:
    """A piece of work: train all instances for `count` full-batch steps from their initial weights."""
    phase = Phase("train", Loss(), optimizer, steps=count)

    def work() -> None:
        numba.set_num_threads(threads)
        engine = make_engine("numba", drawn)
        engine.begin([compile_phase(phase, instance) for instance in drawn])
        engine.advance(count)

    return work
