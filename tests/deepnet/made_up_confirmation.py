"""A confirmation whose results are made up, as it leaves them on disk."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from deepnet.confirm.confirmation import Confirmation, confirmation
from deepnet.house.identity import as_json
from deepnet.studies.measuring.measurement import describe
from deepnet.studies.running import runs_of
from deepnet.studies.stages import Execution, Stages
from deepnet.studies.store import Store
from tests.deepnet.made_up_publication import made_up_numbers

FEW = ("alpha", "quirk-m_entropy")
STUDIES = ("main", "alpha", "gallery", "quirk-mask_polarity", "quirk-m_entropy")
Change = Callable[[str, dict[str, Any]], dict[str, Any]]


def _chosen() -> Confirmation:
    full = confirmation("digits")
    kept = [
        one for one in full.base.unlearners if one.method.name in ("finetune", "neggrad", "sharp-minmax", "selection")
    ]
    base = replace(full.base, unlearners=tuple(kept), seeds=(0, 1, 2))
    return replace(full, base=base, quirks=("mask_polarity", "signed_tow", "m_entropy"))


CHOSEN = _chosen()


def unchanged(study: str, row: dict[str, Any]) -> dict[str, Any]:
    return row


def write_results(
    folder: Path, change: Change = unchanged, studies: tuple[str, ...] = STUDIES
) -> dict[str, list[dict[str, Any]]]:
    """Made-up results of the studies of a confirmation, as it leaves them on disk."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for name in studies:
        stages = Stages(CHOSEN.studies()[name], Store(folder / "shared"), Execution())
        rows[name] = []
        for group in runs_of(stages.study):
            for run in group:
                about = json.loads(json.dumps(describe(stages, run)))
                identity = [about[key] for key in ("study", "method", "variant", "pretrain", "optimizer", "forget_set")]
                row = about | made_up_numbers(*identity, about["seed"], method=about["method"])
                rows[name].append(change(name, row))
        (folder / name).mkdir()
        (folder / name / "study.json").write_text(json.dumps(as_json(stages.study)))
        (folder / name / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[name]))
    (folder / "ledger.json").write_text('[\n {"name": "a claim"}\n]\n')
    return rows
