"""The atlas: every claim over a designed sample of its protocols, and over the two choices that decide most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from theory.ledger.atlas.design import crossed, designed, levels_of, protocol_of
from theory.ledger.atlas.entry import Entry, Tried, entry_of, tried_in
from theory.ledger.atlas.keeping import Kept
from theory.ledger.atlas.measuring import Crew, Found, Laboratory, in_this_process, visits
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
    survey = _Survey(laboratory, rows, kept or Kept(None), crew, begin, step)
    samples = {claim.name: designed(claim.choices, protocols, seed) for claim in claims}
    survey.measure(claims, {name: sample[:1] for name, sample in samples.items()})
    survey.measure(claims, samples)
    entries = {
        claim.name: entry_of(
            claim,
            survey.tried(claim, samples[claim.name]),
            seed=seed,
            n_runs=survey.runs(claim),
            provenance=provenance or {},
        )
        for claim in claims
    }
    maps = {claim.name: crossed(claim.choices, _places(claim, entries[claim.name].drawn)) for claim in claims}
    survey.measure(claims, maps)
    return [
        replace(entries[claim.name], crossed=survey.tried(claim, maps[claim.name]), n_runs=survey.runs(claim))
        for claim in claims
    ]


def _places(claim: Claim, names: Sequence[str]) -> list[int]:
    return [[choice.name for choice in claim.choices].index(name) for name in names]


class _Survey:
    """What was measured so far."""

    def __init__(
        self,
        laboratory: Laboratory,
        rows: int | Mapping[str, int],
        kept: Kept,
        crew: Crew,
        begin: Callable[[Account], None],
        step: Callable[[Found], None],
    ) -> None:
        self._laboratory, self._rows, self._kept = laboratory, rows, kept
        self._crew, self._begin, self._step = crew, begin, step
        self._found: dict[str, dict[tuple[int, ...], Found]] = {}

    def measure(self, claims: Sequence[Claim], rows: Mapping[str, np.ndarray]) -> None:
        """Measure what was not yet.

        Args:
            claims: The claims.
            rows: Places of the values of the protocols of each.
        """
        asked = [(claim, tuple(row)) for claim in claims for row in rows[claim.name].tolist()]
        missing = [each for each in asked if not self._is_known(*each)]
        places = visits([(claim, protocol_of(claim.choices, levels)) for claim, levels in missing])
        self._begin(Account(len(claims), len(asked), len(asked) - len(missing), len(places), self._expected(missing)))
        named = {claim.name: claim for claim in claims}
        for found in self._crew(self._laboratory, places):
            claim = named[found.claim]
            self._kept.keep(claim, found)
            self._found.setdefault(claim.name, {})[levels_of(claim.choices, found.protocol)] = found
            self._step(found)

    def tried(self, claim: Claim, rows: np.ndarray) -> list[Tried]:
        """A claim in some protocols that were measured."""
        family = self._rows if isinstance(self._rows, int) else self._rows[claim.family]
        return [tried_in(claim, row, self._found[claim.name][tuple(row)], family) for row in rows.tolist()]

    def runs(self, claim: Claim) -> int:
        """Trainings behind a claim so far."""
        return sum(found.evidence.n_runs for found in self._found[claim.name].values())

    def _is_known(self, claim: Claim, levels: tuple[int, ...]) -> bool:
        """Whether something was measured, now or by an earlier call."""
        there = self._found.setdefault(claim.name, {})
        if levels not in there:
            found = self._kept.find(claim, protocol_of(claim.choices, levels))
            if found is not None:
                there[levels] = found
        return levels in there

    def _expected(self, missing: Sequence[tuple[Claim, tuple[int, ...]]]) -> float | None:
        """Seconds, where each claim takes as long as it did on average."""
        times = {
            name: float(np.mean([each.seconds for each in found.values()]))
            for name, found in self._found.items()
            if found
        }
        told = [times[claim.name] for claim, _ in missing if claim.name in times]
        return sum(told) * len(missing) / len(told) if told else None
