"""2 and 3: whether Sharp MinMax unlearns better than NegGrad, and whether its "max" term is what does it."""

from __future__ import annotations

from deepnet.ledger.comparing import TOW, Settings, compared

__all__ = ["CLAIMS"]

_RIVALS = Settings(
    {
        "ASAM after SGD": ("minmax-asam-after-sgd", "neggrad-asam-after-sgd"),
        "ASAM after ASAM": ("minmax-asam-after-asam", "neggrad-asam-after-asam"),
        "SGD after SGD": ("minmax-sgd-after-sgd", "neggrad-sgd-after-sgd"),
        "SGD after ASAM": ("minmax-sgd-after-asam", "neggrad-sgd-after-asam"),
        "a random forget set": ("minmax-random-asam-after-sgd", "neggrad-random-asam-after-sgd"),
        "10 % of the weights": ("minmax-fraction-0.1-asam-after-sgd", "neggrad-asam-after-sgd"),
        "50 % of the weights": ("minmax-fraction-0.5-asam-after-sgd", "neggrad-asam-after-sgd"),
        "half of both rates": ("minmax-at-half-rate-asam-after-sgd", "neggrad-at-half-rate-asam-after-sgd"),
        "twice both rates": ("minmax-at-twice-rate-asam-after-sgd", "neggrad-at-twice-rate-asam-after-sgd"),
    },
    "The paper's method has ASAM, and forgets with 30 % of the weights; NegGrad with the same optimizer differs from "
    "it in the split of the weights alone.",
)
_WITHOUT = Settings(
    {
        "after SGD": ("minmax-asam-after-sgd", "minmax-no-max-asam-after-sgd"),
        "after ASAM": ("minmax-asam-after-asam", "minmax-no-max-asam-after-asam"),
        "half of both rates": ("minmax-at-half-rate-asam-after-sgd", "minmax-no-max-at-half-rate-asam-after-sgd"),
        "twice both rates": ("minmax-at-twice-rate-asam-after-sgd", "minmax-no-max-at-twice-rate-asam-after-sgd"),
    },
    "As in the other claims.",
)

CLAIMS = (
    compared(
        _RIVALS,
        name="sharp-minmax-beats-neggrad",
        number=2,
        title="Sharp MinMax unlearns better than NegGrad, both with ASAM",
        source="Main result of the unlearning paper as its published summary states it [S]",
        statement=rf"{TOW},\quad \mathrm{{ToW}}_\mathrm{{MinMax}} - \mathrm{{ToW}}_\mathrm{{NegGrad}} \geq 0",
        effect="ToW of Sharp MinMax, less that of NegGrad, both with ASAM",
        refuted_if="NegGrad has the higher ToW.",
    ),
    compared(
        _WITHOUT,
        name="sharp-minmax-owes-to-max",
        number=3,
        title="Sharp MinMax unlearns better for seeking sharp minima on the forget set",
        source="Main result of the unlearning paper as its published summary states it [S]; the ablation is ours",
        statement=rf"{TOW},\quad \mathrm{{ToW}}_\mathrm{{max}} - \mathrm{{ToW}}_\mathrm{{no\ max}} \geq 0",
        effect="ToW of Sharp MinMax, less that with plain ascent in the place of its “max” term, with the same mask",
        refuted_if="ToW is higher without the “max” term.",
    ),
)
