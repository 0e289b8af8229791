"""The search for learning rates, on made-up rows whose best rates are known; its table, read back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from deepnet.matched.study import RESERVED, Arm, MatchedStudy
from deepnet.matched.tuning.rates import EFFORTS, as_csv, rates_in, tracked_rates, with_rates
from deepnet.matched.tuning.search import Effort, judge, rate, search, trials_of, worth
from tests.deepnet.matched.small_matched import small_matched

PERFECT = {"retain_accuracy": 1.0, "forget_accuracy": 0.6, "val_accuracy": 0.9, "test_accuracy": 0.0}


def reference(replicate: int = RESERVED, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "retrained", "replicate": replicate, "forget": "random", "optimizer": "sgd", "again": False,
        "status": "finished", "numbers": PERFECT,
    } | changes  # fmt: skip


def trajectory(arm: str, lr: float, tow: float, replicate: int = RESERVED, **changes: Any) -> dict[str, Any]:
    """A row whose tug of war is 1 - |Δ| of the retain set alone."""
    numbers = PERFECT | {"retain_accuracy": tow}
    return {
        "kind": "trajectory", "arm": f"{arm}@{lr:g}", "lr": lr, "replicate": replicate, "forget": "random",
        "status": "finished", "stops": {"loss": {"step": 7, **numbers}}, "last": {"step": 9, **PERFECT},
    } | changes  # fmt: skip


def made_up(worths: dict[str, Callable[[float], float]], asked: list[list[str]] | None = None) -> Any:
    """What makes the rows of a study without training: a function of the rate for each arm."""

    def run(study: MatchedStudy) -> list[dict[str, Any]]:
        if asked is not None:
            asked.append([arm.name for arm in study.arms])
        rows = [reference(number) for number in study.replicates]
        for number in study.replicates:
            for arm in study.arms:
                name = arm.name.partition("@")[0]
                rows.append(trajectory(name, arm.lr, worths[name](arm.lr), number))
        return rows

    return run


def study_of(*names: str) -> MatchedStudy:
    return small_matched(arms=tuple(Arm(name=name, forget="random") for name in names))


def peak(at: float) -> Callable[[float], float]:
    return lambda lr: 1 - 0.05 * abs(math.log2(lr / at))


def test_the_best_rate_wins_and_arms_have_as_many_trials_as_they_need() -> None:
    """One inside the grid, one above it, one below, one at its end: that one needs a rate beyond to be sure."""
    bests = {"inside": rate(1), "above": rate(6), "below": rate(-5), "end": rate(3)}
    trials = search(study_of(*bests), made_up({name: peak(at) for name, at in bests.items()}), Effort())
    assert {trial.arm: trial.lr for trial in trials if trial.chosen} == bests
    assert not any(trial.edge for trial in trials if trial.chosen)
    rates = {name: [trial.lr for trial in trials if trial.arm == name] for name in bests}
    assert rates["inside"] == [rate(k) for k in range(-3, 4)]
    assert rates["above"] == [rate(k) for k in range(-3, 8)]
    assert rates["below"] == [rate(k) for k in range(-6, 4)]
    assert rates["end"] == [rate(k) for k in range(-3, 5)]


def test_only_arms_that_are_not_settled_are_tried_again() -> None:
    asked: list[list[str]] = []
    search(study_of("a", "b"), made_up({"a": peak(rate(0)), "b": peak(rate(3))}, asked), Effort())
    assert [sorted({name.partition("@")[0] for name in names}) for names in asked] == [["a", "b"], ["b"]]


def test_an_endless_edge_is_given_up_and_said() -> None:
    trials = search(study_of("a"), made_up({"a": lambda lr: min(1.0, lr / 1e6)}), Effort())
    chosen = next(trial for trial in trials if trial.chosen)
    assert chosen.edge
    assert chosen.lr == rate(11)
    assert len(trials) == 15


def test_of_tied_rates_the_smallest_wins_and_rounding_does_not_break_ties() -> None:
    rows = [reference()] + [
        trajectory("a", lr, tow) for lr, tow in ((0.01, 0.5), (0.02, 0.1 + 0.2), (0.04, 0.5 + 1e-16), (0.08, 0.3))
    ]
    assert [trial.chosen for trial in judge("a", [0.01, 0.02, 0.04, 0.08], rows)] == [True, False, False, False]
    rows[1]["stops"]["loss"]["retain_accuracy"] = 0.5 - 1e-9
    assert [trial.chosen for trial in judge("a", [0.01, 0.02, 0.04, 0.08], rows)] == [False, False, True, False]


def test_means_are_over_replicates_each_against_its_own_reference() -> None:
    other = PERFECT | {"retain_accuracy": 0.8}
    rows = [
        reference(0), reference(1, numbers=other), reference(0, again=True, numbers=other),
        reference(0, optimizer="asam-0.5", numbers=other), reference(0, forget="high", numbers=other),
        trajectory("a", 0.01, 0.8, 0), trajectory("a", 0.01, 0.8, 1),
    ]  # fmt: skip
    (trial,) = judge("a", [0.01], rows)
    assert trial.tow == pytest.approx((0.8 + 1.0) / 2)
    assert (trial.runs, trial.reached, trial.step, trial.retain) == (2, 2, 7.0, pytest.approx(0.8))


def test_validation_images_stand_in_the_place_of_test_images() -> None:
    row = trajectory("a", 0.01, 1.0)
    row["stops"]["loss"] |= {"val_accuracy": 0.8, "test_accuracy": 1.0}
    assert worth(row, reference()) == pytest.approx(0.9)


def test_a_run_that_never_matches_counts_by_its_last_numbers_and_a_diverged_one_not_at_all() -> None:
    last = {"step": 9, **PERFECT, "forget_accuracy": 1.0}
    censored = trajectory("a", 0.01, 1.0, stops={"loss": {"step": None}}, last=last)
    assert worth(censored, reference()) == pytest.approx(0.6)
    diverged = replace_status(censored)
    assert worth(diverged, reference()) == 0
    matched_first = replace_status(trajectory("a", 0.01, 0.7))
    assert worth(matched_first, reference()) == pytest.approx(0.7)
    assert worth(trajectory("a", 0.01, 0.7), reference(status="diverged")) == 0
    (trial,) = judge("a", [0.01], [reference(), diverged])
    assert (trial.tow, trial.reached) == (0, 0)
    assert math.isnan(trial.step)
    assert math.isnan(trial.retain)


def replace_status(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"status": "diverged", "last": {"step": 3}}


def test_a_search_is_short_and_on_replicates_of_its_own() -> None:
    seen: list[MatchedStudy] = []
    inner = made_up({"a": peak(rate(0))})

    def run(study: MatchedStudy) -> Any:
        seen.append(study)
        return inner(study)

    base = study_of("a")
    search(base, run, Effort())
    (study,) = seen
    assert study.replicates == (RESERVED, RESERVED + 1, RESERVED + 2)
    assert (study.watching.stops, study.watching.epochs, study.watching.relearning) == (("loss",), (), None)
    assert not study.ceiling
    assert study.unlearn == base.unlearn
    for effort in (Effort(), *EFFORTS.values()):
        assert min(effort.replicates) >= RESERVED


def test_arms_that_take_anothers_rate_are_not_tried() -> None:
    study = small_matched(arms=(Arm(name="a", forget="random"), Arm(name="b", forget="random", tuned="a", factor=1.1)))
    trials = search(study, made_up({"a": peak(rate(2))}), Effort())
    assert {trial.arm for trial in trials} == {"a"}
    found = with_rates(study, {"a": 0.04})
    assert [arm.lr for arm in found.arms] == [0.04, pytest.approx(0.044)]


def test_trials_differ_from_their_arm_in_name_and_rate_alone() -> None:
    study = study_of("a")
    found = trials_of(study, {"a": range(-1, 1)})
    assert [(arm.name, arm.lr) for arm in found.arms] == [("a@0.005", 0.005), ("a@0.01", 0.01)]
    assert {replace(arm, name="a", lr=study.arms[0].lr) for arm in found.arms} == {study.arms[0]}


def test_the_table_is_read_back(tmp_path: Path) -> None:
    trials = search(study_of("a", "b"), made_up({"a": peak(rate(0)), "b": peak(rate(5))}), Effort())
    path = tmp_path / "rates.csv"
    path.write_text(as_csv(trials, ["where from"]), encoding="utf-8")
    assert path.read_text(encoding="utf-8").startswith("# where from\narm,lr,tow,")
    assert rates_in(path) == {"a": rate(0), "b": rate(5)}


def test_what_is_no_table_of_trials_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="The table of learning rates"):
        rates_in(tmp_path / "none.csv")
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"other\.csv is not a table of trials"):
        rates_in(path)
    with pytest.raises(ValueError, match="There is no learning rate of the arm a in"):
        with_rates(study_of("a"), {"b": 1.0}, path)


def test_each_preset_has_a_table_of_its_own() -> None:
    assert {preset: tracked_rates(preset).name for preset in ("digits", "photographs-resnet50")} == {
        "digits": "digits.csv", "photographs-resnet50": "photographs-resnet50.csv",
    }  # fmt: skip
