"""The atlas: every claim over a designed sample of its protocols, and over the two choices that decide most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from theory.ledger.atlas.design import crossed, designed, protocol_of
from theory.ledger.atlas.entry import Entry, entry_of, tried_in
from theory.ledger.atlas.keeping import Kept
from theory.ledger.atlas.measuring import Crew, Found, Laboratory, in_this_process, visits
from theory.ledger.choice import Protocol
from theory.ledger.claim import Claim

__all__ = ["Account", "make_atlas"]


@dataclass(frozen=True)
class Account:
    """What is about to be measured.

    Attributes:
        claims: Number of claims.
        experiments: Protocols of all claims together.
        kept: How many of these are on disk.
        laboratories: How many laboratories the others need; claims share them.
        seconds: What these took before in all, as far as there are claims to judge by; None if there are none.
    """

    claims: int
    experiments: int
    kept: int
    laboratories: int
    seconds: float | None


def make_atlas(
    claims: Sequence[Claim],
    laboratory: Laboratory,
    *,
    protocols: int,
    rows: int | Mapping[str, int],
    seed: int = 0,
    provenance: Mapping[str, Any] | None = None,
    kept: Kept | None = None,
    crew: Crew = in_this_process,
    begin: Callable[[Account], None] = lambda account: None,
    step: Callable[[Found], None] = lambda found: None,
) -> list[Entry]:
    """Run claims over their choices, and say where they hold.

    Args:
        claims: Claims with choices.
        laboratory: Makes what they are measured in, of a protocol.
        protocols: Size of the designed sample of each claim, at most.
        rows: Number of claims of each family, or one for all, as in `theory.ledger.run_claims`.
        seed: Decides the sample and the resamples.
        provenance: Version, budget and master seed, for the record.
        kept: Where results are kept and found again.
        crew: Who measures: `in_this_process`, or others of `theory.ledger.atlas.measuring`.
        begin: Told what is about to be measured: the primary protocols, then the sample, then what is drawn.
        step: Called after each experiment.

    Returns:
        One entry a claim.
    """
    survey = _Survey(laboratory, kept or Kept(None), crew, begin, step)
    samples = {claim.name: designed(claim.choices, protocols, seed) for claim in claims}
    survey.measure(claims, {name: sample[:1] for name, sample in samples.items()})
    survey.measure(claims, samples)
    entries = {}
    for claim in claims:
        family = rows if isinstance(rows, int) else rows[claim.family]
        found = survey.found(claim, samples[claim.name])
        tried = [
            tried_in(claim, levels, each, family) for levels, each in zip(samples[claim.name], found, strict=True)
        ]
        runs = sum(each.evidence.n_runs for each in found)
        entries[claim.name] = entry_of(claim, tried, seed=seed, n_runs=runs, provenance=provenance or {})
    drawn = {}
    for claim in claims:
        names = [choice.name for choice in claim.choices]
        drawn[claim.name] = crossed(claim.choices, [names.index(name) for name in entries[claim.name].drawn])
    survey.measure(claims, drawn)
    made = []
    for claim in claims:
        family = rows if isinstance(rows, int) else rows[claim.family]
        found = survey.found(claim, drawn[claim.name])
        cells = [tried_in(claim, levels, each, family) for levels, each in zip(drawn[claim.name], found, strict=True)]
        made.append(replace(entries[claim.name], crossed=cells))
    return made


class _Survey:
    """What was measured so far."""

    def __init__(
        self,
        laboratory: Laboratory,
        kept: Kept,
        crew: Crew,
        begin: Callable[[Account], None],
        step: Callable[[Found], None],
    ) -> None:
        self._laboratory, self._kept, self._crew, self._begin, self._step = laboratory, kept, crew, begin, step
        self._found: dict[str, list[Found]] = {}

    def found(self, claim: Claim, rows: np.ndarray) -> list[Found]:
        """What was measured of a claim in some protocols."""
        return [self._known(claim, protocol_of(claim.choices, row)) for row in rows]  # type: ignore[misc]

    def measure(self, claims: Sequence[Claim], rows: Mapping[str, np.ndarray]) -> None:
        """Measure what was not yet."""
        asked = [(claim, protocol_of(claim.choices, row)) for claim in claims for row in rows[claim.name]]
        missing = [(claim, protocol) for claim, protocol in asked if self._known(claim, protocol) is None]
        places = visits(missing)
        self._begin(
            Account(len(claims), len(asked), len(asked) - len(missing), len(places), self._expected(missing))
        )
        named = {claim.name: claim for claim in claims}
        for found in self._crew(self._laboratory, places):
            self._kept.keep(named[found.claim], found)
            self._found.setdefault(found.claim, []).append(found)
            self._step(found)

    def _known(self, claim: Claim, protocol: Protocol) -> Found | None:
        for found in self._found.get(claim.name, []):
            if found.protocol == protocol:
                return found
        found = self._kept.find(claim, protocol)
        if found is not None:
            self._found.setdefault(claim.name, []).append(found)
        return found

    def _expected(self, missing: Sequence[tuple[Claim, Protocol]]) -> float | None:
        """Seconds, where each claim takes as long as it did on average."""
        times = {name: float(np.mean([each.seconds for each in found])) for name, found in self._found.items()}
        told = [times[claim.name] for claim, _ in missing if claim.name in times]
        return sum(told) * len(missing) / len(told) if told else None
