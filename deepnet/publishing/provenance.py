"""Where published numbers come from: configuration, replicates, versions, hardware, times."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deepnet.data.scores import ESTIMATED
from deepnet.ledger.findings import Findings
from deepnet.matched.records import read_rows
from simulate.house.files import parse_json
from simulate.house.version import __version__

__all__ = ["provenance_of"]

_FORMAT = 3
_STUDY, _EARLIER = "study.json", "provenance.json"
_UNKNOWN = "unknown"
"""In the place of the commit of rows that were published without one."""
_CARRIED = ("version", "commits", "versions", "hardware", "study")
"""What rows alone do not tell, and is carried over when a published folder is published again."""
_WAYS = {"pretrained": "pretraining", "retrained": "retraining"}
_REPLICATE = (
    "The number of a replicate seeds its split, its validation and forget set, its weights and its batches; where the "
    "study says how many images a replicate has, it draws these, too."
)


def provenance_of(folder: Path, findings: Findings, published: Path | None = None) -> dict[str, Any]:
    """What stands in `provenance.json`.

    Args:
        folder: The results of a matched study, with its `study.json`; or a published folder, whose record is carried
            over.
        findings: What is published of it.
        published: Where earlier rows of the scale were published, if anywhere; of that record the commits are kept, and
            the seconds of a search of which this folder has no rows.

    Returns:
        A mapping that JSON can hold. `commits` are those that rows were made with; `seconds` are wall times of
        trainings by kind, of one process each.

    Raises:
        FileNotFoundError: if the folder has neither record.
        ValueError: if it is damaged.
    """
    carried, earlier = _carried(folder)
    if published is not None and (published / _EARLIER).is_file():
        before, sought = _carried(published, (_EARLIER,))
        if read_rows(published / "rows.jsonl").keys() & {row["key"] for row in findings.rows}:
            carried["commits"] = _with_earlier(before["commits"], carried["commits"])
        earlier = sought | earlier
    runs = [row for of_arm in findings.arms.values() for row in of_arm.values()]
    study = carried["study"]
    kinds = Counter(row["kind"] for row in findings.rows)
    searched = [row for row in read_rows(folder / "search.jsonl").values() if row["kind"] == "trajectory"]
    seconds = _of_networks(findings.rows) | {"unlearning": _seconds(runs)}
    seconds |= {"search": _seconds(searched)} if searched else earlier
    return {
        "format": _FORMAT,
        "scale": findings.scale,
        "about": study.get("about", ""),
        "commands": _commands(findings, study, carried["hardware"]),
        **{name: carried[name] for name in _CARRIED[:-1]},
        "threads": findings.rows[0]["threads"],
        "precision": findings.rows[0]["precision"],
        "replicates": list(findings.replicates),
        "replicate": _REPLICATE,
        "rows": dict(sorted(kinds.items())),
        "diverged": [_lost(row) for row in findings.rows if row["status"] != "finished"],
        "seconds": seconds,
        "seconds_by_arm": {arm: _seconds(of_arm.values()) for arm, of_arm in findings.arms.items()},
        "study": study,
    }


def _with_earlier(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """Commits of rows that were published before, and of those that came since."""
    unnoted = [_UNKNOWN] if now and not before else []
    return list(dict.fromkeys([*unnoted, *before, *now]))


def _carried(folder: Path, names: Sequence[str] = (_STUDY, _EARLIER)) -> tuple[dict[str, Any], dict[str, float]]:
    """What rows do not tell, and the seconds of a search whose rows are elsewhere."""
    path = next((path for name in names if (path := folder / name).is_file()), None)
    if path is None:
        raise FileNotFoundError(f"{folder / _STUDY} is missing, which says what the rows were made with.")
    try:
        found = dict(parse_json(path.read_text(encoding="utf-8")))
        if path.name == _EARLIER:
            times = {name: found["seconds"][name] for name in ("search",) if name in found["seconds"]}
            return {name: found[name] for name in _CARRIED}, times
        told = {"version": __version__, "commits": found.get("commits", []), "versions": found["versions"]}
        return told | {"hardware": found["hardware"], "study": _anywhere(found["study"])}, {}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged ({error}).") from error


def _of_networks(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Seconds of networks by how they were made; a pretrained one is measured on every forget set, and counts once."""
    found: dict[str, dict[tuple[Any, ...], float]] = {way: {} for way in _WAYS.values()}
    for row in rows:
        if row["kind"] in _WAYS and row.get("seconds") is not None:
            own = (row["forget"], row["again"]) if row["kind"] == "retrained" else ()
            found[_WAYS[row["kind"]]][row["replicate"], row["optimizer"], *own] = row["seconds"]
    return {way: round(sum(times.values()), 1) for way, times in found.items() if times}


def _commands(findings: Findings, study: Mapping[str, Any], hardware: Mapping[str, Any]) -> list[str]:
    """What makes the rows: arms with as many replicates by one command, the most first."""
    images = " --images DIR" if study["data"]["root"] is not None else ""
    scored = any(forget["scores"] not in (None, ESTIMATED) for forget in study["forget"])
    layout = " --channels-last" if hardware.get("channels_last") else ""
    options = f"{images}{' --scores FILE' if scored else ''}{layout}"
    by_count: dict[int, list[str]] = {}
    for arm, runs in findings.arms.items():
        by_count.setdefault(1 + max(runs), []).append(arm)
    preset = f"python -m deepnet matched --preset {findings.scale}{options}"
    made = [f"{preset} --replicates {count} --only {' '.join(by_count[count])}" for count in sorted(by_count)]
    return [*reversed(made), f"python -m deepnet judge results/matched/{findings.scale} --publish paper_figs/data"]


def _lost(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("kind", "arm", "forget", "optimizer", "replicate", "reason") if name in row}


def _seconds(rows: Iterable[Mapping[str, Any]]) -> float:
    return round(sum(row.get("seconds") or 0.0 for row in rows), 1)


def _anywhere(study: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a study without the folders of this machine."""
    found: dict[str, Any] = json.loads(json.dumps(study))
    if found["data"]["root"] is not None:
        found["data"]["root"] = "anywhere"
    for forget in found["forget"]:
        forget["scores"] = forget["scores"] and Path(forget["scores"]).name
    return found
