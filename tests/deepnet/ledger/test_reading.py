"""Numbers of runs and of references, by hand and against the metric they are made of."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deepnet.ledger.choices import BASE, OWN_REFERENCE, OWN_STOP, REFERENCE, STOP, UNREACHED
from deepnet.ledger.comparing import MATCHED
from deepnet.ledger.findings import Findings, NotMeasuredError
from deepnet.ledger.nearness import ceiling_matrix, tow_matrix
from deepnet.ledger.reading import Reading, Rules, less
from tests.deepnet.made_up_matched import ASAM, SGD, diverged, numbers, run, still, unreached, world

ARM, AWARE = "neggrad-sgd-after-sgd", "neggrad-sgd-after-asam"
OWN = Rules(stop=OWN_STOP, reference=OWN_REFERENCE, unreached=UNREACHED)


def reading(*rows: dict[str, Any], **protocol: Any) -> Reading:
    return Reading(Findings.of(rows), protocol)


def references(*forgotten: float, **changes: Any) -> list[dict[str, Any]]:
    """A reference of each replicate, with an accuracy on the forget set each."""
    return [
        still("retrained", k, numbers=numbers(forget_accuracy=value), **changes) for k, value in enumerate(forgotten)
    ]


def test_tow_is_that_of_the_metric() -> None:
    from deepnet.metrics.tug_of_war import Accuracies, mean_tug_of_war  # torch, here alone

    rng = np.random.default_rng(0)

    def drawn() -> dict[str, Any]:
        retain, forget, test = rng.random(3)
        return {"retain_accuracy": retain, "forget_accuracy": forget, "test_accuracy": test}

    def told(one: dict[str, Any]) -> Accuracies:
        return Accuracies(**{name: one[f"{name}_accuracy"] for name in ("retain", "forget", "test")})

    ours, theirs = [drawn() for _ in range(3)], [[drawn() for _ in range(count)] for count in (2, 1, 3)]
    found = tow_matrix(ours, theirs)
    assert not np.ma.getmaskarray(found).any()
    for i, one in enumerate(ours):
        for j, known in enumerate(theirs):
            assert found[i, j] == pytest.approx(mean_tug_of_war(told(one), [told(each) for each in known]), rel=1e-12)


def test_missing_runs_and_references_are_masked_and_a_diverged_run_is_worth_nothing() -> None:
    found = tow_matrix([numbers(), None, {}], [[numbers()], [], [numbers(forget_accuracy=0.4)]])
    mask = np.ma.getmaskarray(found)
    assert mask.tolist() == [[False, True, False], [True, True, True], [False, True, False]]
    assert found[0].compressed().tolist() == pytest.approx([1.0, 0.9])
    assert found[2].compressed().tolist() == [0.0, 0.0]


def test_the_ceiling_leaves_a_network_itself_out() -> None:
    known = [[numbers(forget_accuracy=f) for f in of] for of in ((0.5, 0.4), (0.7,), ())]
    found = ceiling_matrix(known)
    assert found[0, 0] == pytest.approx(0.9)  # the second of its own replicate
    assert found[0, 1] == pytest.approx(0.8)
    assert found[1, 0] == pytest.approx(1.0 - (0.2 + 0.3) / 2)  # both of the other
    assert np.ma.getmaskarray(found).tolist() == [[False, False, True], [False, True, True], [True] * 3]


def test_a_run_is_held_against_all_references_or_those_that_are_asked_for() -> None:
    rows = [*references(0.5, 0.7), run(ARM, 0), run(ARM, 1, forget_accuracy=0.6)]
    rows += [still("retrained", 1, ASAM, numbers=numbers(forget_accuracy=0.1))]
    both = reading(*rows).tow(ARM, MATCHED)
    assert both.tolist() == [pytest.approx([1.0, 0.8]), pytest.approx([0.9, 0.9])]
    own = reading(*rows, reference="same replicate").tow(ARM, MATCHED)
    assert own.compressed().tolist() == pytest.approx([1.0, 0.9])
    assert reading(*rows, reference="own optimizer").tow(ARM, MATCHED).tolist() == both.tolist()
    aware = reading(*rows, run(AWARE, 0), reference="own optimizer").tow(AWARE, MATCHED)
    assert aware.compressed().tolist() == pytest.approx([0.6])


def test_the_reference_is_that_of_the_arms_forget_set() -> None:
    rows = [*references(0.5), *references(0.9, forget="random"), run("neggrad-random-sgd-after-sgd", 0)]
    assert reading(*rows).tow("neggrad-random-sgd-after-sgd", MATCHED).tolist() == [pytest.approx([0.6])]


def test_claims_on_pretraining_have_stops_and_references_of_their_own() -> None:
    aware = run(AWARE, 0)
    aware["stops"]["own-loss"] = aware["stops"]["own-loss"] | {"forget_accuracy": 0.3}
    rows = [*references(0.5), still("retrained", 0, ASAM, numbers=numbers(forget_accuracy=0.2)), aware, run(ARM, 0)]
    found = reading(*rows)
    assert found.tow(AWARE, OWN).tolist() == [pytest.approx([0.9])]
    assert found.tow(ARM, OWN).tolist() == [pytest.approx([1.0])]
    assert found.tow(AWARE, MATCHED).tolist() == [pytest.approx([1.0])]


def test_a_replicate_is_left_out_as_a_run_and_as_a_reference() -> None:
    rows = [*references(0.5, 0.7, 0.9), *(run(ARM, k) for k in range(3))]
    found = reading(*rows).without(1)
    assert found.replicates == (0, 2)
    assert found.tow(ARM, MATCHED).tolist() == [pytest.approx([1.0, 0.6])] * 2
    assert found.values(ARM, "step", MATCHED).tolist() == [50.0, 50.0]
    assert found.without(0).replicates == (2,)


def test_runs_that_never_reach_the_stop_count_by_their_last_values_or_not() -> None:
    rows = [*references(0.5, 0.5), run(ARM, 0), unreached(run(ARM, 1), forget_accuracy=0.9)]
    assert reading(*rows).tow(ARM, MATCHED)[1].tolist() == pytest.approx([0.6, 0.6])
    assert reading(*rows).values(ARM, "step", MATCHED).tolist() == [50.0, 100.0]
    left = reading(*rows, unreached="left out")
    assert left.tow(ARM, MATCHED).tolist() == [pytest.approx([1.0, 1.0]), [None, None]]
    assert left.values(ARM, "step", MATCHED).tolist() == [50.0, None]
    assert left.endings(ARM, MATCHED) == ["reached", "not reached"]  # told all the same


def test_a_run_that_diverges_has_a_tow_of_0_and_no_other_number() -> None:
    rows = [*references(0.5, 0.5), run(ARM, 0), diverged(run(ARM, 1))]
    for unreached_is in ("last values", "left out"):
        found = reading(*rows, unreached=unreached_is)
        assert found.tow(ARM, MATCHED)[1].tolist() == [0.0, 0.0]
        assert math.isnan(found.values(ARM, "auc", MATCHED)[1])
        assert not np.ma.getmaskarray(found.values(ARM, "auc", MATCHED)).any()


def test_damage_is_what_was_lost_from_the_start_or_beyond_retraining() -> None:
    row = run(ARM, 0, retain_accuracy=0.97, test_accuracy=0.89)
    rows = [*references(0.5), still("pretrained", 0), still("pretrained", 0, ASAM, numbers=numbers()), row]
    found = reading(*rows)
    assert found.values(ARM, "retain_damage", MATCHED)[0] == pytest.approx(0.03)
    assert found.values(ARM, "test_damage", MATCHED)[0] == pytest.approx(0.03)
    assert found.values(ARM, "damage", MATCHED)[0] == pytest.approx(0.03)
    after = run(AWARE, 0, retain_accuracy=0.97)
    assert reading(*rows, after).values(AWARE, "retain_damage", MATCHED)[0] == pytest.approx(0.98 - 0.97)
    beyond = reading(*rows, base="retrained")
    assert beyond.values(ARM, "retain_damage", MATCHED)[0] == pytest.approx(0.01)
    assert beyond.values(ARM, "damage", MATCHED)[0] == pytest.approx(0.01)
    uneven = reading(*rows[:-1], run(ARM, 0, retain_accuracy=0.9, test_accuracy=0.92))
    assert uneven.values(ARM, "damage", MATCHED)[0] == pytest.approx((0.1 + 0.0) / 2)


def test_logarithms_of_steps_begin_with_one() -> None:
    rows = [*references(0.5, 0.5, 0.5), run(ARM, 0, step=0), run(ARM, 1, step=1), run(ARM, 2, step=10)]
    assert reading(*rows).values(ARM, "log_step", MATCHED).tolist() == pytest.approx([0.0, 0.0, math.log(10)])
    assert reading(*rows).values(ARM, "step", MATCHED).tolist() == [0.0, 1.0, 10.0]


def test_doing_nothing_is_the_network_that_the_arm_starts_from() -> None:
    rows = [*references(0.5), still("pretrained", 0), run(ARM, 0), run(AWARE, 0)]
    rows += [still("pretrained", 0, ASAM, numbers=numbers(forget_accuracy=0.7))]
    found = reading(*rows)
    assert found.tow_of_start(ARM, MATCHED).tolist() == [pytest.approx([0.98 * 0.5 * 0.98])]
    assert found.tow_of_start(AWARE, MATCHED).tolist() == [pytest.approx([0.8])]
    with pytest.raises(NotMeasuredError, match="no network pretrained with sgd"):
        reading(*references(0.5), run(ARM, 0)).tow_of_start(ARM, MATCHED)


def test_what_was_not_measured_is_told() -> None:
    rows = [*references(0.5), run(ARM, 0)]
    with pytest.raises(NotMeasuredError, match=f"sharpness of the arm {ARM} was not measured"):
        reading(*rows).values(ARM, "sharpness", MATCHED)
    with pytest.raises(NotMeasuredError, match="no network was retrained with sgd without the forget set high"):
        reading(run(ARM, 0)).tow(ARM, MATCHED)
    with pytest.raises(NotMeasuredError, match="relearn of networks pretrained with sgd"):
        reading(*rows).still(SGD, "high", "relearn")
    lost = still("retrained", 0)
    with pytest.raises(NotMeasuredError, match="share no replicate"):
        reading(lost, run(ARM, 1), reference="same replicate").tow(ARM, MATCHED)


def test_numbers_of_networks_are_those_of_their_optimizer() -> None:
    rows = [still("pretrained", 0, numbers={"s": 1.0}), still("pretrained", 1, numbers={}), run(ARM, 1)]
    rows += [
        still("pretrained", 1, ASAM, numbers={"s": 3.0}),
        still("pretrained", 0, forget="random", numbers={"s": 9.0}),
    ]
    found = reading(*rows)
    assert found.still(SGD, "high", "s").tolist() == [1.0, None]
    assert found.still(ASAM, "high", "s").tolist() == [None, 3.0]


def test_differences_are_masked_where_either_is_and_0_where_both_are_tied() -> None:
    one = np.ma.array([0.1 + 0.2, 1.0, 2.0], mask=[False, False, True])
    found = less(one, np.ma.array([0.3, 0.5, 1.0], mask=[False, False, False]))
    assert found.tolist() == [0.0, 0.5, None]
    assert less(np.ma.array([1.0]), np.ma.array([1.0], mask=[True])).tolist() == [None]


def test_choices_are_what_they_say() -> None:
    assert (STOP.primary, OWN_STOP.primary, REFERENCE.primary, OWN_REFERENCE.primary) == (
        "loss", "own-loss", "all", "own optimizer",
    )  # fmt: skip
    assert set(STOP.values) == set(OWN_STOP.values) == {
        "loss", "own-loss", "accuracy", "held-out", "epoch-5", "epoch-10",
    }  # fmt: skip
    assert set(REFERENCE.values) == set(OWN_REFERENCE.values)
    assert (UNREACHED.primary, BASE.primary) == ("last values", "pretrained")


def test_nothing_made_for_one_reading_is_taken_for_another() -> None:
    rows = world([0, 1], arms=[ARM, AWARE])
    findings = Findings.of(rows)
    for protocol in ({}, {"stop": "epoch-5"}, {"base": "retrained"}, {"reference": "same replicate"}):
        fresh, shared = Reading(Findings.of(rows), protocol), Reading(findings, protocol)
        for rules in (MATCHED, OWN, replace(MATCHED, stop=OWN_STOP)):
            for arm in (ARM, AWARE):
                assert shared.tow(arm, rules).tolist() == fresh.tow(arm, rules).tolist()
                for column in ("damage", "step"):
                    one, other = (each.values(arm, column, rules) for each in (shared, fresh))
                    assert one.tolist() == other.tolist()
