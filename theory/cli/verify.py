"""`python -m theory verify`: run claims and write their ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from simulate.house import checks
from simulate.house.command_line.options import Shown
from simulate.house.files import check_files, write_text
from simulate.house.records.record import check_folder_of, make_record, write_folder_record
from simulate.house.terminal import console, progress_bar
from theory import claims as registry
from theory.cli.running import ALL_CLAIMS, check_folder, folder_of, run_on
from theory.experiments.lab import Budget
from theory.ledger import Ledger
from theory.ledger.table import summary_table
from theory.ledger.wording import warning
from theory.page import page

__all__ = ["Verify", "page_of"]

_FILES = ("ledger.json", "ledger.html", "timings.json")
_TITLE = "Sharpness-aware unlearning: what its theory claims, and what simulations say"
_ABOUT = (
    "The theory is that of Haoran Tang and Rajiv Khanna, Sharpness-Aware Machine Unlearning, ICLR 2026 "
    "(arXiv 2506.13715), with what it builds on."
)
_FOLDER = Shown(value="FOLDER")
_LEDGER = Path("results/ledger")
_OUT = Shown(default="results/ledger, of some claims results/ledger_of/NAMES")


@dataclass(frozen=True, kw_only=True)
class Verify:
    """Run claims and write their ledger; status 1 if a control was not refuted or a null experiment failed."""

    claims: Annotated[tuple[str, ...], ALL_CLAIMS] = ()
    """Names of claims, or their numbers."""
    budget: Budget = "quick"
    """quick: some three minutes for everything; full: within an hour."""
    seed: int = 0
    """Master seed; the same seed and budget write the same ledger, byte for byte."""
    images: Annotated[Path | None, _FOLDER] = None
    """Folder of real images, one folder per class, for the claims that can use them."""
    out: Annotated[Path | None, _OUT] = None
    """Folder for ledger.json, ledger.html (to read) and timings.json (seconds, which the ledger does not hold)."""
    overwrite: bool = False
    """Replace another ledger in `--out`, which is refused otherwise."""

    def __call__(self) -> int:
        """Check everything, run, write and print."""
        chosen = registry.find_claims(self.claims)
        checks.integer("seed", self.seed, least=0)
        check_folder("images", self.images)
        out = folder_of(_LEDGER, self.claims, self.out)
        files = [out / name for name in _FILES]
        check_files(*files)
        record = make_record("theory verify", self._settings([claim.name for claim in chosen]))
        check_folder_of(files, record, overwrite=self.overwrite)
        with progress_bar() as bar:
            task = bar.add_task("", total=len(chosen))
            ledger = run_on(bar, task, chosen, budget=self.budget, seed=self.seed, images=self.images)
        write_folder_record(out, record)
        told = _write(ledger, out)
        console.print(summary_table(ledger))
        console.print(told)
        alarm = warning(ledger)
        if alarm:
            console.print(alarm)
        return 1 if alarm else 0

    def _settings(self, claims: list[str]) -> dict[str, Any]:
        """All that decides the ledger."""
        images = None if self.images is None else str(self.images.resolve())
        return {"claims": sorted(claims), "budget": self.budget, "seed": self.seed, "images": images}


def page_of(ledger: Ledger) -> str:
    """The page of a ledger of the theory, with its pictures if it has any."""
    from simulate.boundaries.plots import COLORS  # matplotlib, only when something is drawn
    from theory.formulas.conditions import CONDITIONS

    formulas = {name: condition.latex for name, condition in CONDITIONS.items()}
    return page(ledger, title=_TITLE, about=_ABOUT, colors=COLORS, formulas=formulas)


def _write(ledger: Ledger, out: Path) -> str:
    """Write the files; returns where they are, in words."""
    seconds = {name: round(value, 3) for name, value in ledger.seconds.items()}
    texts = (ledger.to_json(), page_of(ledger), json.dumps(seconds, indent=1) + "\n")
    json_file, page_file, times_file = (write_text(out / name, text) for name, text in zip(_FILES, texts, strict=True))
    return f"Ledger: {json_file}\nTo read: {page_file}\nTimings: {times_file}"
