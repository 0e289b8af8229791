"""What compares models, against hand calculation on made-up rows: nothing is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from deepnet.metrics.klom import klom, klom_null
from deepnet.studies.measuring.comparison import compare

STEPS = [0, 10, 20]


def row(method: str, seed: int, accuracies: tuple[float, float, float], **changes: Any) -> dict[str, Any]:
    about = {"method": method, "variant": "", "pretrain": "sgd", "optimizer": "sgd", "forget_set": "high", "seed": seed}
    measured = dict(zip(("retain_accuracy", "forget_accuracy", "test_accuracy"), accuracies, strict=True))
    return about | {"status": "finished"} | measured | changes


def curve(*accuracy: float) -> dict[str, Any]:
    return {"relearn_curve": {"steps": STEPS, "accuracy": list(accuracy)}}


ROWS = [
    row("retrain", 0, (1.0, 0.4, 0.8), mia=0.6, mia_auc=0.5, **curve(0.4, 0.6, 0.8)),
    row("retrain", 1, (0.9, 0.5, 0.7), mia=0.5, mia_auc=0.45),
    row("pretrained", 0, (1.0, 1.0, 0.8), mia=0.1, mia_auc=0.7),
    row("pretrained", 0, (1.0, 0.5, 0.8), pretrain="asam-1", optimizer="asam-1"),
    row("neggrad", 0, (0.95, 0.6, 0.7), mia=0.35, mia_auc=0.58, **curve(0.6, 0.89, 0.91)),
    row("neggrad", 0, (0.95, 0.6, 0.7), pretrain="asam-1", **curve(0.3, 0.44, 0.5)),
]


def compared(position: int) -> dict[str, Any]:
    return compare(ROWS, {})[position]


def test_tug_of_war_is_with_the_retrained_model_of_the_seed() -> None:
    found = compared(4)
    assert found["tow"] == pytest.approx(0.95 * 0.8 * 0.9)
    assert found["tow_signed"] == pytest.approx((1 - 0.05) * (1 - 0.2) * (1 - 0.1))
    assert found["tow_other_seeds"] == pytest.approx(0.95 * 0.9 * 1.0)


def test_signed_tug_of_war_keeps_the_signs() -> None:
    """It is better than retraining on the retain and test sets, and forgets more."""
    (_, found) = compare([row("retrain", 0, (0.9, 0.5, 0.7)), row("neggrad", 0, (1.0, 0.3, 0.9))], {})
    assert found["tow_signed"] == pytest.approx(1.1 * 1.2 * 1.2)
    assert found["tow"] == pytest.approx(0.9 * 0.8 * 0.8)
    assert found["tow_other_seeds"] is None


def test_gaps_are_those_to_the_retrained_model() -> None:
    found = compared(4)
    assert (found["mia_gap"], found["mia_auc_gap"]) == pytest.approx((-0.25, 0.08))
    assert "mia_gap" not in compared(5)  # no attack was made


def test_relearning_is_faster_than_the_control_by_the_mean_over_steps() -> None:
    """Relearned is nine tenths of what the model pretrained in the same way knew of the forget set: 0.9 and 0.45."""
    found, other = compared(4), compared(5)
    assert found["relearn"] == pytest.approx((0.2 + 0.29 + 0.11) / 3)
    assert (found["relearn_steps"], found["relearn_control_steps"]) == (20, None)
    assert (other["relearn_steps"], other["relearn_control_steps"]) == (20, 10)
    assert found["relearn_curve"]["control"] == [0.4, 0.6, 0.8]
    assert "relearn" not in compared(2)


def test_divergences_are_of_the_unlearned_from_the_retrained_models_of_a_forget_set() -> None:
    rng = np.random.default_rng(0)
    kinds = [("retrain", {}), ("neggrad", {}), ("neggrad", {"optimizer": "asam-1"}), ("neggrad", {"variant": "it"})]
    rows, margins = [], {}
    for forget_set in ("high", "low"):
        for number, (method, how) in enumerate(kinds):
            for seed in range(4 if forget_set == "high" else 3):
                margins[len(rows)] = rng.normal(number, 1 + number, 30)
                rows.append(row(method, seed, (0.9, 0.5, 0.7), forget_set=forget_set, **how))

    def of(forget_set: str, number: int) -> np.ndarray:
        method, how = kinds[number]
        wanted = {"variant": "", "optimizer": "sgd", "forget_set": forget_set, "method": method} | how
        return np.stack([margins[i] for i, each in enumerate(rows) if all(each[k] == v for k, v in wanted.items())])

    found = compare(rows, margins)
    for forget_set, number, place in (("high", 1, 4), ("high", 2, 8), ("high", 3, 12), ("low", 1, 19)):
        expected = klom(of(forget_set, number), of(forget_set, 0))
        assert found[place]["klom"] == pytest.approx(expected.mean)
        assert found[place]["klom_p95"] == pytest.approx(expected.percentile_95)
        assert found[place]["klom_models"] == len(of(forget_set, number))
        assert expected.mean != pytest.approx(klom(of(forget_set, 0), of(forget_set, number)).mean)
    assert found[4]["klom_null"] == pytest.approx(klom_null(of("high", 0)).mean)
    assert found[19]["klom_null"] is None  # three models do not make two halves


def test_a_diverged_run_is_compared_with_nothing_and_is_no_reference() -> None:
    lost = {"method": "retrain", "variant": "", "pretrain": "sgd", "optimizer": "sgd", "forget_set": "high", "seed": 0}
    lost |= {"status": "diverged", "reason": "the loss is not finite"}
    found = compare([lost, *ROWS[1:]], {})
    assert found[0] == lost
    assert found[4]["tow"] is found[4]["tow_signed"] is None
    assert found[4]["tow_other_seeds"] == pytest.approx(0.95 * 0.9 * 1.0)
    assert "mia_gap" not in found[4]
