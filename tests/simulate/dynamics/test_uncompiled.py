"""The compiled kernels give what their source says: the same loops run as plain Python, which checks every index."""

from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, Status
from simulate.problems.activations import Activation
from simulate.problems.tails import LogNormal, StudentT, TwoScales
from simulate.test_error.generalize import GAUSSIAN, direction_normals, test_error
from tests.oracles.configurations import configurations
from tests.oracles.gpu_rehearsal import Training, train
from tests.oracles.uncompiled import call_uncompiled


def every_option(number: int, steps: int) -> list[Training]:
    """Trainings that between them use every option of the simulator."""
    runs = configurations(number, steps=steps)
    return [Training([replace(Instance.draw(each.problem, each.seed), noise_law=None)], each.phases) for each in runs]


def stopping() -> Training:
    """Trajectories that stop by each of the rules, at different steps."""
    problem = Problem(d=60, n=8, m=2, signal=1.0, sigma_0=0.3, forget=0.4, label_flip=0.2)
    learn = Phase("a", Loss(), SGD(lr=1.0, batch=3), steps=8, stop_loss=0.45)
    forget = Phase("b", NegGrad(alpha=0.3), SGD(lr=1.0), steps=8, stop_forget_below=0.4)
    again = Phase("c", Loss(), SAM(lr=1.0), steps=8, stop_forget_above=0.9)
    unlike = Phase("d", NegGrad(alpha=0.3), SGD(lr=1.0), steps=8, stop_forget_loss_above=1.5)
    return Training(
        [replace(Instance.draw(problem, seed), noise_law=None) for seed in range(4)], [learn, forget, again, unlike]
    )


def activated() -> list[Training]:
    """Trainings with other activations, plain and not."""
    problem = Problem(d=60, n=8, m=2, P=3, patches="independent", signal=1.0, sigma_0=0.3, forget=0.4)
    phases = [
        Phase("a", Loss(), SGD(lr=0.3, batch=3), steps=6, stop_loss=0.1),
        Phase("b", NegGrad(alpha=0.3), SAM(lr=0.3, tau=0.2, momentum=0.5, weight_decay=0.1), steps=6),
    ]
    kinds = (Activation(leak=0.2), Activation(power=2), Activation(power=3))
    drawn = replace(Instance.draw(problem, 1), noise_law=None)
    return [Training([replace(drawn, activation=kind)], phases) for kind in kinds]


def overflowing() -> Training:
    """A step that overflows, and what follows it."""
    problem = Problem(d=60, n=6, m=2, signal=1e3, sigma_p=1e3, sigma_0=0.3, forget=0.4)
    phase = Phase("a", NegGrad(), SGD(lr=1e308), steps=4)
    return Training([replace(Instance.draw(problem, 0), noise_law=None)], [phase])


def test_trainings_are_those_of_the_source(tmp_path: Path) -> None:
    trainings = [*every_option(48, steps=8), stopping(), *activated()]
    calls = [partial(train, training, "numba") for training in trainings]
    for call, ends in zip(calls, call_uncompiled(calls, tmp_path), strict=True):
        for here, there in zip(call(), ends, strict=True):
            assert (here.steps, here.status) == (there.steps, there.status)
            for one, other in (here.coefficients, there.coefficients), (here.preactivations, there.preactivations):
                np.testing.assert_allclose(one, other, rtol=0, atol=1e-12 * np.abs(other).max())
            np.testing.assert_allclose(here.closest, there.closest, rtol=1e-6, atol=1e-13)


def test_overflow_ends_a_training_as_the_source_says(tmp_path: Path) -> None:
    call = partial(train, overflowing(), "numba")
    (ends,) = call_uncompiled([call], tmp_path)
    assert [end.status for end in ends] == [[Status.NONFINITE]]
    assert [(end.steps, end.status) for end in call()] == [(end.steps, end.status) for end in ends]


def gram_of(m: int, rank: int, seed: int) -> np.ndarray:
    w = np.random.default_rng((seed, m, rank)).standard_normal((2 * m, rank))
    return w @ w.T / rank


GRAMS = ((1, 1, 1), (1, 2, 1), (2, 3, 1), (3, 2, 1), (5, 50, 1), (6, 6, 2))
"""Sizes, ranks and seeds of covariances; the last two have many design points."""
ONE_SIDED = (1.0, 1.0, 1e-12, 0.0)
"""Filters of one sign alone have weights: for one label no noise errs."""


LAWS = np.array([StudentT(3.0).table, LogNormal(0.8).table, TwoScales(0.1, 4.0).table, GAUSSIAN, StudentT(9.0).table])
"""Tables of a law of strengths for each of five trajectories."""


@pytest.mark.parametrize("patches", [1, 3])
def test_errors_are_those_of_the_source(patches: int, tmp_path: Path) -> None:
    calls = []
    for gram in (*(gram_of(*each) for each in GRAMS), np.diag(ONE_SIDED), np.zeros((4, 4))):
        normals, uniforms = direction_normals(np.random.default_rng(0), 64, patches * len(gram))
        margins = np.sqrt(gram.max() or 1.0) * np.array(
            [[0.0, 0.3], [2.5, -0.5], [40.0, 8.0], [1e4, -1e4], [np.nan, 1.0]]
        )
        given = {"multiplicity": 1.5, "patches": patches, "label_flip": 0.1, "normals": normals, "uniforms": uniforms}
        for tables in (None, LAWS) if len(gram) <= 4 else (None,):
            many = np.broadcast_to(gram, (5, *gram.shape))
            calls.append(partial(test_error, margins, many, strengths=tables, **given))
    for call, there in zip(calls, call_uncompiled(calls, tmp_path), strict=True):
        here = call()
        for field in fields(here):
            np.testing.assert_allclose(getattr(here, field.name), getattr(there, field.name), rtol=1e-8, atol=1e-300)
