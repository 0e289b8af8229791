"""Rows by arm and replicate: what is a run at a stop, what is left out, and what is refused."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from deepnet.ledger.findings import SEARCHES, Findings, NotMeasuredError
from tests.deepnet.made_up_matched import ASAM, SGD, diverged, run, still, unreached, world

ARM = "neggrad-sgd-after-sgd"


def of(*rows: dict[str, Any]) -> Findings:
    return Findings.of([still("retrained", row["replicate"]) for row in rows] + list(rows))


def test_a_run_is_read_at_the_stop_that_is_asked_for() -> None:
    row = run(ARM, 3, step=7, retain_accuracy=0.5)
    row["stops"]["accuracy"] = row["stops"]["accuracy"] | {"step": 9, "retain_accuracy": 0.4}
    found = of(row)
    assert [found.stopped(ARM, stop)[3].step for stop in ("loss", "accuracy")] == [7, 9]
    assert [found.stopped(ARM, stop)[3].numbers["retain_accuracy"] for stop in ("loss", "accuracy")] == [0.5, 0.4]
    assert found.stopped(ARM, "loss")[3].ending == "reached"
    with pytest.raises(NotMeasuredError, match="the arm neggrad-sgd-after-sgd was not stopped at nowhere"):
        found.stopped(ARM, "nowhere")
    with pytest.raises(NotMeasuredError, match="the arm minmax was not run"):
        found.stopped("minmax", "loss")


def test_a_run_that_never_reaches_its_stop_has_its_last_numbers_and_says_so() -> None:
    found = of(unreached(run(ARM, 0), retain_accuracy=0.7)).stopped(ARM, "loss")[0]
    assert (found.ending, found.step, found.numbers["retain_accuracy"]) == ("not reached", 100, 0.7)


def test_a_run_that_diverges_has_no_number_but_at_the_stops_before() -> None:
    row = diverged(run(ARM, 0))
    found = of(row).stopped(ARM, "loss")[0]
    assert (found.ending, found.step, found.numbers) == ("diverged", None, {})
    row["stops"]["loss"] = {"step": 5, "retain_accuracy": 0.9}
    assert of(row).stopped(ARM, "loss")[0].ending == "reached"
    assert of(row).stopped(ARM, "accuracy")[0].ending == "diverged"


def test_a_start_that_diverged_is_a_failure_of_the_arm_and_a_lost_reference_is_none() -> None:
    row = run(ARM, 0) | {"status": "diverged", "stops": {}, "last": {}}
    assert of(row).stopped(ARM, "loss")[0].ending == "diverged"
    lost = still("retrained", 0) | {"status": "diverged", "numbers": {}}
    again = still("retrained", 0, again=True)
    other = run(ARM, 1)
    found = Findings.of([lost, again, row, still("retrained", 1), other])
    assert list(found.arm(ARM)) == [1]
    assert sorted(found.retrained["high", SGD]) == [0, 1]  # the second network is one still
    lost_ones = [{"forget": "random"}, {"optimizer": ASAM}, {"again": True}]
    for about in lost_ones:  # which nothing of this arm is read from
        lost = still("retrained", 1, **about) | {"status": "diverged"}
        assert list(Findings.of([still("retrained", 1), lost, other]).arm(ARM)) == [1]
    own = still("retrained", 1, ASAM) | {"status": "diverged"}
    aware = [run("neggrad-sgd-after-asam", number) for number in (1, 2)]
    assert list(Findings.of([own, still("retrained", 1), *aware]).arm("neggrad-sgd-after-asam")) == [2]


def test_the_own_reference_of_a_plain_network_is_the_reference() -> None:
    plain, aware = run(ARM, 0, step=7), run("neggrad-sgd-after-asam", 0, step=7)
    assert "own-loss" not in plain["stops"]
    aware["stops"]["own-loss"] = aware["stops"]["own-loss"] | {"step": 11}
    found = of(plain, aware | {"replicate": 1})
    assert found.stopped(ARM, "own-loss")[0].step == 7
    assert found.stopped("neggrad-sgd-after-asam", "own-loss")[1].step == 11
    del aware["stops"]["own-loss"]
    with pytest.raises(NotMeasuredError):
        of(aware).stopped("neggrad-sgd-after-asam", "own-loss")


def test_networks_are_found_by_forget_set_and_optimizer_the_reference_first() -> None:
    second, first = still("retrained", 0, again=True, numbers={"x": 2}), still("retrained", 0, numbers={"x": 1})
    aware = still("retrained", 0, ASAM, numbers={"x": 3})
    other = still("retrained", 0, forget="random", numbers={"x": 4})
    lost = still("retrained", 1) | {"status": "diverged"}
    start = still("pretrained", 0, ASAM, numbers={"x": 5})
    found = Findings.of([second, first, aware, other, lost, start])
    assert found.retrained["high", SGD] == {0: [{"x": 1}, {"x": 2}]}
    assert found.retrained["high", ASAM] == {0: [{"x": 3}]}
    assert found.retrained["random", SGD] == {0: [{"x": 4}]}
    assert found.pretrained == {("high", ASAM): {0: {"x": 5}}}
    assert found.replicates == (0, 1)


def test_replicates_of_searches_are_not_judged() -> None:
    found = Findings.of([*world([0], arms=[ARM]), *world([SEARCHES], arms=[ARM])])
    assert found.replicates == (0,)
    assert found.searched == len(world([0], arms=[ARM]))
    with pytest.raises(ValueError, match="must hold rows of a matched study, but has none"):
        Findings.of(world([SEARCHES], arms=[ARM]))


def test_searches_begin_where_those_of_studies_end() -> None:
    source = Path("deepnet/matched/study.py").read_text(encoding="utf-8")
    nodes = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    assert [ast.literal_eval(node.value) for node in nodes if node.targets[0].id == "RESERVED"] == [SEARCHES]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "model"}, "has one of the kind model"),
        ({"threads": 2}, "must be made with one threads, but has 1, 2"),
        ({"precision": "float16"}, "must be made with one precision, but has float16, float32"),
        ({"scale": "other"}, "must be made with one scale"),
        ({"replicate": 0}, f"has two of {ARM} in replicate 0"),
        ({"forget": "random"}, f"but {ARM} differs"),
        ({"epochs": 3}, f"but {ARM} differs"),
    ],
)
def test_rows_that_do_not_belong_together_are_refused(change: dict[str, Any], message: str) -> None:
    rows = [run(ARM, 0), run(ARM, 1) | change]
    with pytest.raises(ValueError, match=message):
        Findings.of(rows)


def test_a_row_without_a_column_is_refused() -> None:
    row = run(ARM, 0)
    del row["stops"]
    with pytest.raises(ValueError, match="one of the kind trajectory has no stops"):
        Findings.of([row])
    with pytest.raises(ValueError, match="has one of the kind int"):
        Findings.of([7])  # type: ignore[list-item]
