"""`python -m deepnet scores`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from deepnet.cli.progress import shown_progress
from deepnet.cli.workforce import workforce
from deepnet.house import parallel
from deepnet.house.environment import find_device, hardware, versions
from deepnet.house.identity import as_json
from deepnet.house.seeding import generator
from deepnet.networks.precision import Precision
from deepnet.studies.agreement import Agreement, agreement
from deepnet.studies.memorization import Memorization
from deepnet.studies.planning.precision import in_precision
from deepnet.studies.planning.requirements import check_comparable
from deepnet.studies.running import cast_votes
from deepnet.studies.scales import scale
from deepnet.studies.stages import Execution, Stages
from deepnet.studies.store import Store
from deepnet.studies.study import Study
from simulate.house.command_line.options import Shown
from simulate.house.files import write_text
from simulate.house.terminal import console

__all__ = ["ScoresCommand", "as_record"]


@dataclass(frozen=True, kw_only=True)
class ScoresCommand:
    """Estimate memorization scores and compare their ranking with that of published ones.

    Models are trained on random parts of the training images; each is saved, and the same command resumes.
    """

    scores: Path
    """File of published scores; see `deepnet.data.scores` for the layouts."""
    preset: str = "cifar10-small"
    """Scale whose images and network are taken."""
    out: Path = Path("results/scores")
    """Folder for the results; a preset has a sub-folder of its name."""
    images: Path | None = None
    """Folder of the images, if the preset needs one."""
    models: int = 40
    """Number of models."""
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
        """Train, compare, write and print; returns the exit status."""
        study = replace(scale(self.preset, self.images), memorization=Memorization(models=self.models))
        if self.precision is not None:
            study = in_precision(study, self.precision)
        folder, execution = self.out / self.preset, Execution(device=find_device(self.device))
        stages = Stages(study, Store(folder), execution)
        theirs = stages.dataset.scores(str(self.scores))  # a wrong file is an error before all work
        check_comparable(stages, theirs)
        with workforce(execution.device, processes=self.processes, threads=self.threads) as crew:
            cast_votes(stages, crew, shown_progress)
            if not parallel.is_first():
                return 0
        found = agreement(*stages.votes(), theirs, generator(0, "agreement"))
        record = as_record(stages.study, found, self.scores) | {
            "hardware": hardware(execution.device),
            "versions": versions(),
        }
        path = write_text(folder / "scores.json", json.dumps(record, indent=1, allow_nan=False) + "\n")
        console.print(_sentence(found))
        console.print(f"Record: {path}")
        return 0


def as_record(study: Study, found: Agreement, published: Path) -> dict[str, object]:
    """What was found and of what, as JSON holds it."""
    return {
        "correlation": {"value": found.correlation.value, "interval": list(found.correlation.interval())},
        "chance": list(found.chance),
        "reliability": found.reliability,
        "images": found.images,
        "models": found.models,
        "published": published.name,
        "config": {"data": as_json(study.data) | {"root": None}, "model": as_json(study.model)}
        | {"training": as_json(study.memorization.training or study.pretrain)},
    }


def _sentence(found: Agreement) -> str:
    low, high = found.correlation.interval()
    least, most = found.chance
    return (
        f"Rank correlation of estimated and published scores: {found.correlation.value:.3f} [{low:.3f}, {high:.3f}], "
        f"over {found.images} images and {found.models} models. By chance: {least:.3f} to {most:.3f}. "
        f"With another estimate like it: {found.reliability:.3f}."
    )
