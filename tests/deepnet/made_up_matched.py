"""Made-up rows of a matched study, known by hand: every number is what is said here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

STOPS = ("loss", "accuracy", "held-out", "epoch-5", "epoch-10")
SGD, ASAM = "sgd", "asam-0.5"
_HOW = ("sgd", "asam")
RATES = ("half", "twice")
QUIRKS = ("max_leak", "adamw", "decay_through_masks", "forget_statistics", "cycled_forget")
ARMS = (
    *(f"{method}-{how}-after-{before}" for method in ("neggrad", "minmax") for how in _HOW for before in _HOW),
    "minmax-no-max-asam-after-sgd", "minmax-no-max-asam-after-asam", "neggrad-sam-after-sgd", "scrub-sgd-after-sgd",
    "scrub-sgd-after-asam", "minmax-reversed-asam-after-sgd", "neggrad-random-sgd-after-sgd", "control-other-batches",
    "control-rate-1.1",
    *(f"neggrad-alpha-{alpha}-{how}-after-sgd" for alpha in (0.99, 0.9, 0.8, 0.5) for how in _HOW),
    "neggrad-random-asam-after-sgd", "minmax-random-asam-after-sgd", "scrub-asam-after-sgd", "scrub-asam-after-asam",
    *(f"quirk-{name}-minmax-asam-after-sgd" for name in QUIRKS), "quirk-scrub_epoch-scrub-sgd-after-sgd",
    *(f"select-{which}-sgd-after-sgd" for which in ("largest", "smallest", "gradient", "random")),
    "last-layer-sgd-after-sgd", "minmax-fraction-0.1-asam-after-sgd", "minmax-fraction-0.5-asam-after-sgd",
    *(f"{method}-at-{rate}-rate-asam-after-sgd" for rate in RATES for method in ("neggrad", "minmax", "minmax-no-max")),
    *(f"neggrad-at-{rate}-rate-sgd-after-{before}" for rate in RATES for before in _HOW),
    "neggrad-at-sgd-rate-asam-after-sgd",
)  # fmt: skip
RETAINED, TESTED, REMEMBERED = 0.98, 0.90, 0.50
"""Accuracies of a retrained network."""
Change = Callable[[dict[str, Any]], dict[str, Any] | None]


def numbers(**changes: float | None) -> dict[str, Any]:
    """Those of a retrained network, but for some changes."""
    usual: dict[str, Any] = {
        "retain_accuracy": RETAINED, "forget_accuracy": REMEMBERED, "test_accuracy": TESTED, "val_accuracy": TESTED,
        "retain_loss": 0.05, "forget_loss": 1.5, "test_loss": 0.3, "val_loss": 0.3, "auc": 0.5, "relearn": 0.6,
    }  # fmt: skip
    return usual | changes


def still(kind: str, replicate: int, optimizer: str = SGD, forget: str = "high", **changes: Any) -> dict[str, Any]:
    """A network that is measured as it is."""
    made = {
        "kind": kind, "scale": "made-up", "replicate": replicate, "threads": 1, "precision": "float32",
        "forget": forget, "optimizer": optimizer, "again": False, "status": "finished",
        "numbers": numbers(retain_accuracy=1.0, forget_accuracy=1.0, test_accuracy=0.92, auc=0.8, relearn=1.0)
        if kind == "pretrained" else numbers(),
    } | changes  # fmt: skip
    return made | {"key": "-".join(str(made[name]) for name in ("kind", "replicate", "optimizer", "forget", "again"))}


def run(arm: str, replicate: int, *, step: int = 50, **changes: Any) -> dict[str, Any]:
    """A run that reaches every stop at one step, with the accuracies of the retrained network but for some changes.

    Args:
        arm: Its name, which says how it was made.
        replicate: Number of the replicate.
        step: Where it reaches its stops.
        changes: Numbers that differ there, or columns of the row.
    """
    how, _, before = arm.partition("-after-")
    optimizer, pretraining = (ASAM if "asam" in how else SGD), (ASAM if before == "asam" else SGD)
    alpha = float(how.split("-")[2]) if "alpha" in how else 0.95
    measured = numbers(**{name: changes.pop(name) for name in tuple(changes) if name in numbers()})
    names = STOPS if pretraining == SGD else (*STOPS, "own-loss")
    return {
        "kind": "trajectory", "scale": "made-up", "replicate": replicate, "key": f"{arm}-{replicate}", "threads": 1,
        "precision": "float32", "arm": arm, "forget": "random" if "random" in arm else "high",
        "pretraining": pretraining, "method": how.split("-")[0], "settings": {"alpha": alpha}, "optimizer": optimizer,
        "lr": 0.01, "batches": 0, "epochs": 20, "status": "finished",
        "stops": {name: {"step": step, **measured} for name in names}, "last": {"step": 100, **measured},
    } | changes  # fmt: skip


def unreached(row: Mapping[str, Any], **last: Any) -> dict[str, Any]:
    """The run, had it reached no stop and ended with some numbers after its last step, 100."""
    stops = {name: {"step": None} for name in row["stops"]}
    return dict(row) | {"stops": stops, "last": row["last"] | last}


def diverged(row: Mapping[str, Any]) -> dict[str, Any]:
    """The run, had it diverged before any stop."""
    stops = {name: {"step": None} for name in row["stops"]}
    return dict(row) | {"status": "diverged", "reason": "-", "stops": stops, "last": {"step": 9}}


def world(
    replicates: Iterable[int] = range(4), *, arms: Iterable[str] = ARMS, change: Change = lambda row: row
) -> list[dict[str, Any]]:
    """The rows of a study in which every arm equals the retrained network, but for what `change` makes of each row.

    A network that was pretrained or retrained is measured on both forget sets; SGD retrains a second one. The arm at
    1.1 of the rate needs 45 steps instead of 50.
    """
    made: list[dict[str, Any]] = []
    for replicate in replicates:
        for forget in ("high", "random"):
            made += [still("pretrained", replicate, optimizer, forget) for optimizer in (SGD, ASAM)]
            made += [still("retrained", replicate, optimizer, forget) for optimizer in (SGD, ASAM)]
            made.append(still("retrained", replicate, SGD, forget, again=True))
        made += [run(arm, replicate, step=45 if arm == "control-rate-1.1" else 50) for arm in arms]
    return [row for row in map(change, made) if row is not None]
