"""Where published numbers come from: configurations, seeds, versions, hardware, times."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deepnet.confirm.confirmation import Confirmation
from deepnet.confirm.findings import Findings, Row
from deepnet.house.identity import key_of
from deepnet.publishing.checking import anywhere, preset_words
from simulate.house.version import __version__

__all__ = ["commit", "provenance_of"]

_FORMAT = 1


def provenance_of(confirmation: Confirmation, findings: Findings, preset: str) -> dict[str, Any]:
    """What stands in `provenance.json`.

    Args:
        confirmation: The configuration.
        findings: The rows of the studies that were run.
        preset: Name of the confirmation.

    Returns:
        A mapping that JSON can hold. `models` counts each model once, also where studies share it, and so does
        `training_seconds`, the wall time of their trainings.
    """
    studies = confirmation.studies()
    models = {key_of(row["config"]): row for rows in findings.rows.values() for row in rows}
    return {
        "format": _FORMAT,
        "preset": preset,
        "scale": confirmation.scale,
        "command": _command(confirmation.base.seeds, preset),
        "optimizers": list(findings.optimizers),
        "version": __version__,
        "commit": commit(),
        "versions": _distinct(row.get("versions") for row in models.values()),
        "hardware": _distinct(row.get("hardware") for row in models.values()),
        "models": len(models),
        "training_seconds": _seconds(models.values()),
        "not_run": [name for name in studies if name not in findings.rows],
        "studies": {name: _study(rows) | {"configuration": anywhere(studies[name])}
                    for name, rows in findings.rows.items()},
    }  # fmt: skip


def _command(seeds: Sequence[int], preset: str) -> str:
    counted = f" --seeds {len(seeds)}" if tuple(seeds) == tuple(range(len(seeds))) else ""
    return f"python -m deepnet confirm {preset_words(preset)}{counted} --publish paper_figs/data/{preset}"


def _study(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "models": len(rows),
        "seeds": sorted({row["seed"] for row in rows}),
        "split_seed": rows[0]["split_seed"],
        "training_seconds": _seconds(rows),
        "quirks": list(rows[0]["compat"]),
        "diverged": [_lost(row) for row in rows if row["status"] != "finished"],
    }


def _lost(row: Row) -> dict[str, Any]:
    names = ("method", "variant", "pretrain", "optimizer", "forget_set", "seed", "reason")
    return {name: row.get(name) for name in names}


def _seconds(rows: Iterable[Row]) -> float:
    return round(sum(row.get("seconds") or 0.0 for row in rows), 1)


def _distinct(found: Iterable[Mapping[str, Any] | None]) -> list[Any]:
    """Each value once, in an order that does not depend on that of the rows."""
    return [json.loads(text) for text in sorted({json.dumps(each, sort_keys=True) for each in found if each})]


def commit() -> str | None:
    """The commit of this project's repository that the folder was written with, None where there is no repository.

    The results may have been computed with an earlier one: their own versions stand beside them.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):  # no git here, or no commit yet
        return None
    return found.stdout.strip()
