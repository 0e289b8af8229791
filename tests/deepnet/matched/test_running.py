"""A matched study from beginning to end: against a plain loop of torch, killed, taken up elsewhere, added to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch.nn.functional import cross_entropy

from deepnet.data.scores import ESTIMATED, write_scores
from deepnet.data.splits import ForgetSet
from deepnet.house.identity import key_of
from deepnet.learning.journal import Journal
from deepnet.learning.sharpness import asam, sgd
from deepnet.learning.task import Task
from deepnet.matched import running, unlearning
from deepnet.matched.replicate import Replicate, Still
from deepnet.matched.running import MatchedWork, run_matched, wanted
from deepnet.matched.study import MatchedStudy, Watching
from deepnet.matched.watched.watching import StepWatcher
from deepnet.studies.memorization import Memorization, memorization_scores
from deepnet.studies.stages import Execution, Stages
from deepnet.studies.store import Store
from tests.deepnet.matched.small_matched import run_small, small_matched


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("matched")
    run_small(folder)
    return folder


def rows_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()]


def arm_in(rows: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(row for row in rows if row.get("arm") == name)


def replicate_in(folder: Path) -> Replicate:
    return MatchedWork(small_matched(), folder, "rows.jsonl").replicate(0)


def test_rows_are_short_and_say_what_they_are_of(finished: Path) -> None:
    rows = rows_in(finished)
    assert [row["kind"] for row in rows] == ["pretrained"] * 2 + ["retrained"] * 3 + ["trajectory"] * 2
    lines = (finished / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) < 4096
    row = arm_in(rows, "aware")
    assert (row["pretraining"], row["optimizer"], row["lr"], row["threads"]) == ("asam-0.5", "sgd", 0.1, 1)
    assert set(row["stops"]) == {"loss", "accuracy", "own-loss", "own-accuracy", "held-out", "epoch-1"}
    assert set(arm_in(rows, "neggrad")["stops"]) == {"loss", "accuracy", "held-out", "epoch-1"}


def test_a_plain_loop_stops_at_the_same_step_with_the_same_numbers(finished: Path) -> None:
    """zero_grad, backward, step; and after each step the mean loss on the forget set."""
    replicate = replicate_in(finished)
    study, arm = replicate.matched, replicate.matched.arms[0]
    row = arm_in(rows_in(finished), "neggrad")
    dataset, split = replicate.data(study.forget[0])
    still = Still("retrained", "random", sgd())
    pixels, labels = dataset.train.pixels, dataset.train.labels

    def seen(model: torch.nn.Module, rows: torch.Tensor) -> tuple[float, float]:
        model.eval()
        with torch.no_grad():
            logits = model(pixels[rows])
        return cross_entropy(logits, labels[rows]).item(), (logits.argmax(1) == labels[rows]).double().mean().item()

    bound, _ = seen(replicate.finished(replicate.run(still)).model, split.forget)
    model = replicate.finished(replicate.run(Still("pretrained", "random", sgd()))).model
    task = Task(model, dataset, split, study.training(arm), (0, *_stage()), arm.unlearning)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    retain, forget = task.stream("retain").batches(), task.stream("forget").batches()
    stopped, at_one = None, None
    for step in range(1, 10):
        kept, dropped = next(retain), next(forget)
        model.train()
        optimizer.zero_grad()
        (0.5 * cross_entropy(model(kept.x), kept.y)).backward()
        statistics = {name: value.clone() for name, value in model.named_buffers()}
        (-0.5 * cross_entropy(model(dropped.x), dropped.y)).backward()
        model.load_state_dict(statistics, strict=False)
        optimizer.step()
        loss, _ = seen(model, split.forget)
        if stopped is None and loss >= bound:
            stopped = step, seen(model, split.forget), seen(model, split.retain), seen(model, split.val)
        if step == 3:
            at_one = seen(model, split.forget)
    assert stopped is not None
    stop = row["stops"]["loss"]
    assert (stop["step"], stop["bound"]) == (stopped[0], pytest.approx(bound, abs=1e-4))
    assert stopped[0] > 3
    for name, (loss, accuracy) in zip(("forget", "retain", "val"), stopped[1:], strict=True):
        assert stop[f"{name}_loss"] == pytest.approx(loss, rel=1e-3)
        assert stop[f"{name}_accuracy"] == pytest.approx(accuracy, abs=1e-2)
    assert row["stops"]["epoch-1"]["step"] == 3
    assert row["stops"]["epoch-1"]["forget_loss"] == pytest.approx(at_one[0], rel=1e-3)


def _stage() -> tuple[int]:
    from deepnet.house.seeding import generator

    return (int(generator(0, "pretrained").integers(2**31)),)


def test_stops_are_those_of_the_trajectory(finished: Path) -> None:
    for name in ("neggrad", "aware"):
        row = arm_in(rows_in(finished), name)
        track = row["trajectory"]
        for stop in row["stops"].values():
            if stop["step"] is not None and "bound" in stop:
                place = track["step"].index(stop["step"])
                assert track["forget_loss"][place] == pytest.approx(stop["forget_loss"], abs=1e-3)
                assert track["test_accuracy"][place] == pytest.approx(stop["test_accuracy"], abs=1e-3)


def test_a_run_that_never_reaches_a_stop_says_so_with_its_last_numbers(finished: Path, tmp_path: Path) -> None:
    study = small_matched()
    slow = replace(study.arms[0], name="slow", lr=1e-9)
    row = arm_in(run_small(tmp_path, replace(study, arms=(slow,))), "slow")
    assert row["stops"]["loss"] == {"bound": row["stops"]["loss"]["bound"], "step": None}
    assert row["last"]["step"] == 9
    assert row["trajectory"]["forget_accuracy"][-1] == pytest.approx(row["last"]["forget_accuracy"], abs=1e-4)


def test_a_diverging_run_is_a_row_that_keeps_the_stops_it_passed(finished: Path, tmp_path: Path) -> None:
    study = small_matched()
    wild = replace(study.arms[0], name="wild", lr=1e18)
    row = arm_in(run_small(tmp_path, replace(study, arms=(wild,))), "wild")
    assert row["status"] == "diverged"
    assert "no longer finite" in row["reason"]
    assert row["stops"]["epoch-1"] == {"step": None}


def test_snapshots_and_journals_are_dropped(finished: Path) -> None:
    assert len(list((finished / "models").iterdir())) == 5
    assert list((finished / "journals").iterdir()) == []


def test_killed_in_the_middle_it_ends_with_the_same_rows(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after every few looks, with a journal after every epoch."""
    monkeypatch.setattr(
        Store, "journal", lambda self, config: Journal(self.path("journals", config, ".safetensors"), every=0.0)
    )
    whole, looks = StepWatcher.look, [0]

    def look(self: StepWatcher, step: int, epochs: int) -> bool:
        looks[0] += 1
        if looks[0] % 5 == 0:
            raise KeyboardInterrupt
        return whole(self, step, epochs)

    monkeypatch.setattr(StepWatcher, "look", look)
    kills = 0
    while True:
        try:
            rows = run_small(tmp_path)
            break
        except KeyboardInterrupt:
            kills += 1
    assert kills >= 2
    assert rows == [{k: v for k, v in row.items() if k != "seconds"} for row in rows_in(finished)]


def test_the_text_file_alone_is_gone_on_with_elsewhere(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.jsonl").write_bytes((finished / "rows.jsonl").read_bytes())

    def unwanted(*args: object, **named: object) -> None:
        raise AssertionError("nothing is missing")

    monkeypatch.setattr(Stages, "finished", unwanted)
    monkeypatch.setattr(unlearning, "apply", unwanted)
    assert run_matched(small_matched(), tmp_path, Execution()) == rows_in(finished)


def test_a_missing_row_is_made_alone_and_is_what_it_was(finished: Path, tmp_path: Path) -> None:
    """Only the network that it starts from is made for it: references are taken from the text file."""
    lines = (finished / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "rows.jsonl").write_text("\n".join(line for line in lines if '"arm":"aware"' not in line) + "\n")
    again = run_small(tmp_path)
    assert again == [{k: v for k, v in row.items() if k != "seconds"} for row in rows_in(finished)]
    assert len(list((tmp_path / "models").iterdir())) == 1


def test_a_text_file_that_was_left_behind_is_brought_up_to_date(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a run leaves it that is killed after its last row: nothing is missing, but the text does not have it."""
    folder = tmp_path / "killed"
    shutil.copytree(finished, folder)
    lines = (finished / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "rows.jsonl").write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    monkeypatch.setattr(running, "commit", lambda: "of today")
    assert run_matched(small_matched(), folder, Execution()) == rows_in(finished)
    for name in ("rows.jsonl", "study.json"):  # what made the rows did so before
        assert (folder / name).read_bytes() == (finished / name).read_bytes()
    (folder / "rows.jsonl").unlink()
    (folder / "study.json").unlink()
    run_matched(small_matched(), folder, Execution())
    assert (folder / "rows.jsonl").read_bytes() == (finished / "rows.jsonl").read_bytes()
    assert json.loads((folder / "study.json").read_text(encoding="utf-8"))["study"]["name"] == small_matched().name


def test_rows_of_other_arms_stay_in_the_text_file(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes((finished / "rows.jsonl").read_bytes())
    rows = run_matched(small_matched().only(["neggrad"]), tmp_path, Execution())
    assert [row.get("arm") for row in rows if row["kind"] == "trajectory"] == ["neggrad"]
    assert rows_in(tmp_path) == rows_in(finished)


def test_what_decides_a_row_is_in_its_key(finished: Path) -> None:
    study = small_matched()
    arm = study.arms[0]
    changed = [
        replace(study, threads=2),
        replace(study, images=200),
        replace(study, unlearn=replace(study.unlearn, epochs=4)),
        replace(study, watching=replace(study.watching, probe=5)),
        replace(study, watching=replace(study.watching, relearning=None)),
        replace(study, pretrain=replace(study.pretrain, precision="bfloat16")),
        *(replace(study, arms=(other,)) for other in (replace(arm, lr=0.2), replace(arm, batches=1))),
    ]
    keys = []
    for one in [study, *changed]:
        work = MatchedWork(one, finished, "rows.jsonl")
        replicate = Replicate(one, 0, work.store, work.execution, work.whole)
        keys.append(unlearning._about(replicate, "", wanted(replicate)[one.arms[0]])["key"])
    assert len(set(keys)) == len(keys)


def test_the_own_reference_is_retrained_as_the_arm_was_pretrained(finished: Path) -> None:
    replicate = replicate_in(finished)
    stills = replicate.stills(replicate.matched.arms[1])
    assert stills["own"].sharpness == asam(0.5)
    assert stills["reference"].sharpness == sgd()
    rows = rows_in(finished)
    retrained = [row for row in rows if row["kind"] == "retrained" and not row["again"]]
    bounds = {row["optimizer"]: row["numbers"]["forget_loss"] for row in retrained}
    stops = arm_in(rows, "aware")["stops"]
    assert stops["loss"]["bound"] == pytest.approx(bounds["sgd"], abs=1e-4)
    assert stops["own-loss"]["bound"] == pytest.approx(bounds["asam-0.5"], abs=1e-4)


def test_seldom_looks_have_gaps_but_not_at_stops(tmp_path: Path) -> None:
    study = small_matched(watching=Watching(every=4, probe=20, epochs=(1,)))
    row = arm_in(run_small(tmp_path, study.only(["neggrad"])), "neggrad")
    track = row["trajectory"]
    looked = [step for step, loss in zip(track["step"], track["retain_loss"], strict=True) if loss is not None]
    stops = {stop["step"] for stop in row["stops"].values() if stop["step"] is not None}
    assert set(looked) == {step for step in track["step"] if step % 4 == 0} | stops


def test_rows_are_thin_and_trajectories_are_kept_whole(tmp_path: Path) -> None:
    study = small_matched(watching=Watching(epochs=(1,), points=4)).only(["neggrad"])
    row = arm_in(run_small(tmp_path, study), "neggrad")
    with np.load(tmp_path / "arrays" / f"{row['key']}.npz") as arrays:
        assert arrays["step"].tolist() == list(range(row["last"]["step"] + 1))
        thin = [arrays["test_loss"][step] for step in row["trajectory"]["step"]]
    assert len(thin) == 4
    assert row["trajectory"]["test_loss"] == pytest.approx(thin, rel=1e-3)


@pytest.fixture
def by_memorization() -> MatchedStudy:
    """Few models say which thirty images are forgotten."""
    forget, few = ForgetSet(kind="high", size=30, scores=ESTIMATED), Memorization(models=4)
    arm = replace(small_matched().arms[0], forget="high")
    return small_matched(forget=(forget,), memorization=few, arms=(arm,), ceiling=False)


def forgotten(study: MatchedStudy, folder: Path) -> torch.Tensor:
    replicate = MatchedWork(study, folder, "rows.jsonl").replicate(0)
    return replicate.data(study.forget[0])[1].forget


def test_estimated_scores_are_written_for_other_networks(tmp_path: Path, by_memorization: MatchedStudy) -> None:
    study, folder = by_memorization, tmp_path / "one"
    run_small(folder, study)
    replicate = MatchedWork(study, folder, "rows.jsonl").replicate(0)
    votes = memorization_scores(*replicate.votes())
    np.testing.assert_array_equal(replicate.dataset.scores(str(folder / "scores.csv")), votes)
    given = ForgetSet(kind="high", size=30, scores=str(folder / "scores.csv"))
    wider = replace(study, model=replace(study.model, width=6), forget=(given,))
    run_small(tmp_path / "other", wider)
    assert not (tmp_path / "other" / "scores.csv").exists()
    assert torch.equal(forgotten(wider, tmp_path / "other"), forgotten(study, folder))


def test_scores_that_are_there_are_taken_up(tmp_path: Path, by_memorization: MatchedStudy) -> None:
    study = by_memorization
    run_small(tmp_path / "one", study)
    written = (tmp_path / "one" / "scores.csv").read_text(encoding="utf-8")
    one, *rest = written.splitlines()
    shifted = "\n".join([one, rest[0], *reversed(rest[1:])]) + "\n"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "scores.csv").write_text(shifted, encoding="utf-8")
    for threads in (1, 2):  # other threads have other last bits, and forget the same images
        found = forgotten(replace(study, threads=threads), tmp_path / "other")
        assert not torch.equal(found, forgotten(study, tmp_path / "one"))
    assert (tmp_path / "other" / "scores.csv").read_text(encoding="utf-8") == shifted
    assert not list((tmp_path / "other" / "arrays").iterdir())
    with pytest.raises(ValueError, match=r"scores\.csv was made with another configuration"):
        forgotten(replace(study, memorization=Memorization(models=5)), tmp_path / "other")


def test_scores_of_one_name_are_told_apart(tmp_path: Path, by_memorization: MatchedStudy) -> None:
    keys = []
    for name, order in (("one", range(1438)), ("other", range(1438, 0, -1))):
        (tmp_path / name).mkdir()
        path = write_scores(tmp_path / name / "scores.csv", np.array(order, dtype=float))
        study = replace(by_memorization, forget=(ForgetSet(kind="high", size=30, scores=str(path)),))
        replicate = MatchedWork(study, tmp_path, "rows.jsonl").replicate(0)
        keys.append(key_of(replicate.forgotten(study.forget[0])))
    assert keys[0] != keys[1]
