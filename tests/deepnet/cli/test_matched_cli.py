"""`python -m deepnet matched`: a search, the study with its rates, numerical noise, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from deepnet.cli import main
from deepnet.data.datasets import DataConfig
from deepnet.matched import presets
from deepnet.matched.study import RESERVED, MatchedStudy, Watching
from deepnet.matched.tuning import rates
from deepnet.matched.tuning.search import Effort
from tests.deepnet.matched.small_matched import small_matched


def tiny() -> MatchedStudy:
    """One arm of a few steps."""
    study = small_matched(
        ceiling=False, watching=Watching(epochs=(1,)), data=DataConfig(name="digits", subset=100, test_subset=20)
    )
    quick = replace(study.pretrain, epochs=2)
    return replace(study, pretrain=quick, unlearn=replace(study.unlearn, epochs=2)).only(["neggrad"])


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(presets.PRESETS, "small", lambda images, scores: tiny())
    monkeypatch.setitem(rates.EFFORTS, "small", Effort(replicates=(RESERVED,), grid=range(2, 5)))
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def rows_in(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "small" / name).read_text(encoding="utf-8").splitlines()]


def command(folder: Path, *words: str) -> int:
    return main(["matched", "--preset", "small", "--out", str(folder), "--device", "cpu", "--processes", "1", *words])


def test_search_study_and_noise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(tmp_path, "--search") == 0
    table = tmp_path / "small" / "rates.csv"
    assert "Best trial of each arm" in capsys.readouterr().out
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# python -m deepnet matched --preset small --search --replicates 1"
    assert len(lines) >= 2 + 1 + 3
    assert {row["replicate"] for row in rows_in(tmp_path, "search.jsonl")} == {RESERVED}

    files = ("--images", str(tmp_path), "--scores", "scores.csv")
    assert command(tmp_path, "--search", "--only", "neggrad", *files) == 0
    (first, *_) = table.read_text(encoding="utf-8").splitlines()
    told = "--preset small --images DIR --scores FILE --search --replicates 1 --only neggrad"
    assert first == f"# python -m deepnet matched {told}"

    assert command(tmp_path, "--rates", str(table)) == 0
    out = capsys.readouterr().out
    assert "At the retrained network's loss" in out
    assert "neggrad" in out
    (row,) = [row for row in rows_in(tmp_path, "rows.jsonl") if row["kind"] == "trajectory"]
    assert row["lr"] == rates.rates_in(table)["neggrad"]

    assert command(tmp_path, "--rates", str(table), "--noise") == 0
    (first, *_) = (tmp_path / "small" / "noise.csv").read_text(encoding="utf-8").splitlines()
    assert first == "# python -m deepnet matched --preset small --rates FILE --noise --replicates 1"
    assert "Two threads less one" in capsys.readouterr().out
    assert (tmp_path / "small" / "noise.csv").read_text(encoding="utf-8").count("\nneggrad,0,") > 20


def test_more_replicates_are_added(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "rates.csv"
    table.write_text("arm,lr,chosen\nneggrad,0.1,True\n")
    assert command(tmp_path, "--rates", str(table)) == 0
    first = (tmp_path / "small" / "rows.jsonl").read_text()
    assert command(tmp_path, "--rates", str(table), "--replicates", "2") == 0
    assert (tmp_path / "small" / "rows.jsonl").read_text().startswith(first)
    assert " of 2 " in capsys.readouterr().out


def test_dry_run_lists_arms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "rates.csv"
    table.write_text("arm,lr,chosen\nneggrad,0.125,True\n")
    assert command(tmp_path, "--rates", str(table), "--dry-run") == 0
    assert "0.125" in capsys.readouterr().out
    assert not (tmp_path / "small").exists()


def test_what_a_search_found_is_taken_where_the_project_has_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small/rates.csv").write_text("arm,lr,chosen\nneggrad,0.375,True\n")
    assert command(tmp_path, "--dry-run") == 0
    assert "0.375" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--search", "--noise"), "must not be given both"),
        ((), "The table of learning rates (`--search` makes one)"),
        (("--search", "--only", "nobody"), 'must be one of "neggrad"'),
        (("--search", "--replicates", "0"), "--replicates"),
        (("--search", "--replicates", "1001"), "--replicates"),
    ],
)
def test_what_is_refused(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path, *words) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_arms_that_the_projects_table_lacks_are_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = tiny()
    two = replace(study, arms=(*study.arms, replace(study.arms[0], name="new")))
    monkeypatch.setitem(presets.PRESETS, "small", lambda images, scores: two)
    table = tmp_path / "small.csv"
    table.write_text("arm,lr,chosen\nneggrad,0.125,True\n")
    monkeypatch.setattr(rates, "_TRACKED", tmp_path)
    assert command(tmp_path, "--dry-run") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Left out, since --search has not looked for their learning rates yet: new." in said
    assert said.count("0.125") == 1
    assert command(tmp_path, "--dry-run", "--rates", str(table)) == 2  # a table that was asked for has to have all
    assert "There is no learning rate of the arm new" in " ".join(capsys.readouterr().err.split())
    assert command(tmp_path, "--dry-run", "--only", "new") == 2
    table.write_text("arm,lr,chosen\nother,0.125,True\n")
    assert command(tmp_path, "--dry-run") == 2


def test_the_projects_tables_are_of_presets_and_their_arms() -> None:
    tables = sorted(rates.tracked_rates("digits").parent.glob("*.csv"))
    assert tables
    for path in tables:
        known = {arm.name for arm in presets.matched_preset(path.stem, Path("images"), Path("scores")).arms}
        assert set(rates.rates_in(path)) <= known
