"""The search for hyper-parameters: the same number of trials for every method, judged on the validation split.

The search is a study like any other, whose seeds and split no other study uses. A trial is worth its tug of war with
the accuracy on the validation images in the place of that on the test images: mean over seeds, forget sets and the
optimizers that the method is tried with, so that the choice favours none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from deepnet.metrics.tug_of_war import Accuracies, tug_of_war
from deepnet.studies.study import Evaluation, Study, Unlearner
from simulate.house import checks, ties

__all__ = ["GRIDS", "SEEDS", "SPLIT_SEED", "Grid", "Trial", "candidates", "judge", "search_study"]

SEEDS = (100, 101, 102)
"""Seeds of the trainings of a search."""
SPLIT_SEED = 100
"""Seed of its split into retain, forget and validation images."""
_STEPS = (0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3)
_WEIGHTS = (0.9, 0.95, 0.98)
_RATES = (0.01, 0.03, 0.1)
_LARGER = (0.03, 0.1, 0.3)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The nine trials of a method: learning rates, each with every value of one parameter of its own."""

    lr: tuple[float, ...] = _RATES
    """Learning rates."""
    parameter: str = ""
    """Field of the method that is tried too; none if empty."""
    values: tuple[float, ...] = ()
    """Its values."""

    def trials(self, unlearner: Unlearner) -> list[Unlearner]:
        """The trials, as variants of an unlearner."""
        settings: list[dict[str, float]] = [{self.parameter: value} for value in self.values] or [{}]
        return [self._trial(unlearner, lr, own) for lr in self.lr for own in settings]

    def _trial(self, unlearner: Unlearner, lr: float, own: Mapping[str, Any]) -> Unlearner:
        training = replace(unlearner.training, descent=replace(unlearner.training.descent, lr=lr))
        words = {"lr": lr, **own} if unlearner.training.epochs else own
        variant = ", ".join(f"{name}={value:g}" for name, value in words.items())
        return replace(unlearner, method=replace(unlearner.method, **own), training=training, variant=variant)


GRIDS: Mapping[str, Grid] = MappingProxyType(
    {
        "finetune": Grid(lr=_STEPS),
        "ascent": Grid(lr=(1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 7e-3, 1e-2)),
        "neggrad": Grid(parameter="alpha", values=_WEIGHTS),
        "sharp-minmax": Grid(parameter="alpha", values=_WEIGHTS),
        "retain-sam": Grid(parameter="alpha", values=_WEIGHTS),
        "selection": Grid(parameter="alpha", values=_WEIGHTS),
        "random-label": Grid(lr=_STEPS),
        "salun": Grid(parameter="fraction", values=(0.3, 0.5, 0.7)),
        "l1-sparse": Grid(parameter="gamma", values=(5e-4, 2e-3, 5e-3)),
        "scrub": Grid(parameter="ascent_epochs", values=(1, 2, 3)),
        "influence": Grid(lr=(0.01,), parameter="damping", values=(0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 2.0)),
        "gradient-selection": Grid(lr=_LARGER, parameter="fraction", values=(0.1, 0.3, 0.5)),
        "random-selection": Grid(lr=_LARGER, parameter="fraction", values=(0.1, 0.3, 0.5)),
        "last-layer": Grid(lr=_LARGER, parameter="alpha", values=_WEIGHTS),
        "neggrad-kl": Grid(parameter="alpha", values=_WEIGHTS),
        "bad-teacher": Grid(lr=_LARGER, parameter="part", values=(0.3, 0.6, 1.0)),
        "boundary": Grid(lr=(0.001, 0.003, 0.01), parameter="step", values=(0.05, 0.1, 0.2)),
        "unsir": Grid(lr=(0.02, 0.05, 0.1), parameter="impair_epochs", values=(1, 2, 4)),
        "ssd": Grid(lr=(0.01,), parameter="selection", values=(5, 10, 15, 20, 30, 50, 100, 200, 500)),
        "ssd-loss-free": Grid(lr=(0.01,), parameter="selection", values=(1.5, 2, 3, 5, 10, 20, 50, 100, 200)),
        "fisher": Grid(lr=(0.01,), parameter="alpha", values=(1e-6, 3e-6, 1e-5, 2e-5, 3e-5, 5e-5, 1e-4, 3e-4, 1e-3)),
    }
)
"""What is tried of each method; parameters that are not in it keep the values of their sources."""


@dataclass(frozen=True)
class Trial:
    """A setting of a method and what it is worth."""

    method: str
    """Name of the method."""
    variant: str
    """Its setting, in words."""
    tow: float
    """Tug of war on the validation split, 0 for a run that diverged."""
    retain: float
    """Mean accuracy on the retain set; NaN if no run finished."""
    forget: float
    """Mean accuracy on the forget set; NaN if no run finished."""
    val: float
    """Mean accuracy on the validation split; NaN if no run finished."""
    runs: int
    """Number of models behind it."""
    chosen: bool
    """Whether it is the best of its method."""


def candidates(unlearners: Sequence[Unlearner]) -> tuple[Unlearner, ...]:
    """Every trial of some unlearners.

    Raises:
        ValueError: if a method has no grid.
    """
    for one in unlearners:
        checks.choice("unlearners", one.method.name, list(GRIDS))
    return tuple(trial for one in unlearners for trial in GRIDS[one.method.name].trials(one))


def search_study(base: Study) -> Study:
    """The search for the unlearners of a study, after plain pretraining."""
    return replace(
        base,
        name="search",
        seeds=SEEDS,
        split_seed=SPLIT_SEED,
        pretrain_sharpness=base.pretrain_sharpness[:1],
        unlearners=candidates(base.unlearners),
        evaluation=Evaluation(shadow=0, entangled=0, divergence=False, relearning=None),
    )


def judge(rows: Sequence[Mapping[str, Any]]) -> list[Trial]:
    """What every trial is worth, the best of each method marked; of tied ones the first.

    Args:
        rows: Rows of a finished search, the retrained models among them.

    Raises:
        ValueError: if a row has no retrained model beside it, or no accuracy on the validation split.
    """
    references = {(row["forget_set"], row["seed"]): _accuracies(row) for row in rows if row["method"] == "retrain"}
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["variant"]:
            groups.setdefault((row["method"], row["variant"]), []).append(row)
    worth = {key: float(np.mean([_worth(row, references) for row in group])) for key, group in groups.items()}
    best: dict[str, str] = {}
    for (method, variant), tow in worth.items():
        if method not in best or not ties.at_most(tow, worth[method, best[method]]):
            best[method] = variant
    return [_trial(key, group, worth[key], best[key[0]] == key[1]) for key, group in groups.items()]


def _trial(key: tuple[str, str], group: Sequence[Mapping[str, Any]], tow: float, chosen: bool) -> Trial:
    finished = [_accuracies(row) for row in group if row["status"] == "finished"]
    means = {
        item.name: float(np.mean([getattr(one, item.name) for one in finished])) if finished else float("nan")
        for item in fields(Accuracies)
    }
    return Trial(*key, tow, means["retain"], means["forget"], means["test"], len(group), chosen)


def _worth(row: Mapping[str, Any], references: Mapping[tuple[str, int], Accuracies]) -> float:
    if row["status"] != "finished":
        return 0.0
    reference = references.get((row["forget_set"], row["seed"]))
    if reference is None:
        raise ValueError(f"Argument `rows` must have a retrained model of {row['forget_set']}, seed {row['seed']}.")
    return tug_of_war(_accuracies(row), reference)


def _accuracies(row: Mapping[str, Any]) -> Accuracies:
    """The accuracies of a row, those on the validation split in the place of the test set's."""
    if row["val_accuracy"] is None:
        raise ValueError("Argument `rows` must have accuracies on a validation split: set val_fraction above 0.")
    return Accuracies(retain=row["retain_accuracy"], forget=row["forget_accuracy"], test=row["val_accuracy"])
