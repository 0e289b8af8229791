"""What a study has found so far, read from its folder while it runs; needs nothing but Python."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

__all__ = ["study_so_far"]

MOST = 150_000
"""Characters of a study that go into the report; models that come after these are counted."""

_EACH_THE_SAME = ("versions", "hardware")


def study_so_far(folder: Path) -> dict[str, Any] | None:
    """Rows and courses of trainings by the key of their configuration, or None where there is nothing yet.

    Args:
        folder: That of the study's results.
    """
    found: dict[str, Any] = {}
    left_out, room = 0, MOST
    for path in sorted(folder.glob("*/*"), key=lambda path: path.stat().st_mtime):
        told = _told(path)
        if told is None:
            continue
        room -= len(json.dumps(told))
        if room < 0:
            left_out += 1
            continue
        found.setdefault(path.parent.name, {})[path.name.partition(".")[0]] = told
    return {**found, "left_out": left_out} if found or left_out else None


def _told(path: Path) -> dict[str, Any] | None:
    """What a file tells without its arrays."""
    if path.name.startswith("."):
        return None
    try:
        if path.suffix == ".json":
            row = json.loads(path.read_text(encoding="utf-8"))
            return {name: value for name, value in row.items() if name not in _EACH_THE_SAME}
        return _about(path) if path.suffix == ".safetensors" else None
    except (OSError, ValueError, struct.error):  # one that is just being replaced; it is there at the next look
        return None


def _about(path: Path) -> dict[str, Any]:
    """The description at the head of a file of tensors."""
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        head = json.loads(file.read(size))
    return json.loads(head["__metadata__"]["about"])
