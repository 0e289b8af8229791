"""16 to 18: whether what SAM does for NegGrad is seen with noised data, another optimizer, another architecture."""

from __future__ import annotations

from deepnet.ledger.comparing import NEGGRAD, TOW, Settings, compared
from theory.ledger import Claim

__all__ = ["AT", "CLAIMS"]

_SETTINGS = Settings(
    {
        "ASAM against SGD, NegGrad": ("neggrad-asam-after-sgd", NEGGRAD),
        "Sharp MinMax against NegGrad, ASAM": ("minmax-asam-after-sgd", "neggrad-asam-after-sgd"),
    },
    "That SAM helps to unlearn is the paper's first observation; Sharp MinMax is built on it.",
)


AT = {
    "digits-noise": "asam-improves-neggrad-on-noised-images",
    "digits-adamw": "asam-improves-neggrad-with-adamw",
    "digits-vit": "asam-improves-neggrad-in-a-transformer",
}
"""The scale of each claim, and its name."""


def _claim(number: int, scale: str, words: str) -> Claim:
    return compared(
        _SETTINGS,
        only_at=scale,
        name=AT[scale],
        number=number,
        title=f"NegGrad unlearns better with ASAM than with SGD {words}, too",
        source=(
            "The unlearning paper's last abstract: its observations generalise to more noised data, different "
            "optimizers, and different architectures [S]"
        ),
        statement=rf"{TOW},\quad \mathrm{{ToW}}_{{\mathrm{{ASAM}}}} - \mathrm{{ToW}}_{{\mathrm{{SGD}}}} \geq 0",
        effect=f"ToW of NegGrad with ASAM, less that with SGD, both after SGD, {words}",
        refuted_if="ToW is lower with ASAM.",
        family="open",
    )


CLAIMS = (
    _claim(16, "digits-noise", "where training images have Gaussian noise"),
    _claim(17, "digits-adamw", "where steps are those of AdamW"),
    _claim(18, "digits-vit", "in a vision transformer"),
)
