"""`python -m deepnet confirm`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch

from deepnet.cli.progress import progress_bar
from deepnet.confirm import claims
from deepnet.confirm.account import account
from deepnet.confirm.confirmation import Confirmation, confirmation
from deepnet.confirm.confirming import check_studies, findings_on_disk, run_confirmation
from deepnet.confirm.rehearsal import rehearsal
from deepnet.house import parallel
from deepnet.house.environment import find_device
from deepnet.publishing.writing import check_publication, publish
from deepnet.studies.running import runs_of
from deepnet.studies.stages import Execution
from simulate.house import checks
from simulate.house.command_line.options import Shown
from simulate.house.files import write_text
from simulate.house.terminal import console
from simulate.house.version import __version__
from theory.ledger import Ledger, run_claims
from theory.ledger.page import page
from theory.ledger.table import summary_table
from theory.ledger.wording import warning

__all__ = ["ConfirmCommand"]

_TITLE = "Sharpness-aware unlearning: what the paper concludes, and what deep networks say"
_ABOUT = (
    "The conclusions are those of Haoran Tang and Rajiv Khanna, Sharpness-Aware Machine Unlearning, ICLR 2026 "
    "(arXiv 2506.13715)."
)


@dataclass(frozen=True, kw_only=True)
class ConfirmCommand:
    """Run the confirmation study and judge its claims: the deep ledger.

    Models and measurements are kept: interrupted, the same command goes on. The ledger is made of the studies that
    have been run so far; claims that need others say so. Exit status 1 if a negative control was not refuted.
    """

    preset: str = "digits"
    """Scale of the study; see `python -m deepnet presets`."""
    out: Path = Path("results/confirm")
    """Folder for the results; a preset has a sub-folder of its name."""
    images: Path | None = None
    """Folder of the images, if the preset needs one."""
    scores: Path | None = None
    """File of memorization scores, if the preset needs one; without it they are estimated."""
    seeds: int | None = None
    """Number of seeds; None is the preset's."""
    only: Annotated[tuple[str, ...], Shown(value="NAME", default="all")] = ()
    """Only these studies of the confirmation; none named is all of them."""
    device: str = "auto"
    """Where to compute: cpu, cuda, cuda:1, mps, or auto for the first CUDA device if there is one."""
    channels_last: bool = False
    """Lay images out channel by channel last, which tensor cores like."""
    compile: bool = False
    """Fuse the networks with torch.compile."""
    threads: int = 1
    """CPU threads of this process."""
    keep_models: bool = False
    """Keep unlearned models once they are measured."""
    ledger_only: bool = False
    """Judge what is on disk, and run nothing."""
    publish: Path | None = None
    """Folder for the results as small text files, from which the figures of paper_figs are drawn."""
    overwrite: bool = False
    """Replace other studies in `--publish`, which are refused otherwise."""
    rehearse: bool = False
    """Go through the whole of it with a few images and one epoch, to see that nothing stops a long run half-way."""
    dry_run: bool = False
    """Only list the studies and how many models each has."""

    def __call__(self) -> int:
        """Run, judge, write and print; returns the exit status."""
        chosen = self._chosen()
        checks.integer("threads", self.threads, least=1)
        only = check_studies(chosen, self.only)
        if self.dry_run:
            return _list_studies(chosen, only)
        if self.publish is not None:
            check_publication(chosen, self.publish, overwrite=self.overwrite)
        folder = self.out / (f"{self.preset}-rehearsal" if self.rehearse else self.preset)
        if not self.ledger_only:
            torch.set_num_threads(self.threads)
            device = find_device(self.device)
            execution = Execution(device=device, channels_last=self.channels_last, compile=self.compile)
            with parallel.processes("runs", device):
                run_confirmation(
                    chosen, folder, execution, only=only, progress=progress_bar, begin=_announce,
                    keep_models=self.keep_models,
                )  # fmt: skip
                if not parallel.is_first():
                    return 0
        status = _judge(chosen, folder)
        if self.publish is not None:
            console.print(f"To draw from: {publish(chosen, folder, self.publish, overwrite=self.overwrite)}")
        return status

    def _chosen(self) -> Confirmation:
        """The confirmation with this machine's folders, and the seeds that were asked for."""
        chosen = confirmation(self.preset, self.images, self.scores)
        if self.rehearse:
            chosen = rehearsal(chosen)
        if self.seeds is None:
            return chosen
        checks.integer("seeds", self.seeds, least=1)
        return replace(chosen, base=replace(chosen.base, seeds=tuple(range(self.seeds))))


def _announce(name: str) -> None:
    if parallel.is_first():
        console.print(name, style="bold")


def _list_studies(chosen: Confirmation, only: Sequence[str]) -> int:
    studies = chosen.studies()
    for name in only:
        console.print(f"{name:22} {sum(map(len, runs_of(studies[name]))):6} models")
    console.print(f"scale: {chosen.scale}; studies share their pretrained and retrained models")
    return 0


def _judge(chosen: Confirmation, folder: Path) -> int:
    """Make the ledger of what is on disk, write it and print it."""
    every = claims.all_claims()
    findings = findings_on_disk(chosen, folder)
    budget = f"{folder.name}, {len(chosen.base.seeds)} seeds"
    ledger = run_claims(every, findings, rows=len(every), seed=0, budget=budget, version=__version__)
    told = _write(ledger, folder, account(chosen, findings))
    console.print(summary_table(ledger))
    console.print(told)
    if ledger.unrefuted_controls:
        console.print(warning(ledger))
    return 1 if ledger.unrefuted_controls else 0


def _write(ledger: Ledger, folder: Path, told: Mapping[str, str]) -> str:
    """Write the ledger; returns where it is, in words."""
    record = write_text(folder / "ledger.json", ledger.to_json())
    to_read = write_text(folder / "ledger.html", page(ledger, title=_TITLE, about=_ABOUT, account=told))
    return f"Ledger: {record}\nTo read: {to_read}"
