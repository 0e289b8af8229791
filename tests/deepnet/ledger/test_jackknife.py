"""Errors of effects: of paired differences the usual ones, and against references they count their chance, too."""

from __future__ import annotations

import math

import numpy as np
import pytest

from deepnet.ledger.effects import estimated
from deepnet.ledger.findings import Findings, NotMeasuredError
from deepnet.ledger.reading import Reading
from tests.deepnet.made_up_matched import still
from theory.statistics import from_replicates


def reading(count: int) -> Reading:
    return Reading(Findings.of([still("pretrained", k) for k in range(count)]))


def kept(values: np.ma.MaskedArray, found: Reading) -> np.ma.MaskedArray:
    """Of an array over all replicates that of these."""
    places = list(found.replicates)
    return values[np.ix_(*[places] * values.ndim)]


def test_of_one_number_a_replicate_it_is_the_usual_error() -> None:
    values = np.random.default_rng(0).standard_normal(7)
    for linear in (True, False):
        made = estimated(lambda found: kept(np.ma.array(values), found), reading(7), linear=linear)
        usual = from_replicates(values)
        assert (made.value, made.standard_error) == pytest.approx((usual.value, usual.standard_error))
        assert made.degrees_of_freedom == 6


def test_missing_replicates_do_not_count() -> None:
    values = np.ma.array(np.random.default_rng(0).standard_normal(7), mask=[True, *[False] * 5, True])
    for linear in (True, False):
        made = estimated(lambda found: kept(values, found), reading(7), linear=linear)
        usual = from_replicates(values.compressed())
        assert (made.value, made.standard_error) == pytest.approx((usual.value, usual.standard_error))
        assert made.degrees_of_freedom == 4


def test_the_short_way_is_the_long_one() -> None:
    rng = np.random.default_rng(2)
    values = np.ma.array(rng.standard_normal((6, 6)), mask=np.zeros((6, 6)))
    values[2] = np.ma.masked
    values[:, 4] = np.ma.masked
    short = estimated(lambda found: kept(values, found), reading(6))
    long = estimated(lambda found: kept(values, found), reading(6), linear=False)
    assert (short.value, short.standard_error) == pytest.approx((long.value, long.standard_error))
    diagonal = np.ma.array(rng.standard_normal((6, 6)), mask=~np.eye(6, dtype=bool))
    usual = from_replicates(np.diagonal(diagonal.data))
    own = estimated(lambda found: kept(diagonal, found), reading(6))
    assert (own.value, own.standard_error) == pytest.approx((usual.value, usual.standard_error))


def test_chance_in_the_references_counts() -> None:
    rng = np.random.default_rng(3)
    values = np.ma.array(np.broadcast_to(rng.standard_normal(8), (8, 8)), mask=False)  # all runs are alike
    made = estimated(lambda found: kept(values, found), reading(8))
    assert made.standard_error == pytest.approx(from_replicates(values.data[0]).standard_error)


def test_chance_in_references_of_replicates_without_a_run_counts() -> None:
    rng = np.random.default_rng(5)
    alike = np.broadcast_to(rng.standard_normal(12), (12, 12))
    values = np.ma.array(alike, mask=np.zeros((12, 12)))
    values[4:] = np.ma.masked
    for linear in (True, False):
        made = estimated(lambda found: kept(values, found), reading(12), linear=linear)
        assert made.standard_error == pytest.approx(from_replicates(values.data[0]).standard_error)
        assert made.degrees_of_freedom == 3


@pytest.mark.parametrize(("of_runs", "of_references"), [(8, 8), (6, 18)])
def test_intervals_cover(of_runs: int, of_references: int) -> None:
    rng = np.random.default_rng(4)
    found = reading(of_references)
    held = 0
    for _ in range(400):
        runs, references = rng.standard_normal((2, of_references))
        values = np.ma.array(np.abs(runs[:, None] - references), mask=np.zeros((of_references, of_references)))
        values[of_runs:] = np.ma.masked
        low, high = estimated(lambda read, values=values: kept(values, read), found).interval()
        held += low <= 2 / math.sqrt(math.pi) <= high
    assert 0.90 <= held / 400 <= 0.985


def test_few_replicates_say_nothing_of_chance() -> None:
    two = estimated(lambda found: kept(np.ma.array([1.0, 1.0]), found), reading(2))
    assert (two.value, math.isnan(two.standard_error)) == (1.0, True)
    three = estimated(lambda found: kept(np.ma.array([1.0, 1.0, 1.0]), found), reading(3))
    assert (three.value, three.standard_error) == (1.0, 0.0)
    with pytest.raises(NotMeasuredError, match="shares no replicate"):
        estimated(lambda found: np.ma.masked_all(2), reading(2))
    lost = estimated(lambda found: kept(np.ma.array([1.0, np.nan, 1.0]), found), reading(3))
    assert math.isnan(lost.value)
