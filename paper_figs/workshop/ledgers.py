"""The theory's ledger on disk: taken where it is there, run where it is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from paper_figs.workshop.caption import Source
from paper_figs.workshop.laboratory import KeptLab
from paper_figs.workshop.store import Store
from simulate.house.counting import counted
from simulate.house.files import parse_json, write_text
from simulate.house.terminal import console
from simulate.house.version import __version__
from theory import claims as registry
from theory.ledger import Claim, family_sizes, run_claims

__all__ = ["PUBLISHED", "ledger_rows", "published_rows"]

Rows = list[dict[str, Any]]

_PACKED = Path(__file__).with_name("ledger.json")
PUBLISHED = _PACKED if _PACKED.is_file() else Path(__file__).parents[2] / "docs" / "ledger.json"
"""The ledger of the full budget that belongs to the source; a wheel has it beside this file."""

_WRITTEN = {"quick": "ledger", "full": "ledger_full"}
"""Folders beside ours into which `make verify` and `make ledger` write."""


def ledger_rows(lab: KeptLab, store: Store, *, seed: int) -> Rows:
    """The rows of the ledger of a budget and seed.

    A ledger that `python -m theory verify` left in results/ledger (or results/ledger_full) is taken if it has every
    claim as it stands today, the budget, the seed and the version. Otherwise the claims are run in the laboratory,
    and their ledger is kept in the store.

    Args:
        lab: The laboratory.
        store: The store.
        seed: Master seed.
    """
    claims = registry.all_claims()
    own = store.folder / "ledger.json"
    for path in (own, store.folder.parent.parent / _WRITTEN[lab.budget] / "ledger.json"):
        rows = _read(path)
        if rows is not None and _is_today(rows, claims, lab.budget, seed):
            _note(store, path, rows)
            return rows
    console.print(f"ledger: not yet in {store.folder}, running its {counted(len(claims), 'claim')}")
    used = list(store.used)
    ledger = run_claims(claims, lab, rows=family_sizes(claims), seed=seed, budget=lab.budget, version=__version__)
    store.used[:] = used  # the rows say themselves what they were made of
    write_text(own, ledger.to_json())
    rows = parse_json(ledger.to_json())
    _note(store, own, rows)
    return rows


def published_rows(store: Store) -> Rows:
    """The rows of the published ledger; nothing is run.

    Args:
        store: Where the source is noted.

    Raises:
        FileNotFoundError: if it is not there; the message has the command that makes it.
    """
    rows = _read(PUBLISHED)
    if not rows:
        raise FileNotFoundError(f"{PUBLISHED} is not there, or holds no ledger: `make ledger` makes it.")
    _note(store, PUBLISHED, rows)
    store.used[-1] = replace(store.used[-1], path="docs/ledger.json", budgeted=False)
    return rows


def _read(path: Path) -> Rows | None:
    """The rows of a file, or None if there is none, or one that is no ledger."""
    try:
        rows = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else None


def _is_today(rows: Rows, claims: tuple[Claim, ...], budget: str, seed: int) -> bool:
    """Whether a ledger has every claim as it stands today, at this budget, seed and version."""
    wanted = [
        (claim.name, str(claim.supported), str(claim.control.region), claim.experiment, claim.statistic, budget, seed,
         __version__)
        for claim in claims
    ]  # fmt: skip
    fields = ("name", "predicted", "control", "experiment", "statistic", "budget", "seed", "version")
    found = [
        tuple(row.get(field, {}).get("predicted") if field == "control" else row.get(field) for field in fields)
        for row in rows
    ]
    return sorted(map(repr, found)) == sorted(map(repr, wanted))


def _note(store: Store, path: Path, rows: Rows) -> None:
    store.used.append(
        Source(
            name="ledger of the theory",
            seeds=f"master seed {rows[0]['seed']}",
            configuration=f"budget {rows[0]['budget']}; every row has its experiment, stopping rule and statistic",
            version=str(rows[0]["version"]),
            path="/".join(path.parts[-3:]),
            n_runs=sum(row["n_runs"] for row in rows),
        )
    )
