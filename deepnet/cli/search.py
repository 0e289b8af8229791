"""`python -m deepnet search`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated

from rich.table import Table

from deepnet.cli.progress import shown_progress
from deepnet.cli.workforce import workforce
from deepnet.house import parallel
from deepnet.house.environment import find_device
from deepnet.networks.precision import Precision
from deepnet.studies.planning.precision import in_precision
from deepnet.studies.planning.requirements import check_validated
from deepnet.studies.running import run_study
from deepnet.studies.scales import scale
from deepnet.studies.search import Trial, judge, search_study
from deepnet.studies.stages import Execution, Stages
from deepnet.studies.store import Store
from deepnet.studies.study import Study
from simulate.house import checks
from simulate.house.command_line.options import Shown
from simulate.house.files import write_text
from simulate.house.terminal import console, table
from simulate.house.version import __version__

__all__ = ["SearchCommand", "as_csv"]


@dataclass(frozen=True, kw_only=True)
class SearchCommand:
    """Look for hyper-parameters of every method, nine trials each, judged on the validation split.

    Interrupted, the same command goes on. The winners are printed and marked in search.csv; a preset does not change
    by itself.
    """

    preset: str = "digits"
    """Scale whose methods are tried."""
    out: Path = Path("results/search")
    """Folder for the results; a preset has a sub-folder of its name."""
    images: Path | None = None
    """Folder of the images, if the preset needs one."""
    scores: Path | None = None
    """File of memorization scores, if the preset needs one; without it they are estimated."""
    seeds: int = 3
    """Number of seeds, at most three."""
    device: str = "auto"
    """Where to compute: cpu, cuda, cuda:1, mps, or auto for the first CUDA device if there is one."""
    precision: Annotated[Precision | None, Shown(default="that of the preset")] = None
    """Number format of products in all trainings; auto is float16 on CUDA devices and float32 elsewhere."""
    processes: Annotated[int | None, Shown(default="auto")] = None
    """Processes that share out the models; None is one per core on a CPU, as far as memory allows, and one on a GPU."""
    threads: Annotated[int | None, Shown(default="auto")] = None
    """CPU threads of each process; None is one, or more where memory allows fewer processes than cores, and
    with a GPU this process's share of the cores."""

    def __call__(self) -> int:
        """Run the trials and say which won; returns the exit status."""
        study = search_study(scale(self.preset, self.images, self.scores))
        if self.seeds not in range(1, len(study.seeds) + 1):
            checks.fail("seeds", f"be a whole number from 1 to {len(study.seeds)}", self.seeds)
        study = replace(study, seeds=study.seeds[: self.seeds])
        if self.precision is not None:
            study = in_precision(study, self.precision)
        folder, execution = self.out / self.preset, Execution(device=find_device(self.device))
        with workforce(execution.device, processes=self.processes, threads=self.threads) as crew:
            check_validated(Stages(study, Store(folder), execution))
            summary = run_study(study, folder, execution, progress=shown_progress, keep_models=False, crew=crew)
            if not parallel.is_first():
                return 0
        trials = judge(summary.rows)
        path = write_text(self.out / self.preset / "search.csv", as_csv(trials, self._about(study)))
        console.print(_table(trials))
        console.print(f"Trials: {path}")
        return 0

    def _about(self, study: Study) -> tuple[str, str]:
        """The command and what it ran."""
        seeds = ", ".join(map(str, study.seeds))
        return (
            f"python -m deepnet search --preset {self.preset} --seeds {self.seeds}",
            f"sharpmu {__version__}, seeds {seeds}, split seed {study.split_seed}",
        )


def as_csv(trials: Sequence[Trial], about: Sequence[str] = ()) -> str:
    """The trials as a table of comma-separated values, below lines that begin with # and say where they are from."""
    text = io.StringIO()
    text.writelines(f"# {line}\n" for line in about)
    writer = csv.DictWriter(text, [item.name for item in fields(Trial)], lineterminator="\n")
    writer.writeheader()
    for trial in trials:
        numbers = {name: f"{getattr(trial, name):.4f}" for name in ("tow", "retain", "forget", "val")}
        writer.writerow(asdict(trial) | numbers)
    return text.getvalue()


def _table(trials: Sequence[Trial]) -> Table:
    made = table(
        "Best trial of each method", "method", "best of its trials", "ToW on validation", "worst of its trials"
    )
    for best in (trial for trial in trials if trial.chosen):
        worst = min(trial.tow for trial in trials if trial.method == best.method)
        made.add_row(best.method, best.variant, f"{best.tow:.3f}", f"{worst:.3f}")
    return made
