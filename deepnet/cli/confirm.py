"""`python -m deepnet confirm`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from deepnet.cli.progress import shown_progress
from deepnet.cli.workforce import workforce
from deepnet.confirm import claims
from deepnet.confirm.account import account
from deepnet.confirm.confirmation import Confirmation, confirmation, confirmed_in
from deepnet.confirm.confirming import check_studies, findings_on_disk, run_confirmation
from deepnet.confirm.rehearsal import rehearsal
from deepnet.house import parallel
from deepnet.house.environment import find_device
from deepnet.networks.precision import Precision
from deepnet.publishing.pages import published_ledger, write_ledger
from deepnet.publishing.writing import check_publication, publish
from deepnet.studies.running import runs_of
from deepnet.studies.stages import Execution
from simulate.house import checks
from simulate.house.command_line.options import Shown
from simulate.house.counting import counted
from simulate.house.terminal import console
from simulate.house.version import __version__
from theory.ledger import Ledger, run_claims
from theory.ledger.table import summary_table
from theory.ledger.wording import warning

__all__ = ["ConfirmCommand"]


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
    autotune: bool = False
    """Let cuDNN try its algorithms for each size of convolution and take the fastest (CUDA devices)."""
    precision: Annotated[Precision | None, Shown(default="that of the preset")] = None
    """Number format of products in all trainings; auto is float16 on CUDA devices and float32 elsewhere."""
    processes: Annotated[int | None, Shown(default="auto")] = None
    """Processes that share out the models; None is one a core on a CPU, as far as memory goes, and one on a GPU."""
    threads: Annotated[int | None, Shown(default="auto")] = None
    """CPU threads of each process; None is one, or what memory leaves over of the cores for large networks, and with
    a GPU this process's share of the cores."""
    keep_models: bool = False
    """Keep unlearned models once they are measured."""
    ledger_only: bool = False
    """Judge what is on disk, and run nothing."""
    from_published: Annotated[Path | None, Shown(value="DIR")] = None
    """Write the ledger's page of a folder that --publish wrote, such as paper_figs/data/digits, and run nothing."""
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
        if self.from_published is not None:
            ledger, told = published_ledger(self.from_published)
            return _told(ledger, write_ledger(ledger, self.out / f"{self.from_published.name}-published", told))
        chosen = self._chosen()
        only = check_studies(chosen, self.only)
        if self.dry_run:
            return _list_studies(chosen, only)
        if self.publish is not None:
            check_publication(chosen, self.publish, overwrite=self.overwrite)
        folder = self.out / (f"{self.preset}-rehearsal" if self.rehearse else self.preset)
        if not self.ledger_only:
            device = find_device(self.device)
            execution = Execution(
                device=device, channels_last=self.channels_last, compile=self.compile, autotune=self.autotune
            )
            with workforce(device, processes=self.processes, threads=self.threads) as crew:
                run_confirmation(
                    chosen, folder, execution, only=only, progress=shown_progress, begin=_announce,
                    keep_models=self.keep_models, crew=crew,
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
        if self.precision is not None:
            chosen = confirmed_in(chosen, self.precision)
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
    budget = f"{folder.name}, {counted(len(chosen.base.seeds), 'seed')}"
    ledger = run_claims(every, findings, rows=len(every), seed=0, budget=budget, version=__version__)
    return _told(ledger, write_ledger(ledger, folder, account(chosen, findings)))


def _told(ledger: Ledger, places: str) -> int:
    """Print a ledger that is written; returns the exit status."""
    console.print(summary_table(ledger))
    console.print(places)
    if ledger.unrefuted_controls:
        console.print(warning(ledger))
    return 1 if ledger.unrefuted_controls else 0
