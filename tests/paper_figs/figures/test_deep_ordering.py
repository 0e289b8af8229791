"""The figure of orders: whether arms stand in the same order wherever their runs are read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from deepnet.ledger.reading import Reading
from paper_figs import Results
from paper_figs.figures import deep_ordering
from paper_figs.workshop.deep_data import RULES, Scale, usual_arms
from tests.deepnet.made_up_scales import SMALL, WHOLE


def _results(data: Path, preset: str) -> Results:
    return Results("quick", folder=data / "results", data=data, preset=preset)


def test_the_order_of_arms_is_that_of_the_rows(data: Path, whole: Scale) -> None:
    made, caption = deep_ordering.main.drawn(_results(data, WHOLE))
    arms = deep_ordering.arms_at_all_stops(whole)
    assert set(arms) <= set(usual_arms(whole))
    at_match = [whole.estimate(arm, "tow").value for arm in arms]  # type: ignore[union-attr]
    for axes, stop in zip(made.axes, ("accuracy", "epoch-5"), strict=True):
        dots = [line for line in axes.lines if len(line.get_xdata()) == 1]
        assert [float(line.get_xdata()[0]) for line in dots] == pytest.approx(at_match)
        elsewhere = [Reading(whole.findings, {"stop": stop}).tow(arm, RULES).mean() for arm in arms]
        assert [float(line.get_ydata()[0]) for line in dots] == pytest.approx(elsewhere)
    assert "agrees with that at other stops by" in caption.answers
    with pytest.raises(ValueError, match="four arms that are read at all stops"):
        deep_ordering.main.draw(_results(data, SMALL))


def _of_runs(**runs: int) -> SimpleNamespace:
    """Findings of three replicates, of arms with so many runs."""
    return SimpleNamespace(replicates=(0, 1, 2), arm=lambda name: dict.fromkeys(range(runs[name])))


@pytest.mark.parametrize(("swapped", "agrees"), [({}, 1.0), ({0: 3, 1: 2, 2: 1, 3: 0}, -1.0)])
def test_agreement_of_orders_is_known_by_hand(
    swapped: dict[int, int], agrees: float, whole: Scale, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four arms, in the same order at both stops or in the opposite one, whichever replicate is left out."""
    values = [0.9, 0.8, 0.7, 0.6]

    def tows(scale: Scale, arms: list[str], stop: str, left_out: frozenset[int] = frozenset()) -> list[float]:
        order = [swapped.get(place, place) for place in range(4)] if stop == "epoch-5" else range(4)
        return [values[place] + 0.01 * len(left_out) for place in order]

    monkeypatch.setattr(deep_ordering, "tows", tows)
    monkeypatch.setattr(Scale, "findings", _of_runs(a=3, b=3, c=3, d=3))
    found = deep_ordering.agreement(whole, list("abcd"), "epoch-5")
    assert (found.value, found.standard_error) == pytest.approx((agrees, 0.0), abs=1e-12)


def test_the_error_of_an_agreement_is_that_of_the_jackknife(whole: Scale, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without replicate 0 two neighbours of four change places: a correlation of .8 instead of 1."""

    def tows(scale: Scale, arms: list[str], stop: str, left_out: frozenset[int] = frozenset()) -> list[float]:
        return [2.0, 1.0, 3.0, 4.0] if stop == "epoch-5" and 0 in left_out else [1.0, 2.0, 3.0, 4.0]

    monkeypatch.setattr(deep_ordering, "tows", tows)
    monkeypatch.setattr(Scale, "findings", _of_runs(a=3, b=3, c=2, d=3))
    found = deep_ordering.agreement(whole, list("abcd"), "epoch-5")
    rest = np.array([0.8, 1.0, 1.0])
    assert found.value == pytest.approx(1.0)
    assert found.standard_error == pytest.approx(np.sqrt(2 / 3 * ((rest - rest.mean()) ** 2).sum()))
    assert found.degrees_of_freedom == 1  # of the arm with the fewest runs


def test_halves_share_no_replicate(whole: Scale, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of one half is the opposite one of the other."""
    asked: list[frozenset[int]] = []

    def tows(scale: Scale, arms: list[str], stop: str, left_out: frozenset[int] = frozenset()) -> list[float]:
        asked.append(left_out)
        return [1.0, 2.0, 3.0, 4.0] if 0 in left_out else [4.0, 3.0, 2.0, 1.0]

    monkeypatch.setattr(deep_ordering, "tows", tows)
    assert deep_ordering.halves(whole, list("abcd")) == pytest.approx(-1.0)
    assert asked == [frozenset({1}), frozenset({0, 2})]
