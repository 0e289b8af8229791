"""What a matched study writes of itself beside its rows: commits, configuration, and how images lay in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from deepnet.matched import running
from deepnet.matched.running import run_matched
from deepnet.studies.stages import Execution
from tests.deepnet.matched.small_matched import run_small, small_matched


def test_every_commit_that_made_rows_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("one", "one", None, "two")):
        monkeypatch.setattr(running, "commit", lambda name=name: name)
        run_small(tmp_path, small_matched(arms=small_matched().arms[:1], ceiling=False, replicates=(number,)))
    assert json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))["commits"] == ["one", "two"]


def test_a_search_leaves_the_record_of_the_study_alone(tmp_path: Path) -> None:
    study = small_matched(arms=small_matched().arms[:1], ceiling=False)
    run_small(tmp_path, study)
    before = (tmp_path / "study.json").read_bytes()
    trials = replace(study, arms=(replace(study.arms[0], name="neggrad@0.2", lr=0.2),))
    run_matched(trials, tmp_path, Execution(), rows="search.jsonl")
    assert (tmp_path / "study.json").read_bytes() == before
    (arm,) = json.loads((tmp_path / "search-study.json").read_text(encoding="utf-8"))["study"]["arms"]
    assert arm["name"] == "neggrad@0.2"


def test_the_record_says_how_images_lay_in_memory(tmp_path: Path) -> None:
    study = small_matched(arms=small_matched().arms[:1], ceiling=False)
    told = []
    for name, execution in (("rows", Execution()), ("columns", Execution(channels_last=True))):
        run_matched(study, tmp_path / name, execution)
        about = json.loads((tmp_path / name / "study.json").read_text(encoding="utf-8"))
        told.append(about["hardware"].get("channels_last", False))
    assert told == [False, True]
