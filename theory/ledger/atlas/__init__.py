"""Where a claim holds: its verdict over what its experiment had to choose. Nothing here knows what claims are about."""

from theory.ledger.atlas.design import crossed, designed
from theory.ledger.atlas.entry import Entry, Tried
from theory.ledger.atlas.keeping import Kept
from theory.ledger.atlas.making import Account, make_atlas
from theory.ledger.atlas.measuring import Found, in_processes, in_this_process, on_cluster
from theory.ledger.atlas.publishing import atlas_json, entries_from, sentences
from theory.ledger.atlas.sentence import sentence
from theory.ledger.atlas.shares import Share, shares_of

__all__ = [
    "Account", "Entry", "Found", "Kept", "Share", "Tried", "atlas_json", "crossed", "designed", "entries_from",
    "in_processes", "in_this_process", "make_atlas", "on_cluster", "sentence", "sentences", "shares_of",
]  # fmt: skip
