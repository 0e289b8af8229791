"""Unlearning one request after another, each from where the one before has led."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deepnet.data.datasets import Dataset
from deepnet.data.images import Images
from deepnet.house.fields import of_type
from deepnet.house.logs import loggers_of
from deepnet.learning.training import Training
from deepnet.matched.watched.looking import look_at
from deepnet.methods import Method
from deepnet.networks.precision import Precision, matrix_products, on_device
from deepnet.own.case import OwnSight
from deepnet.own.evaluating import evaluate
from deepnet.own.forgetting import Forget, rows_to_forget
from deepnet.own.networks import classes_of, device_for, placed
from deepnet.own.requests.table import InTurn, Turn
from deepnet.own.samples import samples_of
from deepnet.own.unlearning import unlearn
from deepnet.studies.study import Evaluation
from simulate.house import checks
from simulate.house.counting import counted

__all__ = ["unlearn_in_turn"]

_OWN = {"model", "train_set", "forget", "method", "without", "reference", "in_place", "log"}
"""Arguments of `unlearn` that each turn has of its own."""
_CHUNK = 256
"""Samples of a batch that is looked at."""


def unlearn_in_turn(
    model: nn.Module,
    train_set: Any,
    requests: Iterable[Forget],
    method: Method | str,
    *,
    references: Training | Sequence[nn.Module] | None = None,
    test_set: Any = None,
    measure: Evaluation | None = None,
    features: str | None = None,
    seed: int = 0,
    log: str | PathLike[str] | None = None,
    **settings: Any,
) -> InTurn:
    """Let a network forget one request after another, and judge it after each.

    The second request begins with the network that the first one has led to, and what was to be forgotten before is
    looked at no more. After each the network is evaluated on all requests so far.

    Args:
        model: As in `unlearn`; left untouched.
        train_set: What it was trained on first, likewise.
        requests: What is to be forgotten, one after another, each in a form that `unlearn` takes: lists of indices,
            masks, classes, files. Samples that are gone already do not count again.
        method: The method, or its name, for all requests.
        references: What each is judged against: networks, one a request, of which the first never saw the first
            request, the second neither the first nor the second, and so on; or a `Training`, by which they are
            retrained here, from new weights. None judges without.
        test_set: Samples that no network was trained on.
        measure: Which numbers are measured, as in `evaluate`.
        features: Where features are, as in `evaluate`.
        seed: The seed of the first request; the next ones have the whole numbers that follow.
        log: A folder, which gets the history of each request in a folder of its own, `request-1` and so on.
        settings: What else `unlearn` takes: sharpness, epochs, lr, batch_size, val_set, until, precision, device,
            workers, probe, progress.

    Returns:
        Each request with its network, reference and report; printed, a table.

    Raises:
        ValueError: as `unlearn` and `evaluate` do, or if a request asks for nothing that is still there.
        TypeError: if `unlearn` does not take a setting.
        DivergenceError: if a loss or a weight is no longer finite.
    """
    _check_simple(model, seed, settings)
    place, workers = device_for(model, settings.get("device", "auto")), settings.get("workers", 0)
    if test_set is None and isinstance(train_set, Dataset):
        test_set = train_set
    samples = samples_of("train_set", train_set, place, workers=workers)
    rows = _rows_in_turn(requests, samples.labels)
    folders = _folders(log, len(rows))
    with placed(model, place):
        classes_of("model", model, samples)
    told: dict[str, Any] = {name: settings[name] for name in ("precision", "device", "workers") if name in settings}
    judges = _Judges.of(references, model, samples, len(rows), told)
    turns: list[Turn] = []
    for number, request in enumerate(rows):
        earlier = torch.cat([torch.empty(0, dtype=torch.int64), *rows[:number]]).sort().values
        so_far = torch.cat([earlier, request])
        reference = judges.on(number, so_far, seed + number)
        result = unlearn(
            turns[-1].result.model if turns else model, samples, request, method, seed=seed + number,
            reference=reference, without=earlier if number else None, log=folders[number], **settings,
        )  # fmt: skip
        report = evaluate(
            result.model, samples, so_far, test_set=test_set, reference=reference, features=features, measure=measure,
            seed=seed + number, **told,
        )  # fmt: skip
        look = _Looking(samples, (request, earlier), place, on_device(settings.get("precision", "auto"), place))
        turns.append(
            Turn(
                request=request,
                earlier=earlier,
                result=result,
                report=report,
                accuracy=look.at(result.model),
                reference=reference,
                reference_accuracy=(None, None) if reference is None else look.at(reference),
            )
        )
    return InTurn(tuple(turns))


def _check_simple(model: Any, seed: Any, settings: dict[str, Any]) -> None:
    """Require a network, numbers, and settings that each turn takes.

    Raises:
        ValueError: if something is of another kind.
        TypeError: if there is no such setting.
    """
    known = set(inspect.signature(unlearn).parameters) - _OWN
    unknown = sorted(set(settings) - known)
    if unknown:
        raise TypeError(f"unlearn_in_turn() does not take the argument {unknown[0]!r}.")
    of_type("model", model, nn.Module)
    for name, value in {"seed": seed, "workers": settings.get("workers", 0)}.items():
        checks.integer(name, value, least=0)


def _folders(log: Any, count: int) -> list[Path] | list[None]:
    """Where each request has its history, checked before the first of them is begun."""
    if log is None:
        return [None] * count
    if not isinstance(log, str | PathLike):
        checks.fail("log", "be a folder, in which each request has one of its own", log)
    found = [Path(log) / f"request-{number}" for number in range(1, count + 1)]
    loggers_of("log", found)
    return found


def _rows_in_turn(requests: Any, labels: Tensor) -> list[Tensor]:
    """The rows of each request that are still there when it comes.

    Raises:
        ValueError: if there are none, or nothing is left to retain in the end.
    """
    asked = checks.listed("requests", "hold what is to be forgotten, one request after another", requests)
    if not asked:
        raise ValueError("Argument `requests` must hold at least one request, but is empty.")
    gone = torch.zeros(len(labels), dtype=torch.bool)
    found = []
    for number, request in enumerate(asked, 1):
        rows = rows_to_forget(request, labels, "requests")
        new = rows[~gone[rows]]
        if not len(new):
            raise ValueError(
                f"Argument `requests` must ask for samples that are still there, but request {number} asks for none."
            )
        gone[new] = True
        found.append(new)
    if bool(gone.all()):
        raise ValueError(f"Argument `requests` must leave a sample to retain, but takes all {len(gone):,} of them.")
    return found


@dataclass(frozen=True, eq=False)
class _Judges:
    """The networks that a network is judged against, given or retrained."""

    given: Sequence[nn.Module] | None
    """One a request; None if they are retrained, or there are none."""
    how: Training | None
    """How they are retrained."""
    model: nn.Module
    samples: Images
    told: Mapping[str, Any]

    @classmethod
    def of(cls, references: Any, model: nn.Module, samples: Images, count: int, told: Mapping[str, Any]) -> _Judges:
        """From what was given as `references`, checked."""
        if references is None or isinstance(references, Training):
            return cls(None, references, model, samples, told)
        found = checks.listed("references", "be a `Training`, or a network for each request", references)
        if len(found) != count:
            need = f"hold a network for each of {counted(count, 'request')}, but holds {len(found)}"
            raise ValueError(f"Argument `references` must {need}.")
        for net in found:
            of_type("references", net, nn.Module)
        return cls(found, None, model, samples, told)

    def on(self, number: int, gone: Tensor, seed: int) -> nn.Module | None:
        """The network that never saw any of what is gone; with new weights if it is made here."""
        if self.given is not None:
            return self.given[number]
        if self.how is None:
            return None
        settings = {"lr": self.how.descent, "precision": self.how.precision, "progress": False} | {
            name: self.told[name] for name in ("device", "workers") if name in self.told
        }
        return unlearn(
            self.model, self.samples, gone, "retrain", epochs=self.how.epochs, batch_size=self.how.batch_size,
            seed=seed, **settings,
        ).model  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Looking:
    """Looks at networks on this request and on the earlier ones."""

    samples: Images
    rows: tuple[Tensor, Tensor]
    place: torch.device
    precision: Precision

    def at(self, net: nn.Module) -> tuple[float, float | None]:
        """The accuracies of a network on both; of the earlier ones None where there are none."""
        request, earlier = (OwnSight(self.samples, rows, _CHUNK) for rows in self.rows)
        with placed(net, self.place), matrix_products(self.precision):
            now = look_at(net, request, self.precision).accuracy
            return now, look_at(net, earlier, self.precision).accuracy if len(earlier.rows) else None
