"""All engines take the same steps: each other's, and those of the definitions differentiated by PyTorch."""

from dataclasses import replace

import numpy as np
import pytest

from simulate import Record, run
from tests.oracles.configurations import Configuration, configurations
from tests.simulate.engine_runs import (
    ENGINES,
    MANY,
    ORACLE_SAMPLE,
    SAMPLE,
    TOLERANCE,
    compare,
    draw,
    end_of,
    instance_of,
    oracle_sample,
    reconstructed_weights,
    relative_error,
)


@pytest.mark.parametrize(("number", "steps"), [(SAMPLE, 300), pytest.param(MANY, 1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_coefficient_engines_reach_the_weights_of_the_dense_engine(engine, number, steps, record_property):
    compare(configurations(number, steps=steps), engine, lambda each: end_of(each, "dense"), record_property)


def test_engines_agree_in_the_exact_frame_too():
    for each in configurations(6):
        instance = draw(each.problem, each.seed, space="frame")
        dense, *others = (run(instance, each.phases, engine=engine, record=Record(every=500)) for engine in ENGINES)
        for other in others:
            assert min(dense.kink_margin, other.kink_margin) > TOLERANCE
            assert relative_error(reconstructed_weights(other), dense.state.weights) <= TOLERANCE


@pytest.mark.parametrize(("number", "steps"), [(ORACLE_SAMPLE, 80), pytest.param(MANY, 400, marks=pytest.mark.slow)])
def test_dense_engine_reaches_the_weights_of_automatic_differentiation(number, steps, record_property):
    pytest.importorskip("torch", reason="the autograd oracle needs PyTorch")
    from tests.oracles import autograd

    def oracle(each: Configuration) -> tuple[np.ndarray, float]:
        return autograd.train(instance_of(each), each.phases)[-1], np.inf

    compare(oracle_sample(number, steps), "dense", oracle, record_property)


def test_a_step_size_wrong_in_its_seventh_digit_would_be_noticed():
    for each in configurations(SAMPLE // 4, steps=300):
        faster = [replace(phase.optimizer, lr=phase.optimizer.lr * (1 + 1e-7)) for phase in each.phases]
        phases = tuple(replace(phase, optimizer=to) for phase, to in zip(each.phases, faster, strict=True))
        other, _ = end_of(replace(each, phases=phases), "numba")
        assert relative_error(other, end_of(each, "dense")[0]) > 10 * TOLERANCE
