"""What the first contact does, in the order of what is most worth knowing, and how long each part may take."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.first_contact.carried import Carried
from tests.first_contact.gathering import study_so_far
from tests.first_contact.schedule import Part

__all__ = ["Contact", "parts"]

NINE_MINUTES = 540.0
"""Seconds that the limits below are made for; with another time they are in proportion."""

NO_CARD = "needs CUDA"

_SCALE = "photographs-resnet18"
_ARMS = tuple(f"{method}-{how}-after-sgd" for method in ("neggrad", "minmax") for how in ("sgd", "asam"))
"""Arms of the study whose rows are worth most: NegGrad and Sharp MinMax, with SGD and ASAM, from one pretraining."""


@dataclass(frozen=True, kw_only=True)
class Contact:
    """What was asked for."""

    out: Path
    """Folder of the results."""
    work: Path
    """Folder of everything else; the parts run in it."""
    carried: Carried
    """What came along."""
    minutes: float
    """Time for all parts together."""
    device: str
    """cuda or cpu."""
    small: bool
    """Whether the parts are those of a rehearsal."""
    only: Sequence[str] = ()
    """Names of the parts to run; none is all."""

    @property
    def on_card(self) -> bool:
        """Whether there is a card to measure."""
        return self.device == "cuda"

    def within(self, seconds: float) -> float:
        """The share of the time that is so many seconds of nine minutes."""
        return seconds * 60 * self.minutes / NINE_MINUTES


def parts(contact: Contact) -> list[Part]:
    """All parts, or those that were asked for, in their order."""
    found = [
        _machine(contact), _kernel(contact), *_images(contact), _rehearsal(contact),
        _speed(contact, "resnet18", 130.0), _speed(contact, "resnet50", 110.0), _hessian(contact), _models(contact),
    ]  # fmt: skip
    unknown = set(contact.only) - {each.name for each in found}
    if unknown:
        names = ", ".join(each.name for each in found)
        raise ValueError(f"Argument `only` must name parts out of {names}, but has {sorted(unknown)[0]!r}.")
    return [each for each in found if not contact.only or each.name in contact.only]


def _machine(contact: Contact) -> Part:
    place = contact.work / "machine.json"
    return _part(contact, "machine", 15.0, "tests.first_contact.machine", str(place), gather=partial(_json, place))


def _kernel(contact: Contact) -> Part:
    """Equality with numba first, then the rate by blocks, the map, and a sweep."""
    seconds, out = contact.within(150.0), str(contact.out / "kernel.json")
    sizes = ("--trainings", "20000", "--plans", "24", "--plan-steps", "40", "--points", "30", "--seeds", "5",
             "--on-host", "200")  # fmt: skip
    if contact.small:
        sizes = ("--trainings", "2", "--steps", "2", "--plans", "4", "--plan-steps", "2", "--points", "3", "--seeds",
                 "2", "--on-host", "20")  # fmt: skip
    words = ("--parts", "kernel", "lockstep", "map", "sweep", *sizes, "--limit", f"{0.95 * seconds:g}", "--out", out)
    if contact.on_card:
        return _part(contact, "kernel", 150.0, "tests.benchmarks", "gpu", *words, fine=(0, 1))
    simulator = {"NUMBA_ENABLE_CUDASIM": "1"}
    return _part(
        contact, "kernel", 150.0, "tests.first_contact.simulated_card", *words, fine=(0, 1), environment=simulator
    )


def _images(contact: Contact) -> list[Part]:
    """Unpacks the images, if they came in an archive."""
    carried = contact.carried
    if carried.archive is None:
        return []
    words = (str(carried.archive), str(carried.images))
    part = _part(contact, "images", 25.0, "tests.first_contact.carried", *words)
    return [replace(part, seconds=max(part.seconds, 25.0))]  # of a set that is not whole no study can be made


def _rehearsal(contact: Contact) -> Part:
    """A study with next to no images, by the path that the long ones take; its numbers mean nothing."""
    return _study(contact, "rehearsal", 60.0, "--rehearse")


def _models(contact: Contact) -> Part:
    """Rows of the matched study, in what is left of the time: the arms of its first claims."""
    if not contact.on_card and not contact.small:
        return Part(name="matched", skipped=NO_CARD)
    return _study(contact, "matched", float("inf"), *(("--rehearse",) if contact.small else ()), "--only", *_ARMS)


def _study(contact: Contact, name: str, seconds: float, *words: str) -> Part:
    carried, out = contact.carried, contact.work / name
    if carried.images is None or carried.scores is None:
        return Part(name=name, skipped="there are no images, or no scores: see --images, --scores and --carried")
    scores = ("--scores", str(carried.scores))
    given = ("matched", "--preset", _SCALE, "--images", str(carried.images), *scores, "--channels-last",
             "--device", contact.device, "--replicates", "1", "--out", str(out), *words)  # fmt: skip
    folder = out / (f"{_SCALE}-rehearsal" if "--rehearse" in words else _SCALE)
    part = _part(contact, name, seconds, "deepnet", *given, gather=partial(study_so_far, folder))
    return replace(part, after="images")


def _speed(contact: Contact, architecture: str, seconds: float) -> Part:
    """Images a second of the loop's variants, SGD and SAM, beside the plain loop; one round, and what there is stays.

    On a CPU the two networks are one small one, a few steps long: only the way there is gone.
    """
    out, sizes = str(contact.out / f"{architecture}.json"), ("--rounds", "1", "--seeds", "0")
    if contact.small or not contact.on_card:
        if architecture == "resnet50":
            return Part(name=architecture, skipped=NO_CARD)
        sizes = (*sizes, "--steps", "2", "--warm", "1", "--batch-size", "8", "--image-size", "16", "--workers", "0")
        architecture_there = "convnet"
    else:
        steps = ("20", "5") if architecture == "resnet18" else ("10", "4")
        sizes, architecture_there = (*sizes, "--steps", steps[0], "--warm", steps[1]), architecture
    limit = f"{contact.within(seconds) / 3:g}"
    words = ("deepnet", "--device", contact.device, "--architecture", architecture_there, *sizes, "--limit", limit)
    return _part(contact, architecture, seconds, "tests.benchmarks", *words, "--out", out, fine=(0, 1))


def _hessian(contact: Contact) -> Part:
    place = contact.work / "hessian.json"
    sizes = ("resnet18", "8", "16") if contact.small or not contact.on_card else ("resnet18", "512", "32")
    words = (str(place), contact.device, *sizes)
    return _part(contact, "hessian", 45.0, "tests.first_contact.hessian", *words, gather=partial(_json, place))


def _part(
    contact: Contact, name: str, seconds: float, module: str, *words: str, fine: Sequence[int] = (0,),
    environment: dict[str, str] | None = None, gather: Callable[[], Any] = lambda: None,
) -> Part:  # fmt: skip
    return Part(
        name=name, command=(sys.executable, "-m", module, *words), seconds=contact.within(seconds), fine=fine,
        environment={**contact.carried.environment, **(environment or {})}, gather=gather,
    )  # fmt: skip


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
