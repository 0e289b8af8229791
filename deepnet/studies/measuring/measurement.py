"""What is measured of one model by itself; `deepnet.studies.measuring.comparison` compares it with others later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepnet.data.images import Images
from deepnet.house.environment import hardware, versions
from deepnet.house.identity import as_json
from deepnet.house.seeding import generator, stage_seed
from deepnet.learning.loop import DivergenceError
from deepnet.learning.task import Task
from deepnet.metrics.feature_map import feature_map
from deepnet.metrics.landscape import directions, landscape
from deepnet.metrics.outputs import NotFiniteError, Outputs, collect, margin
from deepnet.networks.models import Network
from deepnet.networks.precision import half_type, matrix_products
from deepnet.studies.measuring import numbers
from deepnet.studies.measuring.relearning import relearning_curve
from deepnet.studies.runs import Finished, Run
from deepnet.studies.stages import Stages

__all__ = ["Measurement", "describe", "measure", "measurement_key"]


@dataclass(frozen=True)
class Measurement:
    """What was measured of one model."""

    row: dict[str, Any]
    """Numbers that JSON can hold."""
    arrays: dict[str, np.ndarray]
    """`margins` of the forget and test samples; a loss surface and a map of features where they were asked for."""


def measure(stages: Stages, run: Run) -> Measurement:
    """Everything the study wants to know of the model of a run, which is made if need be.

    Raises:
        DivergenceError: if a training, or what the model says after it, did not stay finite.
    """
    try:
        with matrix_products(stages.study.pretrain.precision):
            return _Bench(stages, run, stages.finished(run)).measurement()
    except NotFiniteError as error:
        raise DivergenceError(f"{stages.words(run)}: {error}") from error


def describe(stages: Stages, run: Run) -> dict[str, Any]:
    """The columns of a row that say what was run."""
    study, method = stages.study, run.unlearner.method if run.unlearner else None
    return {
        "study": study.name,
        "method": method.name if method else "pretrained",
        "title": method.title if method else "Pretrained",
        "variant": run.unlearner.variant if run.unlearner else "",
        "pretrain": run.pretrain.label,
        "optimizer": (run.sharpness or run.pretrain).label,
        "forget_set": run.forget.label,
        "request": study.request,
        "seed": run.seed,
        "split_seed": study.split_seed,
        "config": as_json(stages.config(run)),
        "evaluation": as_json(study.evaluation),
        "compat": list(study.compat),
    }


def _looks_at_geometry(stages: Stages, run: Run) -> bool:
    """Whether curvature, landscape and feature map are measured for a run; they take long, so not for every seed."""
    study = stages.study
    return run.seed in study.seeds[: study.evaluation.geometry_seeds]


def measurement_key(stages: Stages, run: Run) -> dict[str, Any]:
    """What decides a measurement: the model, the forget set it is measured on, and how it is measured."""
    study = stages.study
    # Models are measured in the precision of pretraining, which is in the keys of all but references of another one.
    reference = run.unlearner is not None and run.unlearner.method.start == "fresh"
    other = reference and stages.config(run)["training"].precision != study.pretrain.precision
    return ({"measured in": study.pretrain.precision} if other else {}) | {
        "model": stages.config(run), "forgotten": stages.forgotten(run.forget), "split": study.split_seed,
        "evaluation": replace(study.evaluation, official_tow=False, divergence=True, geometry_seeds=0),
        "geometry": _looks_at_geometry(stages, run),
    }  # fmt: skip


class _Bench:
    """One model, ready to be measured."""

    def __init__(self, stages: Stages, run: Run, finished: Finished) -> None:
        self.stages, self.run, self.finished = stages, run, finished
        self.evaluation = stages.study.evaluation
        self.model = finished.model
        self.dataset, self.split = stages.data(run.forget)
        self.task = Task(self.model, self.dataset, self.split, stages.study.pretrain, (run.seed,), run.pretrain)
        train, test = self.dataset.train, self.dataset.test
        self.retain = self._outputs(train, self.task.rows("retain"))
        self.forget = self._outputs(train, self.split.forget)
        self.val = self._outputs(train, self.split.val) if len(self.split.val) else None
        self.test = self._outputs(test, torch.arange(len(test)))

    def _outputs(self, images: Images, rows: Tensor, model: Network | None = None) -> Outputs:
        """What the model says, in the number format it was trained in."""
        half = half_type(self.stages.study.pretrain.precision)
        return collect(model or self.model, images, rows, autocast=half)

    def measurement(self) -> Measurement:
        row = self._provenance() | self._accuracies() | self._membership() | self._entanglement() | self._relearning()
        row |= self._by_class() | self._cost()
        arrays = {"margins": np.concatenate([margin(self.forget), margin(self.test)])}
        if _looks_at_geometry(self.stages, self.run):
            row |= self._curvature()
            arrays |= self._landscape() | self._feature_map()
        return Measurement(row, arrays)

    def _provenance(self) -> dict[str, Any]:
        return {"status": "finished", "versions": versions(), "hardware": hardware(self.stages.execution.device)}

    def _accuracies(self) -> dict[str, Any]:
        return numbers.accuracies({name: getattr(self, name) for name in ("retain", "forget", "val", "test")})

    def _membership(self) -> dict[str, Any]:
        return numbers.membership(self.evaluation, retain=self.retain, forget=self.forget, test=self.test)

    def _by_class(self) -> dict[str, Any]:
        """Of forget sets of classes; rows of others are what they were before there was this."""
        if not self.run.forget.wanted_classes:
            return {}
        return numbers.by_class(self.evaluation, retain=self.retain, forget=self.forget, test=self.test)

    def _entanglement(self) -> dict[str, Any]:
        return numbers.entanglement(self.evaluation, retain=self.retain, forget=self.forget)

    def _relearning(self) -> dict[str, Any]:
        if self.evaluation.relearning is None:
            return {}
        seed = stage_seed(self.run.seed, "relearning")
        curve = relearning_curve(replace(self.task, seed=seed), self.evaluation.relearning)
        return {"relearn_curve": {"steps": list(curve.steps), "accuracy": list(curve.accuracy)}}

    def _curvature(self) -> dict[str, Any]:
        if not self.evaluation.curvature:
            return {}
        sets = {"": self.task.rows("retain"), "_forget": self.split.forget}
        batches = {suffix: self._some(rows, self.evaluation.curvature) for suffix, rows in sets.items()}
        return numbers.curvatures(self.model, batches)

    def _some(self, rows: Tensor, count: int) -> list[tuple[Tensor, Tensor]]:
        return numbers.some_batches(self.dataset.train, rows, count)

    def _cost(self) -> dict[str, Any]:
        record = self.finished.history
        rate = record["images"] / record["seconds"] if record["seconds"] else None
        found = {"seconds": record["seconds"], "images_per_second": rate, "peak_memory": record["peak_memory"]}
        return found | {name: record[name] for name in ("skipped_steps",) if name in record}

    def _before(self) -> Network:
        """The model before unlearning: the pretrained one."""
        return self.stages.finished(replace(self.run, unlearner=None, sharpness=None)).model

    def _landscape(self) -> dict[str, np.ndarray]:
        """The loss of the forget set around the model, on the scale of the first pretrained model's filters."""
        if not self.evaluation.landscape:
            return {}
        first = replace(self.run, unlearner=None, sharpness=None, pretrain=self.stages.study.pretrain_sharpness[0])
        ways = directions(self.model, seed=0, reference=self.stages.finished(first).model)
        found: dict[str, np.ndarray] = {}
        for part, rows in {"retain": self.task.rows("retain"), "forget": self.split.forget}.items():
            batches = self._some(rows, self.evaluation.landscape)
            surface = landscape(self.model, ways, batches, points=self.evaluation.landscape_points)
            found |= {"landscape_a": surface.a, "landscape_b": surface.b, f"landscape_{part}": surface.loss}
        return found

    def _feature_map(self) -> dict[str, np.ndarray]:
        """Features of some retained and forgotten samples, before and after, in one plane."""
        count = self.evaluation.feature_map
        if not count or self.run.unlearner is None or self.run.unlearner.method.start == "fresh":
            return {}
        parts = [self.task.rows("retain"), self.split.forget]
        rows = [part[torch.from_numpy(generator(0, "map").permutation(len(part))[:count])] for part in parts]
        both = torch.cat(rows)
        forgotten = np.arange(len(both)) >= len(rows[0])
        outputs = [self._outputs(self.dataset.train, both, model) for model in (self._before(), self.model)]
        plane = feature_map(before=outputs[0], after=outputs[1], forgotten=forgotten)
        return {f"map_{name}": getattr(plane, name) for name in ("before", "after", "labels", "forgotten")}
