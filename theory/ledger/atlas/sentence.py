"""The sentence a reader wants: where a claim holds, where it fails, and what decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulate.house.counting import counted
from simulate.house.verdicts import Verdict
from theory.ledger.atlas.entry import Entry
from theory.ledger.wording import listed

__all__ = ["sentence"]

_SAID = {
    Verdict.SUPPORTED.value: "holds",
    Verdict.REFUTED.value: "fails",
    Verdict.NEGLIGIBLE.value: "has no effect of interest",
    Verdict.INCONCLUSIVE.value: "is undecided",
    Verdict.OUTSIDE.value: "lies outside the hypotheses",
    Verdict.NOT_TESTABLE.value: "cannot be tested",
    Verdict.NOT_RUN.value: "was not run",
}
"""What a claim does, by its verdict."""


def sentence(entry: Entry) -> str:
    """Where a claim holds.

    Args:
        entry: The claim with its protocols.

    Returns:
        One sentence, such as "Holds in 31 of 48 protocols, fails in 9, is undecided in 8; the end of unlearning decides
        (62 % of the effect's variance): holds for the loss of the retrained network, fails for accuracy ½." Protocols
        outside the hypotheses are told, and count for nothing else.
    """
    if not entry.tried:
        return ""
    told = _tally(entry.counts)
    telling = _telling(entry)
    distrust = entry.untrusted
    if distrust:
        whose = "whose verdict deserves" if distrust == 1 else "whose verdicts deserve"
        telling += f"; in {distrust:,} a control failed, {whose} no trust"
    return f"{told[0].upper()}{told[1:]}{telling}."


def _tally(counts: Mapping[str, int]) -> str:
    """In how many protocols each verdict fell, that of most protocols not necessarily first."""
    within, outside = _within(counts), counts.get(Verdict.OUTSIDE.value, 0)
    if not within:
        return f"{_SAID[Verdict.OUTSIDE.value]} in {_every(outside)}"
    (first, number), *others = within.items()
    inside = " inside the hypotheses" if outside else ""
    total = sum(within.values())
    some = f"{number:,} of {'the ' if outside else ''}{counted(total, 'protocol')}"
    which = some if others else _every(total)
    told = [f"{_SAID[first]} in {which}{inside}", *(f"{_SAID[verdict]} in {count:,}" for verdict, count in others)]
    return ", ".join(told) + (f" ({outside:,} more {'lies' if outside == 1 else 'lie'} outside)" if outside else "")


def _every(total: int) -> str:
    return "the only protocol" if total == 1 else f"all {counted(total, 'protocol')}"


def _within(counts: Mapping[str, int]) -> dict[str, int]:
    """The verdicts inside the hypotheses."""
    return {verdict: count for verdict, count in counts.items() if verdict != Verdict.OUTSIDE.value}


def _telling(entry: Entry) -> str:
    """Which choice decides, and how."""
    if len(entry.tried) == 1:
        return ""
    share = next((each["share"] for each in entry.shares if each["choices"] == entry.decisive), 0.0)
    part = f"({share:.0%} of the effect's variance)".replace("%", " %")
    what = " and ".join(_with_article(entry.choices[name]["words"]) for name in entry.decisive)
    fates = _fates(entry.by_value(entry.decisive[0])) if len(entry.decisive) == 1 else {}
    if len(_within(entry.counts)) <= 1 or len(fates) == 1:
        return f", though its effect varies with {what} {part}" if entry.decisive else ""
    if not entry.decisive:
        return "; no choice is seen to decide" if entry.shares else "; they are too few to tell what decides"
    if len(entry.decisive) == 2:
        return f"; {what} together decide {part}{_over_cells(entry)}"
    return f"; {what} decides {part}: {_listed_fates(fates)}"


def _over_cells(entry: Entry) -> str:
    """In how many of the combinations of both, with all others primary, the claim holds."""
    held = sum(each.verdict == Verdict.SUPPORTED.value for each in entry.crossed)
    return f": of their {counted(len(entry.crossed), 'combination')} it holds at {held:,}" if entry.crossed else ""


def _fates(found: Mapping[str, Mapping[str, int]]) -> dict[str, list[str]]:
    """What the claim does under each value, values with the same fate together."""
    fates: dict[str, list[str]] = {}
    for label, counts in found.items():
        fates.setdefault(_fate(_within(counts) or counts), []).append(label)
    return fates


def _listed_fates(fates: Mapping[str, Sequence[str]]) -> str:
    """The same in words, in the order of verdicts."""
    order = [f"{word} for" for said in _SAID.values() for word in (said, _mostly(said))] + ["is divided for"]
    return ", ".join(f"{fate} {listed(fates[fate])}" for fate in order if fate in fates)


def _fate(counts: Mapping[str, int]) -> str:
    """What a claim does always, mostly (in more than half of the protocols), or now this and now that."""
    verdict, most = max(counts.items(), key=lambda item: item[1])
    total = sum(counts.values())
    if 2 * most <= total:
        return "is divided for"
    return f"{_SAID[verdict] if most == total else _mostly(_SAID[verdict])} for"


def _mostly(said: str) -> str:
    return f"is mostly {said[3:]}" if said.startswith("is ") else f"mostly {said}"


def _with_article(words: str) -> str:
    """Words with their article, which what begins with a sign or a name ("|F|/n", "SAM's radius") has not."""
    return f"the {words}" if words[0].isalpha() and words[0].islower() and not words.startswith("the ") else words
