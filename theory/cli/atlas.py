"""`python -m theory atlas`: where claims hold, over what their experiments had to choose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numba
import tyro

from simulate.house import checks
from simulate.house.command_line.options import Shown
from simulate.house.counting import counted
from simulate.house.files import check_files, write_text
from simulate.house.records.record import check_folder_of, make_record, write_folder_record
from simulate.house.terminal import console, progress_bar
from simulate.house.version import __version__
from simulate.machine.cluster import connected
from theory import claims as registry
from theory.cli.running import check_folder, folder_of
from theory.cli.sources import code_behind
from theory.experiments.lab import Budget, Lab
from theory.ledger import Claim, Protocol, family_sizes
from theory.ledger.atlas import (
    Account,
    Entry,
    Found,
    Kept,
    atlas_json,
    in_processes,
    in_this_process,
    make_atlas,
    on_cluster,
    sentence,
)
from theory.ledger.atlas.measuring import Crew

__all__ = ["Atlas", "write_pages"]

_OPEN = Shown(value="CLAIM", default="all claims that leave something open", positional=True)
_ATLAS = Path("results/atlas")
_OUT = Shown(default="results/atlas, of some claims results/atlas_of/NAMES, with what is measured in results/atlas")
_TITLE = "Sharpness-aware unlearning: where the claims of its theory hold"
_ABOUT = "Each claim of the ledger that leaves something to the experimenter, over what it leaves."


@dataclass(frozen=True, kw_only=True)
class Atlas:
    """Run claims over what their experiments had to choose, and say where they hold.

    Every measurement is saved in `--out` at once: the same command resumes after an interruption, and one for
    other claims or more protocols measures only what is missing. Status 1 if a control failed under the primary
    protocol.
    """

    claims: Annotated[tuple[str, ...], tyro.conf.Positional, _OPEN] = ()
    """Names of claims, or their numbers."""
    budget: Budget = "quick"
    """Replicates of each experiment, as in `verify`."""
    protocols: int = 48
    """Most protocols to try for each claim, besides its map."""
    seed: int = 0
    """Master seed of all experiments, and of the sample of protocols."""
    images: Annotated[Path | None, Shown(value="FOLDER")] = None
    """Folder of real images, one folder per class, for the claims that can use them."""
    out: Annotated[Path | None, _OUT] = None
    """Folder for atlas.json, atlas.html (to read), maps/ (one per claim) and measured/ (all experiments)."""
    processes: int = 1
    """Processes of this machine that measure; one uses all cores, too."""
    scheduler: str | None = None
    """Address of a Dask scheduler whose workers measure, e.g. tcp://10.0.0.1:8786; None measures here."""
    overwrite: bool = False
    """Replace another atlas in `--out`, which is refused otherwise; what was measured stays."""

    def __call__(self) -> int:
        """Check everything, measure, write and print."""
        chosen = _with_choices(self.claims)
        checks.integer("protocols", self.protocols, least=1, most=10_000)
        checks.integer("seed", self.seed, least=0)
        checks.integer("processes", self.processes, least=1, most=1000)
        check_folder("images", self.images)
        out = folder_of(_ATLAS, self.claims, self.out)
        files = [out / "atlas.json", out / "atlas.html"]
        check_files(*files, *(_map(out, claim.name) for claim in chosen))
        record = make_record("theory atlas", self._settings([claim.name for claim in chosen]))
        check_folder_of(files, record, overwrite=self.overwrite)
        with self._crew() as crew:
            entries = self._measured(chosen, crew)
        write_folder_record(out, record)
        told = write_pages(entries, out)
        for entry in entries:
            console.print(f"{entry.name}: {sentence(entry)}")
        console.print(told)
        failed = [entry.name for entry in entries if not entry.tried[0].trusted]
        if failed:
            console.print(f"A control failed under the primary protocol, which deserves no trust: {', '.join(failed)}.")
        return 1 if failed else 0

    def _settings(self, claims: list[str]) -> dict[str, Any]:
        """All that decides the atlas."""
        images = None if self.images is None else str(self.images.resolve())
        common = {"budget": self.budget, "seed": self.seed, "images": images}
        return {"claims": sorted(claims), "protocols": self.protocols, **common}

    def _stamp(self, claim: Claim) -> dict[str, Any]:
        """All that decides what an experiment gives, but its protocol."""
        images = None if self.images is None else str(self.images.resolve())
        common = {"budget": self.budget, "seed": self.seed, "images": images}
        return {**common, "version": __version__, "code": code_behind(claim.measure)}

    def _measured(self, chosen: Sequence[Claim], crew: Crew) -> list[Entry]:
        """Measure with a bar for each stage, which is announced with its size."""
        _announce(f"{counted(len(chosen), 'claim')}, at most {counted(self.protocols, 'protocol')} each, and maps.")
        threads = None if self.processes == 1 and self.scheduler is None else self._threads
        laboratory = partial(_laboratory, budget=self.budget, seed=self.seed, images=self.images, threads=threads)
        with progress_bar() as bar:
            task = bar.add_task("")

            def begin(account: Account) -> None:
                bar.reset(task, total=account.experiments - account.kept)
                _announce(_told(account, self.processes))

            def step(found: Found) -> None:
                bar.update(task, advance=1, description=found.claim)

            return make_atlas(
                chosen,
                laboratory,
                protocols=self.protocols,
                rows=family_sizes(registry.all_claims()),
                seed=self.seed,
                provenance={"version": __version__, "budget": self.budget, "seed": self.seed},
                kept=Kept((self.out or _ATLAS) / "measured", self._stamp),
                crew=crew,
                begin=begin,
                step=step,
            )

    @contextmanager
    def _crew(self) -> Iterator[Crew]:
        """Who measures."""
        if self.scheduler is not None:
            with connected(self.scheduler) as client:
                yield partial(on_cluster, client=client)
        else:
            yield in_this_process if self.processes == 1 else partial(in_processes, processes=self.processes)

    @property
    def _threads(self) -> int:
        """Threads of each process; a task of a cluster takes one."""
        return 1 if self.scheduler is not None else max(1, numba.config.NUMBA_NUM_THREADS // self.processes)


def write_pages(entries: Sequence[Entry], out: Path) -> str:
    """Write atlas.json, atlas.html and the maps into a folder; returns where they are, in words."""
    from theory.ledger.atlas.drawing import map_svg  # matplotlib, only when something is drawn
    from theory.page.atlas import atlas_page

    maps = {entry.name: map_svg(entry) for entry in entries if entry.drawn}
    for name, drawn in maps.items():
        write_text(_map(out, name), drawn)
    page = write_text(out / "atlas.html", atlas_page(entries, maps, title=_TITLE, about=_ABOUT))
    file = write_text(out / "atlas.json", atlas_json(entries))
    return f"Atlas: {file}\nTo read: {page}\nMaps: {out / 'maps'}"


def _map(out: Path, name: str) -> Path:
    return out / "maps" / f"{name}.svg"


def _with_choices(names: Sequence[str]) -> tuple[Claim, ...]:
    """The claims of some names, all of which leave something open; no name at all is all claims that do."""
    found = registry.find_claims(names)
    closed = [claim.name for claim in found if not claim.choices]
    if names and closed:
        raise ValueError(f"Argument `claims` must name claims that leave something open, but {closed[0]} does not.")
    if len(closed) == len(found):
        raise ValueError("Argument `claims` must name claims that leave something open, but there are none.")
    return tuple(claim for claim in found if claim.choices)


def _laboratory(protocol: Protocol, *, budget: Budget, seed: int, images: Path | None, threads: int | None) -> Lab:
    """The laboratory of a protocol; in a process among several it takes its part of the cores."""
    if threads is not None:
        numba.set_num_threads(threads)
    return Lab(budget, seed, images, protocol)


def _announce(words: str) -> None:
    """Say what is to come; where nobody reads, it comes all the same, and is on disk."""
    with suppress(BrokenPipeError):
        console.print(words)


def _told(account: Account, processes: int) -> str:
    """How much is to be done."""
    experiments = f"{counted(account.experiments, 'experiment')}, {account.kept:,} of them there already"
    if account.kept == account.experiments:
        return experiments
    laboratories = f"the others in {counted(account.laboratories, 'laboratory', 'laboratories')}"
    if account.seconds is None:
        return f"{experiments}, {laboratories}"
    return f"{experiments}, {laboratories}: about {_duration(account.seconds / processes)}"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60.0)
    if minutes < 2:
        return counted(max(1, round(seconds)), "second")
    return counted(minutes, "minute") if minutes < 120 else f"{seconds / 3600.0:.1f} hours"
