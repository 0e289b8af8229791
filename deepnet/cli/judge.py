"""`python -m deepnet judge`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from simulate.house import checks
from simulate.house.command_line.options import Shown
from simulate.house.terminal import console

__all__ = ["JudgeCommand"]

_FOLDERS = Shown(value="FOLDER", default="results/matched/digits", positional=True)


@dataclass(frozen=True, kw_only=True)
class JudgeCommand:
    """Judge the deep claims from rows of matched unlearning, a ledger for each scale and one table of all.

    Only rows.jsonl of each folder is read; nothing is trained. Exit status 1 if a negative control was not refuted, or
    a null experiment saw something.
    """

    folders: Annotated[tuple[Path, ...], tyro.conf.Positional, _FOLDERS] = (Path("results/matched/digits"),)
    """Folders that `python -m deepnet matched` wrote, one a scale."""
    out: Path = Path("results/judged")
    """Folder for scales.csv, and for ledger.json, ledger.html (to read) and the atlas of each scale."""
    claims: Annotated[tuple[str, ...], Shown(value="CLAIM", default="all")] = ()
    """Names of claims, or their numbers."""
    protocols: int = 48
    """Protocols that are tried of each claim at most for the atlas; 0 makes none."""

    def __call__(self) -> int:
        """Judge, write and print; returns the exit status."""
        from deepnet.ledger.claims import find_claims
        from deepnet.ledger.findings import Findings
        from deepnet.ledger.pages import atlas_of, holding, table_of, write_atlas, write_judgement
        from deepnet.ledger.scales import judge
        from theory.ledger.wording import warning

        claims = find_claims(self.claims)
        checks.integer("protocols", self.protocols, least=0, most=10_000)
        rows = self._rows()
        asked = rows if self.protocols else {}
        entries = {scale: atlas_of(Findings.of(found), self.protocols, claims) for scale, found in asked.items()}
        judgement = judge(rows, claims=claims, holds=holding(entries))
        written = write_judgement(judgement, self.out)
        for scale, found in entries.items():
            written += write_atlas(found, scale, self.out)
        console.print(table_of(judgement))
        console.print("\n".join(f"Written: {path}" for path in written))
        alarms = {scale: warning(ledger) for scale, ledger in judgement.ledgers.items()}
        for scale, alarm in alarms.items():
            if alarm:
                console.print(f"{scale}: {alarm}")
        return 1 if any(alarms.values()) else 0

    def _rows(self) -> Mapping[str, list[Mapping[str, Any]]]:
        """The rows of each folder by their scale."""
        from deepnet.matched.records import read_rows

        found: dict[str, list[Mapping[str, Any]]] = {}
        for folder in self.folders:
            path = folder / "rows.jsonl"
            rows: list[Mapping[str, Any]] = list(read_rows(path).values())
            if not rows:
                raise ValueError(f"Argument `folders` must name folders with a rows.jsonl, but {path} has no rows.")
            scale = str(rows[0].get("scale"))
            if scale in found:
                raise ValueError(f"Argument `folders` must name a folder a scale, but two are of the scale {scale}.")
            found[scale] = rows
        return found
