"""`python -m theory stability`: do the verdicts depend on the master seed?"""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from simulate.house import checks
from simulate.house.files import check_files, write_text
from simulate.house.terminal import console, progress_bar
from simulate.house.version import __version__
from theory import claims as registry
from theory.cli.running import ALL_CLAIMS, run_on
from theory.ledger import Ledger, Row, Verdict

__all__ = ["Stability", "flips", "stability_table"]

_ABSENT = (Verdict.NOT_RUN, Verdict.NEGLIGIBLE)  # here all are run, and no claim has a margin
_VERDICTS = tuple(verdict.value for verdict in Verdict if verdict not in _ABSENT)
_COLUMNS = ("name", "family", *_VERDICTS, "least effect", "greatest effect", "controls refuted", "flips")


@dataclass(frozen=True, kw_only=True)
class Stability:
    """Count verdicts over several master seeds; status 1 if one flips between supported and refuted."""

    seeds: int = 10
    """Number of master seeds, from 0 on."""
    claims: Annotated[tuple[str, ...], ALL_CLAIMS] = ()
    """Names of claims, or their numbers."""
    out: Path = Path("results/ledger_stability.csv")
    """The table."""
    overwrite: bool = False
    """Replace another table at `--out`, which is refused otherwise."""

    def __call__(self) -> int:
        """Check everything, run, write and say what flips."""
        chosen = registry.find_claims(self.claims)
        checks.integer("seeds", self.seeds, least=1, most=10_000)
        check_files(self.out)
        self._check_table()
        with progress_bar() as bar:
            task = bar.add_task("", total=self.seeds * len(chosen))
            ledgers = [run_on(bar, task, chosen, budget="quick", seed=seed) for seed in range(self.seeds)]
        write_text(self.out, self._head + stability_table(ledgers))
        flipped = [rows[0].name for rows in _by_claim(ledgers) if flips(rows)]
        told = f"flip between supported and refuted: {', '.join(flipped)}" if flipped else "none flips"
        console.print(f"Claims over {self.seeds} seeds: {told}\nTable: {self.out}")
        return 1 if flipped else 0

    def _check_table(self) -> None:
        """Require that the table that is there, if any, was made by this command."""
        if not self.out.exists() or self.overwrite:
            return
        there = self.out.read_text(encoding="utf-8", errors="replace").splitlines()[:2]
        if there != self._head.splitlines():
            raise ValueError(
                f"Argument `out` must name the place of this table, or a new one, or come with `overwrite`, but "
                f"{self.out} begins with {' '.join(there)!r}, not with {' '.join(self._head.splitlines())!r}."
            )

    @property
    def _head(self) -> str:
        """How the table was made, as comments."""
        words = ["python", "-m", "theory", "stability", "--seeds", str(self.seeds)]
        words += ["--claims", *self.claims] if self.claims else []
        return f"# {shlex.join(words)}\n# sharpmu {__version__}, budget quick, master seeds 0 to {self.seeds - 1}\n"


def stability_table(ledgers: Sequence[Ledger]) -> str:
    """CSV with one line a claim: how often each verdict fell, and between which ends the effect lay.

    Args:
        ledgers: The same claims, run with different seeds.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(word.replace(" ", "_") for word in _COLUMNS)
    for rows in _by_claim(ledgers):
        found = [row.verdict for row in rows]
        effects = [row.effect for row in rows if row.effect is not None]
        writer.writerow(
            [
                rows[0].name,
                rows[0].family,
                *(found.count(verdict) for verdict in _VERDICTS),
                *((min(effects), max(effects)) if effects else ("", "")),
                sum(row.control["verdict"] == Verdict.REFUTED.value for row in rows),
                _word(flips(rows)),
            ]
        )
    return text.getvalue()


def flips(rows: Sequence[Row]) -> bool:
    """Whether a claim was supported with one seed and refuted with another."""
    return {Verdict.SUPPORTED.value, Verdict.REFUTED.value} <= {row.verdict for row in rows}


def _by_claim(ledgers: Sequence[Ledger]) -> list[tuple[Row, ...]]:
    return list(zip(*(ledger.rows for ledger in ledgers), strict=True))


def _word(truth: bool) -> str:
    return "yes" if truth else "no"
