"""What a network of one's own has forgotten and kept, beside a retrained one if there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepnet.data.images import Images
from deepnet.house.fields import of_type
from deepnet.house.packages import CURVLINOPS, POT, is_installed
from deepnet.house.seeding import stage_seed
from deepnet.learning.task import Task
from deepnet.metrics.agreement import agreement, zero_retrain_score
from deepnet.metrics.attacks import MIN_SIDE
from deepnet.metrics.klom import klom
from deepnet.metrics.likelihood_ratio import u_lira
from deepnet.metrics.outputs import NotFiniteError, Outputs, collect, margin
from deepnet.metrics.tug_of_war import Accuracies, tug_of_war, tug_of_war_membership
from deepnet.networks.features import READ_BY, last_linear
from deepnet.networks.fresh import redrawn
from deepnet.networks.precision import Precision, half_type, matrix_products, on_device
from deepnet.own.case import Case
from deepnet.own.forgetting import Forget
from deepnet.own.networks import device_for, placed, same_logits, seeded
from deepnet.own.report import Number, Report
from deepnet.studies.measuring import numbers
from deepnet.studies.measuring.flatness import adaptive_sharpness
from deepnet.studies.measuring.relearning import Curve, relearning_curve
from deepnet.studies.study import Evaluation
from simulate.house import checks

__all__ = ["evaluate"]

_LOGITS = ""
"""In the place of a layer's name: the whole network, whose output are the logits."""
_ALWAYS = {f"{name}_{number}": "reference" for name in ("retain", "forget", "test") for number in ("accuracy", "loss")}
_MEMBERSHIP = {"mia": "reference", "mia_spread": "", "mia_auc": "reference", "mia_tpr": "reference"}
_WITHIN = {"mia_auc_within": "reference", "mia_tpr_within": "reference"}
_CLASSES = {"test_accuracy_kept": "reference", "test_accuracy_forgotten": "reference"}
_GEOMETRY = {
    f"{name}{suffix}": "" for suffix in ("", "_forget") for name in ("sharpness", "hessian_top", "hessian_trace")
}


_COMPARED = {
    "tow": "1", "tow_mia": "1", "js_divergence": "", "activation_distance": "", "completeness": "", "klom": "0",
    "u_lira_auc": "0.5", "relearn": "0",
}  # fmt: skip
"""What needs a reference, with its best value; agreement is best where that of two references is."""
_FEWEST = {"klom": 2, "u_lira_auc": 3}
"""Networks a side without which there is no such number."""


def evaluate(
    model: nn.Module | Sequence[nn.Module],
    train_set: Any,
    forget: Forget,
    *,
    test_set: Any = None,
    reference: nn.Module | Sequence[nn.Module] | None = None,
    features: str | None = None,
    measure: Evaluation | None = None,
    batch_size: int = 256,
    precision: Precision = "auto",
    device: str | torch.device = "auto",
    workers: int = 0,
    seed: int = 0,
) -> Report:
    """Measure what a network has forgotten and kept.

    Args:
        model: A network from a batch of samples to logits (b, K); or several, unlearned with other seeds, whose mean is
            reported. They are left untouched.
        train_set: What it was trained on first, in the forms that `unlearn` takes.
        forget: What was to be forgotten, likewise.
        test_set: Samples that no network was trained on, for test accuracy, ToW and membership inference.
        reference: A network that was trained without what was to be forgotten; or several.
        features: Name of the layer whose output are the features; with "input:" before it, what it reads. None is the
            input of the linear layer that is called last.
        measure: Which numbers are measured, and how; None is all but relearning, curvature and sharpness, which take
            long.
        batch_size: Samples in a forward pass.
        precision: Number format of products, as in `unlearn`.
        device: Where to compute, as in `unlearn`.
        workers: Processes that read a data set of torch that is not kept in memory.
        seed: Decides the batches of the relearning attack.

    Returns:
        The report.

    Raises:
        ValueError: if an argument does not go with another; the message names it.
        NotFiniteError: if a network says something that is not finite.
    """
    measure = measure or Evaluation(relearning=None)
    of_type("measure", measure, Evaluation)
    checks.integer("seed", seed, least=0, most=2**64 - 1)
    checks.integer("batch_size", batch_size, least=1)
    models, references = _several("model", model), [] if reference is None else _several("reference", reference)
    place = device_for(models[0], device)
    with placed(models[0], place), seeded(place, int(seed)):
        case = Case.of(models[0], train_set, forget, place, test_set=test_set, workers=workers)
        features = features if features is not None else _default_features(models[0], case.dataset.train)
        bench = _Bench(case, measure, features, on_device(precision, place), int(batch_size), int(seed))
        for name, net in [("model", one) for one in models[1:]] + [("reference", one) for one in references]:
            with placed(net, place):
                same_logits(name, net, models[0], case.dataset.train)
    sides = {"model": models, "reference": references}
    found, theirs = ([_measured(bench, name, net, place) for net in nets] for name, nets in sides.items())
    return Report(numbers=tuple(_lines(bench, found, theirs)), counts=bench.counts, features=features)


def _several(name: str, nets: Any) -> list[nn.Module]:
    """Networks, if there is one or more."""
    found = [nets] if isinstance(nets, nn.Module) else checks.listed(name, "be a network, or several", nets)
    if not found:
        raise ValueError(f"Argument `{name}` must hold a network, but is empty.")
    for net in found:
        of_type(name, net, nn.Module)
    return found


def _default_features(model: nn.Module, samples: Images) -> str:
    """What the linear layer that is called last reads; the logits of a network without one."""
    (x,) = samples.batches([(torch.arange(1), None)])
    last = last_linear(model, x)
    return _LOGITS if last is None else READ_BY + last


@dataclass(frozen=True, eq=False)
class _Measured:
    """What is known of one network."""

    row: Mapping[str, Any]
    forget: Outputs
    margins: np.ndarray
    curve: Curve | None


def _measured(bench: _Bench, name: str, net: nn.Module, place: torch.device) -> _Measured:
    with placed(net, place), seeded(place, bench.seed), matrix_products(bench.precision):
        try:
            return bench.measured(net)
        except NotFiniteError as error:
            raise NotFiniteError(
                f"Argument `{name}` must give finite logits of all samples, but gives NaN or infinity of some."
            ) from error


@dataclass(frozen=True, eq=False)
class _Bench:
    """Where one network after another is measured."""

    case: Case
    measure: Evaluation
    features: str
    precision: Precision
    batch_size: int
    seed: int

    @property
    def counts(self) -> dict[str, int]:
        """Number of samples of each set."""
        split, test = self.case.split, self.case.dataset.test
        return {"retain": len(split.retain), "forget": len(split.forget), "test": len(test)}

    @property
    def forgets_classes(self) -> bool:
        """Whether some class is forgotten whole."""
        labels, split = self.case.dataset.train.labels, self.case.split
        return not bool(torch.isin(labels[split.forget], labels[split.retain]).all())

    def missing(self) -> dict[str, str]:
        """Why numbers are not measured of a network alone, by name."""
        found = self._attacks_missing()
        if not self.measure.entangled or self.features == _LOGITS or not is_installed(POT):
            words = {
                not self.measure.entangled: "not asked for by `measure`",
                not is_installed(POT): f"for want of the package {POT}",
            }
            found["entanglement"] = words.get(True, "for want of features: name a layer by `features`")
        if not self.measure.curvature:
            found |= dict.fromkeys(_GEOMETRY, "not asked for by `measure`")
        elif not is_installed(CURVLINOPS):
            found |= {name: f"for want of the package {CURVLINOPS}" for name in _GEOMETRY if "hessian" in name}
        if self.measure.relearning is None:
            found["relearn"] = "not asked for by `measure`"
        return found

    def _attacks_missing(self) -> dict[str, str]:
        """Why numbers that need test samples are not measured."""
        if not self.counts["test"]:
            names = ["test_accuracy", "test_loss", *_MEMBERSHIP, *_WITHIN, *_CLASSES, "tow", "tow_mia"]
            return dict.fromkeys(names, "for want of `test_set`")
        if not self.measure.shadow:
            return dict.fromkeys([*_MEMBERSHIP, *_WITHIN, "tow_mia"], "not asked for by `measure`")
        found: dict[str, str] = {}
        if min(self.counts["forget"], self.counts["test"]) < MIN_SIDE:
            found |= dict.fromkeys(
                [*_MEMBERSHIP, "tow_mia"], f"for want of {MIN_SIDE} forgotten samples and test samples"
            )
        dataset = self.case.dataset
        if not bool(torch.isin(dataset.train.labels[self.case.split.forget], dataset.test.labels).any()):
            found |= dict.fromkeys(_WITHIN, "for want of test samples of the forgotten classes")
        return found

    def measured(self, net: nn.Module) -> _Measured:
        """All that one network is asked."""
        dataset, split = self.case.dataset, self.case.split
        rows = {"retain": split.retain, "forget": split.forget}
        sets = {name: self._outputs(net, dataset.train, chosen) for name, chosen in rows.items()}
        if len(dataset.test):
            sets["test"] = self._outputs(net, dataset.test, torch.arange(len(dataset.test)))
        missing = self.missing()
        row = numbers.accuracies(sets)
        ignorant = self._outputs(redrawn(net, self.seed), dataset.train, split.forget)
        row["zrf"] = zero_retrain_score(sets["forget"], ignorant)
        if "mia" not in missing:
            row |= numbers.membership(self.measure, **sets)
        if "test" in sets:
            row |= numbers.by_class(self.measure, **sets)
        if "entanglement" not in missing:
            row |= numbers.entanglement(self.measure, retain=sets["retain"], forget=sets["forget"])
        if self.measure.curvature:
            batches = {
                suffix: numbers.some_batches(dataset.train, rows[name], self.measure.curvature)
                for suffix, name in (("", "retain"), ("_forget", "forget"))
            }
            row |= {f"sharpness{suffix}": adaptive_sharpness(net, some) for suffix, some in batches.items()}
            row |= numbers.curvatures(net, batches if "hessian_top" not in missing else {})
        margins = np.concatenate([margin(sets[name]) for name in ("forget", "test") if name in sets])
        return _Measured(row, sets["forget"], margins, self._relearned(net))

    def _outputs(self, net: nn.Module, images: Images, rows: Tensor) -> Outputs:
        return collect(net, images, rows, self.batch_size, half_type(self.precision), self.features)

    def _relearned(self, net: nn.Module) -> Curve | None:
        if self.measure.relearning is None:
            return None
        attack = replace(self.measure.relearning, precision=self.precision)
        task = Task(net, self.case.dataset, self.case.split, attack, stage_seed(self.seed, "relearning"))
        return relearning_curve(task, attack)


def _lines(bench: _Bench, found: list[_Measured], theirs: list[_Measured]) -> list[Number]:
    """Every number, with its reference, or why it is missing."""
    missing = bench.missing()
    named = (
        _ALWAYS
        | (_CLASSES if bench.forgets_classes else {})
        | _MEMBERSHIP
        | _WITHIN
        | {"entanglement": "", "zrf": "reference"}
        | _GEOMETRY
    )
    lines = []
    for name, best in named.items():
        mine, other = (_mean([one.row.get(name) for one in side]) for side in (found, theirs))
        why = missing.get(name, "" if mine is not None or name not in _CLASSES else "for want of such test samples")
        lines.append(Number(name=name, value=mine, reference=other, best=best, missing=why))
    values = _compared(found, theirs, missing)
    for name, best in _COMPARED.items():
        why = missing.get(name, "")
        if not theirs and "not asked" not in why:
            why = f"{why} and `reference`" if why else "for want of `reference`"
        if not why and values.get(name) is None:
            why = f"for want of {_FEWEST[name]} networks and as many references, of other seeds"
        lines.append(Number(name=name, value=values.get(name), best=best, missing=why))
    return lines


def _compared(found: list[_Measured], theirs: list[_Measured], missing: Mapping[str, str]) -> dict[str, float | None]:
    """What only network and reference together have: means over all pairs, or of all together."""
    rows = [_of_pair(mine, other, missing) for mine in found for other in theirs]
    values = {name: _mean([row.get(name) for row in rows]) for name in _COMPARED}
    few = min(len(found), len(theirs))
    if few >= _FEWEST["klom"]:
        values["klom"] = klom(*(np.stack([one.margins for one in side]) for side in (found, theirs))).mean
    if few >= _FEWEST["u_lira_auc"]:
        values["u_lira_auc"] = u_lira(*(np.stack([margin(one.forget) for one in side]) for side in (found, theirs))).auc
    return values


def _of_pair(mine: _Measured, other: _Measured, missing: Mapping[str, str]) -> dict[str, float]:
    """What a network and a reference have together."""
    row = dict(vars(agreement(mine.forget, other.forget)))
    if "tow" not in missing:
        row["tow"] = tug_of_war(_accuracies(mine), _accuracies(other))
    if "tow_mia" not in missing:
        efficacies = {"unlearned_efficacy": mine.row["mia"], "retrained_efficacy": other.row["mia"]}
        row["tow_mia"] = tug_of_war_membership(_accuracies(mine), _accuracies(other), **efficacies)
    if mine.curve and other.curve:
        row["relearn"] = mine.curve.advantage(other.curve)
    return row


def _accuracies(one: _Measured) -> Accuracies:
    return Accuracies(**{name: one.row[f"{name}_accuracy"] for name in ("retain", "forget", "test")})


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean of numbers that are there; None if one is not, or there is none."""
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None
