"""10: whether ASAM finds flatter minima, in a measure that no rescaling of weights changes, at equal training loss."""

from __future__ import annotations

from functools import partial

import numpy as np

from deepnet.ledger.comparing import MATCHED
from deepnet.ledger.evidence import Case, evidence_of
from deepnet.ledger.findings import PLAIN, NothingToSeeError, NotMeasuredError
from deepnet.ledger.nearness import Masked
from deepnet.ledger.reading import Reading, less
from theory.ledger import Choice, Claim, Control, Region

__all__ = ["CLAIMS"]

WHEN = Choice(
    name="when",
    words="point of pretraining at which sharpness is measured",
    primary="rise_at_loss",
    others=("rise",),
    reason="A network that fits better is flatter for that alone: only at equal training loss are optimizers compared.",
    labels={"rise_at_loss": "the first step below a common training loss", "rise": "the end of pretraining"},
)
_FORGET = "high"


def _aware(reading: Reading) -> str:
    """Label of ASAM at this scale."""
    found = [label for forget, label in reading.findings.pretrained if forget == _FORGET and label.startswith("asam")]
    if not found:
        raise NotMeasuredError("no network was pretrained with ASAM")
    return found[0]


def _log_sharpness(optimizer: str, reading: Reading) -> Masked:
    """Its logarithm; NaN where the loss does not grow, which no minimum has."""
    found = reading.still(optimizer, _FORGET, reading.pick(WHEN))
    known = np.where(found.filled(1.0) > 0.0, found.filled(1.0), np.nan)
    return np.ma.array(np.log(known), mask=np.ma.getmaskarray(found))


def _ratio(reading: Reading) -> Masked:
    for optimizer in (_aware(reading), PLAIN):
        _check_reached(reading, optimizer)
    return less(_log_sharpness(_aware(reading), reading), _log_sharpness(PLAIN, reading))


def _check_reached(reading: Reading, optimizer: str) -> None:
    """Require that some network has the sharpness that was to be measured: none has it at a loss it did not reach.

    Raises:
        NothingToSeeError: if none has.
    """
    column, known = reading.pick(WHEN), reading.findings.pretrained.get((_FORGET, optimizer), {}).values()
    if known and all(column in network and network[column] is None for network in known):
        raise NothingToSeeError(
            f"No network pretrained with {optimizer.upper()} has a sharpness at {WHEN.label(column)}: none came there."
        )


def _halves(reading: Reading) -> Masked:
    """SGD against itself: each replicate of an even place among all, less the one that follows, if both are there."""
    found, every = _log_sharpness(PLAIN, reading), reading.findings.replicates
    places = {number: place for place, number in enumerate(reading.replicates)}
    made = np.ma.masked_all(len(found))
    for one, other in zip(every[::2], every[1::2], strict=False):
        if one in places and other in places:
            made[places[one]] = found[places[one]] - found[places[other]]
    return made


def _no_sharpness(reading: Reading) -> Masked:
    """Sharpness with a sign: that it is none is false of every network that has learned."""
    return -reading.still(PLAIN, _FORGET, reading.pick(WHEN))


CLAIMS = (
    Claim(
        name="asam-finds-flatter-minima",
        number=10,
        title="Networks pretrained with ASAM are flatter than those with SGD at equal training loss",
        source="What sharpness-aware minimisation is for [S]; that it holds at equal loss is asked here",
        statement=(
            r"S = \max_{\Vert \epsilon / |w| \Vert \leq \rho} L(w + \epsilon) - L(w),\quad "
            r"\log S_\mathrm{ASAM} - \log S_\mathrm{SGD} \leq 0"
        ),
        effect="log of the adaptive sharpness on the retain set, ASAM less SGD in pretraining",
        supported=Region(high=0.0),
        refuted_if="Networks pretrained with ASAM are sharper.",
        experiment=(
            "Both pretrainings of a replicate are read at the first step at which their loss on the retain set is "
            "below a value that was fixed beforehand. Sharpness is the loss gained by one ascent of ASAM's form, which "
            "no rescaling of weights that leaves the network as it is can change."
        ),
        stopping_rule="Pretraining has its epochs; a network that never comes to the loss has no number.",
        statistic="Mean log ratio over replicates, paired by replicate; Student's interval.",
        control=Control(name="networks pretrained with SGD are not sharp at all", region=Region(low=0.0)),
        null=Control(name="SGD against itself, half of the replicates less the others", region=Region.around(0.0, 0.1)),
        measure=partial(
            evidence_of,
            case=Case(
                rules=MATCHED,
                arms=lambda reading: (),
                effect=_ratio,
                control=_no_sharpness,
                null=_halves,
                more={"log of the sharpness, SGD": partial(_log_sharpness, PLAIN)},
            ),
        ),
        family="paper",
        choices=(WHEN,),
        margin=0.1,  # about a tenth of the sharpness: radii are tuned in larger steps
    ),
)
