"""Made-up results of a study, drawn with a seed: what a report is tried on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

TITLES = {
    "retrain": "Retraining",
    "finetune": "Fine-tuning",
    "l1-sparse": "L1-sparse",
    "random-label": "Random label",
    "salun": "SalUn",
    "ascent": "Gradient ascent",
    "neggrad": "NegGrad",
    "retain-sam": "NegGrad, retain-only SAM",
    "sharp-minmax": "Sharp MinMax",
    "scrub": "SCRUB",
    "influence": "Influence",
    "selection": "Curvature selection",
}
OPTIMIZERS = ("sgd", "sam-0.1", "asam-1")
DIVERGED = {("ascent", "sgd", 1), *(("influence", "asam-1", seed) for seed in range(3))}
STEPS = [0, 5, 10, 20, 40, 80]


def made_up_rows(
    seeds: Sequence[int] = (0, 1, 2), pretrains: Sequence[str] = ("sgd", "asam-1")
) -> list[dict[str, Any]]:
    """Rows of all methods with all optimizers, some diverged, some without a metric."""
    rows = []
    for forget_set in ("high",):
        for seed in seeds:
            rows.append(made_up_row("retrain", "sgd", "sgd", seed, forget_set))
            for pretrain in pretrains:
                rows.append(made_up_row("pretrained", pretrain, pretrain, seed, forget_set))
                methods = [name for name in TITLES if name != "retrain"]
                rows += [
                    made_up_row(method, optimizer, pretrain, seed, forget_set)
                    for method in methods
                    for optimizer in OPTIMIZERS
                ]
    return rows


def made_up_row(
    method: str, optimizer: str, pretrain: str = "sgd", seed: int = 0, forget_set: str = "high", **columns: Any
) -> dict[str, Any]:
    """One row; `columns` replace what is drawn."""
    titles = list(TITLES)
    kind = titles.index(method) if method in TITLES else len(titles)
    keys = [kind, (*OPTIMIZERS, "").index(optimizer), (*OPTIMIZERS, "").index(pretrain)]
    group, rng = np.random.default_rng([7, *keys]), np.random.default_rng([8, *keys, seed])
    row = {
        "study": "made-up_study", "method": method, "title": TITLES.get(method, "Pretrained"), "variant": "",
        "pretrain": pretrain, "optimizer": optimizer, "forget_set": forget_set, "request": "samples", "seed": seed,
        "split_seed": 0, "status": "finished", "config": {"method": method, "optimizer": optimizer, "seed": seed},
        "versions": {"sharpmu": "0.1.0", "torch": "2.11"}, "hardware": {"device": "cpu"}, "compat": [],
    }  # fmt: skip
    if (method, optimizer, seed) in DIVERGED:
        return row | {"status": "diverged", "reason": "the loss of step 12 is not finite"} | columns
    reference = method == "retrain"
    base = {"retrain": 0.42, "pretrained": 0.998, "finetune": 0.97}.get(method, group.uniform(0.3, 0.9))

    def draw(mean: float, spread: float) -> float:
        return float(np.clip(mean + spread * rng.normal(), 0.0, 1.0))

    retain, forget, test = (
        draw(group.uniform(0.95, 0.998), 0.004),
        draw(base, 0.02),
        draw(group.uniform(0.8, 0.9), 0.01),
    )
    tow = (1 - abs(forget - 0.42)) * (1 - abs(test - 0.88)) * (1 - (1 - retain))
    speed = np.exp(-np.array(STEPS) / group.uniform(5, 40))
    control = 0.999 - (0.999 - 0.42) * np.exp(-np.array(STEPS) / 30)
    curve = np.clip(0.999 - (0.999 - forget) * speed + 0.01 * rng.normal(size=len(STEPS)), 0, 1)
    mia = draw(1 - base, 0.03)
    row |= {
        "retain_accuracy": retain, "forget_accuracy": forget, "val_accuracy": None, "test_accuracy": test,
        "retain_loss": 0.02, "forget_loss": 1.0, "val_loss": None, "test_loss": 0.5,
        "tow": 1.0 if reference else tow, "tow_signed": tow,
        "tow_other_seeds": draw(0.975 if reference else tow, 0.004),
        "mia": mia, "mia_gap": 0.0 if reference else mia - 0.58, "mia_auc": draw(0.6, 0.02),
        "mia_auc_gap": 0.0 if reference else draw(0.5, 0.04) - 0.45, "mia_tpr": draw(0.03, 0.01),
        "entanglement": draw(group.uniform(0.5, 0.8), 0.01), "entanglement_variance": 20 + rng.normal(),
        "klom": None if reference else float(group.uniform(1, 6)), "klom_p95": 8.0, "klom_null": 1.3, "klom_models": 3,
        "relearn": 0.0 if reference else float(np.mean(curve - control)), "relearn_control_steps": 40,
        "relearn_steps": 20 if seed or method != "scrub" else None,
        "relearn_curve": {"steps": STEPS, "accuracy": curve.tolist(), "control": control.tolist()},
        "seconds": float(np.exp(group.normal(3, 0.8) + 0.05 * rng.normal())) * (20 if reference else 1),
        "images_per_second": 9000.0, "peak_memory": None,
    }  # fmt: skip
    if method == "selection":
        row |= {"mia": None, "mia_gap": None, "mia_auc_gap": None, "klom": None}
        del row["relearn_curve"], row["relearn"]
    return row | columns


def write_rows(folder: Path, rows: Sequence[dict[str, Any]], tail: str = "") -> Path:
    """Write `results.jsonl` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + tail, encoding="utf-8")
    return path


def write_pictures(folder: Path, rows: Sequence[dict[str, Any]], points: int = 11) -> None:
    """Write surfaces and maps of the finished runs of the first seed, as a study does."""
    first = min(row["seed"] for row in rows)
    names = ("method", "title", "variant", "pretrain", "optimizer", "forget_set", "request", "seed")
    for number, row in enumerate(row for row in rows if row["seed"] == first and row["status"] == "finished"):
        about = {name: row[name] for name in names}
        rng = np.random.default_rng([9, number])
        file = "-".join(str(about[name]) for name in ("method", "pretrain", "optimizer", "forget_set"))
        axis = np.linspace(-1, 1, points)
        for part, depth in (("retain", 0.02), ("forget", 1.0)):
            loss = depth + rng.uniform(1, 8) * (axis[:, None] ** 2 + 0.4 * axis[None] ** 2 + 0.2 * axis[:, None] ** 3)
            _save(folder / "landscapes" / f"{file}-{part}.npz", about | {"part": part}, a=axis, b=axis, loss=loss)
        if row["method"] not in ("retrain", "pretrained"):
            labels = rng.integers(10, size=400)
            centres = 8 * np.random.default_rng(1).normal(size=(10, 2))
            before = centres[labels] + rng.normal(size=(400, 2))
            forgotten = np.arange(400) >= 320
            moved = np.where(forgotten[:, None], rng.uniform(0, 1) * (centres[(labels + 1) % 10] - before), 0)
            after = before + moved + 0.4 * rng.normal(size=(400, 2))
            arrays = {"before": before, "after": after, "labels": labels, "forgotten": forgotten}
            _save(folder / "feature_maps" / f"{file}.npz", about, **arrays)


def _save(path: Path, about: dict[str, Any], **arrays: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, about=np.array(json.dumps(about)), **arrays)
