"""Made-up results of a confirmation, drawn with a seed, and the published folder that they make. Needs no torch."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deepnet.publishing import Contrast, Movement, Surface
from deepnet.publishing.records import WHO, rounded
from deepnet.publishing.summaries import curves_of, groups_of
from deepnet.publishing.texts import contrasts_csv, groups_csv, json_lines
from deepnet.report.rows import Row, row_from

SGD, SAM, ASAM = OPTIMIZERS = ("sgd", "sam-0.1", "asam-0.5")
TITLES = {
    "retrain": "Retraining", "pretrained": "Pretrained", "finetune": "Fine-tuning", "neggrad": "NegGrad",
    "sharp-minmax": "Sharp MinMax", "scrub": "SCRUB",
}  # fmt: skip
STEPS = [0, 5, 10]
ALPHAS = ("alpha=0.97", "alpha=0.9", "alpha=0.8")
DIVERGED = ("scrub", ASAM, 1)
"""Method, optimizer and seed of a run of the main study that diverged."""
_START = {"retrain": 0.5, "pretrained": 0.99}


def made_up_numbers(*identity: object, method: str) -> dict[str, Any]:
    """The columns of a finished run, drawn with a seed that its identity gives."""
    rng = np.random.default_rng(zlib.crc32(repr(identity).encode()))
    unit = {
        name: float(rng.uniform(0.5, 0.95)) for name in ("retain_accuracy", "test_accuracy", "tow", "mia", "mia_auc")
    }
    forget = float(np.clip(_START.get(method, 0.7) + 0.03 * rng.normal(), 0.0, 1.0))
    curve = np.clip(forget + np.array([0.0, 0.1, 0.2]) + 0.02 * rng.normal(size=3), 0.0, 1.0)
    return {
        "status": "finished", "reason": None, **unit, "forget_accuracy": forget,
        "tow_signed": unit["tow"] + 0.01, "tow_other_seeds": unit["tow"] - 0.01,
        "mia_gap": float(rng.normal(0.0, 0.1)), "mia_auc_gap": float(rng.normal(0.0, 0.05)),
        "membership": {"m_entropy": float(rng.uniform())},
        "entanglement": float(rng.uniform(0.6, 0.8)), "klom": 2.0, "klom_null": 1.5, "klom_models": 3,
        "relearn": float(rng.normal(0.0, 0.1)), "relearn_curve": {"steps": STEPS, "accuracy": curve.tolist()},
        "seconds": float(rng.uniform(1.0, 4.0)), "images_per_second": float(rng.uniform(1e3, 5e3)),
        "peak_memory": None, "versions": {"sharpmu": "0.1.0"}, "hardware": {"device": "made up", "cores": 2},
    }  # fmt: skip


def made_up_studies(seeds: int = 3, *, diverged: bool = True, memory: bool = False) -> dict[str, tuple[Row, ...]]:
    """The rows of the studies that figures draw from."""
    return {
        study: tuple(
            _row(study, *group, seed, diverged=diverged, memory=memory)
            for group in _groups(study)
            for seed in range(seeds)
        )
        for study in ("main", "alpha")
    }


def _groups(study: str) -> Iterator[tuple[str, str, str, str]]:
    """Method, variant, optimizer and forget set of all models of a study."""
    for forget_set in ("high", "low") if study == "main" else ("high",):
        yield "retrain", "", SGD, forget_set
        yield "pretrained", "", SGD, forget_set
        for optimizer in OPTIMIZERS:
            if study == "main":
                yield from ((name, "", optimizer, forget_set) for name in ("neggrad", "sharp-minmax", "scrub"))
            else:
                yield from (("neggrad", variant, optimizer, forget_set) for variant in ALPHAS)
        if study == "main":
            yield "finetune", "", SGD, forget_set


def _row(
    study: str, method: str, variant: str, optimizer: str, forget_set: str, seed: int, *, diverged: bool, memory: bool
) -> Row:
    identity = {
        "study": study, "method": method, "title": TITLES[method], "variant": variant, "pretrain": SGD,
        "optimizer": optimizer, "forget_set": forget_set, "request": "samples", "seed": seed, "split_seed": 0,
    }  # fmt: skip
    record = identity | made_up_numbers(*identity.values(), method=method)
    record["peak_memory"] = 1e9 * (1.0 + 0.1 * seed + (optimizer != SGD)) if memory else None
    if diverged and (method, optimizer, seed) == DIVERGED and forget_set == "high":
        record |= {"status": "diverged", "reason": "the loss of step 3 is not finite"}
    return row_from(record)


def made_up_contrasts() -> tuple[Contrast, ...]:
    """Three conclusions with two quirks, with a verdict of each kind."""
    verdicts = {"first": "supported", "second": "refuted", "third": "inconclusive"}
    effects = {"supported": (0.12, 0.05, 0.19), "refuted": (-0.34, -0.5, -0.2), "inconclusive": (0.01, -0.1, 0.12)}
    made = []
    for name, usual in verdicts.items():
        for quirk in ("", "max_leak", "adamw"):
            verdict = "refuted" if quirk == "adamw" else usual
            effect, low, high = effects[verdict]
            change = effect - effects[usual][0] if quirk else None
            made.append(
                Contrast(
                    conclusion=name, words=f"The {name} conclusion", quirk=quirk, forget_set="high", seeds=3,
                    effect=effect, low=low, high=high, verdict=verdict, change=change,
                    change_low=None if change is None else change - 0.05,
                    change_high=None if change is None else change + 0.05,
                )
            )  # fmt: skip
    return tuple(made)


def _who(method: str, optimizer: str, pretrain: str) -> dict[str, Any]:
    values = ("gallery", "high", "samples", pretrain, method, "", optimizer, TITLES[method])
    return {**dict(zip(WHO, values, strict=True)), "seed": 0}


_MODELS = (
    ("retrain", SGD, SGD), ("pretrained", SGD, SGD), ("neggrad", SGD, SGD), ("neggrad", ASAM, SGD),
    ("sharp-minmax", SGD, SGD), ("sharp-minmax", ASAM, SGD), ("pretrained", ASAM, ASAM), ("neggrad", SGD, ASAM),
)  # fmt: skip
"""Method, optimizer and optimizer of pretraining of the models of the gallery."""


def made_up_surfaces(points: int = 7) -> tuple[Surface, ...]:
    """A bowl for each model and set of samples, on the same coordinates."""
    axis, rng = np.linspace(-1.0, 1.0, points), np.random.default_rng(3)
    return tuple(
        Surface(
            **_who(*model), part=part, a=rounded(axis), b=rounded(axis),
            loss=rounded(depth + rng.uniform(1.0, 8.0) * (axis[:, None] ** 2 + 0.4 * axis**2)),
        )
        for model in _MODELS
        for part, depth in (("retain", 0.02), ("forget", 1.0))
    )  # fmt: skip


def made_up_movements(count: int = 12) -> tuple[Movement, ...]:
    """Maps of twice so many samples, half of which are forgotten and move."""
    rng = np.random.default_rng(4)
    made = []
    for model in _MODELS:
        if model[0] in ("retrain", "pretrained"):
            continue
        before = rng.normal(size=(2 * count, 2))
        forgotten = np.arange(2 * count) >= count
        after = before + np.where(forgotten[:, None], 1.0, 0.1) * rng.normal(size=(2 * count, 2))
        made.append(
            Movement(
                **_who(*model), before=rounded(before), after=rounded(after), forgotten=forgotten.astype(int).tolist(),
                labels=rng.integers(10, size=2 * count).tolist(),
            )
        )  # fmt: skip
    return tuple(made)


def made_up_ledger() -> list[dict[str, Any]]:
    """Rows of a deep ledger, one of each verdict."""
    numbers = {
        "supported": (0.2, [0.1, 0.3]), "refuted": (-0.2, [-0.3, -0.1]), "inconclusive": (0.05, [-0.1, 0.2]),
        "not testable": (None, None),
    }  # fmt: skip
    return [
        {
            "number": number, "name": f"claim-{number}", "title": f"Claim {number} holds", "source": "made up",
            "family": "paper" if number < 3 else "ours", "by_effect": verdict, "plain_interval": interval,
            "null": {}, "choices": {}, "holds": "", "hypotheses": [],
            "statement": r"x \geq 0", "verdict": verdict, "effect": effect, "interval": interval,
            "predicted": "≥ 0", "effect_is": "x", "refuted_if": "x < 0.", "experiment": "None.",
            "stopping_rule": "None.", "statistic": "Mean.",
            "control": {
                "name": "false", "predicted": "≥ 0", "verdict": "refuted", "effect": -1.0, "interval": [-2.0, -0.5],
            },
            "n_runs": 12, "seed": 0, "budget": "made up, 3 seeds", "version": "0.1.0", "confidence": "95%",
            "details": {}, "conditions": {}, "endings": {"finished": 1.0}, "remark": "Scale: made up.",
        }
        for number, (verdict, (effect, interval)) in enumerate(numbers.items(), 1)
    ]  # fmt: skip


def made_up_provenance(studies: Mapping[str, tuple[Row, ...]], scale: str) -> dict[str, Any]:
    """What stands in `provenance.json`, as far as figures read it."""
    about = {
        name: {"models": len(rows), "seeds": sorted({row.seed for row in rows}), "configuration": {}}
        for name, rows in studies.items()
    }
    return {
        "format": 1, "preset": scale, "scale": "made up, no images", "optimizers": list(OPTIMIZERS),
        "command": f"python -m deepnet confirm --preset {scale} --publish paper_figs/data/{scale}",
        "version": "0.1.0", "commit": None, "versions": [{"sharpmu": "0.1.0"}],
        "hardware": [{"device": "made up", "cores": 2}], "models": 99, "training_seconds": 12.5, "not_run": [],
        "studies": about | {"gallery": {"models": 11, "seeds": [0], "configuration": {}}},
    }  # fmt: skip


def write_publication(folder: Path, **options: Any) -> Path:
    """Write a published folder; its name is that of the scale. Options are those of `made_up_studies`."""
    studies = made_up_studies(**options)
    texts = {
        "provenance.json": json.dumps(made_up_provenance(studies, folder.name), indent=1),
        "groups.csv": groups_csv(groups_of(studies, SGD)),
        "curves.jsonl": json_lines(curves_of({"main": studies["main"]})),
        "contrasts.csv": contrasts_csv(made_up_contrasts()),
        "landscapes.jsonl": json_lines(made_up_surfaces()),
        "feature_maps.jsonl": json_lines(made_up_movements()),
        "ledger.json": json.dumps(made_up_ledger(), ensure_ascii=False),
        "scores.json": "null\n",
    }
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
