"""The sentence: counts, what decides, and what a claim does under each value, in good English."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from theory.ledger import Verdict
from theory.ledger.atlas.entry import Entry, Tried
from theory.ledger.atlas.sentence import sentence

HOLDS, FAILS, OPEN = Verdict.SUPPORTED.value, Verdict.REFUTED.value, Verdict.INCONCLUSIVE.value
OUTSIDE, UNTESTABLE = Verdict.OUTSIDE.value, Verdict.NOT_TESTABLE.value
CHOICES = {
    "stop": {"words": "end of unlearning", "values": ["the retrained loss", "accuracy ½", "five passes"]},
    "radius": {"words": "SAM's radius", "values": ["1", "2"]},
}


def tried(stop: int, verdict: str, radius: int = 0, trusted: bool = True) -> Tried:
    return Tried(levels=(stop, radius), effect=1.0, interval=(0.9, 1.1), verdict=verdict, trusted=trusted)


def entry(
    protocols: Sequence[Tried], decisive: Sequence[str] = (), share: float = 0.62, crossed: Sequence[Tried] = ()
) -> Entry:
    shares = [{"choices": list(decisive) or ["stop"], "share": share, "interval": [0.4, 0.8]}]
    return Entry(
        name="claim", number=1, title="t", family="paper", effect_is="e", region=(0.0, None), predicted="≥ 0",
        choices=CHOICES, shares=shares, noise=0.1, decisive=list(decisive), drawn=["stop", "radius"],
        tried=list(protocols), crossed=list(crossed), n_runs=1, provenance={},
    )  # fmt: skip


def several(*counts: tuple[int, str, int]) -> list[Tried]:
    """So many protocols with a stop and a verdict."""
    return [tried(stop, verdict) for stop, verdict, number in counts for _ in range(number)]


@pytest.mark.parametrize(
    ("protocols", "decisive", "told"),
    [
        (
            several((0, HOLDS, 16), (1, FAILS, 9), (2, HOLDS, 15), (2, OPEN, 8)),
            ["stop"],
            "Holds in 31 of 48 protocols, fails in 9, is undecided in 8; the end of unlearning decides (62 % of the "
            "effect's variance): holds for the retrained loss, mostly holds for five passes, fails for accuracy ½.",
        ),
        (
            several((0, HOLDS, 2), (1, HOLDS, 2), (2, FAILS, 1)),
            ["stop"],
            "Holds in 4 of 5 protocols, fails in 1; the end of unlearning decides (62 % of the effect's variance): "
            "holds for the retrained loss and accuracy ½, fails for five passes.",
        ),
        (
            several((0, HOLDS, 1), (0, FAILS, 1), (1, OUTSIDE, 3), (2, OPEN, 2), (2, OUTSIDE, 1)),
            ["stop"],
            "Holds in 1 of the 4 protocols inside the hypotheses, fails in 1, is undecided in 2 (4 more lie outside); "
            "the end of unlearning decides (62 % of the effect's variance): is undecided for five passes, lies outside "
            "the hypotheses for accuracy ½, is divided for the retrained loss.",
        ),
        (
            several((0, HOLDS, 2), (1, HOLDS, 1), (2, OUTSIDE, 1)),
            [],
            "Holds in all 3 protocols inside the hypotheses (1 more lies outside).",
        ),
        (
            several((0, OPEN, 2), (0, HOLDS, 1), (1, OPEN, 2), (1, HOLDS, 1), (2, OPEN, 2), (2, FAILS, 1)),
            ["stop"],
            "Holds in 2 of 9 protocols, fails in 1, is undecided in 6, though its effect varies with the end of "
            "unlearning (62 % of the effect's variance).",
        ),
        (
            [tried(0, HOLDS), tried(0, FAILS, radius=1)],
            ["radius"],
            "Holds in 1 of 2 protocols, fails in 1; SAM's radius decides (62 % of the effect's variance): holds for 1, "
            "fails for 2.",
        ),
        (
            several((0, HOLDS, 3), (1, FAILS, 3)),
            [],
            "Holds in 3 of 6 protocols, fails in 3; no choice is seen to decide.",
        ),
        (several((0, HOLDS, 24), (1, HOLDS, 24)), [], "Holds in all 48 protocols."),
        (several((0, OPEN, 2)), [], "Is undecided in all 2 protocols."),
        (several((0, OUTSIDE, 1000), (1, OUTSIDE, 200)), [], "Lies outside the hypotheses in all 1,200 protocols."),
        (
            several((0, FAILS, 3)),
            ["stop"],
            "Fails in all 3 protocols, though its effect varies with the end of unlearning (62 % of the effect's "
            "variance).",
        ),
        (several((0, HOLDS, 1)), [], "Holds in the only protocol."),
        (several((0, UNTESTABLE, 1)), [], "Cannot be tested in the only protocol."),
        ([], [], ""),
    ],
)
def test_it_says_where_a_claim_holds(protocols: Sequence[Tried], decisive: Sequence[str], told: str) -> None:
    assert sentence(entry(protocols, decisive)) == told


def test_of_a_pair_it_counts_the_combinations() -> None:
    cells = [tried(stop, HOLDS if stop == radius else FAILS, radius) for stop in range(3) for radius in range(2)]
    told = sentence(entry(cells, ["stop", "radius"], crossed=cells))
    assert told == (
        "Holds in 2 of 6 protocols, fails in 4; the end of unlearning and SAM's radius together decide (62 % of the "
        "effect's variance): of their 6 combinations it holds at 2."
    )


def test_too_few_protocols_tell_nothing() -> None:
    told = sentence(replace(entry(several((0, HOLDS, 2), (1, FAILS, 1))), shares=[]))
    assert told == "Holds in 2 of 3 protocols, fails in 1; they are too few to tell what decides."


def test_it_warns_of_failed_controls() -> None:
    some = [tried(0, HOLDS, trusted=False), tried(1, HOLDS), tried(2, HOLDS)]
    assert sentence(entry(some)) == "Holds in all 3 protocols; in 1 a control failed, whose verdict deserves no trust."
    moot = [tried(0, HOLDS), tried(1, OPEN, trusted=False), tried(2, OUTSIDE, trusted=False)]
    assert "no trust" not in sentence(entry(moot))
    more = [tried(0, HOLDS, trusted=False), tried(1, HOLDS, trusted=False), tried(2, HOLDS)]
    assert sentence(entry(more)).endswith("; in 2 a control failed, whose verdicts deserve no trust.")
