"""The rule of every door that writes: what is on disk is what was asked for, or it is left alone.

Results carry a record of what made them: the command, its configuration, and the version. A door that finds the record
of what it is asked for opens the results, goes on with them, or writes them again; one that finds another refuses and
names the difference, unless it is told to overwrite. What is damaged or foreign is never overwritten. What is drawn or
told anew of results that stay (figures, reports, pages) has no record: nothing that cost computation is lost with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulate.house.files import is_there, parse_json, write_text
from simulate.house.records.differences import differences
from simulate.house.version import __version__

__all__ = ["check_folder_of", "check_same", "make_record", "refusal", "write_folder_record"]

Record = Mapping[str, Any]

_FILE = "made_by.json"
"""Record of a folder of files."""


def make_record(command: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a command, as JSON gives it back.

    Args:
        command: Its words, "simulate run".
        configuration: All that decides its results.
    """
    return json.loads(json.dumps({"command": command, "version": __version__, **configuration}))


def check_same(there: Record, asked: Record, path: Path, *, name: str = "out", overwrite: bool = False) -> bool:
    """Whether results are those that are asked for.

    Args:
        there: Their record.
        asked: The record of what is asked for.
        path: Their place.
        name: Name of the argument that chose it, for the error.
        overwrite: Whether others may be replaced.

    Raises:
        ValueError: if they are others, and may not be replaced; it names the differences.
    """
    lines = differences(there, asked)
    if lines and not overwrite:
        raise ValueError(refusal(path, lines, name=name))
    return not lines


def refusal(path: Path, lines: list[str], *, name: str) -> str:
    """What is said of results that are not those asked for."""
    return (
        f"Argument `{name}` must name the place of these results, or a new one, or come with `overwrite`, but "
        f"{path} differs: {'; '.join(lines)}."
    )


def check_folder_of(files: list[Path], asked: Record, *, name: str = "out", overwrite: bool = False) -> None:
    """Require that the results in a folder of files are those that are asked for, if there are any.

    Args:
        files: The files that will be written, all in one folder.
        asked: The record of what is asked for.
        name: Name of the argument that chose the folder, for the error.
        overwrite: Whether other results may be replaced.

    Raises:
        ValueError: if the files are of other results, or of nobody knows what.
    """
    there = [path for path in files if is_there(path, name=name)]
    if not there or overwrite:
        return
    path = there[0].parent / _FILE
    if not is_there(path, name=name):
        raise ValueError(
            f"Argument `{name}` must name the folder of these results, or a new one, or come with `overwrite`, but "
            f"{there[0]} is there, and no {_FILE} beside it says what made it."
        )
    try:
        found = dict(parse_json(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise ValueError(f"Argument `{name}` must name a whole folder, but {path} is damaged.") from None
    check_same(found, asked, path.parent, name=name)


def write_folder_record(folder: Path, asked: Record) -> Path:
    """Note in a folder what made its files; the note comes first, so that no file is without one."""
    return write_text(folder / _FILE, json.dumps(asked, indent=1, ensure_ascii=False) + "\n")
