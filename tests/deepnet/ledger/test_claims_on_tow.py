"""Claims on ToW, on made-up rows: the effect, whose rows it reads, the controls, and the verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from deepnet.ledger.claims import all_claims
from tests.deepnet.ledger.planted import AGAIN, LOSS, PLAIN, REPLICATES, WOBBLE, effect, found, planted, row_of
from tests.deepnet.made_up_matched import ARMS, REMEMBERED, numbers, world

IN_TOW = {
    "asam-improves-neggrad": ("neggrad-asam-after-sgd", PLAIN),
    "sharp-minmax-beats-neggrad": ("minmax-asam-after-sgd", "neggrad-asam-after-sgd"),
    "sharp-minmax-owes-to-max": ("minmax-asam-after-sgd", "minmax-no-max-asam-after-sgd"),
    "asam-pretraining-helps-neggrad": ("neggrad-sgd-after-asam", PLAIN),
    "asam-pretraining-helps-scrub": ("scrub-sgd-after-asam", "scrub-sgd-after-sgd"),
    "mask-polarity": ("minmax-asam-after-sgd", "minmax-reversed-asam-after-sgd"),
}
"""The arms of claims on ToW, under their primary protocol."""


def test_ten_claims_are_the_papers_three_ours_and_the_others_open() -> None:
    claims = all_claims()
    assert [claim.number for claim in claims if claim.family == "paper"] == list(range(1, 11))
    assert [claim.number for claim in claims if claim.family == "ours"] == [11, 12, 13]
    assert {claim.family for claim in claims if claim.number > 13} == {"open"}
    assert all(claim.margin is not None and claim.null is not None for claim in claims)
    margins = {claim.name: claim.margin for claim in claims}
    assert {margins[name] for name in IN_TOW} == {0.02}
    assert margins["memorized-samples-cost-more"] == 0.01


def remembering(accuracy: float, plants: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """The planted world, whose pretrained networks differ from retrained ones in the forget accuracy alone."""
    rows = planted(plants, wobble=WOBBLE)
    return [
        row | {"numbers": numbers(forget_accuracy=accuracy)} if row["kind"] == "pretrained" else row for row in rows
    ]


@pytest.mark.parametrize("name", IN_TOW)
def test_where_retraining_hardly_differs_from_doing_nothing_tow_cannot_tell(name: str) -> None:
    one, other = IN_TOW[name]
    little = {one: {"retain_accuracy": 0.0}, other: {"retain_accuracy": 0.0}}
    row = row_of(name, remembering(REMEMBERED + 0.01, little))
    assert (row.verdict, row.effect) == ("not testable", None)
    assert "Retraining is better than doing nothing by 0.01 in ToW" in row.remark
    assert row_of(name, remembering(REMEMBERED + 0.03, little)).verdict == "no effect of interest"


@pytest.mark.parametrize(
    "name", [*IN_TOW, "asam-widens-range-of-alpha", "sharp-minmax-costs-retain-accuracy", "planted-faster-rate"]
)
@pytest.mark.parametrize("still", [2, 3])
def test_runs_that_never_began_tell_nothing(name: str, still: int) -> None:
    """Of six replicates so many have been stopped before their first step, in every arm."""

    def change(row: dict[str, Any]) -> dict[str, Any]:
        if row["kind"] == "trajectory" and row["replicate"] < still:
            for stop in row["stops"].values():
                stop["step"] = 0
        return row

    plants = {arm: LOSS for arm in ARMS if "asam-after" in arm}
    row = row_of(name, [change(row) for row in planted(plants, wobble=WOBBLE, replicates=range(6))])
    assert (row.verdict == "not testable") == (still == 3)
    assert ("were stopped before their first step" in row.remark) == (still == 3)


@pytest.mark.parametrize("name", IN_TOW)
def test_claims_on_tow_are_the_lead_of_their_first_arm(name: str) -> None:
    one, other = IN_TOW[name]
    assert effect(name, planted({other: LOSS})) == pytest.approx(0.1)
    assert effect(name, planted({one: LOSS})) == pytest.approx(-0.1)
    assert effect(name, planted({arm: LOSS for arm in ARMS if arm not in (one, other)})) == 0.0


@pytest.mark.parametrize("name", IN_TOW)
def test_claims_on_tow_are_supported_refuted_and_of_no_interest(name: str) -> None:
    one, other = IN_TOW[name]
    ahead = {arm: dict.fromkeys(LOSS, amount) for arm, amount in ((one, -0.05), (other, -0.1))}
    behind = {one: ahead[other], other: ahead[one]}
    level = {one: LOSS, other: LOSS}
    verdicts = [row_of(name, planted(plants, wobble=WOBBLE)).verdict for plants in (ahead, behind, level)]
    assert verdicts == ["supported", "refuted", "no effect of interest"]


@pytest.mark.parametrize(
    ("name", "setting", "arms"),
    [
        ("asam-improves-neggrad", "ASAM after ASAM", ("neggrad-asam-after-asam", "neggrad-sgd-after-asam")),
        ("asam-improves-neggrad", "SAM after SGD", ("neggrad-sam-after-sgd", PLAIN)),
        ("asam-improves-neggrad", "α = 0.8", ("neggrad-alpha-0.8-asam-after-sgd", "neggrad-alpha-0.8-sgd-after-sgd")),
        ("asam-improves-neggrad", "α = 0.5", ("neggrad-alpha-0.5-asam-after-sgd", "neggrad-alpha-0.5-sgd-after-sgd")),
        ("sharp-minmax-beats-neggrad", "ASAM after ASAM", ("minmax-asam-after-asam", "neggrad-asam-after-asam")),
        ("sharp-minmax-beats-neggrad", "SGD after SGD", ("minmax-sgd-after-sgd", PLAIN)),
        ("sharp-minmax-beats-neggrad", "SGD after ASAM", ("minmax-sgd-after-asam", "neggrad-sgd-after-asam")),
        ("sharp-minmax-owes-to-max", "after ASAM", ("minmax-asam-after-asam", "minmax-no-max-asam-after-asam")),
        ("asam-pretraining-helps-neggrad", "ASAM in unlearning", ("neggrad-asam-after-asam", "neggrad-asam-after-sgd")),
    ],
)
def test_other_settings_are_other_arms(name: str, setting: str, arms: tuple[str, str]) -> None:
    other = arms[1]
    assert effect(name, planted({other: LOSS}), setting=setting) == pytest.approx(0.1)
    assert effect(name, planted({arm: LOSS for arm in ARMS if arm not in arms}), setting=setting) == 0.0
    nothing = found(name, planted({other: LOSS}), setting=setting).control
    assert nothing.value == pytest.approx(0.98 * 0.5 * 0.98 - 0.9)


@pytest.mark.parametrize("name", [*IN_TOW, "asam-widens-range-of-alpha", "planted-faster-rate"])
def test_doing_nothing_is_found_out(name: str) -> None:
    assert found(name, planted({})).control.value == pytest.approx(0.98 * 0.5 * 0.98 - 1.0)
    assert row_of(name, planted({})).control["verdict"] == "refuted"


@pytest.mark.parametrize(
    "name", ["memorized-samples-cost-more", "sharp-minmax-costs-retain-accuracy", "asam-forgets-in-more-steps"]
)
def test_a_tenth_more_of_the_rate_is_seen_in_the_steps(name: str) -> None:

    def change(row: dict[str, Any]) -> dict[str, Any]:
        if row["kind"] == "trajectory":
            row["stops"]["epoch-5"]["step"] = 20  # as many in every arm
        return row

    rows = world(REPLICATES, change=change)
    for protocol in ({}, {"stop": "accuracy"}, {"stop": "epoch-5"}, {"unreached": "left out"}):
        assert found(name, rows, **protocol).control.value == pytest.approx(math.log(45 / 50))
    late = planted({"control-rate-1.1": {"step": 10}})
    assert row_of(name, planted({})).control["verdict"] == "refuted"
    assert row_of(name, late).control["verdict"] == "supported"


@pytest.mark.parametrize(
    ("name", "plant", "seen"),
    [
        *((name, LOSS, -0.1) for name in (*IN_TOW, "asam-widens-range-of-alpha")),
        ("memorized-samples-cost-more", LOSS, 0.05),
        ("sharp-minmax-costs-retain-accuracy", LOSS, 0.1),
        ("sharp-minmax-relearns-slower", {"relearn": 0.1}, 0.1),
        ("asam-forgets-in-more-steps", {"step": 50}, math.log(2)),
        ("planted-faster-rate", {"step": 50}, math.log(2)),
    ],
)
def test_the_null_experiment_is_the_same_arm_again(name: str, plant: Mapping[str, float], seen: float) -> None:
    null = found(name, planted({AGAIN: plant})).null
    assert null is not None
    assert null.value == pytest.approx(seen)
    assert row_of(name, planted({AGAIN: plant})).null["verdict"] == "refuted"
    assert row_of(name, planted({})).null["verdict"] == "supported"
