"""Made-up findings of a confirmation, drawn with a seed, in which an effect can be planted."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from deepnet.confirm.findings import Findings
from deepnet.studies.compat import QUIRKS

SGD, SAM, ASAM = OPTIMIZERS = ("sgd", "sam-0.1", "asam-0.5")
SIDE_STUDIES = (
    "curvature", "alpha", "mask", "selection", *(f"quirk-{name}" for name in QUIRKS if name != "signed_tow"),
)  # fmt: skip
_ALL, _PLAIN, _ENDS = OPTIMIZERS, (SGD,), (SGD, ASAM)
_MAIN = {
    "finetune": _PLAIN, "ascent": _PLAIN, "influence": _PLAIN, "selection": _PLAIN, "retain-sam": (SAM, ASAM),
    **dict.fromkeys(("neggrad", "sharp-minmax", "random-label", "salun", "l1-sparse", "scrub"), _ALL),
}  # fmt: skip
_VARIANTS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "curvature": ("neggrad", ("",), _ALL),
    "alpha": ("neggrad", ("alpha=0.97", "alpha=0.95", "alpha=0.9", "alpha=0.8"), _ALL),
    "mask": ("sharp-minmax", ("fraction=0.1", "fraction=0.3", "fraction=0.5", "smallest", "fraction=0"), _ENDS),
    "selection": ("selection", ("largest 0.05", "smallest 0.05", "largest 0.2", "smallest 0.2"), _PLAIN),
}
_FORGET = {"pretrained": 0.995, "finetune": 0.985, "retrain": 0.52}
_SECONDS = {SGD: 1.0, SAM: 1.8, ASAM: 1.9}
STEPS = (0, 10, 20)
_IDENTITY = ("method", "variant", "optimizer", "pretrain", "forget_set", "seed")

Plant = tuple[Mapping[str, Any], str, float]
"""Rows like this get so much more in a column."""


def made_up_findings(
    plants: Sequence[Plant] = (),
    *,
    seeds: int = 10,
    pretrains: Sequence[str] = OPTIMIZERS,
    studies: Sequence[str] = ("main", *SIDE_STUDIES),
    noise: Mapping[str, float] | None = None,
    change: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda row: row,
    margin_noise: float = 0.02,
    keep_margins: bool = True,
) -> Findings:
    """Findings in which every control is false, and in which no claim's effect is but what is planted.

    Args:
        plants: Effects; a plant in "margin" shifts the margins.
        seeds: Number of seeds.
        pretrains: Optimizers of pretraining in the main study.
        studies: What was run.
        noise: Standard deviations of columns over seeds, in the place of 0.004.
        change: What becomes of each row at last; None drops it.
        margin_noise: Standard deviation of a model's margins.
        keep_margins: Whether margins can be asked for.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    for study in studies:
        made = (
            _row((study, *group), seed, plants, noise or {})
            for group in _groups(study, pretrains)
            for seed in range(seeds)
        )
        rows[study] = [row for row in map(change, made) if row is not None]

    def margins(study: str, position: int) -> np.ndarray:
        row = rows[study][position]
        shift = row["forget_accuracy"] - 0.52 + _planted(row | {"study": study}, "margin", plants)
        return shift + margin_noise * _rng(*(row[name] for name in _IDENTITY)).standard_normal(40)

    return Findings(rows, OPTIMIZERS, "made up", margins if keep_margins else None)


def _groups(study: str, main: Sequence[str]) -> Iterator[tuple[str, str, str, str, str]]:
    """Method, variant, optimizer, pretraining and forget set of all models of a study."""
    sets = ("high", "low") if study == "main" else ("high",)
    pretrains = main if study == "main" else _ALL if study == "curvature" else _PLAIN
    if study == "main":
        tried = [(method, "", optimizer) for method, how in _MAIN.items() for optimizer in how]
    elif study in _VARIANTS:
        method, variants, how = _VARIANTS[study]
        tried = [(method, *pair) for pair in product(variants, how)]
    else:
        methods = ("scrub",) if study == "quirk-scrub_epoch" else ("neggrad", "sharp-minmax")
        tried = [(method, "", optimizer) for method in methods for optimizer in _ENDS]
    for forget_set in sets:
        yield "retrain", "", SGD, SGD, forget_set
        for pretrain in pretrains:
            yield "pretrained", "", pretrain, pretrain, forget_set
            for method, variant, optimizer in tried:
                yield method, variant, optimizer, pretrain, forget_set


def _rng(*words: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(words).encode()))


def _planted(row: Mapping[str, Any], column: str, plants: Sequence[Plant]) -> float:
    return sum(amount for where, name, amount in plants if name == column and _fits(row, where))


def _fits(row: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(row[key] == value for key, value in where.items())


Group = tuple[str, str, str, str, str, str]
"""Study, method, variant, optimizer, pretraining and forget set of some runs, which differ by their seeds."""


def _row(group: Group, seed: int, plants: Sequence[Plant], noise: Mapping[str, float]) -> dict[str, Any]:
    """One finished run: the numbers of its kind, what is planted, and a little noise.

    A plant is in few of the thousands of rows of some findings; all others are made once for all findings.
    """
    identity, _, _ = _drawn(group, seed)
    own = [plant for plant in plants if _fits(identity, plant[0])]
    return _measured(group, seed, own, noise) if own or noise else dict(_plain(group, seed))


@cache
def _plain(group: Group, seed: int) -> Mapping[str, Any]:
    return _measured(group, seed, (), {})


@cache
def _drawn(group: Group, seed: int) -> tuple[Mapping[str, Any], Mapping[str, float], list[float]]:
    """What a run is, what its columns would be without noise, and the noise in standard deviations."""
    names = ("study", *_IDENTITY[:-1])
    identity = dict(zip(names, group, strict=True)) | {"seed": seed, "status": "finished", "peak_memory": None}
    usual = _usual(identity)
    return identity, usual, _rng(*identity.values()).standard_normal(len(usual)).tolist()


def _measured(group: Group, seed: int, plants: Sequence[Plant], noise: Mapping[str, float]) -> dict[str, Any]:
    identity, usual, draws = _drawn(group, seed)
    row: dict[str, Any] = {**identity}
    row |= {
        column: value + noise.get(column, 0.004) * draw + _planted(identity, column, plants)
        for (column, value), draw in zip(usual.items(), draws, strict=True)
    }
    for name in ("mia", "mia_auc"):
        row[name] = 0.5 + row[f"{name}_gap"]
    row["membership"] = {"m_entropy": row.pop("m_entropy")}
    start = row["forget_accuracy"]
    row["relearn_curve"] = {"steps": list(STEPS), "accuracy": [start, start + 0.05, start + 0.1]}
    return row


def _usual(row: Mapping[str, Any]) -> dict[str, float]:
    """What the columns of a row would be without noise and plants."""
    method, hard = row["method"], row["forget_set"] == "high"
    forget = _FORGET.get(method, 0.65) if hard else 0.97
    idle = method in ("pretrained", "finetune") or row["variant"] == "fraction=0"
    tow = 1.0 if method == "retrain" else 0.52 if idle and hard else 0.85
    lost = 0.1 if row["variant"] == "alpha=0.8" else 0.0
    return {
        "retain_accuracy": 0.98, "test_accuracy": 0.9, "forget_accuracy": 0.99 if idle else forget,
        "tow": tow - lost, "tow_signed": tow - lost,
        "mia_gap": 0.0 if method == "retrain" else -0.6 if idle else -0.3,
        "mia_auc_gap": 0.0 if method == "retrain" else 0.1 if idle else 0.05,
        "m_entropy": 0.8 if method == "retrain" else 0.5, "entanglement": 0.75, "entanglement_variance": 20.0,
        "relearn": 0.0 if method == "retrain" else 0.25 if idle else 0.05,
        "hessian_top": 10.0, "hessian_top_forget": 300.0 if method == "neggrad" else 100.0,
        "klom": 2.0, "klom_null": 1.5, "seconds": _SECONDS[row["optimizer"]], "images_per_second": 1000.0,
    }  # fmt: skip
