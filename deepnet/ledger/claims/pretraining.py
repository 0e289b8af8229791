"""4 and 5: whether a network that was pretrained with ASAM is easier to unlearn, held against its own kind."""

from __future__ import annotations

from deepnet.ledger.choices import OWN_REFERENCE, OWN_STOP, UNREACHED
from deepnet.ledger.comparing import TOW, Settings, compared
from deepnet.ledger.reading import Rules
from theory.ledger import Claim

__all__ = ["CLAIMS"]

_OWN = Rules(stop=OWN_STOP, reference=OWN_REFERENCE, unreached=UNREACHED)


def _claim(name: str, number: int, method: str, settings: Settings) -> Claim:
    return compared(
        settings,
        rules=_OWN,
        name=name,
        number=number,
        title=f"{method} unlearns better after ASAM than after SGD",
        source=(
            "Unlearning paper as its published summary states it: sharpness-aware optimizers improve ToW of all "
            "methods, in pretraining and in unlearning [S]"
        ),
        statement=rf"{TOW},\quad \mathrm{{ToW}}_\mathrm{{after\ ASAM}} - \mathrm{{ToW}}_\mathrm{{after\ SGD}} \geq 0",
        effect=(
            f"ToW of {method} with SGD after ASAM against networks retrained with ASAM, less that after SGD against "
            "networks retrained with SGD"
        ),
        refuted_if="ToW is lower after ASAM.",
    )


CLAIMS = (
    _claim(
        "asam-pretraining-helps-neggrad",
        4,
        "NegGrad",
        Settings(
            {
                "SGD in unlearning": ("neggrad-sgd-after-asam", "neggrad-sgd-after-sgd"),
                "ASAM in unlearning": ("neggrad-asam-after-asam", "neggrad-asam-after-sgd"),
                "half of both rates": ("neggrad-at-half-rate-sgd-after-asam", "neggrad-at-half-rate-sgd-after-sgd"),
                "twice both rates": ("neggrad-at-twice-rate-sgd-after-asam", "neggrad-at-twice-rate-sgd-after-sgd"),
            },
            "Plain unlearning leaves pretraining as the only difference.",
        ),
    ),
    _claim(
        "asam-pretraining-helps-scrub",
        5,
        "SCRUB",
        Settings(
            {
                "SGD in unlearning": ("scrub-sgd-after-asam", "scrub-sgd-after-sgd"),
                "ASAM in unlearning": ("scrub-asam-after-asam", "scrub-asam-after-sgd"),
            },
            "Plain unlearning leaves pretraining as the only difference.",
        ),
    ),
)
