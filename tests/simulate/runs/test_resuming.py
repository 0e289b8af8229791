"""A run that is cut and goes on from its state is the whole run, to the bit."""

from dataclasses import replace

import numpy as np
import pytest

from simulate import NegGrad, Phase, Record, SharpMinMax, Status, run
from tests.simulate.small_trainings import assert_same_bits, moved_alike, weights_of
from tests.simulate.two_phases import MINIBATCHES, RUNS, SMALL, end_of


def cut(phases: list[Phase], steps: int) -> list[Phase]:
    """The phases up to a number of steps."""
    first, second = phases
    if steps <= first.steps:
        return [replace(first, steps=steps)]
    return [first, replace(second, steps=steps - first.steps)]


@pytest.mark.parametrize("engine", ["numba", "numpy", "dense"])
@pytest.mark.parametrize("name", RUNS)
def test_cut_run_is_the_whole_run(name: str, engine: str) -> None:
    whole = end_of(RUNS[name], engine=engine)
    for steps in (5, 12, 16):
        start = end_of(cut(RUNS[name], steps), engine=engine).state
        assert_same_bits(end_of(RUNS[name], engine=engine, start=start), whole)


@pytest.mark.parametrize("name", RUNS)
def test_run_cut_at_every_step_is_the_whole_run(name: str) -> None:
    whole, state = end_of(RUNS[name]), None
    for steps in range(22):
        phases = cut(RUNS[name], steps)
        result = end_of(phases, start=state)
        state = result.state
    assert_same_bits(result, whole)


def test_stop_of_the_cut_runs_waits_for_the_epoch() -> None:
    # An epoch has three steps: the loss is low after five, which is seen after six.
    trace = run(SMALL, [MINIBATCHES], seed=8, record=Record(every=1), test_directions=16).trace
    assert int(np.argmax(trace.loss.sel(part="train").values <= 0.63)) == 5
    assert end_of(RUNS["stopped"][:1]).phases == {"pretrain": (6, Status.CONVERGED)}


def test_later_phase_alone_goes_on_from_the_state() -> None:
    first, second = RUNS["minibatches"]
    alone = end_of([second], start=end_of([first]).state)
    assert_same_bits(alone, end_of([first, second]))


def test_later_partition_knows_nothing_of_an_earlier_one() -> None:
    # Coordinates are ranked in the first phase, filters in the second.
    phases = [Phase(word, NegGrad(), SharpMinMax(lr=0.1, partition=word), steps=4) for word in ("coordinate", "filter")]
    first = end_of(phases[:1], engine="dense")
    whole, alone = end_of(phases, engine="dense"), end_of(phases[1:], engine="dense", start=first.state)
    np.testing.assert_array_equal(weights_of(whole), weights_of(alone))
    assert np.any(weights_of(whole) != weights_of(first))


def test_state_keeps_the_partition() -> None:
    first, second = RUNS["sharp minmax"]
    begun = end_of([first, replace(second, steps=3)]).state
    assert begun.forget_part is not None
    assert begun.forget_part.sum() == 3
    ended = end_of([first, second], start=begun).state
    np.testing.assert_array_equal(ended.forget_part, begun.forget_part)


def test_partition_that_is_not_kept_shows() -> None:
    # A rival partition, put into the state, must lead elsewhere: the test of cuts can fail.
    first, second = RUNS["sharp minmax"]
    begun = end_of([first, replace(second, steps=3)]).state
    assert begun.forget_part is not None
    other = replace(begun, forget_part=~begun.forget_part)
    assert not moved_alike(end_of([first, second], start=other), end_of([first, second]))
