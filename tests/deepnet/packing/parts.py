"""How large the parts of tests are, and what is in a folder."""

from pathlib import Path

SIZE = 20_000
"""Bytes of a part."""


def contents(folder: Path) -> dict[str, bytes]:
    """All files in a folder, by their path in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def others(found: dict[str, bytes]) -> dict[str, bytes]:
    """All but the models."""
    return {name: content for name, content in found.items() if not name.startswith("models/")}
