"""What the atlas says of one claim: in how many protocols it holds, which choice decides, and where."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtri

from simulate.house.verdicts import Verdict
from theory.ledger.atlas.measuring import Found
from theory.ledger.atlas.shares import Share, shares_of
from theory.ledger.claim import Claim
from theory.ledger.judging import is_trusted, judged

__all__ = ["Entry", "Tried", "entry_of", "most_telling", "tried_in"]

_DIGITS = 4
_BY_CHANCE = 0.05
"""Probability with which noise alone is taken for more."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A claim in one protocol."""

    levels: tuple[int, ...]
    """Place of each value among those of its choice; 0 is primary."""
    effect: float | None
    """The measured effect; None if there is none."""
    interval: tuple[float, float] | None
    """Both ends, as the ledger has them; None if there is none."""
    verdict: str
    """What is said of the claim there."""
    trusted: bool = True
    """Whether the control was refuted there and the null experiment was not."""
    standard_error: float | None = None
    """That of the effect."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A claim in the atlas; everything in it is text, numbers, or lists and mappings of them."""

    name: str
    """Name of the claim."""
    number: int
    """The group it belongs to."""
    title: str
    """The claim in one sentence."""
    family: str
    """Whose claim it is."""
    effect_is: str
    """What the effect is, in words."""
    region: tuple[float | None, float | None]
    """Least and greatest effect that the claim allows; None is any."""
    predicted: str
    """The same in words."""
    choices: dict[str, dict[str, Any]]
    """What it leaves open, by name: words, values (the primary one first), reason, and whether they are numbers."""
    shares: list[dict[str, Any]]
    """Share of the effect's variance of each choice and pair: choices, share, interval."""
    noise: float | None
    """Share of the variance that is noise of the measured effects, at most."""
    decisive: list[str]
    """The choice that decides, or both of a pair; empty if none is seen to."""
    drawn: list[str]
    """The choices over which the verdict is drawn."""
    tried: list[Tried]
    """The designed sample of protocols; all counts are of these."""
    crossed: list[Tried]
    """Every combination of the values of the choices drawn, all others primary."""
    n_runs: int
    """Trainings behind it; those that claims share count for each."""
    provenance: dict[str, Any]
    """Version, budget, master seed."""

    @property
    def counts(self) -> dict[str, int]:
        """In how many protocols of the sample each verdict fell, in the order of `Verdict`."""
        found = Counter(each.verdict for each in self.tried)
        return {verdict.value: found[verdict.value] for verdict in Verdict if found[verdict.value]}

    @property
    def untrusted(self) -> int:
        """Decided protocols of the sample in which a control or null experiment failed; no others can be trusted."""
        decided = (Verdict.SUPPORTED.value, Verdict.REFUTED.value, Verdict.NEGLIGIBLE.value)
        return sum(not each.trusted for each in self.tried if each.verdict in decided)

    def by_value(self, name: str) -> dict[str, dict[str, int]]:
        """How often each verdict fell under each value of a choice, by the value's name."""
        place = list(self.choices).index(name)
        found = {
            label: Counter(each.verdict for each in self.tried if each.levels[place] == level)
            for level, label in enumerate(self.choices[name]["values"])
        }
        return {label: dict(count) for label, count in found.items() if count}

    def allows(self, effect: float) -> bool:
        """Whether an effect is one that the claim allows."""
        low, high = self.region
        return (low is None or effect >= low) and (high is None or effect <= high)


def tried_in(claim: Claim, levels: Sequence[int], found: Found, rows: int) -> Tried:
    """A claim in one protocol, judged as in a ledger with so many rows."""
    told, evidence = judged(claim, found.evidence, rows), found.evidence
    error = math.nan if evidence.effect is None else evidence.effect.standard_error
    return Tried(
        levels=tuple(map(int, levels)),
        effect=told["effect"],
        interval=told["interval"] and (told["interval"][0], told["interval"][1]),
        verdict=told["verdict"],
        trusted=is_trusted(claim, evidence, rows),
        standard_error=error if math.isfinite(error) else None,
    )


def most_telling(sizes: Sequence[int], shares: Sequence[Share]) -> tuple[int, ...]:
    """Places of the two choices that decide most; of one, if there is but one with several values.

    Together they have the largest sum of shares. That of the pair counts if its interval says that there is one;
    otherwise the largest of so many would be one that noise has made.
    """
    several = [place for place, size in enumerate(sizes) if size > 1]
    alone = {share.choices[0]: share.value for share in shares if len(share.choices) == 1}
    pairs = {share.choices: share.value for share in shares if len(share.choices) == 2 and share.low > 0.0}
    if len(several) < 2:
        return tuple(several)
    both = [(one, other) for number, one in enumerate(several) for other in several[number + 1 :]]
    return max(both, key=lambda pair: sum(alone.get(place, 0.0) for place in pair) + pairs.get(pair, 0.0))


def entry_of(claim: Claim, tried: Sequence[Tried], *, seed: int, n_runs: int, provenance: Mapping[str, Any]) -> Entry:
    """What the sample of protocols says; what is drawn is chosen, and still to be tried.

    Args:
        claim: The claim.
        tried: The sample.
        seed: Decides the resamples.
        n_runs: Trainings behind it.
        provenance: Version, budget, master seed.
    """
    names = [choice.name for choice in claim.choices]
    known = [each for each in tried if each.effect is not None]
    levels = np.array([each.levels for each in known]).reshape(len(known), len(claim.choices))
    effects = np.array([each.effect for each in known])
    shares = shares_of(levels, effects, np.random.default_rng([seed, *claim.name.encode()])) if known and names else []
    telling = most_telling([len(choice.values) for choice in claim.choices], shares)
    return Entry(
        name=claim.name,
        number=claim.number,
        title=claim.title,
        family=claim.family,
        effect_is=claim.effect,
        region=(_finite(claim.supported.low), _finite(claim.supported.high)),
        predicted=claim.predicted,
        choices={
            choice.name: {
                "words": choice.words,
                "values": [choice.label(value) for value in choice.values],
                "numbers": [float(v) if _is_number(v) else None for v in choice.values],
                "reason": choice.reason,
            }
            for choice in claim.choices
        },
        shares=[
            {
                "choices": [names[place] for place in share.choices],
                "share": _rounded(share.value),
                "interval": [_rounded(share.low), _rounded(share.high)],
            }
            for share in shares
        ],
        noise=_noise(known),
        decisive=[names[place] for place in _decisive(shares)] if _is_more_than_noise(known) else [],
        drawn=[names[place] for place in telling],
        tried=list(tried),
        crossed=[],
        n_runs=n_runs,
        provenance=dict(provenance),
    )


def _decisive(shares: Sequence[Share]) -> tuple[int, ...]:
    """The choice with the largest share, or the pair if its share is larger still; their intervals exclude 0."""
    seen = [share for share in shares if share.low > 0.0]
    return max(seen, key=lambda share: share.value).choices if seen else ()


def _noise(known: Sequence[Tried]) -> float | None:
    """Mean square of the standard errors over the variance of the effects."""
    errors = [each.standard_error for each in known if each.standard_error is not None]
    effects = np.array([each.effect for each in known], dtype=float)
    variance = float(effects.var(ddof=1)) if len(known) > 1 else 0.0
    if not errors or len(errors) < len(known) or variance == 0.0:
        return None
    return _rounded(min(1.0, float(np.mean(np.square(errors))) / variance))


def _is_more_than_noise(known: Sequence[Tried]) -> bool:
    """Whether the effects vary more than noise makes them (Cochran's Q at 5 %, which common seeds make cautious)."""
    share = _noise(known)
    least = float(chdtri(len(known) - 1, _BY_CHANCE)) / (len(known) - 1) if len(known) > 1 else math.inf
    return share is None or share * least < 1.0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
