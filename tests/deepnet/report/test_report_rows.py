"""Reading results: what is accepted, and what is said of what is not."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from deepnet.report import read_results, read_rows
from deepnet.report.columns import SCALARS
from deepnet.report.rows import RelearnCurve, row_from
from tests.deepnet.report_rows import made_up_row, made_up_rows, write_rows


def test_rows_are_read(tmp_path: Path) -> None:
    rows = made_up_rows(seeds=(0, 1))
    found = read_results(write_rows(tmp_path, rows))
    assert len(found.rows) == len(rows)
    assert found.study == "made-up_study"
    assert not found.warnings
    finished = [(mine, theirs) for mine, theirs in zip(found.rows, rows, strict=True) if mine.finished]
    assert all(mine.values["forget_accuracy"] == theirs["forget_accuracy"] for mine, theirs in finished)
    assert read_rows(tmp_path) == found.rows


def test_metric_that_was_switched_off_may_be_left_out() -> None:
    row = made_up_row("neggrad", "sgd")
    del row["klom"], row["relearn_curve"]
    assert row_from(row).values["klom"] is None
    assert row_from(row).relearn_curve is None
    assert set(row_from(row).values) == set(SCALARS)


def test_numbers_of_a_diverged_run_are_dropped() -> None:
    row = row_from(made_up_row("ascent", "sgd", seed=1, seconds=3.0, tow=0.9))
    assert not row.finished
    assert set(row.values.values()) == {None}
    assert row.reason == "the loss of step 12 is not finite"


def test_line_that_was_cut_off_is_left_out_with_a_warning(tmp_path: Path) -> None:
    whole = made_up_row("finetune", "sgd")
    tail = json.dumps(made_up_row("neggrad", "sgd"))[:200]
    found = read_results(write_rows(tmp_path, [whole], tail=tail))
    assert len(found.rows) == 1
    assert found.warnings == ("The last line of results.jsonl (line 2) was cut off and is left out.",)


def test_last_line_without_newline_is_no_cut(tmp_path: Path) -> None:
    rows = [made_up_row("finetune", "sgd"), made_up_row("neggrad", "sgd")]
    found = read_results(write_rows(tmp_path, rows[:1], tail=json.dumps(rows[1])))
    assert len(found.rows) == 2
    assert not found.warnings


def test_damage_before_the_end_is_an_error(tmp_path: Path) -> None:
    path = write_rows(tmp_path, [made_up_row("finetune", "sgd")])
    path.write_text('{"study": "x", "met' + "\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"results\.jsonl, line 1: not a JSON object"):
        read_results(path)


def without(name: str) -> dict[str, Any]:
    row = made_up_row("finetune", "sgd")
    del row[name]
    return row


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (without("pretrain"), r"line 2: missing column `pretrain`\."),
        (without("forget_accuracy"), r"line 2: missing column `forget_accuracy`\."),
        (made_up_row("salun", "sgd", status="running"), 'line 2: column `status` must be "finished" or "diverged"'),
        (made_up_row("salun", "sgd") | {"seed": 0.5}, "line 2: column `seed` must be a whole number, but is 0.5"),
        (made_up_row("salun", "sgd", tow="0.9"), "line 2: column `tow` must be a finite number or null, but is '0.9'"),
        (made_up_row("salun", "sgd", klom=math.nan), "line 2: column `klom` must be a finite number or null"),
        (made_up_row("salun", "sgd", mia=1.5), r"line 2: column `mia` must lie in \[0, 1\], but is 1.5"),
        (made_up_row("salun", "sgd", seconds=-1), "line 2: column `seconds` must be at least 0, but is -1"),
        (made_up_row("salun", "sgd", title=3), "line 2: column `title` must be text, but is 3"),
        (made_up_row("salun", "sgd", config=[]), r"line 2: column `config` must be an object, but is \[\]"),
        (made_up_row("salun", "sgd", compat="mask"), "line 2: column `compat` must be a list of text"),
        (made_up_row("salun", "sgd", study="other"), 'line 2: a file must hold one study, but .* "other" after'),
        (made_up_row("finetune", "sgd"), "line 2: the same run as in line 1"),
        (made_up_row("salun", "sgd", relearn_curve={"steps": [0]}), "line 2: column `relearn_curve` must hold"),
    ],
)
def test_bad_row_is_named_with_file_and_line(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    path = write_rows(tmp_path, [made_up_row("finetune", "sgd"), row])
    with pytest.raises(ValueError, match=message) as caught:
        read_results(path)
    assert str(path) in str(caught.value)


def test_missing_and_empty_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"There are no results at .*results\.jsonl"):
        read_results(tmp_path / "results.jsonl")
    with pytest.raises(ValueError, match="holds no complete row"):
        read_results(write_rows(tmp_path, []))


@pytest.mark.parametrize(
    ("steps", "accuracy", "control"),
    [
        ((0, 1), (0.5,), ()),
        ((0, 1), (0.5, 0.6), (0.5,)),
        ((1, 1), (0.5, 0.6), ()),
        ((0, 1), (0.5, 1.6), ()),
        ((), (), ()),
    ],
)
def test_curves_are_checked(steps: tuple[float, ...], accuracy: tuple[float, ...], control: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="must"):
        RelearnCurve(steps=steps, accuracy=accuracy, control=control)
