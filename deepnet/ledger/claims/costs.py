"""11 to 13, ours: what Sharp MinMax costs, whether ASAM is slower to forget, and an effect that was planted."""

from __future__ import annotations

from deepnet.ledger.choices import BASE, MATCH, REFERENCE, STOP, UNREACHED
from deepnet.ledger.comparing import FASTER, NEGGRAD, Settings, compared
from deepnet.ledger.reading import Rules
from theory.ledger import Region

__all__ = ["CLAIMS"]

_MINMAX = Settings(
    {
        "ASAM after SGD": ("minmax-asam-after-sgd", "neggrad-asam-after-sgd"),
        "ASAM after ASAM": ("minmax-asam-after-asam", "neggrad-asam-after-asam"),
        "SGD after SGD": ("minmax-sgd-after-sgd", "neggrad-sgd-after-sgd"),
        "SGD after ASAM": ("minmax-sgd-after-asam", "neggrad-sgd-after-asam"),
    },
    "The paper's method has ASAM.",
)
_SPEEDS = Settings(
    {
        "after SGD": ("neggrad-asam-after-sgd", NEGGRAD),
        "after ASAM": ("neggrad-asam-after-asam", "neggrad-sgd-after-asam"),
        "after SGD, both at the rate of SGD": ("neggrad-at-sgd-rate-asam-after-sgd", NEGGRAD),
    },
    "As in the other claims; that of equal rates tells what the optimizer does, the others what its rate does as well.",
)
_PLANTED = Settings({"NegGrad with SGD after SGD": ("control-rate-1.1", NEGGRAD)}, "There are no others.")
_BY_STEPS = Rules(stop=MATCH, reference=REFERENCE, unreached=UNREACHED)
_STEPS = r"s = \log(\mathrm{steps\ to\ the\ match})"

CLAIMS = (
    compared(
        _MINMAX,
        column="retain_damage",
        words="retain accuracy lost",
        name="sharp-minmax-costs-retain-accuracy",
        number=11,
        title="Sharp MinMax costs more retain accuracy than NegGrad",
        source="Seen in numbers of a prototype [N]; not a claim of the paper",
        statement=r"\Delta R_\mathrm{MinMax} - \Delta R_\mathrm{NegGrad} \geq 0",
        effect="retain accuracy lost at the match, Sharp MinMax less NegGrad, both with ASAM",
        refuted_if="NegGrad costs more.",
        margin=0.005,
        choices=(STOP, UNREACHED, BASE, _MINMAX.choice),
        family="ours",
        **FASTER,
    ),
    compared(
        _SPEEDS,
        column="log_step",
        words="log of the steps to the stop",
        name="asam-forgets-in-more-steps",
        number=12,
        title="NegGrad takes more steps to the match with ASAM than with SGD, each at its own rate",
        source="Asked here; what the theory's ledger finds of SAM [D]",
        statement=rf"{_STEPS},\quad s_\mathrm{{ASAM}} - s_\mathrm{{SGD}} \geq 0",
        effect="log of the steps to the match, ASAM less SGD",
        refuted_if="ASAM takes fewer steps.",
        margin=0.1,
        rules=_BY_STEPS,
        choices=(MATCH, UNREACHED, _SPEEDS.choice),
        family="ours",
        **FASTER,
    ),
    compared(
        _PLANTED,
        column="log_step",
        words="log of the steps to the stop",
        name="planted-faster-rate",
        number=13,
        title="A tenth more of the learning rate forgets in fewer steps: an effect that was planted",
        source="Planted here, to see what these rows can see [D]",
        statement=rf"{_STEPS},\quad s_{{1.1}} - s_{{1}} \leq 0",
        effect="log of the steps to the match at 1.1 of the learning rate, less that at it: about −log 1.1 = −0.095",
        supported=Region(high=0.0),
        refuted_if="It takes more steps.",
        margin=0.02,
        rules=_BY_STEPS,
        choices=(MATCH, UNREACHED),
        family="ours",
    ),
)
