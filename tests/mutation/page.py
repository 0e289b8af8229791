"""The page of planted faults: docs/mutants.md, made of the tables of faults and of what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.mutation.mutants import FaultFile
from tests.mutation.outcomes import MISSED, NOT_NOTED, NOTICED, Outcome
from tests.places import ROOT

__all__ = ["PAGE", "page"]

PAGE = ROOT / "docs" / "mutants.md"
"""The page."""

_HEAD = """# What the tests notice

Faults were planted, one wrong line each, and tests run until one failed: the nearest first, then those of the package.
Each file of faults says below how its faults were chosen. A fault that no test noticed was given one, so there are two
numbers. How many were noticed when they were planted tells how strong tests are that were written without these faults
in mind; how many are noticed now is what is held. `make mutants` plants faults, notes what becomes of each in
[mutants.csv](mutants.csv), and makes this page of that.

| faults | stated | planted | noticed when planted | noticed now |
| --- | --- | --- | --- | --- |
"""


def page(files: Mapping[str, FaultFile], outcomes: Sequence[Outcome]) -> str:
    """The page.

    Args:
        files: The files of faults by name.
        outcomes: What became of those that were planted.
    """
    of_file = {name: [one for one in outcomes if one.faults == name] for name in files}
    text = _HEAD
    for name, file in files.items():
        text += f"| [{file.title}](#{_anchor(file.title)}) | {len(file.faults)} | {_counts(of_file[name])} |\n"
    text += f"| all | {sum(len(file.faults) for file in files.values())} | {_counts(outcomes)} |\n"
    return text + "".join(_section(name, file, of_file[name]) for name, file in files.items())


def _section(name: str, file: FaultFile, outcomes: Sequence[Outcome]) -> str:
    """What is known of the faults of one file."""
    text = f"\n## {file.title}\n\n{file.about.strip()}\n\n"
    text += f'They are in `tests/mutation/{name}.toml`: `make mutants ARGS="{file.options(name)}"`.\n'
    rooms: dict[str, list[Outcome]] = {}
    places = {fault.name: _room(fault.file) for fault in file.faults}
    for one in outcomes:
        rooms.setdefault(places[one.fault], []).append(one)
    if rooms:
        text += "\n| package | planted | noticed when planted | noticed now |\n| --- | --- | --- | --- |\n"
        text += "".join(f"| `{room}` | {_counts(rooms[room])} |\n" for room in sorted(rooms))
    missed = [one for one in outcomes if one.when_planted == MISSED]
    if missed:
        matters = {fault.name: fault.matters for fault in file.faults}
        text += "\nNot noticed when planted:\n\n"
        text += "".join(f"- `{one.fault}`: {matters[one.fault]} {_mended(one)}\n" for one in missed)
    lost = [one for one in outcomes if one.now == MISSED and one.when_planted != MISSED]
    if lost:
        text += "\nNoticed once, and no longer: " + ", ".join(f"`{one.fault}`" for one in lost) + ".\n"
    return text


def _mended(one: Outcome) -> str:
    if one.now == MISSED:
        return "It still is not."
    return "It is now." if one.now == NOTICED else f"Now by `{one.now.rpartition('::')[2]}`."


def _counts(outcomes: Sequence[Outcome]) -> str:
    """Cells: planted, noticed when planted, noticed now."""
    noted = [one for one in outcomes if one.when_planted != NOT_NOTED]
    first = sum(one.when_planted == NOTICED for one in noted)
    now = sum(one.now != MISSED for one in outcomes)
    at_first = _share(first, len(noted)) + (f" of {len(noted)} noted" if 0 < len(noted) < len(outcomes) else "")
    return f"{len(outcomes)} | {at_first} | {_share(now, len(outcomes))}"


def _share(some: int, every: int) -> str:
    return f"{some} ({100 * some / every:.0f} %)" if every else "–"


def _room(file: str) -> str:
    return "/".join(Path(file).parts[:2]).removesuffix(".py")


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")
