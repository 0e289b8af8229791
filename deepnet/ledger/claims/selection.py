"""14: whether a few weights of large curvature suffice to unlearn, held against other few weights."""

from __future__ import annotations

from deepnet.ledger.comparing import FASTER, MATCHED, NEGGRAD, TOW, Settings, compared
from deepnet.ledger.effects import between
from theory.ledger import Claim

__all__ = ["CLAIMS"]

_LARGEST = "select-largest-sgd-after-sgd"
_RIVALS = {
    "random weights": ("as many weights at random", "select-random-sgd-after-sgd"),
    "gradients": ("as many weights of the largest gradients on the forget set", "select-gradient-sgd-after-sgd"),
    "smallest entries": ("as many of the smallest entries", "select-smallest-sgd-after-sgd"),
    "last layer": ("the last layer alone", "last-layer-sgd-after-sgd"),
    "all weights": ("all weights", NEGGRAD),
}
"""What the choice of weights is held against, in a word and in words, and its arm."""


def _claim(rival: str, words: str, arm: str) -> Claim:
    settings = Settings({"SGD after SGD": (_LARGEST, arm)}, "There are no others.")
    return compared(
        settings,
        more={"log of the seconds of a run, less that of the rival": between(_LARGEST, arm, "log_seconds", MATCHED)},
        name=f"curvature-selection-beats-{rival.replace(' ', '-')}",
        number=14,
        title=f"NegGrad by the weights of the largest diagonal Hessian entries unlearns better than by {words}",
        source="Malekmohammadi et al., whose abstract says that these weights suffice [S]; the rivals are ours",
        statement=rf"{TOW},\quad \mathrm{{ToW}}_\mathrm{{curvature}} - \mathrm{{ToW}}_\mathrm{{rival}} \geq 0",
        effect=f"ToW of NegGrad by the tenth of the weights with the largest diagonal Hessian entries, less by {words}",
        refuted_if=f"ToW is higher with {words}.",
        family="open",
        **FASTER,
    )


CLAIMS = tuple(_claim(rival, words, arm) for rival, (words, arm) in _RIVALS.items())
