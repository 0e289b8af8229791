"""Published groups and curves are means of the rows; runs that diverged are told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepnet.publishing import Published
from deepnet.publishing.writing import publish
from tests.deepnet.made_up_confirmation import CHOSEN, write_results
from tests.deepnet.publishing.published_rows import Usual, like, lines_of, student_interval


def test_groups_are_means_of_the_rows(usual: Usual) -> None:
    rows = usual.rows
    names = ("forget_set", "request", "pretrain", "method", "variant", "optimizer")
    lines = lines_of(usual.published.folder / "groups.csv")
    for line in lines:
        alike = [row for row in rows[line["study"]] if like(row, **{name: line[name] for name in names})]
        assert len(alike) == int(line["runs"])
        assert line["diverged"] == "0"
        for column in ("tow", "retain_accuracy", "forget_accuracy", "test_accuracy", "mia_gap", "seconds"):
            values = [row[column] for row in alike]
            expected = student_interval(values) if len(values) > 1 else (values[0], np.nan, np.nan)
            found = [float(line[column + part] or "nan") for part in ("", "_low", "_high")]
            assert found == pytest.approx(list(expected), rel=1e-5, nan_ok=True)
            assert int(line[f"{column}_n"]) == len(values)
    groups = {tuple(row[name] for name in names) for row in rows["main"]}
    assert len(groups) == sum(line["study"] == "main" for line in lines)


def test_time_is_told_over_plain_neggrad(usual: Usual) -> None:
    rows, groups = usual.rows["main"], usual.published.study("main")
    where = {"forget_set": "low", "pretrain": "sam-0.1"}
    seconds = {
        optimizer: [row["seconds"] for row in rows if like(row, method="neggrad", optimizer=optimizer, **where)]
        for optimizer in ("sgd", "asam-0.5")
    }
    ratios = [one / other for one, other in zip(seconds["asam-0.5"], seconds["sgd"], strict=True)]
    found = next(
        g
        for g in groups
        if (g.method, g.optimizer, g.forget_set, g.pretrain) == ("neggrad", "asam-0.5", *where.values())
    )
    mean = found.means["seconds_ratio"]
    assert (mean.value, mean.low, mean.high) == pytest.approx(student_interval(ratios), rel=1e-5)
    assert found.means["memory_ratio"].value is None


def test_curves_are_means_of_the_rows(usual: Usual) -> None:
    rows, curves = usual.rows["main"], usual.published.curves
    curve = next(
        c for c in curves if (c.method, c.optimizer, c.forget_set, c.pretrain) == ("neggrad", "sam-0.1", "high", "sgd")
    )
    alike = [
        row["relearn_curve"]
        for row in rows
        if like(row, method="neggrad", optimizer="sam-0.1", forget_set="high", pretrain="sgd")
    ]
    expected = np.array([student_interval([one["accuracy"][place] for one in alike]) for place in range(3)])
    assert curve.steps == alike[0]["steps"]
    np.testing.assert_allclose(np.array([curve.accuracy, curve.low, curve.high], dtype=float).T, expected, atol=1e-3)
    assert curve.runs == len(alike) == 3


def test_diverged_runs_are_told_and_leave_no_interval(digits: Path, target: Path) -> None:
    lost = {"method": "neggrad", "optimizer": "sgd", "pretrain": "sgd", "forget_set": "high", "seed": 1}

    def diverging(study: str, row: dict[str, Any]) -> dict[str, Any]:
        return row | {"status": "diverged", "reason": "not finite"} if study == "main" and like(row, **lost) else row

    rows = write_results(digits, diverging)["main"]
    found = Published(publish(CHOSEN, digits, target))
    group = next(g for g in found.study("main") if all(getattr(g, key) == lost[key] for key in lost if key != "seed"))
    left = [row["tow"] for row in rows if like(row, **lost | {"seed": row["seed"]}) and row["status"] == "finished"]
    assert (group.runs, group.diverged, group.means["tow"].n) == (3, 1, 2)
    assert group.means["tow"].value == pytest.approx(np.mean(left), rel=1e-5)
    assert (group.means["tow"].low, group.means["tow"].high) == (None, None)
    told = found.provenance["studies"]["main"]["diverged"]
    assert [(each["seed"], each["reason"]) for each in told] == [(1, "not finite")]
