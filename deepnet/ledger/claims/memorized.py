"""7: what it costs to forget what was memorized, beyond what it costs to forget anything."""

from __future__ import annotations

from deepnet.ledger.choices import BASE, STOP, UNREACHED
from deepnet.ledger.comparing import EXPERIMENT, FASTER, MARGIN, NEGGRAD, Settings, compared

__all__ = ["CLAIMS"]

_SETTINGS = Settings(
    {
        "NegGrad with SGD after SGD": (NEGGRAD, "neggrad-random-sgd-after-sgd"),
        "NegGrad with ASAM after SGD": ("neggrad-asam-after-sgd", "neggrad-random-asam-after-sgd"),
        "Sharp MinMax with ASAM after SGD": ("minmax-asam-after-sgd", "minmax-random-asam-after-sgd"),
    },
    "The claim is about samples: the plainest way to forget them shows it best.",
)

CLAIMS = (
    compared(
        _SETTINGS,
        column="damage",
        words="accuracy lost, mean of retain and test set",
        name="memorized-samples-cost-more",
        number=7,
        title="To forget memorized samples costs more accuracy than to forget random ones",
        source="Unlearning paper as its published summary states it: memorized samples are harder to unlearn [S]",
        statement=r"D = \frac{1}{2}(\Delta R + \Delta T),\quad D_\mathrm{memorized} - D_\mathrm{random} \geq 0",
        effect="accuracy lost on retain and test set (their mean) at the match, memorized less random forget sets",
        refuted_if="Memorized samples cost less.",
        margin=MARGIN / 2,  # what is lost on either set takes as much from ToW: one hundredth on both is two there
        experiment=f"{EXPERIMENT} NegGrad with SGD after SGD, on the most memorized samples and on random ones.",
        choices=(STOP, UNREACHED, BASE, _SETTINGS.choice),
        **FASTER,
    ),
)
