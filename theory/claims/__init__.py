"""One file a claim. To add one, put a module here whose `CLAIMS` is a tuple of `Claim`; nothing else changes."""

from pathlib import Path

from theory.ledger.atlas.publishing import sentences
from theory.ledger.registry import doors, topics_in

__all__ = ["all_claims", "find_claims", "holds", "topics"]

all_claims, find_claims = doors(__name__, __path__)
"""Every claim of this folder; and those of some names or numbers."""


def holds() -> dict[str, str]:
    """Where claims hold, in a sentence each, by their names; as far as the atlas beside this file knows them.

    Raises:
        ValueError: if that file is damaged.
    """
    return sentences(Path(__file__).with_name("atlas.json"), all_claims())


def topics() -> dict[str, str]:
    """What claims are about, in a few words each, by their names: the rows of a picture of all verdicts."""
    return topics_in(__name__, __path__)
