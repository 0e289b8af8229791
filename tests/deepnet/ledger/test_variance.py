"""Shares of variance, on twins whose components are known, and on made-up rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepnet.ledger.findings import Findings
from deepnet.ledger.pages import write_judgement
from deepnet.ledger.scales import judge
from deepnet.ledger.variance import as_csv, share_within, shares_of
from tests.deepnet.ledger.planted import AGAIN, PLAIN
from tests.deepnet.made_up_matched import world


def test_the_components_are_those_that_were_drawn() -> None:
    """Between pairs a deviation of 3, within them of 1: a tenth of the variance is within."""
    rng = np.random.default_rng(0)
    pairs = 3.0 * rng.standard_normal((4000, 1)) + rng.standard_normal((4000, 2))
    spread, share = share_within(pairs)
    assert spread == pytest.approx(10**0.5, rel=0.03)
    assert share.value == pytest.approx(0.1, abs=0.01)
    assert share.standard_error == pytest.approx(0.1 * 0.9 * 2 / 4000**0.5, rel=0.3)  # of a ratio of mean squares


def test_components_by_hand() -> None:
    """Within 2 of each pair: a half of 4; means 0, 4, 8 vary by 16, less half of that."""
    pairs = np.array([[-1.0, 1.0], [3.0, 5.0], [7.0, 9.0]])
    spread, share = share_within(pairs)
    assert spread == pytest.approx((2.0 + 15.0) ** 0.5)
    assert share.value == pytest.approx(2.0 / 17.0)


@pytest.mark.parametrize(("pairs", "share"), [
    ([[1.0, 1.0], [2.0, 2.0], [5.0, 5.0]], 0.0), ([[0.0, 4.0], [4.0, 0.0], [0.0, 4.0]], 1.0),
])  # fmt: skip
def test_ends_of_the_range(pairs: list[list[float]], share: float) -> None:
    assert share_within(np.array(pairs))[1].value == share


def test_intervals_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(300):
        pairs = rng.standard_normal((30, 1)) + rng.standard_normal((30, 2))
        low, high = share_within(pairs)[1].interval()
        hits += low <= 0.5 <= high
    assert hits / 300 > 0.9


def shaken(number: str, weights: float, batches: float, split: float) -> list[dict[str, Any]]:
    """The world, where a number varies by so much for each of the stages."""
    rng = np.random.default_rng(2)
    of_split = split * rng.standard_normal(200)

    def change(row: dict[str, Any]) -> dict[str, Any]:
        shift = of_split[row["replicate"]]
        if row["kind"] == "retrained" and row["forget"] == "high":
            row["numbers"][number] += shift + weights * rng.standard_normal()
        if row.get("arm") in (PLAIN, AGAIN):
            row["stops"]["loss"][number] += shift + batches * rng.standard_normal()
        return row

    return world(range(200), arms=[PLAIN, AGAIN], change=change)


def test_twins_share_what_came_before() -> None:
    findings = Findings.of(shaken("test_accuracy", weights=0.02, batches=0.01, split=0.01))
    found = {(one.number, one.of): one for one in shares_of(findings)}
    retrained = found["test_accuracy", "retrained networks"]
    assert retrained.source == "weights and batches of training"
    assert retrained.share.value == pytest.approx(0.8, abs=0.12)
    assert retrained.pairs == 400  # both forget sets have twins here
    unlearned = found["test_accuracy", "NegGrad at the match"]
    assert unlearned.source == "batches of unlearning"
    assert unlearned.share.value == pytest.approx(0.5, abs=0.15)
    assert unlearned.spread == pytest.approx(0.01 * 2**0.5, rel=0.15)
    assert unlearned.pairs == 200
    assert np.isnan(found["retain_accuracy", "NegGrad at the match"].share.value)  # nothing varies


def test_without_twins_nothing_is_said() -> None:
    assert shares_of(Findings.of(world(range(1)))) == []
    alone = [row for row in world(range(5), arms=[PLAIN]) if not row.get("again")]
    assert shares_of(Findings.of(alone)) == []


def test_numbers_that_were_not_measured_are_left_out() -> None:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        if row["kind"] == "retrained":
            row["numbers"]["relearn"] = None
        return row

    found = {(one.number, one.of) for one in shares_of(Findings.of(world(range(4), change=change)))}
    assert ("relearn", "retrained networks") not in found
    assert ("relearn", "NegGrad at the match") in found


def test_the_table_is_written_with_the_ledgers(tmp_path: Path) -> None:
    rows = shaken("auc", weights=0.02, batches=0.01, split=0.01)
    judgement = judge({"small": rows})
    written = write_judgement(judgement, tmp_path)
    assert tmp_path / "variance.csv" in written
    lines = (tmp_path / "variance.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "scale,number,of,source,spread,share,low,high,pairs"
    assert any(line.startswith("small,auc,NegGrad at the match,batches of unlearning,") for line in lines)
    assert as_csv({"small": shares_of(judgement.findings["small"])}).splitlines() == lines
