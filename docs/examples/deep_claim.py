"""Does an attack by loss see less of what ASAM has unlearned?"""

from __future__ import annotations

from deepnet.ledger.comparing import FASTER, NEGGRAD, Settings, compared
from theory.ledger import Region

__all__ = ["CLAIMS"]

CLAIMS = (
    compared(
        Settings({"after SGD": ("neggrad-asam-after-sgd", NEGGRAD)}, "There are no others."),
        column="auc",
        words="AUC of the attack by loss",
        name="asam-hides-better",
        number=40,
        title="Where NegGrad with ASAM has unlearned, an attack by loss sees less than where SGD has",
        source="Not a claim of the paper",
        statement=r"\mathrm{AUC}_\mathrm{ASAM} - \mathrm{AUC}_\mathrm{SGD} \leq 0",
        effect="AUC of a threshold on the loss that tells forget from test images, at the match, ASAM less SGD",
        supported=Region(high=0.0),
        refuted_if="It sees more.",
        margin=0.02,
        family="ours",
        **FASTER,
    ),
)
