"""Means, intervals and paired tests against scipy and against hand calculation."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from deepnet.report import blocks, compare_all, holm, summarise
from deepnet.report.comparison import Comparison
from deepnet.report.naming import METHODS, PRETRAINED, optimizer_order, optimizer_words
from deepnet.report.rows import row_from
from deepnet.report.summary import ONE_SEED, Summary
from tests.deepnet.report_rows import made_up_row, made_up_rows


def summary_of(method: str, optimizer: str = "sgd", **columns: list[Any]) -> Summary:
    """The summary of a group whose seeds have the given values."""
    counts = range(len(next(iter(columns.values()))))
    rows = [
        row_from(made_up_row(method, optimizer, seed=10 + k, **{name: values[k] for name, values in columns.items()}))
        for k in counts
    ]
    (found,) = summarise(rows)
    return found


def test_interval_is_that_of_scipy() -> None:
    values = [0.91, 0.87, 0.95, 0.90]
    mean = summary_of("neggrad", tow=values).means["tow"]
    expected = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (mean.low, mean.high) == pytest.approx(expected, rel=1e-12)
    assert mean.value == pytest.approx(0.9075, rel=1e-12)
    assert mean.half_width == pytest.approx((expected[1] - expected[0]) / 2, rel=1e-12)


def test_one_seed_has_no_interval() -> None:
    mean = summary_of("neggrad", tow=[0.9]).means["tow"]
    assert (mean.value, mean.low, mean.high, mean.half_width, mean.note) == (0.9, None, None, None, ONE_SEED)


def test_number_of_all_seeds_together_has_no_interval() -> None:
    summary = summary_of("neggrad", klom=[2.5, 2.5], tow=[0.9, 0.9])
    assert summary.means["klom"].value == 2.5
    assert summary.means["klom"].half_width is None
    assert summary.means["tow"].half_width == 0.0  # two seeds that happen to agree


def test_steps_that_were_too_many_to_be_counted_have_no_mean() -> None:
    mean = summary_of("neggrad", relearn_steps=[20, None, 40]).means["relearn_steps"]
    assert mean.value is None
    assert mean.note == "not within the attack in 1 of 3 runs"


def test_diverged_runs_are_told_apart() -> None:
    by_method = {(each.group.method, each.group.optimizer): each for each in summarise(rows_read())}
    some, none = by_method["ascent", "sgd"], by_method["influence", "asam-1"]
    assert (len(some.finished), len(some.diverged), some.means["tow"].n) == (2, 1, 2)
    assert (len(none.finished), none.means["tow"].value, none.means["tow"].note) == (0, None, "diverged")


def rows_read() -> list[Any]:
    return [row_from(row) for row in made_up_rows(pretrains=("sgd",))]


def test_nothing_is_nan() -> None:
    for seeds in ((0,), (0, 1), (0, 1, 2)):
        summaries = summarise([row_from(row) for row in made_up_rows(seeds=seeds)])
        numbers = [n for s in summaries for mean in s.means.values() for n in (mean.value, mean.low, mean.high)]
        for each in compare_all(blocks(summaries)):
            numbers += [each.difference, each.low, each.high, each.p, each.p_holm]
            assert each.p is not None or each.note
        assert all(number is None or math.isfinite(number) for number in numbers)


def test_order_and_borrowed_reference() -> None:
    rows = [row_from(row) for row in reversed(made_up_rows())]
    plain, adaptive = blocks(summarise(rows))
    assert (plain.pretrain, adaptive.pretrain) == ("sgd", "asam-1")
    assert [each.group.method for each in plain.summaries[:3]] == ["retrain", "pretrained", "finetune"]
    assert [each.group.optimizer for each in plain.methods[:3]] == ["sgd", "sam-0.1", "asam-1"]
    assert adaptive.retrained == plain.retrained
    assert adaptive.pretrained != plain.pretrained
    assert blocks(summarise(rows)) == blocks(summarise(rows[::-1]))


def test_places_are_those_of_methods() -> None:
    pytest.importorskip("torch")
    from deepnet.methods import METHODS as IMPLEMENTED

    assert set(METHODS) - {PRETRAINED} <= set(IMPLEMENTED)


def test_words_of_optimizers() -> None:
    assert [optimizer_words(each) for each in ("sgd", "sam-0.05", "asam-1.0", "adamw")] == [
        "SGD", "SAM ρ=0.05", "ASAM ρ=1.0", "adamw",
    ]  # fmt: skip
    assert sorted(["adamw", "asam-0.5", "sam-1e-2", "sam-0.1", "sgd"], key=optimizer_order) == [
        "sgd", "sam-1e-2", "sam-0.1", "asam-0.5", "adamw",
    ]  # fmt: skip


# --- paired tests --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.2], [0.2]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.01, 0.01, 0.9], [0.03, 0.03, 0.9]),
        ([], []),
    ],
)
def test_holm_by_hand(p_values: list[float], expected: list[float]) -> None:
    assert holm(p_values) == pytest.approx(expected, rel=1e-12)


def comparisons(*groups: tuple[str, str, dict[str, list[Any]]]) -> tuple[Comparison, ...]:
    rows = [
        row_from(made_up_row(method, optimizer, seed=10 + k, **{name: each[k] for name, each in columns.items()}))
        for method, optimizer, columns in groups
        for k in range(len(next(iter(columns.values()))))
    ]
    return compare_all(blocks(summarise(rows)))


def test_paired_test_is_that_of_scipy() -> None:
    ours, theirs = [0.95, 0.90, 0.93, 0.97], [0.90, 0.88, 0.91, 0.88]
    (found,) = comparisons(("neggrad", "sgd", {"tow": theirs}), ("neggrad", "asam-1", {"tow": ours}))
    expected = stats.ttest_rel(ours, theirs)
    interval = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert (found.p_holm, found.n) == (found.p, 4)
    assert found.difference == pytest.approx(0.045)


def test_questions_and_family() -> None:
    tow, forget = [0.9, 0.8, 0.85], [0.4, 0.45, 0.5]
    found = comparisons(
        ("finetune", "sgd", {"tow": tow, "forget_accuracy": [0.99, 0.97, 0.98]}),
        ("neggrad", "sgd", {"tow": tow, "forget_accuracy": forget}),
        ("neggrad", "asam-1", {"tow": [0.95, 0.9, 0.97], "forget_accuracy": [0.41, 0.44, 0.45]}),
        ("sharp-minmax", "asam-1", {"tow": [0.97, 0.95, 0.96], "forget_accuracy": [0.45, 0.41, 0.4]}),
    )
    asked = [(e.treatment.group.method, e.treatment.group.optimizer, e.baseline.group.method,
              e.baseline.group.optimizer, e.column) for e in found]  # fmt: skip
    assert asked == [
        ("neggrad", "sgd", "finetune", "sgd", "forget_accuracy"),
        ("neggrad", "asam-1", "finetune", "sgd", "forget_accuracy"),  # there is no fine-tuning with ASAM
        ("sharp-minmax", "asam-1", "finetune", "sgd", "forget_accuracy"),
        ("neggrad", "asam-1", "neggrad", "sgd", "tow"),
        ("sharp-minmax", "asam-1", "neggrad", "asam-1", "tow"),
    ]
    families = found[:3], found[3:4], found[4:]  # one a question
    corrected = [p for family in families for p in holm([e.p for e in family if e.p is not None])]
    assert [e.p_holm for e in found] == pytest.approx(corrected)
    assert found[0].verdict == "lower"
    assert found[-1].verdict == "not resolved"


def test_variant_is_compared_with_its_like() -> None:
    rows = [made_up_row(m, o, seed=s, variant=v) for m, o in (("neggrad", "sgd"), ("neggrad", "asam-1"))
            for v in ("", "alpha=0.9") for s in (0, 1)]  # fmt: skip
    found = compare_all(blocks(summarise([row_from(row) for row in rows])))
    assert [(e.treatment.group.variant, e.baseline.group.variant) for e in found] == [("", ""), ("alpha=0.9",) * 2]


def test_no_test_of_one_seed_of_lost_pairs_or_of_equal_differences() -> None:
    (single,) = comparisons(("neggrad", "sgd", {"tow": [0.8]}), ("neggrad", "asam-1", {"tow": [0.9]}))
    assert (single.note, single.p, single.low, single.verdict) == (ONE_SEED, None, None, "not tested")
    assert single.difference == pytest.approx(0.1)
    (equal,) = comparisons(("neggrad", "sgd", {"tow": [0.8, 0.7]}), ("neggrad", "asam-1", {"tow": [0.9, 0.8]}))
    assert (equal.note, equal.p) == ("all pairs differ by the same: no test", None)
    status = {"tow": [0.9, 0.8, 0.7], "status": ["finished", "finished", "diverged"]}
    (lost,) = comparisons(("neggrad", "sgd", {"tow": [0.8, 0.79, 0.6]}), ("neggrad", "asam-1", status))
    assert (lost.note, lost.p, lost.n) == ("1 pair lost to divergence: no test", None, 2)
    status["status"] = ["diverged"] * 3
    (gone,) = comparisons(("neggrad", "sgd", {"tow": [0.8, 0.79, 0.6]}), ("neggrad", "asam-1", status))
    assert (gone.note, gone.difference) == ("3 pairs lost to divergence", None)


@pytest.mark.parametrize(
    ("difference", "p", "verdict"),
    [(0.1, 0.049, "higher"), (-0.1, 0.049, "lower"), (0.1, 0.05, "not resolved"), (0.1, None, "not tested")],
)
def test_a_finding_is_one_at_five_percent(difference: float, p: float | None, verdict: str) -> None:
    (found,) = comparisons(("neggrad", "sgd", {"tow": [0.9, 0.8]}), ("neggrad", "asam-1", {"tow": [0.95, 0.9]}))
    assert replace(found, difference=difference, p_holm=p).verdict == verdict


def test_a_variant_is_compared_with_itself_under_another_optimizer() -> None:
    """A variant that was not tried with SGD is not compared with the plain method, whose α is another."""
    plain, other = {"tow": [0.9, 0.8]}, {"tow": [0.7, 0.6], "variant": ["alpha=0.5"] * 2}
    assert comparisons(("neggrad", "sgd", plain), ("neggrad", "asam-1", other)) == ()
    (found,) = comparisons(("neggrad", "sgd", plain), ("neggrad", "sgd", other), ("neggrad", "asam-1", other))
    assert found.baseline.group.variant == found.treatment.group.variant == "alpha=0.5"
