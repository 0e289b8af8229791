"""The rule of judgement, on examples and on every interval and region."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulate.house.ties import at_least, at_most
from simulate.house.verdicts import Region, Verdict, decide

numbers = st.floats(-1e6, 1e6)
intervals = st.tuples(numbers, numbers).map(lambda ends: (min(ends), max(ends)))
regions = st.one_of(
    intervals.map(lambda ends: Region(*ends)),
    numbers.map(lambda low: Region(low=low)),
    numbers.map(lambda high: Region(high=high)),
)


@pytest.mark.parametrize(
    ("interval", "region", "verdict"),
    [
        ((0.2, 0.3), Region(0.2, 0.3), Verdict.SUPPORTED),  # borders belong to the region
        ((0.19, 0.3), Region(0.2, 0.3), Verdict.INCONCLUSIVE),
        ((0.3, 0.31), Region(0.2, 0.3), Verdict.INCONCLUSIVE),  # touches it
        ((0.31, 0.4), Region(0.2, 0.3), Verdict.REFUTED),
        ((0.1, 0.4), Region(0.2, 0.3), Verdict.INCONCLUSIVE),  # holds it
        ((0.0, 0.1), Region(low=0.0), Verdict.SUPPORTED),
        ((-0.2, -0.1), Region(low=0.0), Verdict.REFUTED),
        ((-0.2, 0.1), Region(high=0.0), Verdict.INCONCLUSIVE),
        ((math.nan, math.nan), Region(low=0.0), Verdict.INCONCLUSIVE),
        ((math.nan, 1.0), Region(high=0.0), Verdict.INCONCLUSIVE),
        ((-1.0, math.nan), Region(low=0.0), Verdict.INCONCLUSIVE),
        ((-math.inf, math.inf), Region(low=0.0), Verdict.INCONCLUSIVE),
        ((2.0, math.inf), Region(low=0.0), Verdict.SUPPORTED),
        ((2.0, math.inf), Region(high=0.0), Verdict.REFUTED),
        ((0.2, 0.1 + 0.2), Region(0.2, 0.3), Verdict.SUPPORTED),  # an end that is on the border but for rounding
        ((0.3 - 0.1, 0.3), Region(0.2, 0.3), Verdict.SUPPORTED),
        ((0.1 + 0.2, 0.4), Region(0.2, 0.3), Verdict.INCONCLUSIVE),
        ((0.1, 0.3 - 0.1), Region(0.2, 0.3), Verdict.INCONCLUSIVE),
        ((0.2, 0.3 + 1e-9), Region(0.2, 0.3), Verdict.INCONCLUSIVE),  # an end that is not
        ((0.3 + 1e-9, 0.4), Region(0.2, 0.3), Verdict.REFUTED),
        ((0.0, 0.1), Region.around(0.1 + 0.2, 0.3), Verdict.SUPPORTED),
    ],
)
def test_examples(interval: tuple[float, float], region: Region, verdict: Verdict) -> None:
    assert decide(interval, region) is verdict


def test_regions_hold_numbers_of_python() -> None:
    """NumPy's overflow where they are compared or turned."""
    assert Region(low=np.float32(0.25), high=1e308) == Region(0.25, 1e308)
    assert type(Region(low=np.float32(0.25)).low) is float
    assert Region.around(0.0, np.uint8(3)) == Region(-3.0, 3.0)


@given(intervals, regions)
def test_the_verdict_says_where_the_points_lie(interval: tuple[float, float], region: Region) -> None:
    verdict = decide(interval, region)
    ends_inside = [bool(at_least(end, region.low) and at_most(end, region.high)) for end in interval]
    assert (verdict is Verdict.SUPPORTED) is all(ends_inside)
    if verdict is Verdict.REFUTED:
        assert not any(ends_inside)
        assert not any(interval[0] <= border <= interval[1] for border in (region.low, region.high))


@given(intervals, regions, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_shorter_interval_never_turns_a_verdict(
    interval: tuple[float, float], region: Region, one: float, other: float
) -> None:
    low, high = interval
    inner = sorted(min(max(low + share * (high - low), low), high) for share in (one, other))
    wide, narrow = decide(interval, region), decide((inner[0], inner[1]), region)
    assert wide is Verdict.INCONCLUSIVE or narrow is wide


@given(intervals, regions)
def test_mirrored_effects_get_the_same_verdict(interval: tuple[float, float], region: Region) -> None:
    mirrored = decide((-interval[1], -interval[0]), Region(-region.high, -region.low))
    assert mirrored is decide(interval, region)


@given(intervals, intervals)
def test_what_two_distant_regions_predict_is_never_both_supported(
    interval: tuple[float, float], ends: tuple[float, float]
) -> None:
    region = Region(*ends)
    beyond = Region(low=region.high + 1e-9 + 1e-9 * abs(region.high))
    assert Verdict.SUPPORTED not in (decide(interval, region), decide(interval, beyond)) or (
        Verdict.REFUTED in (decide(interval, region), decide(interval, beyond))
    )


@pytest.mark.parametrize("ends", [(1.0, 0.0), (math.nan, 0.0), (0.0, math.nan)])
def test_an_empty_region_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="`low`"):
        Region(*ends)


def test_a_region_that_forbids_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="forbid"):
        Region()


def test_regions_as_text() -> None:
    assert [str(region) for region in (Region(low=0.9), Region(high=0.05), Region.around(1, 0.5))] == [
        "≥ 0.9",
        "≤ 0.05",
        "in [0.5, 1.5]",
    ]
