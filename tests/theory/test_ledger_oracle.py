"""Effects of large steps against an oracle written from the formulas alone; wrong oracles are noticed."""

import ast
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr

from tests.oracles import ledger_oracle
from tests.oracles.ledger_oracle.data import draw, draw_explicit
from tests.oracles.ledger_oracle.experiments import EXPERIMENTS
from tests.oracles.ledger_oracle.law import Law, sam_weights
from tests.oracles.ledger_oracle.network import forward, gradient
from tests.oracles.ledger_oracle.protocols import Unlearning
from tests.oracles.ledger_oracle.tracked import EVERY, Effect, apart, measure, read, summary
from tests.oracles.ledger_oracle.training import Rules, neggrad
from tests.theory.product_effects import PRODUCT

TRACKED = {name: effect for name, effect in read().items() if effect.experiment in EXPERIMENTS}
SMALL = Law(d=400, n=12, m=4, signal=4.0, sigma_0=sam_weights(400), n_forget=3)
BOUND = 3.0
"""Standard errors that an honest difference may have."""


def distances(found: dict[str, tuple[float, float]]) -> dict[str, float]:
    """z of each effect against the tracked one."""
    return {name: apart(pair, of(TRACKED[name])) for name, pair in found.items()}


def of(effect: Effect) -> tuple[float, float]:
    return effect.value, effect.standard_error


def product(experiment: str, count: int, seed: int) -> dict[str, tuple[float, float]]:
    return {name: summary(values) for name, values in PRODUCT[experiment](count, seed).items()}


# --- the oracle is what it says ------------------------------------------------------------------------


def test_the_oracle_imports_nothing_of_the_product():
    for path in Path(ledger_oracle.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not {name.split(".")[0] for name in names} & {"simulate", "theory", "deepnet"}, path.name


def test_its_gradient_is_that_of_its_loss():
    data = draw_explicit(SMALL, 2, np.random.default_rng(0))
    weight, step = neggrad(data, 0.7), 1e-7 * np.random.default_rng(1).standard_normal(data.w0.shape)
    ahead, behind = ((weight * forward(data, data.w0 + s * step).loss).sum(axis=1) for s in (1.0, -1.0))
    along = (gradient(data, forward(data, data.w0), weight) * step).sum(axis=(1, 2, 3))
    np.testing.assert_allclose((ahead - behind) / 2.0, along, rtol=1e-6)


@pytest.mark.parametrize("optimizer", ["SGD", "SAM", "Sharp MinMax"])
def test_few_coordinates_are_as_good_as_d(optimizer):
    ends = []
    for law in (draw, draw_explicit):
        unlearning = Unlearning.after(law(SMALL, 3, np.random.default_rng(5)), "SAM")
        ended = unlearning.run(optimizer, matched=True)
        ends.append((ended.steps, forward(unlearning.data, ended.w).margin))
    assert ends[0][0].min() > 0
    np.testing.assert_array_equal(ends[0][0], ends[1][0])
    np.testing.assert_allclose(ends[0][1], ends[1][1], rtol=0, atol=1e-8)


def test_the_tracked_effects_are_those_of_the_experiments():
    assert {effect.experiment for effect in TRACKED.values()} == set(EXPERIMENTS) == set(PRODUCT)
    assert len(TRACKED) == 21
    assert {effect.experiment for effect in read().values()} == set(EVERY)
    for effect in read().values():
        experiment, replicates = EVERY[effect.experiment]
        assert effect.replicates == replicates >= 64
        assert effect.configuration == " ".join(str(experiment.__doc__).split())


def test_at_initialisation_the_oracle_finds_the_law():
    law = 2.0 * float(ndtr(1.0)) - 1.0
    assert abs(apart(of(TRACKED["off_at_start"]), (law, 0.0))) < BOUND


def test_the_two_stops_are_two():
    for effect in ("benign_excess", "gain_unlearning", "log_steps"):
        assert abs(apart(of(TRACKED[f"{effect}_half"]), of(TRACKED[f"{effect}_matched"]))) > BOUND


# --- oracle and product agree --------------------------------------------------------------------------


@pytest.mark.parametrize(("experiment", "count"), [("kappa_in_a_step", 64), ("radius_after_pretraining", 24)])
def test_measured_again_the_oracle_finds_its_effects(experiment, count):
    again = measure(experiment, seed=1234, count=count)
    assert max(map(abs, distances({name: of(effect) for name, effect in again.items()}).values())) < BOUND


@pytest.mark.parametrize("experiment", list(PRODUCT))
def test_the_product_agrees_with_the_oracle(experiment):
    found = distances(product(experiment, 24, seed=1))
    assert max(map(abs, found.values())) < BOUND, found


@pytest.mark.slow
@pytest.mark.parametrize("experiment", list(PRODUCT))
def test_the_product_agrees_with_the_oracle_in_as_many_replicates(experiment):
    found = distances(product(experiment, 2 * EXPERIMENTS[experiment][1], seed=2))
    assert max(map(abs, found.values())) < BOUND, found


@pytest.mark.slow
def test_the_oracle_draws_all_its_effects_again_within_the_error():
    again = {name: effect for experiment in EXPERIMENTS for name, effect in measure(experiment, 99, 32).items()}
    assert max(map(abs, distances({name: of(effect) for name, effect in again.items()}).values())) < BOUND


# --- a wrong oracle does not ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "experiment", "effect"),
    [
        (Rules(toward=-1.0), "deactivation_law", "off_at_start"),
        (Rules(toward=-1.0), "kappa_in_a_step", "log_kappa_sam_over_sgd"),
        (Rules(swapped=True), "radius_after_pretraining", "off_at_3_radius"),
    ],
)
def test_a_wrong_oracle_disagrees_with_the_product(rules, experiment, effect):
    wrong = measure(experiment, seed=3, count=16, rules=rules)[effect]
    assert abs(apart(of(wrong), product(experiment, 16, seed=3)[effect])) > BOUND


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rules", "noticed"),
    [
        (Rules(toward=-1.0), {"log_steps_matched", "gain_unlearning_half", "forget_noise_matched"}),
        (Rules(swapped=True), {"forget_noise_matched", "forget_noise_half"}),  # what it moves most
    ],
)
def test_a_wrong_oracle_unlearns_otherwise(rules, noticed):
    z = distances({name: of(effect) for name, effect in measure("optimizers", 4, 64, rules).items()})
    assert min(abs(z[name]) for name in noticed) > BOUND, z
