"""Results that are unfinished, of another configuration, lost or damaged are not published."""

from pathlib import Path
from typing import Any

import pytest

from deepnet.publishing.writing import publish
from tests.deepnet.made_up_confirmation import CHOSEN, FEW, write_results


def test_unfinished_studies_are_refused_by_name(digits: Path, target: Path) -> None:
    write_results(digits, studies=FEW)
    (digits / "alpha" / "results.jsonl").unlink()
    with pytest.raises(ValueError, match=r"unfinished studies \(alpha\): run `.* --only alpha`"):
        publish(CHOSEN, digits, target)
    assert not target.exists()


def test_rows_of_another_configuration_are_refused(digits: Path, target: Path) -> None:
    def other(study: str, row: dict[str, Any]) -> dict[str, Any]:
        return row | {"split_seed": 7} if study == "alpha" else row

    write_results(digits, other, FEW)
    with pytest.raises(ValueError, match=r"study alpha in .* was run with another configuration"):
        publish(CHOSEN, digits, target)


def test_tables_with_lost_or_damaged_rows_are_refused(digits: Path, target: Path) -> None:
    write_results(digits, studies=FEW)
    path = digits / "alpha" / "results.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))
    with pytest.raises(ValueError, match=rf"has {len(lines) - 1} rows, but the study {len(lines)} models: run"):
        publish(CHOSEN, digits, target)
    path.write_text("".join(lines)[:-9])
    with pytest.raises(ValueError, match=r"alpha/results.jsonl is damaged .*--only alpha"):
        publish(CHOSEN, digits, target)


def test_nothing_run_and_no_ledger_are_refused(digits: Path, target: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No study was run in .* run `python -m deepnet confirm"):
        publish(CHOSEN, digits, target)
    write_results(digits, studies=FEW)
    (digits / "ledger.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"ledger.json is missing: run `.* --ledger-only`"):
        publish(CHOSEN, digits, target)
