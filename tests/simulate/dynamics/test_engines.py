"""All engines take the same steps: each other's, and those of the definitions differentiated by PyTorch."""

from collections.abc import Callable
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
    draw,
    end_of,
    instance_of,
    oracle_sample,
    reconstructed_weights,
    relative_error,
)


def compare(
    runs: list[Configuration], engine: str, reference: Callable[[Configuration], tuple[np.ndarray, float]], record
) -> None:
    """Require the weights of an engine to equal those of a reference, but for what rounding alone can change.

    Two kinds of trajectories cannot be compared to the last digits, and must be rare: those that come so close to a
    kink that rounding decides a ReLU, and those that amplify rounding, which are excused up to three times the error
    that the dense engine itself makes of one of 1e-12 in its initial weights.
    """
    errors = {True: 0.0, False: 0.0}
    on_kink, unstable, unequal = [], [], []
    for each in runs:
        (weights, margin), (expected, other_margin) = end_of(each, engine), reference(each)
        error = relative_error(weights, expected)
        if min(margin, other_margin) < TOLERANCE:
            on_kink.append(each)
        elif error <= TOLERANCE:
            batched = each.phases[1].optimizer.batch is not None
            errors[batched] = max(error, errors[batched])
        elif error <= 3 * relative_error(end_of(each, "dense", shaken=True)[0], end_of(each, "dense")[0]):
            unstable.append(each)
        else:
            unequal.append(f"{each}: {error:.1e}")
    findings = {
        "trajectories": len(runs), "on a kink": len(on_kink), "unstable": len(unstable),
        "largest error with full batches": errors[False], "largest error with minibatches": errors[True],
    }  # fmt: skip
    print(f"\n{engine}: " + ", ".join(f"{name} {value:.2g}" for name, value in findings.items()))
    for name, value in findings.items():
        record(name, value)
    assert not unequal
    assert len(on_kink) < 0.02 * len(runs)
    assert len(unstable) < 0.02 * len(runs)


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
