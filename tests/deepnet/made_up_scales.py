"""Made-up scales, published as the command does: a whole one, and one with a few arms."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deepnet.ledger.claims import find_claims
from deepnet.ledger.findings import Findings
from deepnet.ledger.pages import atlas_of, holding
from deepnet.ledger.scales import judge
from deepnet.matched.records import write_rows
from deepnet.publishing.writing import publish
from tests.deepnet.ledger.planted import planted
from tests.deepnet.made_up_matched import ARMS

WHOLE, SMALL = "made-up", "small"
"""Names of scales: of one with every arm, and one with a few."""
FEW = ("neggrad-sgd-after-sgd", "neggrad-asam-after-sgd", "minmax-asam-after-asam")
CLAIMS = ("asam-improves-neggrad", "asam-widens-range-of-alpha", "mask-polarity")
PLANTS = {
    "neggrad-asam-after-sgd": {"retain_accuracy": -0.1},
    "neggrad-alpha-0.8-sgd-after-sgd": {"test_accuracy": -0.2},
    "minmax-asam-after-asam": {"relearn": -0.3, "auc": 0.2},
}
"""How much more some numbers are than those of a retrained network."""
STUDY = {
    "name": "-", "about": "made up, no images", "data": {"root": "/home/somebody/images"},
    "forget": [{"kind": "high", "scores": "/home/somebody/scores.npz"}, {"kind": "random", "scores": None}],
}  # fmt: skip


def made_up_rows(scale: str, replicates: Iterable[int] = range(3), arms: Iterable[str] = ARMS) -> list[dict[str, Any]]:
    """Rows with planted numbers, courses and times; a hundred steps take ten seconds."""
    rows = planted(PLANTS, wobble=1e-3, replicates=replicates, arms=arms)
    return [row | {"scale": scale, "key": f"{scale}-{row['key']}"} | _course(row) for row in rows]


def _course(row: dict[str, Any]) -> dict[str, Any]:
    if row["kind"] != "trajectory":
        return {}
    stops = {name: stop | {"bound": 1.5} for name, stop in row["stops"].items()}
    course = {
        "step": [0, 50, 100], "forget_loss": [0.0, 1.5, 3.0], "retain_accuracy": [1.0, 0.98, None],
        "test_accuracy": [0.92, 0.90, 0.86],
    }  # fmt: skip
    return {"seconds": 10.0, "stops": stops, "trajectory": course}


def write_results(folder: Path, scale: str, **chosen: Any) -> Path:
    """The results of a matched study."""
    write_rows(folder / "rows.jsonl", made_up_rows(scale, **chosen))
    about = {"study": STUDY | {"name": scale}, "versions": {"torch": "2"}, "hardware": {"device": "abacus", "cores": 2}}
    (folder / "study.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "rates.csv").write_text("arm,lr\n", encoding="utf-8")
    (folder / "scores.csv").write_text("score\n0.5\n", encoding="utf-8")
    return folder


def publish_scale(data: Path, results: Path, scale: str, **chosen: Any) -> Path:
    """Results, judged by a few claims and published in a folder of the scale's name."""
    write_results(results, scale, **chosen)
    findings, claims = Findings.of(made_up_rows(scale, **chosen)), find_claims(CLAIMS)
    entries = atlas_of(findings, 2, claims)
    judgement = judge({scale: findings.rows}, claims=claims, holds=holding({scale: entries}))
    publish(results, data / scale, findings, judgement.ledgers[scale], entries)
    return data / scale
