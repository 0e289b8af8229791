"""What the methods cost, over plain NegGrad."""

from __future__ import annotations

from functools import partial

from deepnet.confirm.findings import Findings, Row
from deepnet.confirm.groups import OPTIMIZERS, Group, each_optimizer
from deepnet.confirm.paired_evidence import EXPERIMENT, STOPPING, Measured, evidence, mean
from deepnet.confirm.panels import Drawn, panel
from deepnet.methods import METHODS
from theory.ledger import Claim, Control, Region
from theory.statistics import Estimate, from_replicates

__all__ = ["CLAIMS"]

_PLAIN, _SAM, _ASAM = each_optimizer("neggrad")
_METHODS = [name for name in METHODS if name not in ("pretrain", "retrain")]
_EVERY = (Group("retrain"), *(Group(name, optimizer) for name in _METHODS for optimizer in OPTIMIZERS))


def _over_plain(group: Group) -> Measured:
    """Seconds of a group over those of NegGrad with SGD, seed by seed."""

    def measured(findings: Findings) -> Estimate:
        seconds = findings.paired("seconds", group.where(findings), _PLAIN.where(findings))
        return from_replicates(seconds[:, 0] / seconds[:, 1])

    return measured


def _gigabytes(row: Row) -> float | None:
    """Peak memory in GB; none on a CPU."""
    peak = row.get("peak_memory")
    return None if peak is None else peak / 1e9


_MORE: dict[str, Measured] = {
    **{f"seconds over NegGrad SGD, {group.label}": _over_plain(group) for group in _EVERY},
    **{f"peak memory in GB, {group.label}": mean(_gigabytes, group) for group in _EVERY},
}
_PANEL: Drawn = panel(
    "training time over that of NegGrad SGD",
    {
        optimizer: {METHODS[name].title: _over_plain(Group(name, optimizer)) for name in _METHODS}
        for optimizer in OPTIMIZERS
    },
    y_log=True,
)

CLAIMS = (
    Claim(
        name="asam-costs-at-most-2.2",
        number=13,
        title="ASAM costs NegGrad at most 2.2 times the time of SGD",
        source="Unlearning paper as its published summary states it: two passes a step [S]; the factor is ours",
        statement=r"t_\mathrm{ASAM} / t_\mathrm{SGD} \leq 2.2",
        effect="training time of NegGrad with ASAM over that with SGD",
        supported=Region(high=2.2),
        refuted_if="It takes more than 2.2 times as long.",
        experiment=f"{EXPERIMENT} Wall time of the training alone, both of one machine and one run of the study.",
        stopping_rule=STOPPING,
        statistic="Ratio at each seed, mean over seeds, Student's interval (Bonferroni over the ledger).",
        control=Control(name="SAM costs nothing: at most 1.1 times the time of SGD", region=Region(high=1.1)),
        measure=partial(
            evidence,
            effect=_over_plain(_ASAM),
            control=_over_plain(_SAM),
            groups=(_PLAIN, _SAM, _ASAM),
            columns={"seconds": "seconds", "images_per_second": "images per second"},
            more=_MORE,
            picture=_PANEL,
            remark="Methods have their own numbers of epochs: times compare recipes. A shared machine adds noise.",
        ),
        family="ours",
    ),
)
