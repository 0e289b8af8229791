"""8: how fast what was forgotten comes back, from starts that have forgotten equally much."""

from __future__ import annotations

from deepnet.ledger.choices import STOP, UNREACHED
from deepnet.ledger.comparing import EXPERIMENT, MATCHED, Settings, compared
from deepnet.ledger.nearness import Masked
from deepnet.ledger.reading import Reading, less
from theory.ledger import Control, Region

__all__ = ["CLAIMS"]

_SETTINGS = Settings(
    {
        "ASAM after SGD": ("minmax-asam-after-sgd", "neggrad-asam-after-sgd"),
        "ASAM after ASAM": ("minmax-asam-after-asam", "neggrad-asam-after-asam"),
        "SGD after SGD": ("minmax-sgd-after-sgd", "neggrad-sgd-after-sgd"),
        "SGD after ASAM": ("minmax-sgd-after-asam", "neggrad-sgd-after-asam"),
    },
    "The paper's method has ASAM.",
)


def _never_forgotten(reading: Reading) -> Masked:
    """Accuracy while relearning of NegGrad, less that of the network that has forgotten nothing."""
    arm = _SETTINGS.arms(reading)[1]
    about = reading.findings.about
    start = reading.still(about(arm, "pretraining"), about(arm, "forget"), "relearn")
    return less(reading.values(arm, "relearn", MATCHED), start)


CLAIMS = (
    compared(
        _SETTINGS,
        column="relearn",
        words="accuracy on the forget set while it is learned again",
        name="sharp-minmax-relearns-slower",
        number=8,
        title="What Sharp MinMax has forgotten comes back more slowly than what NegGrad has",
        source="Unlearning paper: sharp minima on the forget set are to make forgetting last [M]",
        statement=(r"r = \mathrm{mean}_t\,\mathrm{acc}_F(t),\quad r_\mathrm{MinMax} - r_\mathrm{NegGrad} \leq 0"),
        effect="mean accuracy on the forget set while it is learned again, Sharp MinMax less NegGrad, both with ASAM",
        supported=Region(high=0.0),
        refuted_if="It comes back faster.",
        experiment=f"{EXPERIMENT} Both networks, at the stop, are trained on the forget set alone, with SGD.",
        control=Control(name="NegGrad relearns no slower than what was never forgotten", region=Region(low=0.0)),
        control_effect=_never_forgotten,
        choices=(STOP, UNREACHED, _SETTINGS.choice),
    ),
)
