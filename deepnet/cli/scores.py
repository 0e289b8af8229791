"""`python -m deepnet scores`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from deepnet.cli.progress import progress_bar
from deepnet.confirm.agreement import Agreement, agreement
from deepnet.confirm.confirmation import confirmation
from deepnet.house import parallel
from deepnet.house.environment import find_device, hardware, versions
from deepnet.house.identity import as_json
from deepnet.house.seeding import generator
from deepnet.studies.memorization import Memorization
from deepnet.studies.stages import Execution, Stages, Vote
from deepnet.studies.store import Store
from deepnet.studies.study import Study
from simulate.house import checks
from simulate.house.files import write_text
from simulate.house.terminal import console

__all__ = ["ScoresCommand", "as_record"]


@dataclass(frozen=True, kw_only=True)
class ScoresCommand:
    """Estimate memorization scores and compare their ranking with that of published ones.

    Models are trained on random parts of the training images; each is kept, and the same command goes on where it was.
    """

    scores: Path
    """File of published scores; see `deepnet.data.scores` for the layouts."""
    preset: str = "cifar10-small"
    """Scale of the confirmation study whose images and network are taken."""
    out: Path = Path("results/confirm")
    """Folder for the results, shared with the confirmation study, which then finds the models there."""
    images: Path | None = None
    """Folder of the images, if the preset needs one."""
    models: int = 40
    """Number of models."""
    device: str = "auto"
    """Where to compute: cpu, cuda, cuda:1, mps, or auto for the first CUDA device if there is one."""
    threads: int = 1
    """CPU threads of this process."""

    def __call__(self) -> int:
        """Train, compare, write and print; returns the exit status."""
        checks.integer("threads", self.threads, least=1)
        study = replace(
            confirmation(self.preset, self.images, None).base, memorization=Memorization(models=self.models)
        )
        torch.set_num_threads(self.threads)
        device = find_device(self.device)
        folder = self.out / self.preset
        with parallel.processes("runs", device):
            stages = Stages(study, Store(folder / "shared"), Execution(device=device))
            theirs = stages.dataset.scores(str(self.scores))  # a wrong file is an error before all work
            number, world = parallel.shard()
            with progress_bar([Vote(one) for one in range(self.models)[number::world]]) as shown:
                for vote in shown:
                    stages.votes(range(vote.number, vote.number + 1))
            parallel.barrier()
            if not parallel.is_first():
                return 0
        found = agreement(*stages.votes(), theirs, generator(0, "agreement"))
        record = as_record(study, found, self.scores) | {"hardware": hardware(device), "versions": versions()}
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
