"""Rules that stop a phase: read once an epoch, and by every engine at the same step."""

from dataclasses import replace

import pytest
import xarray

from simulate import Record, Status, run
from simulate.dynamics.objectives import Loss, NegGrad, RandomLabel
from simulate.dynamics.optimizers import SAM, SGD
from simulate.dynamics.phases import Phase
from tests.simulate.engine_runs import ENGINES, PROBLEM, draw


def stopping_phases(batch: int | None) -> list[Phase]:
    return [
        Phase("pretrain", Loss(), SGD(lr=0.02, batch=batch), steps=900, stop_loss=0.1),
        Phase("unlearn", NegGrad(alpha=0.5), SAM(lr=0.02, batch=batch), steps=900, stop_forget_below=0.0),
        Phase("relearn", Loss(on="forget"), SAM(lr=0.02, batch=batch), steps=900, stop_forget_above=1.0),
    ]


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("seed", range(3))
def test_engines_record_the_same_trace_and_stop_at_the_same_steps(batch, seed):
    everything = ("coefficients_full", "loss", "accuracy", "deactivation", "gradient_norm", "sharpness", "hessian")
    record = Record(observe=("coefficients", *everything), tau=0.03, points=12)
    instance = draw(PROBLEM, seed)
    dense, *others = (run(instance, stopping_phases(batch), engine=engine, record=record) for engine in ENGINES)
    assert {status for _, status in dense.phases.values()} == {Status.CONVERGED}
    for other in others:
        assert (other.phases, other.status, other.steps) == (dense.phases, dense.status, dense.steps)
        xarray.testing.assert_allclose(other.trace, dense.trace, rtol=1e-9, atol=1e-12)


RULES = [
    (Loss(), "stop_loss", "train", 12),
    (Loss(on="retain"), "stop_loss", "retain", 9),
    (Loss(on="forget"), "stop_loss", "forget", 3),
    (NegGrad(alpha=0.9), "stop_loss", "retain", 9),
    (RandomLabel(), "stop_loss", "objective", 12),
    (NegGrad(alpha=0.3), "stop_forget_below", "forget", 9),
    (Loss(on="forget"), "stop_forget_above", "forget", 3),
    (NegGrad(alpha=0.3), "stop_forget_loss_above", "forget", 9),
    (RandomLabel(), "stop_forget_loss_above", "forget", 12),
]
"""An objective, a rule, what the rule watches, and how many samples an epoch goes through."""


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize(("objective", "rule", "watched", "samples"), RULES)
def test_a_rule_stops_a_phase_the_first_time_it_is_read_and_met(batch, objective, rule, watched, samples):
    before = Phase("before", RandomLabel() if rule == "stop_forget_above" else Loss(), SGD(lr=0.02), steps=60)
    phase = Phase("ruled", objective, SGD(lr=0.02, batch=batch), steps=200)
    instance = draw(PROBLEM, 1)
    trace = run(instance, [before, phase], engine="numpy", record=Record(every=1)).trace
    trace = trace.isel(step=trace.phase == "ruled")
    seen = trace.loss.sel(part=watched) if "loss" in rule else trace.accuracy.sel(set=watched)
    limit = {
        "stop_loss": 1.000001 * float(seen[:60].min()), "stop_forget_below": 0.4, "stop_forget_above": 0.6,
        "stop_forget_loss_above": 0.999999 * float(seen[:60].max()),
    }[rule]  # fmt: skip
    met = (seen >= limit if rule.endswith("above") else seen <= limit).values
    epoch = 1 if batch is None else samples // batch
    expected = next(step for step in range(0, 201, epoch) if met[step])
    assert 0 < expected < 200
    for engine in ENGINES:
        ruled = run(instance, [before, replace(phase, **{rule: limit})], engine=engine, record=Record(every=500))
        assert ruled.phases["ruled"] == (expected, Status.CONVERGED)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("bits", [-1e-15, 0.0, 1e-15])
def test_a_rule_that_is_met_but_for_rounding_is_met(engine, bits):
    instance = draw(replace(PROBLEM, n=20, forget=0.5), 3)
    descent = Phase("only", Loss(on="forget"), SGD(lr=0.002), steps=20)
    trace = run(instance, [descent], engine="numpy", record=Record(every=1)).trace
    assert trace.accuracy.sel(set="forget").values[:4].tolist() == [0.3, 0.8, 0.9, 1.0]
    loss = float(trace.loss.sel(part="forget")[9])

    def stop(**rule):
        return run(instance, [replace(descent, **rule)], engine=engine, record=Record(every=500)).steps

    assert stop(stop_forget_above=0.7 + 0.1 + bits) == 1
    assert stop(stop_forget_above=0.8 + 1e-6) == 2
    assert stop(stop_forget_below=0.1 + 0.2 + bits) == 0
    assert stop(stop_forget_below=0.3 - 1e-6) == 20
    assert stop(stop_loss=loss * (1.0 + bits)) == 9
    assert stop(stop_loss=loss * (1.0 - 1e-9)) == 10
    ascent = Phase("only", NegGrad(alpha=0.1), SGD(lr=0.002), steps=20)
    losses = run(instance, [ascent], engine="numpy", record=Record(every=1)).trace.loss.sel(part="forget")
    reached = replace(ascent, stop_forget_loss_above=float(losses[9]) * (1.0 + bits))
    assert run(instance, [reached], engine=engine, record=Record(every=500)).steps == 9
    beyond = replace(ascent, stop_forget_loss_above=float(losses[9]) * (1.0 + 1e-9))
    assert run(instance, [beyond], engine=engine, record=Record(every=500)).steps == 10
