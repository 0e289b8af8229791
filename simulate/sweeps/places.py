"""Where the store of a sweep is, and what is there: nothing, a sweep of ours, or something else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulate.house.files import check_folder_above, is_there, parse_json
from simulate.house.records.attributes import read_attributes
from simulate.house.records.seals import check_seal, read_seal
from simulate.house.storage import MADE_BY, MARK, record_of

__all__ = ["aside", "beside", "read_configuration"]


def aside(path: Path, word: str = "new") -> Path:
    """Where a store is made that will take a place."""
    return path.with_name(f".{path.name}.{word}")


def beside(path: Path) -> Path:
    """Where the store that was in a place is for the moment in which another takes it."""
    return aside(path, "old")


def read_configuration(path: Path, *, overwrite: bool = False) -> dict[str, Any] | None:
    """The configuration of the sweep whose store a path holds, or None if there is nothing to go on with.

    Args:
        path: Folder of the store.
        overwrite: Whether other results of ours may be replaced.

    Raises:
        ValueError: if something else is there, it is damaged, or nothing can be written there.
    """
    if not is_there(path):
        if beside(path).is_dir():  # a process was killed between the two moves that put a store in its place
            beside(path).rename(path)
            return read_configuration(path, overwrite=overwrite)
        check_folder_above(path)
        return None
    attributes = read_attributes(path) or {}
    if "configuration" not in attributes or not (path / "checksum").is_dir():
        _check_other_kind(path, attributes, overwrite)
        return None
    try:
        configuration = parse_json(attributes["configuration"])
    except (ValueError, TypeError):
        configuration = None
    if not isinstance(configuration, dict) or not {"chunk", "axes", "seeds"} <= configuration.keys():
        raise ValueError(f"Argument `out` must hold a whole store, but the configuration in {path}/.zattrs is damaged.")
    if read_seal(attributes) is None:
        if overwrite:
            return None
        raise ValueError(
            f"Argument `out` must name the folder of this sweep, or a new one, but {path} is of an earlier version, "
            "whose stores do not say in which order their axes are: xarray can read it, no sweep can go on with it."
        )
    check_seal(path)  # before anything relies on what the configuration says
    return configuration


def _check_other_kind(path: Path, attributes: Mapping[str, Any], overwrite: bool) -> None:
    """Refuse what is no sweep, unless it is ours and may be replaced."""
    ours = not {MADE_BY, MARK}.isdisjoint(attributes)
    record = record_of(path) if ours else None
    if record is not None and overwrite:
        return
    told = f"something else, made by {record.get('command', 'hand')}" if record is not None else "something else"
    raise ValueError(f"Argument `out` must name the folder of this sweep, or a new one, but {path} holds {told}.")
