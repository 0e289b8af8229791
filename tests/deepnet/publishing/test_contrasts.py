"""Published contrasts are differences of the rows, and their verdicts follow planted effects."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepnet.publishing import Published
from deepnet.publishing.contrasts import CONCLUSIONS
from deepnet.publishing.writing import publish
from tests.deepnet.made_up_confirmation import CHOSEN, write_results
from tests.deepnet.publishing.published_rows import Usual, like, student_interval


def test_contrasts_are_differences_of_the_rows(usual: Usual) -> None:
    rows = usual.rows
    contrasts = {(c.conclusion, c.quirk): c for c in usual.published.contrasts}

    def column(study: str, name: str, **where: str) -> np.ndarray:
        return np.array([row[name] for row in rows[study] if like(row, forget_set="high", pretrain="sgd", **where)])

    def lead(study: str, name: str) -> np.ndarray:
        return column(study, name, method="neggrad", optimizer="asam-0.5") - column(
            study, name, method="neggrad", optimizer="sgd"
        )

    corrected = lead("main", "tow")
    for quirk, effects in {
        "": corrected,
        "mask_polarity": lead("quirk-mask_polarity", "tow"),
        "signed_tow": lead("main", "tow_signed"),
    }.items():
        found = contrasts["asam-improves-neggrad", quirk]
        assert (found.effect, found.low, found.high) == pytest.approx(student_interval(list(effects)), rel=1e-5)
        assert found.seeds == 3
        if quirk:
            change = (found.change, found.change_low, found.change_high)
            assert change == pytest.approx(student_interval(list(effects - corrected)), rel=1e-4, abs=1e-9)
    entropy = [
        [row["membership"]["m_entropy"] for row in rows["quirk-m_entropy"] if like(row, method=method, optimizer=how)]
        for method, how in (("neggrad", "asam-0.5"), ("neggrad", "sgd"), ("retrain", "sgd"))
    ]
    asam, plain, retrained = map(np.array, entropy)
    nearer = np.abs(plain - retrained) - np.abs(asam - retrained)
    assert contrasts["asam-weakens-modified-entropy", "m_entropy"].effect == pytest.approx(nearer.mean(), rel=1e-5)
    assert ("asam-disentangles", "signed_tow") not in contrasts  # it concerns ToW alone
    assert {c.verdict for c in contrasts.values()} <= {"supported", "refuted", "inconclusive"}


def test_verdicts_of_contrasts_follow_planted_effects(digits: Path, target: Path) -> None:
    def planted(study: str, row: dict[str, Any]) -> dict[str, Any]:
        asam = row["optimizer"] == "asam-0.5" and row["method"] == "neggrad"
        gain = (-0.3 if study == "quirk-mask_polarity" else 0.3) if asam else 0.0
        return row | {"tow": 0.5 + gain + 0.001 * row["seed"] * asam}

    write_results(digits, planted)
    contrasts = {(c.conclusion, c.quirk): c for c in Published(publish(CHOSEN, digits, target)).contrasts}
    assert contrasts["asam-improves-neggrad", ""].verdict == "supported"
    assert contrasts["asam-improves-neggrad", "mask_polarity"].verdict == "refuted"
    tied = contrasts["asam-improves-sharp-minmax", ""]
    assert (tied.effect, tied.verdict) == (0.0, "inconclusive")


ROW = {
    "tow": 0.7, "forget_accuracy": 0.4, "mia_gap": -0.2, "entanglement": 0.6, "relearn": 0.1,
    "membership": {"m_entropy": 0.3, "confidence": 0.9},
}  # fmt: skip
PLAIN, ASAM = "NegGrad SGD", "NegGrad ASAM"
MINMAX, MINMAX_ASAM = "Sharp MinMax SGD", "Sharp MinMax ASAM"
SAID = {
    "asam-improves-neggrad": (0.7, [ASAM, PLAIN]),
    "asam-improves-sharp-minmax": (0.7, [MINMAX_ASAM, MINMAX]),
    "sharp-minmax-beats-neggrad": (0.7, [MINMAX, PLAIN]),
    "sharp-minmax-beats-neggrad-asam": (0.7, [MINMAX_ASAM, ASAM]),
    "sgd-forgets-more": (0.4, [ASAM, PLAIN]),  # what is left of the forget accuracy
    "asam-weakens-membership-inference": (-0.2, [ASAM, PLAIN]),  # minus the size of a gap
    "asam-weakens-modified-entropy": (0.3, [ASAM, PLAIN, "retrained"]),
    "asam-disentangles": (-0.6, [ASAM, PLAIN]),
    "sharp-minmax-easier-to-relearn": (0.1, [MINMAX_ASAM, ASAM]),
}
"""What is read of a row, and of which groups."""


def test_conclusions_compare_what_they_say() -> None:
    """Of 3 and 2 the first is 1 higher, and 3 is nearer to 5 than 2 is by 1; of 7 and 2 it is so by 1, too."""
    assert [one.name for one in CONCLUSIONS] == list(SAID)
    for one in CONCLUSIONS:
        value, groups = SAID[one.name]
        found = one.column(ROW) if callable(one.column) else ROW[one.column]
        assert found == pytest.approx(value), one.name
        assert [group.label for group in one.groups] == groups, one.name
        assert {group.pretrain for group in one.groups} == {"SGD"}
        values = np.array([[3.0, 2.0, 5.0], [7.0, 2.0, 5.0]])[:, : len(groups)]
        expected = [1.0, 1.0] if len(groups) == 3 else [1.0, 5.0]
        assert one.effect(values).tolist() == expected, one.name
