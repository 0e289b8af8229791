"""A kernel is compiled once: whatever asks for it, its arguments are of the same types."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numba
import numpy as np
import pytest

from simulate import SAM, SGD, Cell, Loss, Phase, run, run_ensemble
from simulate.dynamics import kernels
from simulate.dynamics.engines import compiled
from simulate.problems.tails import StudentT
from simulate.test_error import generalize
from tests.simulate.two_phases import SMALL

PLAIN, MINIBATCHES = (Phase("fit", Loss(), SGD(batch=batch), steps=2) for batch in (None, 3))
MOMENTUM = Phase("fit", Loss(), SAM(momentum=0.5), steps=2)


def types_of(calls: list[Callable[[], Any]], where: ModuleType, name: str) -> set[tuple[numba.types.Type, ...]]:
    """Types of a kernel's arguments in all these calls."""
    seen: set[tuple[numba.types.Type, ...]] = set()
    kernel = getattr(where, name)

    def watched(*arguments: object) -> Any:
        seen.add(tuple(map(numba.typeof, arguments)))
        return kernel(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, name, watched)
        for call in calls:
            call()
    return seen


def alone_and_with_others(phase: Phase) -> list[Callable[[], Any]]:
    def together(count: int) -> Any:
        return run_ensemble([Cell(SMALL, (phase,), seed) for seed in range(count)], test_directions=16)

    return [lambda: run(SMALL, [phase], seed=1, test_directions=16), lambda: together(1), lambda: together(3)]


def test_steps_of_one_network_and_of_many_are_one_version() -> None:
    calls = [*alone_and_with_others(PLAIN), *alone_and_with_others(MINIBATCHES)]
    assert len(types_of(calls, kernels, "advance_trajectories")) == 1
    assert len(types_of(alone_and_with_others(MOMENTUM), compiled, "descend_trajectories")) == 1


def test_errors_under_any_law_are_one_version() -> None:
    rng = np.random.default_rng(0)
    table = np.array(StudentT(3.0).table)
    margins, grams = np.array([[0.5, 0.3], [0.1, 2.0]]), np.broadcast_to(np.eye(4), (2, 4, 4))

    def estimate(strengths: np.ndarray | None, *own: int) -> Any:
        draws = {"normals": rng.standard_normal((*own, 16, 4)), "uniforms": rng.random((*own, 16))}
        given: dict[str, Any] = {"multiplicity": 1.0, "patches": 1, "label_flip": 0.1, **draws}
        return generalize.test_error(margins, grams, strengths=strengths, **given)

    calls = [
        lambda law=law, own=own: estimate(law, *own)
        for law in (None, table, np.stack([table, table]))
        for own in ((), (2,))
    ]
    assert len(types_of(calls, generalize, "estimate_range")) == 1
