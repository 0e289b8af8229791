"""What a confirmation was, in words for someone who has not seen the code."""

from __future__ import annotations

from collections.abc import Sequence

from deepnet.confirm.confirmation import Confirmation
from deepnet.confirm.findings import Findings, Row
from deepnet.data.splits import ForgetSet
from deepnet.learning.training import Training
from deepnet.report.naming import optimizer_words
from deepnet.studies.study import ESTIMATED
from simulate.house.words.counting import counted

__all__ = ["account"]

_KINDS = {
    "high": "the most memorized",
    "mid": "those whose memorization is nearest to one half",
    "low": "the least memorized",
    "random": "drawn at random",
    "class": "of one class",
}


def account(confirmation: Confirmation, findings: Findings) -> dict[str, str]:
    """What was run, on what, and what was not, by what it is about.

    Args:
        confirmation: The configuration.
        findings: What was found.

    Returns:
        Sentences by their subject.
    """
    study = confirmation.base
    rows = [row for found in findings.rows.values() for row in found]
    told = {
        "Images and network": f"{findings.scale}.",
        "What was run": _counted(findings, rows),
        "Trained": f"Pretraining, and retraining without the forget set: {_training(study.pretrain)}. References are "
        "retrained with SGD at each seed; every comparison is with the reference of the same seed.",
        "Optimizers": f"{', '.join(map(optimizer_words, findings.optimizers))}; ρ is the radius of the perturbation. "
        "Each is tried in pretraining, and in unlearning with the methods with which the paper tries it.",
        "Forget sets": "; ".join(map(_forgotten, study.forget))
        + ". What is memorized is told by "
        + ("scores estimated here." if study.forget[0].scores == ESTIMATED else "published scores."),
        "Methods": "; ".join(
            f"{one.method.title}, {_training(one.training)}" for one in study.unlearners if not one.variant
        )
        + ".",
        "Hyper-parameters": "Chosen on a validation split with seeds of their own, or those of the sources; nothing "
        "was chosen by the test images. docs/deepnet.md says which.",
    }
    missing = [name for name in confirmation.studies() if name not in findings.rows]
    if missing:
        told["Not run at this scale"] = ", ".join(missing) + "."
    return told


def _counted(findings: Findings, rows: Sequence[Row]) -> str:
    seeds = sorted({row["seed"] for row in rows})
    lost = sum(row["status"] != "finished" for row in rows)
    spread = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}" if seeds else "no seed"
    return (
        f"{counted(len(rows), 'row')} of {counted(len(findings.rows), 'study', 'studies')} "
        f"({', '.join(findings.rows)}), {spread}; studies share "
        f"models. {lost or 'None'} diverged."
    )


def _forgotten(forget: ForgetSet) -> str:
    """A forget set in words."""
    share = 0.05 if forget.fraction is None else forget.fraction
    count = f"{forget.size} images" if forget.size else f"{share:.0%} of the images"
    return f"{forget.label}: {count}, {_KINDS[forget.kind]}"


def _training(training: Training) -> str:
    """A training in words."""
    if not training.epochs:
        return "no training"
    how, epochs = training.descent, "epoch" if training.epochs == 1 else "epochs"
    schedule = ", cosine" if how.schedule == "cosine" else ""
    return f"{training.epochs} {epochs}, learning rate {how.lr:g}{schedule}, batches of {training.batch_size}"
