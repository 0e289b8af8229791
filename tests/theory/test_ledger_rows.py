"""Rows of the tracked ledger, at their primary designs, against the oracle; a wrong oracle is noticed."""

import pytest

from simulate import SAM, Problem
from tests.oracles.ledger_oracle import law as oracle
from tests.oracles.ledger_oracle.inside import LEDGER, STANDARD, WEAK, after_sgd_law
from tests.oracles.ledger_oracle.law import Law, sam_weights, small_weights
from tests.oracles.ledger_oracle.protocols import INSIDE
from tests.oracles.ledger_oracle.tracked import Effect, apart, measure, read
from tests.oracles.ledger_oracle.training import Rules
from tests.theory.ledger_rows import ledger_effect
from tests.theory.recording import asked
from theory.claims import find_claims
from theory.experiments import unlearning
from theory.experiments.forgetting import durations, retrained
from theory.experiments.lab import Lab
from theory.formulas.conditions import largest_step

BOUND = 3.0
"""Standard errors that an honest difference may have."""
TRACKED = {name: effect for name, effect in read().items() if effect.experiment in LEDGER}
MATCHED = {
    "neggrad-sgd-benign", "neggrad-sgd-harmful", "neggrad-sam-benign", "smaller-alpha-pretraining",
    "smaller-alpha-unlearning", "smaller-alpha-both", "forget-noise-after-sgd", "forget-noise-after-sam",
    "sam-slows-forgetting-after-sgd", "sam-slows-forgetting-after-sam", "error-by-class-at-the-match",
    "sharp-minmax-against-random-label", "sharp-minmax-against-neggrad", "sharp-minmax-against-retain-sam",
    "forgetting-time-d", "forgetting-time-alpha",
}  # fmt: skip
"""Rows whose unlearning stops at the loss of the retrained network."""
STEPS = "sharp-minmax-against-neggrad: gradients to forget, NegGrad SGD"
"""Short steps follow a flow, whatever their length; what tells the length is their number."""


def of(effect: Effect) -> tuple[float, float]:
    return effect.value, effect.standard_error


def far(effects: dict[str, Effect]) -> dict[str, float]:
    """z of effects against the ledger's."""
    return {name: apart(of(effect), ledger_effect(name)) for name, effect in effects.items()}


# --- the designs are the ledger's ----------------------------------------------------------------------


@pytest.mark.parametrize(("experiment", "labels", "law"), [
    (unlearning.alpha_grid, {"pretraining": "SGD", "optimizer": "SAM"}, STANDARD.at(small_weights(2000, 20))),
    (unlearning.alpha_grid, {"pretraining": "SAM", "optimizer": "SAM"}, STANDARD),
    (unlearning.after_sgd, {"d": 2000, "place": 2.5}, after_sgd_law(2000, 2.5)),
    (unlearning.after_sgd, {"d": 6400, "place": 0.5}, after_sgd_law(6400, 0.5)),
    (unlearning.both_sam, {"place": 2.0}, Law(d=2000, n=20, signal=2.0, sigma_0=sam_weights(2000), n_forget=4)),
    (retrained.scored, {"pretraining": "SGD", "unlearner": "Sharp MinMax"}, WEAK),
    (durations.over_dimension, {"d": 8000}, after_sgd_law(8000, 2.5)),
])  # fmt: skip
def test_the_oracle_has_the_designs_of_the_ledger(experiment, labels, law):
    cell = asked(experiment, only=labels)[-1].cell()
    problem = cell.problem
    assert (problem.d, problem.n, problem.m, problem.P, problem.n_forget) == (law.d, law.n, law.m, law.P, law.n_forget)
    assert (problem.signal, problem.sigma_0) == pytest.approx((law.signal, law.sigma_0), rel=1e-12)
    assert (problem.sigma_p, problem.label_flip) == (law.sigma_p, law.flip)
    learning = [phase for phase in cell.phases if phase.name != "relearn"]
    lengths = [oracle.largest_step(law, phase.stop_loss or 1.0) for phase in learning]
    assert [phase.optimizer.lr for phase in learning] == pytest.approx(lengths, rel=1e-9)
    radii = [phase.optimizer.tau for phase in learning if hasattr(phase.optimizer, "tau")]
    assert radii == pytest.approx([INSIDE.radius(law)] * len(radii), rel=1e-12)
    assert isinstance(learning[-1].optimizer, SAM) <= bool(radii)


@pytest.mark.parametrize(("law", "loss"), [
    (Law(d=2000, n=20, signal=7.9, sigma_0=1e-2), 1.0),
    (Law(d=4, n=400, m=100, signal=1.0, sigma_0=1.0), 1.0),
    (Law(d=2000, n=20, signal=7.9, sigma_0=1e-6), 1.0),
    (Law(d=2000, n=20, signal=7.9, sigma_0=1e-2), 1e-5),
])  # fmt: skip
def test_whichever_part_of_the_condition_binds_the_step_is_the_same(law, loss):
    problem = Problem(d=law.d, n=law.n, m=law.m, signal=law.signal, sigma_0=law.sigma_0)
    assert oracle.largest_step(law, loss) == pytest.approx(largest_step(problem, epsilon=loss), rel=1e-9)


# --- ledger and oracle agree ---------------------------------------------------------------------------


def test_the_oracle_has_the_rows_that_matter():
    assert TRACKED.keys() > MATCHED
    assert len(TRACKED) == 21
    assert {effect.experiment for effect in TRACKED.values()} == set(LEDGER)


@pytest.mark.parametrize("name", list(TRACKED))
def test_the_ledger_agrees_with_the_oracle(name):
    assert abs(far({name: TRACKED[name]})[name]) < BOUND


@pytest.mark.slow
@pytest.mark.parametrize("experiment", ["off_after_training", "by_class", "forgetting_time"])
def test_measured_again_the_oracle_finds_what_the_ledger_has(experiment):
    assert max(map(abs, far(measure(experiment, seed=99, count=32)).values())) < BOUND


@pytest.mark.slow
def test_with_another_seed_the_quick_ledger_agrees_with_the_oracle():
    lab = Lab("quick", seed=1)
    rows = [name for name in TRACKED if ": " not in name]
    found = {claim.name: claim.measure(lab).effect for claim in find_claims(rows)}
    z = {
        name: apart((effect.value, effect.standard_error), of(TRACKED[name]))
        for name, effect in found.items()
        if effect is not None
    }
    assert z.keys() == set(rows)
    assert max(map(abs, z.values())) < BOUND, z


# --- a wrong oracle does not ---------------------------------------------------------------------------


def test_a_radius_that_is_too_wide_is_noticed():
    wrong = measure("closed_form", 3, 8, Rules(wider=2**0.5))
    assert max(far(wrong).values()) > BOUND


@pytest.mark.slow
@pytest.mark.parametrize(("rules", "experiment", "count", "noticed"), [
    (Rules(longer=2.0), "rivals", 24, {STEPS}),
    (Rules(wider=2**0.5), "off_after_training", 48, {"lemma3.1-retain-off-after-sgd", "lemma3.1-retain-off-after-sam"}),
    (Rules(guessed=True), "by_class", 64, {"error-by-class-beyond-the-match"}),
])  # fmt: skip
def test_an_oracle_with_wrong_steps_radii_or_stops_disagrees(rules, experiment, count, noticed):
    z = far(measure(experiment, 4, count, rules))
    assert min(abs(z[name]) for name in noticed) > BOUND, z
