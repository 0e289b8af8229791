"""`python -m deepnet judge`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from simulate.house import checks
from simulate.house.command_line.options import Shown
from simulate.house.terminal import console

if TYPE_CHECKING:
    from deepnet.ledger.scales import Judgement
    from theory.ledger.atlas import Entry

__all__ = ["JudgeCommand"]

_FOLDERS = Shown(value="FOLDER", default="results/matched/digits", positional=True)


@dataclass(frozen=True, kw_only=True)
class JudgeCommand:
    """Judge the deep claims from rows of matched unlearning, a ledger for each scale and one table of all.

    Rows are read, and nothing is trained. Exit status 1 if a negative control was not refuted, or a null experiment saw
    something.
    """

    folders: Annotated[tuple[Path, ...], tyro.conf.Positional, _FOLDERS] = (Path("results/matched/digits"),)
    """Folders that `python -m deepnet matched` wrote, one per scale."""
    out: Path = Path("results/judged")
    """Folder for scales.csv, and for ledger.json, ledger.html (to read) and the atlas of each scale."""
    claims: Annotated[tuple[str, ...], Shown(value="CLAIM", default="all")] = ()
    """Names of claims, or their numbers."""
    protocols: int = 48
    """Most protocols to try for each claim's atlas; 0 makes no atlas."""
    publish: Annotated[Path | None, Shown(value="DIR", default="not published")] = None
    """Folder in which each scale is published, in a sub-folder of its name, for the figures that are drawn from it."""
    overwrite: bool = False
    """With --publish: allow rows that were published before to be lost."""

    def __call__(self) -> int:
        """Judge, write and print; returns the exit status."""
        from deepnet.ledger.claims import find_claims
        from deepnet.ledger.findings import Findings
        from deepnet.ledger.pages import atlas_of, holding, table_of, write_atlas, write_judgement
        from deepnet.ledger.scales import judge

        claims = find_claims(self.claims)
        checks.integer("protocols", self.protocols, least=0, most=10_000)
        places = self._places()
        self._check_publication(places)
        rows = {scale: _rows_in(folder) for scale, folder in places.items()}
        asked = rows if self.protocols else {}
        entries = {scale: atlas_of(Findings.of(found), self.protocols, claims) for scale, found in asked.items()}
        judgement = judge(rows, claims=claims, holds=holding(entries))
        written = write_judgement(judgement, self.out)
        for scale, found in entries.items():
            written += write_atlas(found, scale, self.out)
        console.print(table_of(judgement))
        written += self._published(places, judgement, entries)
        console.print("\n".join(f"Written: {path}" for path in written))
        return _alarmed(judgement)

    def _places(self) -> dict[str, Path]:
        """The folders by their scale."""
        found: dict[str, Path] = {}
        for folder in self.folders:
            scale = str(_rows_in(folder)[0].get("scale"))
            if scale in found:
                raise ValueError(f"Argument `folders` must name a folder a scale, but two are of the scale {scale}.")
            found[scale] = folder
        return found

    def _check_publication(self, places: Mapping[str, Path]) -> None:
        """Require, before all work, that nothing less is published than all claims of all rows."""
        if self.publish is None:
            return
        from deepnet.publishing.writing import check_publication

        if self.claims:
            raise ValueError("Arguments `publish` and `claims` must not be given both: all claims are published.")
        if not self.protocols:
            checks.fail("protocols", "be at least 1 with `publish`, which holds an atlas", self.protocols)
        for scale, folder in places.items():
            check_publication(folder, self.publish / scale, overwrite=self.overwrite)

    def _published(
        self, places: Mapping[str, Path], judgement: Judgement, entries: Mapping[str, Sequence[Entry]]
    ) -> list[Path]:
        if self.publish is None:
            return []
        from deepnet.publishing.writing import publish

        written: list[Path] = []
        for scale, ledger in judgement.ledgers.items():
            found, target = judgement.findings[scale], self.publish / scale
            written += publish(places[scale], target, found, ledger, entries[scale], overwrite=self.overwrite)
        return written


def _rows_in(folder: Path) -> list[Mapping[str, Any]]:
    """The rows of a folder."""
    from deepnet.matched.records import read_rows

    path = folder / "rows.jsonl"
    rows: list[Mapping[str, Any]] = list(read_rows(path).values())
    if not rows:
        raise ValueError(f"Argument `folders` must name folders with a rows.jsonl, but {path} has no rows.")
    return rows


def _alarmed(judgement: Judgement) -> int:
    """Tell of controls that do not do what they must; returns the exit status."""
    from theory.ledger.wording import warning

    alarms = {scale: warning(ledger) for scale, ledger in judgement.ledgers.items()}
    for scale, alarm in alarms.items():
        if alarm:
            console.print(f"{scale}: {alarm}")
    return 1 if any(alarms.values()) else 0
