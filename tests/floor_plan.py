"""The plan of the house: which room stands on which floor, what each is for, and the picture of it.

`python -m tests.floor_plan` prints the picture that CONTRIBUTING.md shows; `tests/test_architecture.py` holds the
sources to the plan.
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

__all__ = ["DISCOVERED", "FLOORS", "MAY_IMPORT", "floor_of", "picture"]

FLOORS: Mapping[str, Sequence[Sequence[str]]] = {
    "simulate": (
        ("house",), ("machine",), ("problems", "test_error"), ("dynamics",), ("runs",), ("boundaries",),
        ("sweeps", "interactive"), ("cli",),
    ),
    "theory": (("statistics",), ("formulas", "ledger"), ("experiments", "page"), ("claims",), ("cli",)),
    "deepnet": (
        ("house",), ("networks", "data", "report"), ("learning", "metrics", "packing"), ("methods",), ("studies",),
        ("matched",), ("ledger", "own"), ("publishing",), ("cli",),
    ),
    "paper_figs": (("workshop",), ("figures",), ("tables",), ("registry",), ("cli",)),
    "sharpmu": (("completion",), ("doors",)),
}  # fmt: skip
"""Rooms of each package from the ground up. A room imports rooms of lower floors only."""

MAY_IMPORT: Mapping[str, Sequence[str]] = {
    "simulate": (),
    "theory": ("simulate",),
    "deepnet": ("simulate.house", "theory.ledger", "theory.page", "theory.statistics"),
    "paper_figs": ("simulate", "theory", "deepnet"),
    "sharpmu": ("simulate", "theory", "deepnet", "paper_figs"),
    "notebooks": ("simulate", "theory", "deepnet", "paper_figs"),
}
"""What each package may import besides itself; a name stands for the module and all that is inside it."""

DISCOVERED = {
    "theory/claims", "deepnet/ledger/claims", "deepnet/methods", "paper_figs/figures",
    "paper_figs/tables", "simulate/dynamics/objectives", "simulate/dynamics/optimizers",
}  # fmt: skip
"""Rooms of one file a thing, found by its place: they grow, and may have more modules than others."""


def floor_of(package: str, room: str) -> int:
    """The floor of a room, 0 for the ground; -1 for a room that the plan does not have."""
    return next((number for number, rooms in enumerate(FLOORS[package]) if room in rooms), -1)


def picture() -> str:
    """Packages side by side, the highest floor on top; arrows of imports run down and to the left."""
    columns = [[" · ".join(rooms) for rooms in floors] for floors in FLOORS.values()]
    widths = [max(map(len, [name, *column])) for name, column in zip(FLOORS, columns, strict=True)]
    rows = list(zip_longest(*columns, fillvalue=""))[::-1]
    lines = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    ground = "   ".join("─" * width for width in widths)
    names = "   ".join(name.ljust(width) for name, width in zip(FLOORS, widths, strict=True)).rstrip()
    return "\n".join([*lines, ground, names])


if __name__ == "__main__":
    print(picture())
