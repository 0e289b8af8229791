"""The atlas as text: a small file that can be tracked, and what a ledger takes from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from simulate.house.files import parse_json
from theory.ledger.atlas.entry import Entry, Tried
from theory.ledger.atlas.sentence import sentence
from theory.ledger.claim import Claim

__all__ = ["atlas_json", "entries_from", "sentences"]

_ROWS = ("tried", "crossed")
"""Fields that hold protocols, one a line."""


def atlas_json(entries: Sequence[Entry]) -> str:
    """Entries as text, one line a protocol; the same bytes for the same numbers."""
    parts = [_entry_json(entry) for entry in entries]
    return "[\n" + ",\n".join(parts) + "\n]\n"


def entries_from(text: str) -> list[Entry]:
    """What `atlas_json` wrote.

    Raises:
        ValueError: if the text is not that of an atlas; the message says why.
    """
    try:
        return [_entry(record) for record in parse_json(text)]
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise ValueError(f"not an atlas ({type(error).__name__}: {error})") from None


def sentences(path: Path, claims: Sequence[Claim]) -> dict[str, str]:
    """Where claims hold, by their names, as an atlas on disk says.

    Args:
        path: Its file; where there is none, nothing is known.
        claims: The claims. One whose choices, region or margin have changed since has no sentence.

    Raises:
        ValueError: if the file is not that of an atlas.
    """
    if not path.is_file():
        return {}
    known = {claim.name: claim for claim in claims}
    try:
        entries = entries_from(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"The atlas {path} cannot be read: {error}.") from None
    return {entry.name: sentence(entry) for entry in entries if _is_of(entry, known.get(entry.name))}


def _is_of(entry: Entry, claim: Claim | None) -> bool:
    """Whether an entry is about a claim as it is now."""
    if claim is None or entry.predicted != claim.predicted:
        return False
    now = {choice.name: [choice.label(value) for value in choice.values] for choice in claim.choices}
    return now == {name: told["values"] for name, told in entry.choices.items()}


def _entry_json(entry: Entry) -> str:
    """One entry; its counts and its sentence are there to be read, and follow from the rest."""
    told: dict[str, Any] = {"name": entry.name, "sentence": sentence(entry), "counts": entry.counts}
    told |= {field.name: getattr(entry, field.name) for field in fields(Entry) if field.name not in _ROWS}
    lines = [f"{_text(name)}: {_text(value)}" for name, value in told.items()]
    for name in _ROWS:
        rows = [f"\n   {_text(_row(each))}" for each in getattr(entry, name)]
        lines.append(f"{_text(name)}: [{','.join(rows)}]")
    return " {" + ",\n  ".join(lines) + "}"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _row(tried: Tried) -> list[Any]:
    """A protocol: places of its values, effect, interval, verdict, standard error, and whether it is trusted."""
    return [tried.levels, tried.effect, tried.interval, tried.verdict, tried.standard_error, tried.trusted]


def _entry(record: Mapping[str, Any]) -> Entry:
    told = {name: value for name, value in record.items() if name not in ("sentence", "counts")}
    low, high = told["region"]
    rows = {name: [_tried(row) for row in told[name]] for name in _ROWS}
    return Entry(**{**told, **rows, "region": (low, high)})


def _tried(row: Sequence[Any]) -> Tried:
    levels, effect, interval, verdict, error, trusted = row
    return Tried(
        levels=tuple(levels),
        effect=effect,
        interval=interval and (interval[0], interval[1]),
        verdict=verdict,
        standard_error=error,
        trusted=trusted,
    )
