"""What the deep claims leave open, as data: where a run is read, and what it is held against."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

from theory.ledger import Choice

__all__ = [
    "BASE", "MATCH", "OWN_REFERENCE", "OWN_STOP", "REFERENCE", "STOP", "UNREACHED", "Base", "Reference",
    "Unreached",
]  # fmt: skip

Reference = Literal["all", "same replicate", "own optimizer"]
"""Which retrained networks a network is held against."""
Unreached = Literal["last values", "left out"]
"""How runs count that never reach the stop."""
Base = Literal["pretrained", "retrained"]
"""What damage is counted from."""

_STOPS = ("loss", "own-loss", "accuracy", "held-out", "epoch-5", "epoch-10")
_STOP_WORDS = {
    "loss": "the retrained network's loss on F",
    "own-loss": "the loss on F of a network retrained with the arm's own optimizer",
    "accuracy": "the retrained network's accuracy on F",
    "held-out": "the loss on held-out images of the same classes",
    "epoch-5": "5 epochs",
    "epoch-10": "10 epochs",
}
_REFERENCE_WORDS = {
    "all": "all networks retrained with SGD",
    "same replicate": "the retrained network of the same replicate",
    "own optimizer": "all networks retrained with the arm's own pretraining optimizer",
}


def _others(values: tuple[str, ...], primary: str) -> tuple[str, ...]:
    return tuple(value for value in values if value != primary)


STOP = Choice(
    name="stop",
    words="point at which a run is read",
    primary="loss",
    others=_others(_STOPS, "loss"),
    reason=(
        "Only arms that have forgotten equally much can be compared in what that cost. Loss tells how much, step by "
        "step; accuracy on a few images moves in jumps, and a number of epochs measures how fast an arm is at its rate."
    ),
    labels=_STOP_WORDS,
)
"""Where runs are read, for arms with the same pretraining."""
MATCH = replace(
    STOP,
    others=tuple(name for name in STOP.others if not name.startswith("epoch")),
    labels={name: words for name, words in _STOP_WORDS.items() if not name.startswith("epoch")},
)
"""Where runs are read that are asked for their steps, which a number of epochs would fix."""
OWN_STOP = Choice(
    name="stop",
    words="point at which a run is read",
    primary="own-loss",
    others=_others(_STOPS, "own-loss"),
    reason=(
        "What an arm has to forget is what its own pretraining remembers beyond the network that is retrained in the "
        "same way; the loss of a network trained otherwise is no goal for it."
    ),
    labels=_STOP_WORDS,
)
"""Where runs are read, for arms whose pretraining differs."""
REFERENCE = Choice(
    name="reference",
    words="reference of ToW",
    primary="all",
    others=_others(get_args(Reference), "all"),
    reason=(
        "Two retrained networks score well below 1 against each other: chance in a single reference is larger than the "
        "effects that are asked for, and the mean over all of them is not."
    ),
    labels=_REFERENCE_WORDS,
)
"""References, for arms with the same pretraining."""
OWN_REFERENCE = Choice(
    name="reference",
    words="reference of ToW",
    primary="own optimizer",
    others=_others(get_args(Reference), "own optimizer"),
    reason=(
        "Networks that are trained with another optimizer have other accuracies, whatever they forget: each arm is "
        "held against networks that were retrained as it was pretrained."
    ),
    labels=_REFERENCE_WORDS,
)
"""References, for arms whose pretraining differs."""
UNREACHED = Choice(
    name="unreached",
    words="way in which runs count that never reach the stop",
    primary="last values",
    others=("left out",),
    reason=(
        "An arm that cannot forget as much as retraining does has failed, and what it ends with shows by how much; to "
        "leave such runs out would keep the replicates that suit the arm."
    ),
    labels={"last values": "by their last values"},
)
"""Runs that never reach the stop. Those that diverge are worth a ToW of 0 in any case."""
BASE = Choice(
    name="base",
    words="network that damage is counted from",
    primary="pretrained",
    others=("retrained",),
    reason=(
        "Damage is what unlearning took from the network that was there. A network retrained without F has lost "
        "something, too: counted from it, damage is what was lost beyond that."
    ),
    labels={"pretrained": "the pretrained network", "retrained": "the retrained network of the same replicate"},
)
"""Where damage begins."""
