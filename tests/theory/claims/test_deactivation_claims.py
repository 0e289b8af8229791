"""Rows on deactivation, on made-up data whose effect, sign and selection are known by hand."""

from functools import partial

import numpy as np
import pytest
import xarray

from simulate import NegGrad
from tests.theory.experiments.test_deactivation import MadeUp, made_up, small_with, start_with
from theory.claims import deactivation, find_claims
from theory.experiments import deactivation as law
from theory.experiments import lemma31 as networks
from theory.experiments.lab import Lab
from theory.experiments.lemma31 import NOTHING, PLAIN, Look
from theory.ledger import Evidence
from theory.ledger.book import Row, run_claims
from theory.statistics import bootstrap


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up replicates are equal, so that few resamples say as much."""
    monkeypatch.setattr(deactivation, "bootstrap", partial(bootstrap, resamples=20))


EQUAL = networks.equal(networks.UNLEARNING)


def evidence(name: str, lab: Lab) -> Evidence:
    (claim,) = find_claims([name])
    return claim.measure(lab)


def row(name: str, lab: Lab) -> Row:
    return run_claims(find_claims([name]), lab, rows=1, seed=0, budget="quick", version="9.9").rows[0]


def lemma_lab(**protocol) -> tuple[MadeUp, xarray.Dataset, xarray.Dataset]:
    lab = MadeUp({}, protocol=protocol)
    first, after = made_up(lab)
    lab._shared = {networks.fresh: first, networks.trained: after}
    return lab, first, after


def place(objective, multiple: float) -> int:
    return networks.LOOKS.index(Look(objective, multiple))


# --- Lemma 3.1 -------------------------------------------------------------------------------------------------

THEORY, TENTH, NONE = place(EQUAL, 1.0), place(EQUAL, 0.1), place(EQUAL, NOTHING)


def test_rows_before_training_read_their_own_cell() -> None:
    lab, first, _ = lemma_lab()
    mean = first["deactivated"].mean("seed").values  # (look, relation, set)
    plain = mean[networks.LOOKS.index(PLAIN)]
    off = evidence("lemma3.1-retain-off", lab)
    assert (off.effect.value, off.control.value) == pytest.approx((mean[THEORY, 0, 0], mean[TENTH, 0, 0]))
    assert off.null.value == pytest.approx(mean[NONE, 0, 0])
    on = evidence("lemma3.1-forget-on", lab)
    assert (on.effect.value, on.control.value) == pytest.approx((mean[THEORY, 0, 1], mean[THEORY, 0, 0]))
    assert on.null.value == pytest.approx(plain[0, 1] - plain[0, 0])
    every = evidence("lemma3.1-forget-all-on", lab)
    assert every.effect.value == pytest.approx(mean[THEORY, :, 1].mean())
    assert every.control.value == pytest.approx(mean[THEORY, 1, 1])
    assert off.n_runs == 7


@pytest.mark.parametrize(("number", "pretraining"), [(0, "SGD"), (1, "SAM")])
@pytest.mark.parametrize(("column", "loss"), [(0, 0.3), (1, 0.05)])
def test_rows_after_training_read_their_own_cell(number: int, pretraining: str, column: int, loss: float) -> None:
    lab, _, after = lemma_lab(pretrained=loss)
    mean = after["deactivated"].mean("seed").values[number, column]
    found = evidence(f"lemma3.1-retain-off-after-{pretraining.lower()}", lab)
    assert (found.effect.value, found.control.value) == pytest.approx((mean[THEORY, 0, 0], mean[TENTH, 0, 0]))
    assert found.null.value == pytest.approx(mean[NONE, 0, 0])
    assert found.n_runs == 8


def test_alpha_and_radius_are_the_protocols() -> None:
    lab, first, _ = lemma_lab(alpha=0.5, radius=10.0)
    found = evidence("lemma3.1-retain-off", lab)
    expected = first["deactivated"].mean("seed").values[place(NegGrad(alpha=0.5), 10.0), 0, 0]
    assert found.effect.value == pytest.approx(expected)
    judged = row("lemma3.1-retain-off", lab)
    assert judged.verdict == "outside the hypotheses"
    assert judged.violated == ["sam_radius_most"]
    assert row("lemma3.1-retain-off", lemma_lab()[0]).violated == []


@pytest.mark.parametrize(("number", "pretraining"), [(0, "SGD"), (1, "SAM")])
def test_the_row_at_the_own_radius_is_the_worse_of_both_sets(number: int, pretraining: str) -> None:
    lab, _, after = lemma_lab()
    there = after["deactivated_at_radius"]
    there[number, 1, THEORY, 0, 0], there[number, 1, THEORY, 0, 1] = [0.9, 1.0, 0.8, 1.0], [0.0, 0.25, 0.0, 0.0]
    found = evidence(f"lemma3.1-own-radius-after-{pretraining.lower()}", lab)
    assert found.effect.value == pytest.approx(np.mean([0.9, 0.75, 0.8, 1.0]))
    assert found.effect.range == (0.0, 1.0)
    assert found.details["R's own class switched off"].value == pytest.approx(0.925)
    assert found.details["F's own class switched off"].value == pytest.approx(0.0625)
    assert found.control.value == pytest.approx(after["deactivated"].mean("seed").values[number, 1, THEORY, 0, 0])
    plain = there.mean("seed").values[number, 1, networks.LOOKS.index(PLAIN), 0]
    assert found.null.value == pytest.approx(plain[1] - plain[0])
    asked = found.details["radius asked for, over the theory's"].value
    assert asked == pytest.approx(after["radius_asked"].values[number, 1, THEORY].mean() / 0.5)
    assert found.conditions["sam_radius_most"][0] == pytest.approx(-np.log10(asked))
    assert row(f"lemma3.1-own-radius-after-{pretraining.lower()}", lab).violated == []


def test_networks_without_such_neurons_are_left_out() -> None:
    lab, _, after = lemma_lab()
    after["deactivated_at_radius"][0, 1, THEORY, 0, 0] = [0.9, np.nan, 0.8, 1.0]
    after["deactivated_at_radius"][0, 1, THEORY, 0, 1] = 0.0
    assert evidence("lemma3.1-own-radius-after-sgd", lab).effect.value == pytest.approx(0.9)


# --- the law ---------------------------------------------------------------------------------------------------


def test_the_law_is_supported_where_it_is_true_and_refuted_where_it_is_not() -> None:
    for factor, verdict in ((1.0, "supported"), (0.95, "refuted")):
        judged = row("deactivation-law", MadeUp({law.at_start: start_with(-0.5, -0.5, factor)}))
        assert (judged.effect, judged.verdict) == (pytest.approx(factor), verdict)
        assert judged.control["verdict"] == "refuted"
        assert judged.null["effect"] == 0.0
    for name, exponents, wrong in (("samples", (-0.5, -0.1), (-0.4, -0.5)), ("filters", (-0.1, -0.5), (-0.5, -0.4))):
        assert row(f"deactivation-{name}", MadeUp({law.at_start: start_with(*exponents)})).verdict == "supported"
        assert row(f"deactivation-{name}", MadeUp({law.at_start: start_with(*wrong)})).verdict == "refuted"


def test_the_opposite_class_is_the_null_of_the_law() -> None:
    data = start_with(-0.5, -0.5)
    data["deactivated"][0, 1] = 0.5
    assert row("deactivation-law", MadeUp({law.at_start: data})).null["verdict"] == "refuted"


def test_small_dimensions_are_judged_where_they_are_farthest() -> None:
    data = small_with([1.01, 0.9])
    found = evidence("deactivation-small-d", MadeUp({law.small_dimensions: data}))
    assert found.effect.value == pytest.approx(0.9)
    assert found.effect.comparisons == 2
    assert found.control.value < 0.9
    assert row("deactivation-small-d", MadeUp({law.small_dimensions: small_with([1.01, 1.0])})).verdict == "supported"


def closed_form_with(gap: float) -> xarray.Dataset:
    """Predicted as measured but in one cell, where more or less is off, by a share that varies a little."""
    dims = ("pretraining", "loss", "look", "relation", "set", "seed")
    predicted = np.full((2, 3, 6, 2, 2, 4), 0.5)
    measured = predicted.copy()
    measured[..., 0, 1, :] = 0.0
    measured[1, 2, 4, 0, 0] += gap + np.array([1e-4, -1e-4, 2e-4, -2e-4])
    measured[0, 0, 0, 1, 0] += 0.3  # the opposite class, which no row is about
    return xarray.Dataset(
        {"deactivated": (dims, measured), "deactivated_predicted": (dims, predicted),
         "radius_asked": (dims[:3] + dims[5:], np.full((2, 3, 6, 4), 1.5))},
        coords={"pretraining": ["SGD", "SAM"], "loss": [0.3, 0.05, 0.01], "relation": ["own", "opposite"],
                "set": ["retain", "forget"], "seed": range(4)},
        attrs={"n_runs": 8, "endings": {"converged": 1.0}, "theory": 0.5},
    )  # fmt: skip


@pytest.mark.parametrize(("gap", "verdict"), [(0.01, "supported"), (-0.01, "supported"), (-0.06, "refuted")])
def test_the_closed_form_is_judged_in_its_worst_cell(gap: float, verdict: str) -> None:
    made = {networks.closed_form: closed_form_with(gap), networks.trained: closed_form_with(0.2)}
    judged = row("deactivation-after-training", MadeUp(made))
    assert (judged.effect, judged.verdict) == (pytest.approx(gap), verdict)
    assert judged.control["verdict"] == "refuted"
    assert judged.null["effect"] == 0.0
    assert evidence("deactivation-after-training", MadeUp(made)).effect.comparisons == 36
    (small,) = (found["effect"] for words, found in judged.details.items() if words.startswith("the same in d = 2,000"))
    assert small == pytest.approx(0.2)
    assert judged.details["radius asked for after SAM to 0.01, over the theory's"]["effect"] == 3.0
