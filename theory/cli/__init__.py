"""Commands of `python -m theory`, each one dataclass whose fields are its options."""

from __future__ import annotations

from simulate.house.command_line.door import Command, Door

__all__ = ["DOOR", "main"]


def _verify() -> Command:
    from theory.cli.verify import Verify

    return Command(cls=Verify)


def _list() -> Command:
    from theory.cli.listing import List

    return Command(cls=List)


def _show() -> Command:
    from theory.cli.listing import Show

    return Command(cls=Show)


def _margins() -> Command:
    from theory.cli.margins import USUAL, Margins

    return Command(cls=Margins, usual=USUAL)


def _stability() -> Command:
    from theory.cli.stability import Stability

    return Command(cls=Stability)


def _atlas() -> Command:
    from theory.cli.atlas import Atlas

    return Command(cls=Atlas)


DOOR = Door(
    package="theory",
    about="What the theory claims, and a ledger of what simulations say of it.",
    commands={
        "verify": _verify,
        "list": _list,
        "show": _show,
        "atlas": _atlas,
        "margins": _margins,
        "stability": _stability,
    },
    summaries={
        "verify": "run claims and write their ledger",
        "list": "all claims, one line each",
        "show": "what was fixed for a claim before its experiment",
        "atlas": "where claims hold, over what their experiments had to choose",
        "margins": "how far inside the hypotheses of the theorems a problem lies",
        "stability": "verdicts over several master seeds",
    },
    goes_on=frozenset({"atlas"}),
)
"""All commands, as `sharpmu` finds them, too."""

main = DOOR.main
