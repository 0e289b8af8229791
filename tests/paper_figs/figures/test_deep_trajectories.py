"""The figure of courses: accuracies over the loss on the forget set, those of all images at both ends."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from paper_figs import Results
from paper_figs.figures import deep_trajectories
from paper_figs.workshop.deep_data import Scale, scales, unvaried
from tests.deepnet.made_up_scales import WHOLE, made_up_rows


def test_courses_are_read_at_equal_forgetting(data: Path) -> None:
    row = next(row for row in made_up_rows(WHOLE) if row["kind"] == "trajectory")
    kept = deep_trajectories.course(row, "test")
    assert kept is not None
    at = dict(zip(np.round(deep_trajectories.GRID, 3), kept, strict=True))
    assert (at[0.0], at[0.5], at[1.0], at[1.5]) == pytest.approx((0.92, 0.91, 0.90, 0.88))
    retained = deep_trajectories.course(row, "retain")
    assert retained is not None
    assert np.isnan(retained[-1])  # nobody looked beyond the match
    back = {"forget_loss": [0.0, 1.5, 0.3, 0.9], "test_accuracy": [0.92, 0.90, 0.5, 0.6]}
    falls = row | {"trajectory": row["trajectory"] | back}
    assert deep_trajectories.course(falls, "test") == pytest.approx(np.where(at_most_one(), kept, np.nan), nan_ok=True)
    assert deep_trajectories.course(row | {"trajectory": {}}, "test") is None
    made, caption = deep_trajectories.main.drawn(Results("quick", folder=data / "results", data=data))
    assert len(made.axes) == 4
    line = next(line for line in made.axes[1].lines if len(line.get_xdata()) == 61)
    assert line.get_ydata()[0] == pytest.approx(92.0)
    assert re.search(r"NegGrad with SGD after SGD keeps [0-9.]+ % on the retain set and 90\.0 %", caption.answers)


def test_courses_end_where_all_images_do(data: Path) -> None:
    """A run that was looked at on easy images is shifted at both ends; one without a match at its beginning."""
    row = next(row for row in made_up_rows(WHOLE) if row["kind"] == "trajectory")
    stop = {"bound": 1.5, "step": 50, "forget_loss": 1.5, "test_accuracy": 0.84}
    matched = row | {"stops": row["stops"] | {"loss": stop}}
    shifted = deep_trajectories.course(matched, "test", 0.90)
    assert shifted is not None
    at = dict(zip(np.round(deep_trajectories.GRID, 3), shifted, strict=True))
    assert (at[0.0], at[0.5], at[1.0], at[1.5]) == pytest.approx((0.90, 0.87, 0.84, 0.82))
    later = stop | {"forget_loss": 3.0, "test_accuracy": 0.80}
    beyond = deep_trajectories.course(matched | {"stops": {"loss": later}}, "test", 0.90)
    assert beyond is not None
    assert beyond[40] == pytest.approx(0.86)  # 0.90 was seen half-way between a shift of -0.02 and one of -0.06
    lost = row | {"stops": row["stops"] | {"loss": stop | {"step": None}}}
    seen = deep_trajectories.course(lost, "test")
    assert deep_trajectories.course(lost, "test", 0.90) == pytest.approx(seen - 0.02, nan_ok=True)


def test_a_mean_of_two_replicates_is_drawn_only_where_there_are_no_more(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the same scatter the interval of two is 3.6 times that of three, and would make every line look flat."""
    ends = {0: 60, 1: 60, 2: 40}
    accuracies = np.array([[0.9 - 0.001 * step + 0.01 * one if step <= ends[one] else np.nan for step in range(61)]
                           for one in ends])  # fmt: skip
    for count, last in ((3, 40), (2, 60)):
        monkeypatch.setattr(deep_trajectories, "_courses", lambda *_, count=count: accuracies[:count])
        made, _ = deep_trajectories.main.drawn(Results("quick", folder=data / "results", data=data, preset=WHOLE))
        line = next(line for line in made.axes[1].lines if len(line.get_xdata()) > 2)
        assert len(line.get_xdata()) == last + 1
        values = [y for each in made.axes[1].lines for y in each.get_ydata() if y > 1.0]  # the upright line has 0 and 1
        low, high = made.axes[1].get_ylim()
        span = max(values) - min(values)
        assert low >= min(values) - span - 1e-9
        assert high <= max(values) + span + 1e-9
        assert count == 3 or high == pytest.approx(max(values) + span)  # that of two is cut off


def test_a_share_at_the_match_is_told_of_two_runs_or_more(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_match = int(np.argmin(np.abs(deep_trajectories.GRID - 1.0)))
    for there, told in (
        (2, "keeps 90.0 % on the retain set and 90.0 % on the test set"),
        (1, "is seen there in one run"),
    ):
        courses = np.array([np.linspace(1.0, 0.8, 2 * at_match + 1)[:61]] * 3)
        courses[there:, at_match:] = np.nan
        monkeypatch.setattr(deep_trajectories, "_courses", lambda *_, courses=courses: courses)
        _, caption = deep_trajectories.main.drawn(Results("quick", folder=data / "results", data=data, preset=WHOLE))
        assert f"NegGrad with SGD after SGD {told}" in caption.answers


def test_a_line_ends_where_half_of_the_replicates_have(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accuracies = np.array([np.linspace(0.9, 0.8, 61)] * 8) + np.linspace(0.0, 0.01, 8)[:, None]
    accuracies[:4, 21:], accuracies[4, 11:] = np.nan, np.nan  # eight to place 10, seven to 20, three beyond
    monkeypatch.setattr(deep_trajectories, "_courses", lambda *_: accuracies)
    made, _ = deep_trajectories.main.drawn(Results("quick", folder=data / "results", data=data, preset=WHOLE))
    line = next(line for line in made.axes[1].lines if len(line.get_xdata()) > 2)
    assert len(line.get_xdata()) == 21


@pytest.mark.parametrize("scale", unvaried(scales(Results("quick"))), ids=lambda scale: scale.name)
def test_tracked_courses_begin_as_the_pretrained_networks(scale: Scale) -> None:
    """On all images: the five hundred photographs that a run is looked at on are easier, by 3 to 5 %."""
    rows = scale.findings.arm("neggrad-sgd-after-sgd")
    known = scale.findings.pretrained[scale.forget, "sgd"]
    for number, row in rows.items():
        kept, bound = row["trajectory"], row["stops"]["loss"]["bound"]
        if row["stops"]["loss"]["step"] is None or kept["forget_loss"][0] >= bound:
            continue
        before = known[number]["test_accuracy"]
        found = deep_trajectories.course(dict(row), "test", before)
        seen = deep_trajectories.course(dict(row) | {"stops": {"loss": {"bound": bound, "step": None}}}, "test")
        assert found is not None
        assert seen is not None
        first = int(np.flatnonzero(np.isfinite(seen))[0])
        shift, gap = found[first] - seen[first], before - kept["test_accuracy"][0]
        assert shift == pytest.approx(gap, abs=0.012)  # at the first place of the grid, a little after the first step


def at_most_one() -> np.ndarray:
    return deep_trajectories.GRID <= 1.0
