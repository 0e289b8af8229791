"""A replicate: its images, splits, pretrained and retrained networks, all drawn from one number of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch

from deepnet.data.datasets import Dataset
from deepnet.data.images import DeviceImages
from deepnet.data.splits import ForgetSet, stratified_rows
from deepnet.house import parallel
from deepnet.house.identity import key_of
from deepnet.learning.sharpness import Sharpness, sgd
from deepnet.learning.task import Task
from deepnet.matched.study import Arm, MatchedStudy
from deepnet.matched.watched.looking import Sets, Sight
from deepnet.methods import Retrain
from deepnet.studies.measuring.flatness import SharpnessAtLoss
from deepnet.studies.runs import Finished, Run
from deepnet.studies.stages import Execution, Stages
from deepnet.studies.store import Store
from deepnet.studies.study import Study, Unlearner
from simulate.house import checks

__all__ = ["AGAIN", "RADIUS", "SCORES", "Replicate", "Still", "drawn"]

SCORES = "scores.csv"
"""File of the memorization scores that a study has estimated."""
RADIUS = 0.5
"""Radius of the perturbation by which sharpness is measured. It is relative to the weights: one serves all networks."""
AGAIN = 1_000_000
"""Added to a replicate's number, the seed of the network that is retrained once more: same split, other weights."""


@dataclass(frozen=True)
class Still:
    """A network of a replicate that is measured as it is: pretrained, or retrained."""

    kind: Literal["pretrained", "retrained"]
    """How it was made."""
    forget: str
    """Label of the forget set that it is measured on, and retrained without."""
    sharpness: Sharpness
    """How its optimizer treats sharpness."""
    again: bool = False
    """Whether it is the second of its kind."""

    @property
    def label(self) -> str:
        """The network in words."""
        return " ".join([self.kind, self.sharpness.label, self.forget, *(["again"] if self.again else [])])


def drawn(dataset: Dataset, count: int | None, number: int) -> Dataset:
    """A data set with so many of its training images, equally many of each class; another number draws others.

    Raises:
        ValueError: if there are fewer images, or they are not kept in memory.
    """
    if count is None:
        return dataset
    images = dataset.train
    if not isinstance(images, DeviceImages):
        raise ValueError("Argument `images` must be left out for images that are streamed from their files.")
    if count > len(images):
        checks.fail("images", f"be at most {len(images)}, the number of training images", count)
    rows = torch.from_numpy(stratified_rows(images.labels.numpy(), count / len(images), number, "images"))
    source = dataset.source and replace(dataset.source, rows=dataset.source.rows[rows])
    return replace(dataset, train=DeviceImages(images.pixels[rows], images.labels[rows], images.augment), source=source)


class Replicate(Stages):
    """Makes the networks of one replicate, or reads those that are there already."""

    def __init__(self, study: MatchedStudy, number: int, store: Store, execution: Execution, whole: Dataset) -> None:
        """Plan a replicate.

        Args:
            study: The matched study.
            number: Number of the replicate.
            store: Where networks and rows lie.
            execution: Where to compute.
            whole: The images of the study.
        """
        self.number, self.whole = number, whole
        device, relearning = execution.device, study.watching.relearning
        watching = replace(study.watching, relearning=relearning and relearning.on(device))
        self.matched = replace(study, unlearn=study.unlearn.on(device), watching=watching)
        base = Study(
            name=study.name,
            data=study.data,
            model=study.model,
            forget=study.forget,
            request=study.request,
            memorization=study.memorization,
            pretrain=study.pretrain,
            seeds=(number,),
            split_seed=number,
            val_fraction=study.val_fraction,
        )
        super().__init__(base, store, execution)

    @cached_property
    def dataset(self) -> Dataset:
        """The replicate's images."""
        return drawn(self.whole, self.matched.images, self.number)

    def _images_and_model(self) -> dict[str, Any]:
        """What every configuration begins with; threads decide its last bits, which trainings magnify."""
        own = {} if self.matched.images is None else {"images": {"count": self.matched.images, "draw": self.number}}
        return super()._images_and_model() | own | {"threads": self.matched.threads}

    def estimated_scores(self) -> np.ndarray:
        """Memorization scores of the training images: those of the folder's file, which is made if it is not there.

        Rows that another machine has made go with its scores, whose last bits are not those of this one. Replicates
        with images of their own have scores of their own, and no file.

        Raises:
            ValueError: if the file was made with another configuration.
        """
        if self.matched.images is not None:
            return super().estimated_scores()
        path = self.store.folder / SCORES
        key = key_of(super()._images_and_model() | {"scores": self.study.memorization, "training": self.study.pretrain})
        if not path.exists():
            found = super().estimated_scores()
            if parallel.is_first():
                self.dataset.write_scores(path, found, [f"memorization scores {key}"])
            return found
        if f"# memorization scores {key}\n" not in path.read_text(encoding="utf-8"):
            raise ValueError(f"{path} was made with another configuration; remove it to estimate the scores anew.")
        return self.dataset.scores(str(path))

    def watcher(self, run: Run, task: Task) -> SharpnessAtLoss | None:
        """Measures sharpness in pretraining, where the study asks for it."""
        flatness = self.matched.flatness
        if run.unlearner is not None or flatness is None:
            return None
        learned = Sight(task.dataset.train, task.split.pretrain).at_most(flatness.images, "flatness")
        return SharpnessAtLoss(task.model, list(learned.chunks), flatness.loss, RADIUS, flatness.every)

    def watched(self, run: Run) -> Finished:
        """The network of a run, and what its watcher has noted; one that nobody watched is made once more.

        Raises:
            DivergenceError: if its training did not stay finite.
        """
        found = self.finished(run)
        asked = run.unlearner is None and self.matched.flatness is not None
        if asked and "watched" not in found.history:
            self.store.drop_model(self.config(run))
            found = self.finished(run)
        return found

    def sets(self, forget: str) -> Sets:
        """The sets that models are looked at on, for a forget set by its label."""
        if forget not in self._sets:
            self._sets[forget] = Sets.of(*self.data(self.matched.forget_set(forget)))
        return self._sets[forget]

    @cached_property
    def _sets(self) -> dict[str, Sets]:
        return {}

    def probe(self, forget: str) -> Sets:
        """What is looked at along a training."""
        if forget not in self._probes:
            self._probes[forget] = self.sets(forget).probe(self.matched.watching.probe)
        return self._probes[forget]

    @cached_property
    def _probes(self) -> dict[str, Sets]:
        return {}

    def run(self, still: Still) -> Run:
        """A network that is measured as it is, as `Stages` knows it."""
        forget: ForgetSet = self.matched.forget_set(still.forget)
        run = Run(forget, self.number + AGAIN * still.again, still.sharpness)
        if still.kind == "pretrained":
            return run
        method = Unlearner(method=Retrain(), training=self.study.pretrain, sharpness=(still.sharpness,))
        return replace(run, unlearner=method, sharpness=still.sharpness)

    def stills(self, arm: Arm) -> dict[str, Still]:
        """The networks that an arm starts from, and whose numbers it is held against.

        The reference is retrained with plain SGD, "again" from other weights; the own reference as the arm was
        pretrained, if a stop is taken from it.
        """
        found = {
            "start": Still("pretrained", arm.forget, arm.pretraining),
            "reference": Still("retrained", arm.forget, sgd()),
        }
        if self.matched.ceiling and arm.forget == self.matched.forget[0].label:
            found["again"] = Still("retrained", arm.forget, sgd(), again=True)
        if not {"own-loss", "own-accuracy"}.isdisjoint(self.matched.watching.stops):
            found["own"] = Still("retrained", arm.forget, arm.pretraining)
        return found
