"""`python -m deepnet matched`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from rich.table import Table

from deepnet.cli.progress import shown_progress
from deepnet.cli.workforce import workforce
from deepnet.house.environment import find_device
from deepnet.matched.noise import Noise, largest, thread_noise
from deepnet.matched.noise import as_csv as noise_as_csv
from deepnet.matched.presets import matched_preset
from deepnet.matched.rehearsal import rehearsal
from deepnet.matched.running import run_matched
from deepnet.matched.study import RESERVED, MatchedStudy
from deepnet.matched.tuning.rates import EFFORTS, as_csv, rates_in, tracked_rates, with_rates
from deepnet.matched.tuning.search import Effort, Trial, search
from deepnet.studies.stages import Execution
from simulate.house import checks
from simulate.house.command_line.options import Shown
from simulate.house.counting import counted
from simulate.house.files import write_text
from simulate.house.terminal import console, table
from simulate.house.version import __version__

__all__ = ["MatchedCommand"]

Run = Callable[[MatchedStudy], list[Mapping[str, Any]]]
"""What makes the rows of a study, or finds them."""


@dataclass(frozen=True, kw_only=True)
class MatchedCommand:
    """Unlearn step by step, and compare the methods where they have forgotten equally much.

    Each training is watched after every step and stopped by several rules at once: where its loss on the forget set
    reaches that of the network retrained on the same split, where its accuracy does, after the sources' epochs.
    Interrupted, the same command goes on; rows.jsonl alone is enough for that on another machine.
    """

    preset: str = "digits"
    """Scale of the study: digits, photographs-resnet18, photographs-resnet50, on a GPU cifar10-resnet50, and others."""
    out: Path = Path("results/matched")
    """Folder for the results; a preset has a sub-folder of its name."""
    images: Path | None = None
    """Folder of the images, if the preset needs one."""
    scores: Path | None = None
    """File of memorization or consistency scores, if the preset needs one."""
    rates: Annotated[Path | None, Shown(value="FILE", default="the project's, or those that --search found")] = None
    """Table of learning rates, as --search writes it; arms that it lacks are left out."""
    replicates: Annotated[int | None, Shown(value="N", default="the preset's")] = None
    """Number of replicates; more can be added later."""
    only: Annotated[tuple[str, ...], Shown(value="ARM", default="all")] = ()
    """Only these arms."""
    search: bool = False
    """Look for the learning rates, on replicates that no study uses, and write rates.csv."""
    noise: bool = False
    """Run everything with one thread and with two, and write how the numbers at the stops differ as noise.csv."""
    rehearse: bool = False
    """Run everything with a few images and one epoch, to see that nothing will stop a long run half-way."""
    device: str = "auto"
    """Where to compute: cpu, cuda, cuda:1, mps, or auto for the first CUDA device if there is one."""
    channels_last: bool = False
    """Lay images out channel by channel last, which is faster on tensor cores and for large networks."""
    processes: Annotated[int | None, Shown(default="auto")] = None
    """Processes that share out the replicates, of one thread each; None is one per core on a CPU, as far as
    memory allows, and one on a GPU."""
    dry_run: bool = False
    """Only list the arms and their learning rates."""

    def __call__(self) -> int:
        """Run or search, and say where the results are; returns the exit status."""
        if self.search and self.noise:
            raise ValueError("Arguments `search` and `noise` must not be given both.")
        study = matched_preset(self.preset, self.images, self.scores).only(self.only)
        if not (self.search or self.rehearse) or self.rates:
            study = self._with_rates(study)
        study = replace(study, replicates=self._replicates(study))
        if self.rehearse:
            study = rehearsal(study)
        if self.dry_run:
            return _list_arms(study)
        execution = Execution(device=find_device(self.device), channels_last=self.channels_last)
        with workforce(execution.device, processes=self.processes, threads=study.threads) as crew:
            folder = self.out / study.name
            run = partial(run_matched, folder=folder, execution=execution, progress=shown_progress)
            if self.search:
                return self._search(study, partial(run, rows="search.jsonl", crew=crew))
            if self.noise:
                return self._noise(study, partial(run, rows="noise.jsonl", crew=crew))
            rows = run(study, crew=crew)
        console.print(_table_of_matches(study, rows))
        console.print(f"Rows: {folder / 'rows.jsonl'}")
        return 0

    def _with_rates(self, study: MatchedStudy) -> MatchedStudy:
        """The study with learning rates; by the project's own table with the arms that it has, and a word on others."""
        path = self._table
        found = rates_in(path)
        lost = [arm.name for arm in study.arms if arm.rate_of not in found]
        if lost and len(lost) < len(study.arms) and not (self.rates or self.only):
            console.print(f"Left out, since --search has not looked for their learning rates yet: {', '.join(lost)}.")
            study = study.only([arm.name for arm in study.arms if arm.rate_of in found])
        return with_rates(study, found, path)

    @property
    def _table(self) -> Path:
        """The table of learning rates: the one that is given, the project's, or else that of --search in the folder."""
        tracked = tracked_rates(self.preset)
        return self.rates or (tracked if tracked.is_file() else self.out / self.preset / "rates.csv")

    @property
    def _effort(self) -> Effort:
        return EFFORTS.get(self.preset, Effort())

    def _replicates(self, study: MatchedStudy) -> tuple[int, ...]:
        usual = self._effort.replicates if self.search else study.replicates
        if self.replicates is None:
            return usual
        checks.integer("replicates", self.replicates, least=1, most=RESERVED)
        return tuple(range(usual[0], usual[0] + self.replicates))

    def _about(self, study: MatchedStudy, option: str) -> tuple[str, str]:
        """The command, and what it ran."""
        given = {"images DIR": self.images, "scores FILE": self.scores, "rates FILE": self.rates}
        files = "".join(f" --{words}" for words, path in given.items() if path is not None)
        only = " ".join(["", "--only", *self.only]) if self.only else ""
        chosen = f"{files} {option} --replicates {len(study.replicates)}{only}"
        return (
            f"python -m deepnet matched --preset {self.preset}{chosen}",
            f"sharpmu {__version__}, replicates {', '.join(map(str, study.replicates))}",
        )

    def _search(self, study: MatchedStudy, run: Run) -> int:
        trials = search(study, run, replace(self._effort, replicates=study.replicates))
        path = write_text(self.out / study.name / "rates.csv", as_csv(trials, self._about(study, "--search")))
        console.print(_table_of_trials(trials))
        console.print(f"Trials: {path}")
        return 0

    def _noise(self, study: MatchedStudy, run: Run) -> int:
        found = thread_noise(study, run)
        text = noise_as_csv(found, self._about(study, "--noise"))
        path = write_text(self.out / study.name / "noise.csv", text)
        console.print(_table_of_noise(found))
        console.print(f"Differences: {path}")
        return 0


def _list_arms(study: MatchedStudy) -> int:
    made = table(f"{study.name}: {counted(len(study.replicates), 'replicate')}", "arm", "forget set", "learning rate")
    for arm in study.arms:
        made.add_row(arm.name, arm.forget, f"{arm.lr:g}")
    console.print(made)
    return 0


def _table_of_trials(trials: Sequence[Trial]) -> Table:
    made = table("Best trial of each arm", "arm", "rate", "ToW on validation", "matched", "trials")
    for best in (trial for trial in trials if trial.chosen):
        count = sum(trial.arm == best.arm for trial in trials)
        told = f"{best.lr:g}" + (" (at the edge)" if best.edge else "")
        made.add_row(best.arm, told, f"{best.tow:.3f}", f"{best.reached} of {best.runs}", str(count))
    return made


def _table_of_noise(noise: Sequence[Noise]) -> Table:
    made = table("Two threads less one, at the stops", "number", "largest", "root mean square", "compared")
    for name, (most, usual, count) in largest(noise).items():
        made.add_row(name, f"{most:.2g}", f"{usual:.2g}", str(count))
    return made


def _table_of_matches(study: MatchedStudy, rows: Sequence[Mapping[str, Any]]) -> Table:
    """How many replicates of each arm reached the match, and how it stands there, in means."""
    made = table("At the retrained network's loss on the forget set", "arm", "matched", "step", "retain", "test")
    for arm in study.arms:
        mine = [row for row in rows if row.get("arm") == arm.name]
        stops = [row["stops"].get("loss", {}) for row in mine]
        reached = [stop for stop in stops if stop.get("step") is not None]
        means = [
            f"{sum(stop[name] for stop in reached) / len(reached):{form}}" if reached else ""
            for name, form in (("step", ".0f"), ("retain_accuracy", ".3f"), ("test_accuracy", ".3f"))
        ]
        made.add_row(arm.name, f"{len(reached)} of {len(mine)}", *means)
    return made
