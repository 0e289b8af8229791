"""The other claims, each on made-up rows whose effect is known by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from deepnet.ledger.claims.alpha_range import width_above
from tests.deepnet.ledger.planted import LOSS, PLAIN, REPLICATES, WOBBLE, effect, found, planted, row_of
from tests.deepnet.made_up_matched import ARMS, ASAM, QUIRKS, SGD, world


def test_pretraining_is_held_against_networks_retrained_in_the_same_way() -> None:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        if row["kind"] == "retrained" and row["optimizer"] == ASAM:
            row["numbers"]["test_accuracy"] += 0.04
        if row["kind"] == "trajectory" and row["arm"].endswith("-after-asam"):
            row["stops"]["own-loss"]["test_accuracy"] += 0.04
        return row

    rows = world(REPLICATES, change=change)
    for name in ("asam-pretraining-helps-neggrad", "asam-pretraining-helps-scrub"):
        assert effect(name, rows) == pytest.approx(0.0, abs=1e-12)
        assert effect(name, rows, reference="all") == pytest.approx(-0.04)
        assert effect(name, rows, stop="loss") == pytest.approx(-0.04)
        assert effect(name, rows, stop="loss", reference="all") == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("arm", "plant", "expected"),
    [
        (PLAIN, {"retain_accuracy": -0.1}, 0.05),
        (PLAIN, {"test_accuracy": -0.1}, 0.05),
        ("neggrad-random-sgd-after-sgd", {"test_accuracy": -0.1}, -0.05),
        (PLAIN, {"forget_accuracy": -0.1}, 0.0),
        ("neggrad-asam-after-sgd", {"retain_accuracy": -0.1}, 0.0),
    ],
)
def test_memorized_samples_cost_what_both_sets_lose(arm: str, plant: Mapping[str, float], expected: float) -> None:
    for base in ("pretrained", "retrained"):
        assert effect("memorized-samples-cost-more", planted({arm: plant}), base=base) == pytest.approx(expected)
    assert row_of("memorized-samples-cost-more", planted({PLAIN: LOSS}, wobble=WOBBLE)).verdict == "supported"


def test_relearning_is_slower_where_less_comes_back() -> None:
    slow = planted({"minmax-asam-after-sgd": {"relearn": -0.2}}, wobble=WOBBLE)
    assert effect("sharp-minmax-relearns-slower", slow) == pytest.approx(-0.2, abs=0.01)
    assert row_of("sharp-minmax-relearns-slower", slow).verdict == "supported"
    fast = planted({"minmax-asam-after-sgd": {"relearn": 0.2}}, wobble=WOBBLE)
    assert row_of("sharp-minmax-relearns-slower", fast).verdict == "refuted"
    assert effect("sharp-minmax-relearns-slower", fast, setting="SGD after ASAM") == 0.0
    control = found("sharp-minmax-relearns-slower", slow).control
    assert control.value == pytest.approx(0.6 - 1.0)
    assert row_of("sharp-minmax-relearns-slower", slow).control["verdict"] == "refuted"


def test_sharp_minmax_costs_retain_accuracy_alone() -> None:
    name = "sharp-minmax-costs-retain-accuracy"
    assert effect(name, planted({"minmax-asam-after-sgd": {"retain_accuracy": -0.03}})) == pytest.approx(0.03)
    assert effect(name, planted({"minmax-asam-after-sgd": {"test_accuracy": -0.03}})) == 0.0
    assert effect(name, planted({"neggrad-asam-after-sgd": {"retain_accuracy": -0.03}})) == pytest.approx(-0.03)


def test_steps_are_compared_as_logarithms() -> None:
    rows = planted({"neggrad-asam-after-sgd": {"step": 50}})
    assert effect("asam-forgets-in-more-steps", rows) == pytest.approx(math.log(2))
    assert effect("asam-forgets-in-more-steps", rows, setting="after ASAM") == 0.0
    at_equal = {"setting": "after SGD, both at the rate of SGD"}
    assert effect("asam-forgets-in-more-steps", rows, **at_equal) == 0.0
    equal = planted({"neggrad-at-sgd-rate-asam-after-sgd": {"step": 50}})
    assert effect("asam-forgets-in-more-steps", equal, **at_equal) == pytest.approx(math.log(2))
    assert effect("planted-faster-rate", planted({})) == pytest.approx(math.log(0.9))
    assert row_of("planted-faster-rate", planted({})).verdict == "supported"
    assert row_of("planted-faster-rate", planted({"control-rate-1.1": {"step": 10}})).verdict == "refuted"


# --- the range of α ------------------------------------------------------------------------------------


def test_width_is_the_length_above_a_level() -> None:
    x, y = [0.0, 1.0, 3.0], np.array([0.5, 1.0, 0.0])
    assert width_above(x, y, 0.75) == pytest.approx(0.5 + 0.5)
    assert width_above(x, y, 0.0) == 3.0
    assert width_above(x, y, 1.1) == 0.0
    assert width_above(x, np.array([0.3, 0.3, 0.3]), 0.1 + 0.2) == 3.0  # tied with the level
    assert width_above(x, np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), 0.5).tolist() == [2.0, 1.0]


def test_the_range_of_alpha_is_that_within_a_distance_of_the_ceiling() -> None:
    name = "asam-widens-range-of-alpha"
    far = {"retain_accuracy": -0.06}  # .06 below the ceiling, which is 1
    rows = planted({"neggrad-alpha-0.5-sgd-after-sgd": far})
    odds = [math.log10((1 - alpha) / alpha) for alpha in (0.8, 0.5)]
    assert effect(name, rows) == pytest.approx((odds[1] - odds[0]) / 2)  # half of the last piece is lost
    assert effect(name, rows, close=0.05) == pytest.approx((odds[1] - odds[0]) / 6)
    assert effect(name, planted({"neggrad-alpha-0.5-asam-after-sgd": far})) == pytest.approx(-(odds[1] - odds[0]) / 2)
    usual = planted({PLAIN: {"retain_accuracy": -0.06}})  # α = .95 is the arm of all other claims
    around = [math.log10((1 - alpha) / alpha) for alpha in (0.99, 0.95, 0.9)]
    assert effect(name, usual) == pytest.approx((around[2] - around[0]) / 2)
    details = found(name, usual).details
    assert details["decades of (1 - α)/α close to the ceiling, ASAM"].value == pytest.approx(odds[1] - around[0])
    assert row_of(name, rows).verdict == "supported"


def test_the_ceiling_is_that_of_retrained_networks() -> None:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        if row["kind"] == "retrained" and row["again"]:
            row["numbers"]["test_accuracy"] -= 0.1
        return row

    details = found("asam-improves-neggrad", world(REPLICATES, change=change)).details
    counted = 5 * (0.9 * 1 + (0.9 + 1.0) / 2 * 4) / (5 * 5)  # its own second network, and both of the others
    assert details["ceiling: ToW of retrained networks among each other"].value == pytest.approx(counted)
    assert details["ToW, NegGrad with SGD after SGD"].value == pytest.approx(0.95)


def test_where_both_are_close_nowhere_or_everywhere_there_is_nothing_to_see() -> None:
    everywhere = found("asam-widens-range-of-alpha", planted({}))
    assert (everywhere.effect, everywhere.was_run) == (None, True)
    assert "Both come close to the ceiling at every α" in everywhere.remark
    nowhere = found("asam-widens-range-of-alpha", planted({arm: {"test_accuracy": -0.3} for arm in ARMS}))
    assert "Both come close to the ceiling at no α" in nowhere.remark
    assert row_of("asam-widens-range-of-alpha", planted({})).verdict == "not testable"


def test_alphas_that_one_optimizer_has_alone_do_not_count() -> None:
    name = "asam-widens-range-of-alpha"
    far = planted({"neggrad-alpha-0.8-sgd-after-sgd": {"retain_accuracy": -0.06}})
    kept = [row for row in far if row.get("arm") != "neggrad-alpha-0.5-asam-after-sgd"]
    odds = [math.log10((1 - alpha) / alpha) for alpha in (0.9, 0.8)]
    assert effect(name, kept) == pytest.approx((odds[1] - odds[0]) / 2)
    none = found(name, [row for row in far if "alpha" not in row.get("arm", "")])
    assert (none.effect, none.was_run) == (None, False)
    assert "NegGrad was not run at several weights α" in none.remark


# --- flatness ------------------------------------------------------------------------------------------


def sharp(plain: float, aware: float, **more: float | None) -> list[dict[str, Any]]:
    """A world in which pretrained networks have a sharpness."""

    def change(row: dict[str, Any]) -> dict[str, Any]:
        if row["kind"] == "pretrained" and row["forget"] == "high":
            value = {SGD: plain, ASAM: aware}[row["optimizer"]] * (1.0 + 0.001 * row["replicate"] ** 2)
            row["numbers"] |= {"rise_at_loss": value, "rise": 7.0} | more
        return row

    return world(range(6), change=change)


def test_flatness_is_compared_at_equal_training_loss() -> None:
    name = "asam-finds-flatter-minima"
    assert effect(name, sharp(2.0, 1.0)) == pytest.approx(-math.log(2))
    assert effect(name, sharp(2.0, 1.0), when="rise") == 0.0
    assert [row_of(name, sharp(*pair)).verdict for pair in ((2.0, 1.0), (1.0, 2.0), (1.0, 1.0))] == [
        "supported", "refuted", "no effect of interest",
    ]  # fmt: skip
    row = row_of(name, sharp(2.0, 1.0))
    assert row.control["verdict"] == "refuted"
    assert row.control["effect"] == pytest.approx(-2.0, rel=0.02)
    assert row.null["verdict"] == "supported"
    log = np.log1p(0.001 * np.arange(6) ** 2)
    assert row.null["effect"] == pytest.approx((log[::2] - log[1::2]).mean(), rel=1e-4)


def test_flatness_that_was_not_measured_was_not_run() -> None:
    evidence = found("asam-finds-flatter-minima", world(REPLICATES))
    assert (evidence.effect, evidence.was_run) == (None, False)
    assert evidence.remark.startswith("Not run at this scale: rise_at_loss of networks pretrained with asam-0.5")
    never = found("asam-finds-flatter-minima", sharp(2.0, 1.0, rise_at_loss=None))
    assert (never.effect, never.was_run) == (None, True)
    assert "pretrained with ASAM-0.5 has a sharpness at the first step below a common training loss" in never.remark
    assert row_of("asam-finds-flatter-minima", sharp(2.0, 1.0, rise_at_loss=None)).verdict == "not testable"
    plain_never = sharp(2.0, 1.0)
    for row in plain_never:
        if row["kind"] == "pretrained" and row["optimizer"] == SGD and row["forget"] == "high":
            row["numbers"]["rise_at_loss"] = None
    assert row_of("asam-finds-flatter-minima", plain_never).verdict == "not testable"
    some = sharp(2.0, 1.0)
    for row in some:
        if row["kind"] == "pretrained" and row["replicate"] == 0 and row["forget"] == "high":
            row["numbers"]["rise_at_loss"] = None
    assert effect("asam-finds-flatter-minima", some) == pytest.approx(-math.log(2))  # of those that came there
    strange = found("asam-finds-flatter-minima", sharp(2.0, -1.0)).effect
    assert strange is not None
    assert math.isnan(strange.value)  # it is not left out


# --- other weights, and the released code --------------------------------------------------------------


@pytest.mark.parametrize(
    ("rival", "arm"),
    [
        ("random-weights", "select-random-sgd-after-sgd"),
        ("gradients", "select-gradient-sgd-after-sgd"),
        ("smallest-entries", "select-smallest-sgd-after-sgd"),
        ("last-layer", "last-layer-sgd-after-sgd"),
        ("all-weights", PLAIN),
    ],
)
def test_curvature_is_held_against_each_rival(rival: str, arm: str) -> None:
    name, chosen = f"curvature-selection-beats-{rival}", "select-largest-sgd-after-sgd"
    assert effect(name, planted({arm: LOSS})) == pytest.approx(0.1)
    assert effect(name, planted({chosen: LOSS})) == pytest.approx(-0.1)
    assert row_of(name, planted({arm: LOSS}, wobble=WOBBLE)).verdict == "supported"
    assert row_of(name, planted({chosen: LOSS}, wobble=WOBBLE)).verdict == "refuted"
    assert row_of(name, planted({}, wobble=WOBBLE)).verdict == "no effect of interest"
    others = {each for each in ARMS if each not in (arm, chosen)}
    assert effect(name, planted(dict.fromkeys(others, LOSS))) == pytest.approx(0.0, abs=1e-12)


def test_what_curvature_costs_is_told_as_a_ratio_of_seconds() -> None:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        slow = row.get("arm") == "select-largest-sgd-after-sgd"
        return row | {"seconds": (3.0 if slow else 1.5) * (1 + row["replicate"])}

    details = found("curvature-selection-beats-random-weights", world(REPLICATES, change=change)).details
    told = details["log of the seconds of a run, less that of the rival"]
    assert told.value == pytest.approx(math.log(2))


@pytest.mark.parametrize("name", [*QUIRKS, "scrub_epoch"])
def test_a_quirk_is_held_against_its_correction(name: str) -> None:
    usual = "scrub-sgd-after-sgd" if name == "scrub_epoch" else "minmax-asam-after-sgd"
    claim = f"correcting-{name.replace('_', '-')}-helps"
    assert effect(claim, planted({f"quirk-{name}-{usual}": LOSS})) == pytest.approx(0.1)
    assert effect(claim, planted({usual: LOSS})) == pytest.approx(-0.1)
    others = {each for each in ARMS if each not in (usual, f"quirk-{name}-{usual}")}
    assert effect(claim, planted(dict.fromkeys(others, LOSS))) == pytest.approx(0.0, abs=1e-12)


def test_settings_of_the_memorized_compare_the_same_method_on_both_sets() -> None:
    name = "memorized-samples-cost-more"
    for words, arm in {"NegGrad": "neggrad", "Sharp MinMax": "minmax"}.items():
        rows = planted({f"{arm}-random-asam-after-sgd": {"test_accuracy": -0.1}})
        assert effect(name, rows) == 0.0
        assert effect(name, rows, setting=f"{words} with ASAM after SGD") == pytest.approx(-0.05)


def test_scrub_is_asked_of_pretraining_with_both_optimizers() -> None:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        if row.get("arm") == "scrub-asam-after-asam":
            row["stops"]["own-loss"]["test_accuracy"] -= 0.1
        return row

    name, rows = "asam-pretraining-helps-scrub", world(REPLICATES, change=change)
    assert effect(name, rows) == pytest.approx(0.0, abs=1e-12)
    assert effect(name, rows, setting="ASAM in unlearning") == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("scale", "name"),
    [("digits-noise", "on-noised-images"), ("digits-adamw", "with-adamw"), ("digits-vit", "in-a-transformer")],
)
def test_what_is_more_general_is_asked_of_its_own_scale(scale: str, name: str) -> None:
    claim = f"asam-improves-neggrad-{name}"
    here = [row | {"scale": scale} for row in planted({PLAIN: LOSS}, wobble=WOBBLE)]
    assert row_of(claim, here).verdict == "supported"
    assert effect(claim, here) == pytest.approx(0.1, abs=0.01)
    assert effect(claim, here, setting="Sharp MinMax against NegGrad, ASAM") == pytest.approx(0.0, abs=0.01)
    elsewhere = row_of(claim, planted({PLAIN: LOSS}))
    assert elsewhere.verdict == "not run"
    assert elsewhere.control["effect"] is None  # or it would have to be refuted for a verdict that there is not
    assert scale in elsewhere.remark
    again = row_of("asam-improves-neggrad", here)  # the same number is not judged in two families
    assert (again.verdict, again.effect) == ("not run", None)
    assert claim in again.remark


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("asam-improves-neggrad", "neggrad-at-half-rate-asam-after-sgd", "neggrad-at-half-rate-sgd-after-sgd"),
        ("sharp-minmax-beats-neggrad", "minmax-at-half-rate-asam-after-sgd", "neggrad-at-half-rate-asam-after-sgd"),
        ("sharp-minmax-owes-to-max", "minmax-at-half-rate-asam-after-sgd", "minmax-no-max-at-half-rate-asam-after-sgd"),
        ("asam-pretraining-helps-neggrad", "neggrad-at-half-rate-sgd-after-asam", "neggrad-at-half-rate-sgd-after-sgd"),
    ],
)
def test_both_arms_have_half_or_twice_their_rates(name: str, one: str, other: str) -> None:
    for arm, expected in ((one, -0.1), (other, 0.1)):
        rows = planted({arm: LOSS})
        half, twice = {"setting": "half of both rates"}, {"setting": "twice both rates"}
        assert effect(name, rows) == effect(name, rows, **twice) == pytest.approx(0.0, abs=1e-12)
        assert effect(name, rows, **half) == pytest.approx(expected)
        assert effect(name, planted({arm.replace("half", "twice"): LOSS}), **twice) == pytest.approx(expected)


def test_the_share_of_the_weights_is_a_setting_of_sharp_minmax() -> None:
    for share, words in {"0.1": "10 %", "0.5": "50 %"}.items():
        rows = planted({f"minmax-fraction-{share}-asam-after-sgd": LOSS})
        assert effect("sharp-minmax-beats-neggrad", rows) == pytest.approx(0.0, abs=1e-12)
        assert effect("sharp-minmax-beats-neggrad", rows, setting=f"{words} of the weights") == pytest.approx(-0.1)
