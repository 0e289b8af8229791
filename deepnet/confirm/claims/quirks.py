"""Do conclusions hang on what the released code does otherwise than the paper says? One row for each such quirk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from deepnet.confirm.findings import Column, Findings, Row
from deepnet.confirm.groups import Group
from deepnet.confirm.paired_evidence import EXPERIMENT, STOPPING, TOW, Measured, difference, evidence
from deepnet.confirm.panels import panel
from deepnet.studies.compat import QUIRKS
from theory.ledger import Claim, Control, Region
from theory.statistics import from_replicates

__all__ = ["CLAIMS"]

_PLAIN, _ASAM, _MINMAX = Group("neggrad"), Group("neggrad", "ASAM"), Group("sharp-minmax", "ASAM")
_RETRAINED, _PRETRAINED = Group("retrain"), Group("pretrained")
_MARGIN = 0.05
_NOTES = {
    "signed_tow": "Both are against retrained models; the released code's fixed references belong to its data sets.",
    "adamw": "The step size was chosen for SGD, and stays.",
}


@dataclass(frozen=True)
class _Conclusion:
    """A number of each seed that a conclusion rests on."""

    words: str
    latex: str
    symbol: str
    groups: tuple[Group, ...]
    number: Callable[[np.ndarray], np.ndarray]
    """Makes it, (seeds,), of the groups' values, (seeds, groups)."""


_LEAD = _Conclusion(
    "lead in ToW of Sharp MinMax with ASAM over NegGrad with SGD",
    rf"{TOW},\quad G = \mathrm{{ToW}}_\mathrm{{MinMax}} - \mathrm{{ToW}}_\mathrm{{NegGrad}}",
    "G",
    (_MINMAX, _PLAIN),
    lambda tow: tow[:, 0] - tow[:, 1],
)
_MEMBERSHIP = _Conclusion(
    "how much nearer to the retrained model the attack by modified entropy sees NegGrad with ASAM than with SGD",
    r"D = |\Delta_\mathrm{MIA}|_\mathrm{SGD} - |\Delta_\mathrm{MIA}|_\mathrm{ASAM}",
    "D",
    (_PLAIN, _ASAM, _RETRAINED),
    lambda attack: np.abs(attack[:, 0] - attack[:, 2]) - np.abs(attack[:, 1] - attack[:, 2]),
)


_SCRUB = _Conclusion(
    "lead in ToW of SCRUB with ASAM over SCRUB with SGD",
    rf"{TOW},\quad G = \mathrm{{ToW}}_\mathrm{{ASAM}} - \mathrm{{ToW}}_\mathrm{{SGD}}",
    "G",
    (Group("scrub", "ASAM"), Group("scrub")),
    lambda tow: tow[:, 0] - tow[:, 1],
)
_CONFIDENCE = replace(
    _MEMBERSHIP, words=_MEMBERSHIP.words.replace("modified entropy", "confidence (support vector machine)")
)
_ENTANGLED = _Conclusion(
    "entanglement by transport after NegGrad with ASAM, less that with SGD",
    r"D = E_W(\mathrm{ASAM}) - E_W(\mathrm{SGD})",
    "D",
    (_ASAM, _PLAIN),
    lambda entangled: entangled[:, 0] - entangled[:, 1],
)


def _m_entropy(row: Row) -> float | None:
    """Efficacy of the attack by modified entropy."""
    found = row.get("membership")
    return None if found is None else found["m_entropy"]


def _at(findings: Findings, study: str, forget_set_of: str, groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """Groups in a study, on the first forget set of another, which is all that side studies have."""
    first = findings.study(forget_set_of)[0]["forget_set"]
    return tuple(replace(group, study=study, forget_set=first) for group in groups)


@dataclass(frozen=True)
class _Quirk:
    """How a conclusion is looked at with and without a quirk."""

    conclusion: _Conclusion
    study: str
    """Where it is switched on."""
    column: Column
    """What is read there."""
    corrected: Column
    """What is read in the main study."""

    def sides(self, findings: Findings) -> tuple[np.ndarray, np.ndarray]:
        """The number with and without the quirk, both (seeds,)."""
        found = []
        for study, column in ((self.study, self.column), ("main", self.corrected)):
            groups = _at(findings, study, self.study, self.conclusion.groups)
            shared = self._seeds(findings)
            values = findings.paired(column, *(group.where(findings) for group in groups), seeds=shared)
            found.append(self.conclusion.number(values))
        return found[0], found[1]

    def _seeds(self, findings: Findings) -> set[int]:
        """Seeds that both studies were run with."""
        seeds = [{row["seed"] for row in findings.study(study)} for study in (self.study, "main")]
        return seeds[0] & seeds[1]

    def measured(self, pick: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Measured:
        """Mean over seeds of what is picked of both sides."""
        return lambda findings: from_replicates(pick(*self.sides(findings)))

    def beside(self, findings: Findings) -> list[Group]:
        """The groups with and without the quirk."""
        every = (*self.conclusion.groups, _PRETRAINED)
        found = [group for study in (self.study, "main") for group in _at(findings, study, self.study, every)]
        return list(dict.fromkeys(found))


def _quirk(name: str) -> _Quirk:
    """What a quirk could change: a number that it touches, since all others say of themselves that they stay."""
    study = f"quirk-{name}"
    if name == "signed_tow":
        return _Quirk(_LEAD, "main", "tow_signed", "tow")
    if name == "m_entropy":
        return _Quirk(_MEMBERSHIP, study, _m_entropy, _m_entropy)
    if name == "whole_shadow":
        return _Quirk(_CONFIDENCE, study, "mia", "mia")
    if name == "own_maximum":
        return _Quirk(_ENTANGLED, study, "entanglement", "entanglement")
    return _Quirk(_SCRUB if name == "scrub_epoch" else _LEAD, study, "tow", "tow")


def _claim(name: str) -> Claim:
    quirk = _quirk(name)
    concerned = quirk.conclusion
    sides = {
        "as released": quirk.measured(lambda quirky, usual: quirky),
        "corrected": quirk.measured(lambda quirky, usual: usual),
    }
    return Claim(
        name=f"quirk-{name.replace('_', '-')}",
        number=14,
        title=f"A conclusion survives the correction of the released code, in which {QUIRKS[name].title}",
        source="The released code [S]; that its conclusions survive is asked here, not claimed by the paper",
        statement=rf"{concerned.latex},\quad |{concerned.symbol}_\mathrm{{released}} - {concerned.symbol}"
        rf"_\mathrm{{corrected}}| \leq {_MARGIN}",
        effect=f"{concerned.words}: as released, less corrected",
        supported=Region.around(0.0, _MARGIN),
        refuted_if=f"It changes by more than {_MARGIN}.",
        experiment=f"{EXPERIMENT} This quirk alone switched on; first forget set, pretraining with SGD, same seeds.",
        stopping_rule=STOPPING,
        statistic="Difference paired by seed, Student's interval (Bonferroni over the ledger). Diverged: ToW of 0.",
        control=Control(
            name="on the most memorized forget set NegGrad with SGD leaves ToW as it was, within 0.02",
            region=Region.around(0.0, 0.02),
        ),
        measure=partial(
            evidence,
            effect=quirk.measured(np.subtract),
            control=difference("tow", _PLAIN, _PRETRAINED, hardest=True),
            groups=quirk.beside,
            columns={"tow_signed": "signed ToW"} if name == "signed_tow" else {},
            more={f"{concerned.words}, {side}": made for side, made in sides.items()},
            picture=panel(concerned.words, {"mean, 95 % interval": sides}),
            remark=_NOTES.get(name, ""),
        ),
        family="ours",
    )


CLAIMS = tuple(_claim(name) for name in QUIRKS)
