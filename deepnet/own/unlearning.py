"""Unlearning in one call, for any network and any labelled samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import Any

import torch
from torch import nn

from deepnet.house.fields import of_type
from deepnet.house.logs import Logger, loggers_of
from deepnet.house.seeding import stage_seed
from deepnet.learning.descent import Descent
from deepnet.learning.loop import History
from deepnet.learning.masks import Mask
from deepnet.learning.sharpness import Sharpness, sgd
from deepnet.learning.task import Task
from deepnet.learning.training import Training
from deepnet.matched.watched.looking import Sight, look_at
from deepnet.matched.watched.stops import Stop
from deepnet.methods import METHODS, Method, apply
from deepnet.networks.fresh import draw_anew
from deepnet.networks.precision import Precision, matrix_products
from deepnet.own.case import Case
from deepnet.own.forgetting import Forget
from deepnet.own.networks import copied, device_for, placed, same_logits, seeded
from deepnet.own.result import Unlearned
from deepnet.own.showing import shown
from deepnet.own.stopping import Patience, Until, until_of
from deepnet.own.watching import EpochWatcher
from simulate.house import checks

__all__ = ["unlearn"]


def unlearn(
    model: nn.Module,
    train_set: Any,
    forget: Forget,
    method: Method | str,
    *,
    sharpness: Sharpness | None = None,
    epochs: int = 5,
    lr: float | Descent = 0.01,
    batch_size: int = 128,
    seed: int = 0,
    without: Forget | None = None,
    val_set: Any = None,
    until: Until | str | None = None,
    reference: nn.Module | None = None,
    precision: Precision = "auto",
    device: str | torch.device = "auto",
    workers: int = 0,
    probe: int = 2000,
    progress: bool | None = None,
    log: str | PathLike[str] | Logger | Sequence[str | PathLike[str] | Logger] | None = None,
    in_place: bool = False,
) -> Unlearned:
    """Let a network forget some of the samples that it was trained on.

    Args:
        model: Any module from a batch of samples to logits (b, K). It is left untouched unless `in_place`; frozen
            parts (`requires_grad_(False)`) stay to the bit.
        train_set: What it was trained on: a pair of tensors (samples, labels), a map-style data set of torch with such
            pairs as entries, or a `deepnet.Dataset`.
        forget: Which of them are to be forgotten: indices, a mask of bool, a class by its number, `classes(3, 5)`, or
            the path of a file of indices.
        method: The method, or its name (`deepnet.METHODS`). One that begins with new weights draws them by each layer's
            `reset_parameters`.
        sharpness: How its optimizer treats sharpness, such as `asam(1.0)`; None is plain SGD.
        epochs: Number of epochs.
        lr: Learning rate of SGD with momentum 0.9 and weight decay 5e-4; or a `Descent`, which says all of that.
        batch_size: Samples of a batch.
        seed: Decides batches, new weights, and what the network draws, such as dropout.
        without: What it has forgotten before, in the forms of `forget`: these samples are looked at no more.
        val_set: Samples to validate on, in any of the forms of `train_set`.
        until: When to end before the last epoch: "forget loss of the reference", "forget accuracy of the reference", or
            an `Until`.
        reference: A network that was trained without what is to be forgotten, for `until`.
        precision: Number format of products: "float32", "tf32", "float16", "bfloat16", or "auto" for float16 on CUDA
            devices and float32 elsewhere.
        device: Where to compute; "auto" is where the model is or, if that is the CPU, a CUDA device where there is one.
        workers: Processes that read a data set of torch that is not kept in memory.
        probe: The history is taken on at most so many retained and validation samples, drawn once, and on all of what
            is to be forgotten.
        progress: None shows a bar on a terminal or in a notebook and nothing elsewhere, True also lines elsewhere,
            False nothing.
        log: A folder, which gets the history as `history.csv`, epoch by epoch; an object with a method
            `log(step, values)`, such as `TensorBoardLog(folder)`; or several of these.
        in_place: Whether `model` itself is changed.

    Returns:
        The network, the mask, the history, and a `summary()`.

    Raises:
        ValueError: if an argument is out of range, or does not go with another; the message names it.
        DivergenceError: if a loss or a weight is no longer finite.
    """
    method, until = _method_of(method), until_of(until)
    descent = lr if isinstance(lr, Descent) else Descent(lr=lr)
    training = Training(epochs=epochs, batch_size=batch_size, descent=descent, precision=precision)
    of_type("model", model, nn.Module)
    _check_sharpness(sharpness)
    _check_simple(seed, probe, in_place, progress)
    logs = loggers_of("log", log)
    _check_goes_with(until, reference, val_set)
    place = device_for(model, device)
    net = model if in_place else copied(model)
    with _lent(net, place), seeded(place, int(seed)):
        case = Case.of(net, train_set, forget, place, val_set=val_set, without=without, workers=workers)
        if method.start == "fresh":
            draw_anew(net, method.name)
        task = Task(net, case.dataset, case.split, training, stage_seed(seed, method.start), sharpness or sgd())
        sights = case.sights(probe, training.batch_size)
        with matrix_products(task.training.precision), shown(progress, logs) as show:
            stops = _stops(until, reference, task, sights["forget"])
            patience = Patience(until.patience) if until and until.patience else None
            watcher = EpochWatcher(net, sights, place, task.training.precision, stops, patience, show.epoch)
            watcher.before()
            with _batches_of_one_explained():
                history = apply(method, task, on_plan=show.plan, on_step=show.step, watcher=watcher)
            watcher.after()
    return Unlearned(
        model=net, mask=_forgetting(history, net), history=tuple(watcher.seen), forget=case.split.forget, method=method,
        sharpness=task.sharpness, training=task.training, seed=int(seed), device=str(place),
        until=() if until is None else until.words, reached=watcher.reached,
    )  # fmt: skip


def _method_of(method: Any) -> Method:
    """A method from one, or from its name."""
    if isinstance(method, str):
        name, colon, _ = method.partition(":")
        if colon and name in METHODS:
            kind = METHODS[name].__name__
            checks.fail("method", f"be a name without settings, or an object with them, {kind}(…)", method)
        checks.choice("method", method, sorted(METHODS))
        return METHODS[method]()
    if isinstance(method, type) and issubclass(method, Method):
        raise ValueError(f"Argument `method` must be an object, {method.__name__}(), but is the class itself.")
    of_type("method", method, Method)
    found: Method = method
    return found


def _check_sharpness(sharpness: Any) -> None:
    """Require what `sam` and its kin make."""
    if sharpness is not None and not isinstance(sharpness, Sharpness):
        checks.fail("sharpness", "be made by `sgd()`, `sam(radius)` or `asam(radius)` of `deepnet`, or None", sharpness)


def _check_simple(seed: Any, probe: Any, in_place: Any, progress: Any) -> None:
    """Require numbers and switches of their kinds."""
    checks.integer("seed", seed, least=0)
    checks.integer("probe", probe, least=1)
    checks.boolean("in_place", in_place)
    if progress is not None:
        checks.boolean("progress", progress)


def _check_goes_with(until: Until | None, reference: Any, val_set: Any) -> None:
    """Require what a rule of stopping looks at, and that a reference is a network."""
    of_type("reference", reference, nn.Module, optional=True)
    if until is not None and until.needs_reference and reference is None:
        raise ValueError("Argument `reference` must be given, since `until` asks for its loss or accuracy, but is not.")
    if until is not None and until.patience is not None and val_set is None:
        raise ValueError("Argument `val_set` must be given, since `until` waits for its loss, but is not.")


def _stops(until: Until | None, reference: Any, task: Task, forget: Sight) -> tuple[Stop, ...]:
    """Where the unlearning ends, the bounds of the reference filled in."""
    if until is None or not until.needs_reference:
        return () if until is None else until.stops(None)
    with placed(reference, task.device):
        same_logits("reference", reference, task.model, forget.images)
        return until.stops(look_at(reference, forget, task.training.precision))


def _forgetting(history: History, model: nn.Module) -> Mask | None:
    """The weights that may forget, of the masks of a training, where the model is now; None if all may."""
    found = history.masks.get("forget", next(iter(history.masks.values()), None))
    home = next(model.parameters()).device
    return found and Mask({name: value.to(home) for name, value in found.values.items()})


@contextmanager
def _lent(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Within it a network may be trained on a device; afterwards it is where it was, in its modes."""
    modes = [(layer, layer.training) for layer in model.modules()]
    with placed(model, device):
        try:
            yield
        finally:
            model.zero_grad(set_to_none=True)
            for layer, training in modes:
                layer.training = training


@contextmanager
def _batches_of_one_explained() -> Iterator[None]:
    """Say in our words what batch normalisation complains of when a batch is a single value."""
    try:
        yield
    except ValueError as error:
        if not str(error).startswith("Expected more than 1"):
            raise
        raise ValueError(
            "Argument `forget` must leave two samples or more in each batch, since the batch normalisation of `model` "
            "cannot normalise by one; freeze it (`requires_grad_(False)`), or forget more samples at a time."
        ) from error
