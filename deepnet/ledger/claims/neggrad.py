"""1: whether a sharpness-aware optimizer makes NegGrad unlearn better."""

from __future__ import annotations

from deepnet.ledger.claims.generality import AT
from deepnet.ledger.comparing import NEGGRAD, TOW, Settings, compared

__all__ = ["CLAIMS"]

_ALPHAS = (0.99, 0.9, 0.8, 0.5)
_SETTINGS = Settings(
    {
        "ASAM after SGD, α = 0.95": ("neggrad-asam-after-sgd", NEGGRAD),
        "ASAM after ASAM": ("neggrad-asam-after-asam", "neggrad-sgd-after-asam"),
        "SAM after SGD": ("neggrad-sam-after-sgd", NEGGRAD),
        "a random forget set": ("neggrad-random-asam-after-sgd", "neggrad-random-sgd-after-sgd"),
        "half of both rates": ("neggrad-at-half-rate-asam-after-sgd", "neggrad-at-half-rate-sgd-after-sgd"),
        "twice both rates": ("neggrad-at-twice-rate-asam-after-sgd", "neggrad-at-twice-rate-sgd-after-sgd"),
        **{
            f"α = {alpha:g}": (f"neggrad-alpha-{alpha:g}-asam-after-sgd", f"neggrad-alpha-{alpha:g}-sgd-after-sgd")
            for alpha in _ALPHAS
        },
    },
    "Plain pretraining leaves the optimizer of unlearning as the only difference; the weight α of the retain set is "
    "that of all other arms.",
)

CLAIMS = (
    compared(
        _SETTINGS,
        instead=AT,
        name="asam-improves-neggrad",
        number=1,
        title="NegGrad unlearns better with ASAM than with SGD",
        source=(
            "Unlearning paper as its published summary states it: sharpness-aware optimizers improve ToW of all "
            "methods, in pretraining and in unlearning [S]"
        ),
        statement=rf"{TOW},\quad \mathrm{{ToW}}_{{\mathrm{{ASAM}}}} - \mathrm{{ToW}}_{{\mathrm{{SGD}}}} \geq 0",
        effect="ToW of NegGrad with ASAM, less that with SGD, both after SGD",
        refuted_if="ToW is lower with ASAM.",
    ),
)
