"""Publishing: from a finished confirmation to a folder of small text files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepnet.confirm.confirmation import Confirmation
from deepnet.publishing.checking import anywhere, finished_findings, preset_words
from deepnet.publishing.contrasts import contrasts_of
from deepnet.publishing.geometry import movements_in, surfaces_in
from deepnet.publishing.provenance import provenance_of
from deepnet.publishing.reading import FILES
from deepnet.publishing.summaries import curves_of, groups_of
from deepnet.publishing.texts import contrasts_csv, groups_csv, json_lines
from deepnet.report.rows import row_from
from simulate.house.files import parse_json, take_place
from simulate.house.records.differences import differences

__all__ = ["check_publication", "publish"]


def publish(confirmation: Confirmation, folder: Path, target: Path, *, overwrite: bool = False) -> Path:
    """Write what figures need of a confirmation: means with intervals, curves, geometry of one seed, the ledger.

    The same results give the same bytes. The folder appears whole or not at all, in the place of an older one.

    Args:
        confirmation: Its configuration, seeds included.
        folder: Its results, `<out>/<preset>`, with `ledger.json`.
        target: The folder to write; its name is that of the scale.
        overwrite: Whether a publication of other studies may be replaced.

    Returns:
        The folder.

    Raises:
        FileNotFoundError: if nothing was run, or the ledger is missing.
        ValueError: if a study is not finished or was run with another configuration, or a file is damaged; the
            message names the study. Studies that were never begun are listed in the provenance as not run.
        FileExistsError: if the target holds anything that was not published, or a publication of other studies.
        OSError: if it cannot be written.
    """
    check_publication(confirmation, target, overwrite=overwrite)
    findings = finished_findings(confirmation, folder)
    _check_studies(target, {name: anywhere(study) for name, study in confirmation.studies().items()
                            if name in findings.rows}, overwrite=overwrite)  # fmt: skip
    studies = {name: tuple(map(row_from, rows)) for name, rows in findings.rows.items()}
    texts = {
        "provenance.json": _json(provenance_of(confirmation, findings, folder.name)),
        "groups.csv": groups_csv(groups_of(studies, findings.optimizers[0])),
        "curves.jsonl": json_lines(curves_of({"main": studies["main"]} if "main" in studies else {})),
        "contrasts.csv": contrasts_csv(contrasts_of(findings)),
        "landscapes.jsonl": json_lines(surfaces_in(folder, studies)),
        "feature_maps.jsonl": json_lines(movements_in(folder, studies)),
        "ledger.json": _ledger(folder),
        "scores.json": _comparison(folder),
    }
    return _write_folder(target, texts)


def _json(content: object) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _ledger(folder: Path) -> str:
    """The deep ledger as it lies there.

    Raises:
        FileNotFoundError: if it was not made.
        ValueError: if it is damaged.
    """
    path = folder / "ledger.json"
    command = f"python -m deepnet confirm {preset_words(folder.name)} --out {folder.parent} --ledger-only"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: run `{command}`.")
    text = path.read_text(encoding="utf-8")
    try:
        parse_json(text)
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): run `{command}`.") from None
    return text


def _comparison(folder: Path) -> str:
    """How estimated memorization scores compare with published ones; null if that was not asked.

    Raises:
        ValueError: if the file is damaged.
    """
    path = folder / "scores.json"
    if not path.is_file():
        return _json(None)
    try:
        return _json(parse_json(path.read_text(encoding="utf-8")))
    except ValueError as error:
        command = f"python -m deepnet scores {preset_words(folder.name)} --out {folder.parent}"
        raise ValueError(f"{path} is damaged ({error}): run `{command}`.") from None


def check_publication(confirmation: Confirmation, target: Path, *, overwrite: bool = False) -> None:
    """Require a place where nothing but an older publication of the same studies would be replaced.

    Args:
        confirmation: What is to be published.
        target: The place.
        overwrite: Whether a publication of other studies may be replaced.

    Raises:
        FileExistsError: if there is anything else; the message names it.
    """
    if not target.exists():
        return
    strangers = [target] if not target.is_dir() else [path for path in target.iterdir() if path.name not in FILES]
    if strangers:
        raise FileExistsError(f"{strangers[0]} was not published and would be lost: remove it, or publish elsewhere.")
    _check_studies(
        target, {name: anywhere(study) for name, study in confirmation.studies().items()}, overwrite=overwrite
    )


def _check_studies(target: Path, studies: Mapping[str, Any], *, overwrite: bool) -> None:
    """Require that every study that was published is published again, by its configuration.

    Raises:
        FileExistsError: if one is not; the message says in what it differs.
    """
    path = target / "provenance.json"
    if overwrite or not path.is_file():
        return
    try:
        found = parse_json(path.read_text(encoding="utf-8"))["studies"]
        there = {name: study["configuration"] for name, study in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FileExistsError(f"{path} is damaged, and what it tells of would be lost: remove it.") from None
    asked = {name: json.loads(json.dumps(studies.get(name))) for name in there}
    if lines := differences(there, asked):
        raise FileExistsError(
            f"{target} holds other studies, which would be lost; publish elsewhere, or with `overwrite`: "
            f"{'; '.join(lines[:3])}."
        )


def _write_folder(target: Path, texts: Mapping[str, str]) -> Path:
    """Write files beside the target, then put their folder in its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = (target.with_name(f".{target.name}.{os.getpid()}.{word}") for word in ("fresh", "old"))
    fresh.mkdir()
    try:
        for name, text in texts.items():
            (fresh / name).write_text(text, encoding="utf-8", newline="\n")
        take_place(fresh, target, old)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return target
