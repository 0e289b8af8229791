"""Rows of results as text, a line each, which can be kept under version control and taken up elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simulate.house.files import parse_json, write_text

__all__ = ["as_line", "in_order", "read_rows", "write_rows"]

Row = Mapping[str, Any]


def as_line(row: Row) -> str:
    """A row as one line of JSON without blanks.

    Example:
        >>> as_line({"step": [0, 1], "loss": 0.5})
        '{"step":[0,1],"loss":0.5}'
    """
    return json.dumps(row, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def read_rows(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of a file by their keys; none if there is no file.

    Raises:
        ValueError: if a line is damaged, or two have the same key and differ; the message names file and line.
    """
    found: dict[str, dict[str, Any]] = {}
    if not path.exists():
        return found
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = dict(parse_json(line))
            key = row["key"]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"Line {number} of {path} is damaged ({error}); remove it to make its row anew."
            ) from error
        if found.setdefault(key, row) != row:
            raise ValueError(f"Line {number} of {path} has the key {key} of an earlier one, but differs; remove one.")
    return found


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    """Write rows, a line each; the file appears whole or not at all."""
    return write_text(path, "".join(as_line(row) + "\n" for row in rows))


def in_order(rows: Iterable[Row], arms: Iterable[str]) -> list[Row]:
    """Rows by replicate, then networks as they are, then arms in their order; arms that are not known come last."""
    places = {name: place for place, name in enumerate(arms)}

    def place(row: Row) -> tuple[int, int, str, str]:
        arm = row.get("arm")
        return row["replicate"], -1 if arm is None else places.get(arm, len(places)), arm or row["kind"], row["key"]

    return sorted(rows, key=place)
