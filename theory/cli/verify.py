"""`python -m theory verify`: run claims and write their ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from simulate import checks
from simulate.cli.console import console, progress_bar
from theory import claims as registry
from theory.cli.running import check_files, check_folder, run_on
from theory.lab import Budget
from theory.ledger import Ledger
from theory.ledger.book import write_text
from theory.ledger.page import page
from theory.ledger.table import summary_table
from theory.ledger.wording import warning

__all__ = ["Verify"]

_FILES = ("ledger.json", "ledger.html", "timings.json")
_TITLE = "Sharpness-aware unlearning: what its theory claims, and what simulations say"


@dataclass(frozen=True, kw_only=True)
class Verify:
    """Run claims, judge them and write the ledger. Exit status 1 if a negative control was not refuted."""

    claims: tuple[str, ...] = ()
    """Names of claims, or their numbers; all of them if none is given."""
    budget: Budget = "quick"
    """quick: about two minutes for everything; full: within an hour."""
    seed: int = 0
    """Master seed; the same seed and budget write the same ledger, byte for byte."""
    images: Path | None = None
    """Folder of real images, one folder a class, for the claims that can use them."""
    out: Path = Path("results/ledger")
    """Folder for ledger.json, ledger.html (to read) and timings.json (seconds, which the ledger does not hold)."""

    def __call__(self) -> int:
        """Check everything, run, print and write."""
        chosen = registry.find_claims(self.claims)
        checks.integer("seed", self.seed, least=0)
        check_folder("images", self.images)
        check_files(*(self.out / name for name in _FILES))
        with progress_bar() as bar:
            task = bar.add_task("", total=len(chosen))
            ledger = run_on(bar, task, chosen, budget=self.budget, seed=self.seed, images=self.images)
        console.print(summary_table(ledger))
        _write(ledger, self.out)
        if ledger.unrefuted_controls:
            console.print(warning(ledger), soft_wrap=True, markup=False)
        return 1 if ledger.unrefuted_controls else 0


def _write(ledger: Ledger, out: Path) -> None:
    from simulate.plots import COLORS  # matplotlib, only when something is drawn

    seconds = {name: round(value, 3) for name, value in ledger.seconds.items()}
    texts = (ledger.to_json(), page(ledger, title=_TITLE, colors=COLORS), json.dumps(seconds, indent=1) + "\n")
    json_file, page_file, times_file = (write_text(out / name, text) for name, text in zip(_FILES, texts, strict=True))
    console.print(f"Ledger: {json_file}\nTo read: {page_file}\nTimings: {times_file}", soft_wrap=True)
