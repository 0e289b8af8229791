"""The results figures are drawn from: found on disk, or run where they are missing, and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import xarray

from paper_figs.workshop.caption import Source
from paper_figs.workshop.laboratory import KeptLab
from paper_figs.workshop.ledgers import ledger_rows, published_rows
from paper_figs.workshop.store import Store
from simulate.house import checks
from simulate.house.version import __version__
from theory.experiments.lab import BUDGETS, Budget, Lab

__all__ = ["DATA", "RESULTS", "Results"]

RESULTS = Path("results/paper_figs")
"""Where results are kept."""

DATA = Path(__file__).parents[1] / "data"
"""Where the studies of deep networks lie, one folder a scale; they belong to the source."""

_Made = TypeVar("_Made")


class Results:
    """Results of one budget.

    Args:
        budget: "quick" or "full"; each has its own results.
        folder: Where they are kept.
        data: Folder of the studies of deep networks.
        preset: The scale that figures of deep networks show; None is every one.
        seed: Master seed of every experiment.

    Attributes:
        used: Sources that were asked for since the list was last cleared.

    Raises:
        ValueError: if an argument is out of range.
    """

    def __init__(
        self,
        budget: Budget = "full",
        *,
        folder: str | Path = RESULTS,
        data: str | Path = DATA,
        preset: str | None = None,
        seed: int = 0,
    ) -> None:
        checks.choice("budget", budget, BUDGETS)
        if preset is not None and not isinstance(preset, str):
            checks.fail("preset", "name a scale", preset)
        self.budget, self.preset, self.seed = budget, preset, seed
        self.used: list[Source] = []
        self._data = Path(data)
        self.store = Store(Path(folder) / budget, self.used)
        self.lab = KeptLab(budget, seed, self.store)

    def choose(self, *, quick: _Made, full: _Made) -> _Made:
        """Whichever belongs to the budget."""
        return self.lab.choose(quick=quick, full=full)

    def experiment(self, experiment: Callable[[Lab], _Made]) -> _Made:
        """What an experiment of `theory.experiments` finds."""
        return self.lab.once(experiment)

    def dataset(
        self, name: str, make: Callable[[Callable[[int], None]], xarray.Dataset], *, configuration: Mapping[str, Any],
        seeds: Sequence[int], n_runs: int,
    ) -> xarray.Dataset:  # fmt: skip
        """A dataset that no experiment of the theory makes.

        Args:
            name: Its name.
            make: Makes it, and tells its argument how many trainings have just finished.
            configuration: All that it depends on, as JSON can hold it.
            seeds: Its seeds.
            n_runs: Number of trainings.
        """
        return self.store.dataset(
            name, make, configuration=json.dumps({**configuration, "seeds": list(seeds)}, indent=1),
            seeds=f"{min(seeds)} to {max(seeds)}", n_runs=n_runs,
        )  # fmt: skip

    def ledger(self) -> list[dict[str, Any]]:
        """The rows of the theory's ledger, as `ledger.json` has them; its claims are run if there is none."""
        return ledger_rows(self.lab, self.store, seed=self.seed)

    def published_ledger(self) -> list[dict[str, Any]]:
        """The rows of the ledger in docs/ledger.json, which is of the full budget; nothing is run.

        Raises:
            FileNotFoundError: if it is not there; the message has the command that makes it.
        """
        return published_rows(self.store)

    @property
    def scales(self) -> tuple[str, ...]:
        """The scales of deep networks that are shown.

        Raises:
            ValueError: if the one that was asked for is not published; the message lists those that are.
        """
        there = tuple(sorted(path.parent.name for path in self._data.glob("*/rows.jsonl")))
        if self.preset is None:
            return there
        if self.preset not in there:
            checks.fail("preset", f"name a scale that is published in {self._data} ({', '.join(there)})", self.preset)
        return (self.preset,)

    def deep_files(self, name: str) -> list[Path]:
        """A file of each scale of deep networks that is shown.

        Raises:
            ValueError: if the scale that was asked for is not published.
            FileNotFoundError: if there is none, or one lacks the file; the message has the command that makes it.
        """
        paths = [self._data / scale / name for scale in self.scales]
        missing = [path for path in paths if not path.is_file()]
        if missing or not paths:
            path = missing[0] if missing else self._data / "digits" / name
            raise FileNotFoundError(
                f"{path} is not there: figures of deep networks draw from published results, which "
                f"`python -m deepnet judge results/matched/{path.parent.name} --publish {self._data}` makes."
            )
        for path in paths:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            self.used.append(
                Source(
                    name=f"deep networks, {path.parent.name}",
                    seeds="in provenance.json beside it",
                    configuration=f"{path.name}: SHA-256 {digest}…; configuration in provenance.json beside it",
                    version=__version__,
                    path=f"paper_figs/data/{path.parent.name}/{name}",
                    budgeted=False,
                )
            )
        return paths
