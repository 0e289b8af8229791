"""What the trainings of a study leave of their epochs: a table always, and what else was asked for."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from deepnet.learning.journal import Journal
from deepnet.learning.loop import Epoch
from deepnet.methods import FineTune
from deepnet.methods import apply as apply_method
from deepnet.studies.running import run_study
from deepnet.studies.stages import Execution
from deepnet.studies.study import Evaluation
from deepnet.studies.telling import write_histories
from tests.deepnet.oracles import small_task
from tests.deepnet.small_study import small_study

pytestmark = pytest.mark.usefixtures("one_thread")


class InFile:
    """A log of one's own: a line for each call."""

    def __init__(self, folder: Path, run: str) -> None:
        self.file, self.run = folder / "heard.txt", run

    def log(self, step: int, values: Mapping[str, float]) -> None:
        with self.file.open("a") as file:
            file.write(f"{self.run}|{step}|{values['epoch']}|{values['loss']!r}\n")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def losses(rows: list[dict[str, str]], seed: str, method: str) -> list[float]:
    return [float(row["loss"]) for row in rows if (row["seed"], row["method"]) == (seed, method)]


def test_a_study_leaves_a_table_of_all_epochs(small_study_folder: Path) -> None:
    rows = rows_of(small_study_folder / "history.csv")
    assert list(rows[0]) == [
        "forget_set", "seed", "pretrain", "method", "variant", "optimizer", "step", "epoch", "loss", "images",
        "seconds",
    ]  # fmt: skip
    assert len(rows) == 2 * (2 + 2 + 1 + 2 + 1)  # seeds; two epochs of pretraining and retraining, one of each method
    found = {(row["method"], row["optimizer"], row["seed"]) for row in rows}
    results = [json.loads(line) for line in (small_study_folder / "results.jsonl").read_text().splitlines()]
    assert found == {(row["method"], row["optimizer"], str(row["seed"])) for row in results}
    pretrained = [row for row in rows if (row["method"], row["seed"]) == ("pretrained", "0")]
    assert [(row["step"], row["epoch"], row["images"]) for row in pretrained] == [("4", "1", "360"), ("8", "2", "360")]
    assert float(pretrained[1]["loss"]) < float(pretrained[0]["loss"])


def test_what_was_asked_for_is_told_the_same_and_costs_no_bit(small_study_folder: Path, tmp_path: Path) -> None:
    nothing = Evaluation(shadow=0, entangled=0, relearning=None)
    study = replace(small_study(), unlearners=small_study().unlearners[:1], seeds=(0,), evaluation=nothing)
    found = run_study(study, tmp_path / "a", Execution(), log=[f"{__name__}:InFile"])
    lines = [line.split("|") for line in (tmp_path / "a" / "heard.txt").read_text().splitlines()]
    assert [(int(step), int(epoch)) for _, step, epoch, _ in lines] == [(4, 1), (8, 2), (4, 1), (8, 2), (4, 1)]
    assert lines[0][0] == "random, seed 0, sgd"
    whole = rows_of(small_study_folder / "history.csv")
    for method, run in (("pretrained", "random, seed 0, sgd"), ("finetune", "random, seed 0, sgd, finetune sgd")):
        told = [float(loss) for words, _, _, loss in lines if words == run]
        assert told == losses(whole, "0", method) == losses(rows_of(tmp_path / "a" / "history.csv"), "0", method)
    assert found.diverged == ()


def test_logs_are_looked_at_before_the_first_model(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Argument `log` must hold"):
        run_study(small_study(), tmp_path / "a", Execution(), log=["wandb"])
    assert not (tmp_path / "a").exists()


class StoppedError(Exception):
    """Ends a training."""


def test_epochs_of_before_an_interruption_are_told_once_and_in_their_order(tmp_path: Path) -> None:
    def fail_at_five(step: int) -> None:
        if step == 5:
            raise StoppedError

    def run(name: str, on_step=None) -> list[tuple[int, int, float]]:
        told: list[tuple[int, int, float]] = []

        def tell(step: int, epoch: Epoch) -> None:
            told.append((step, epoch.number, epoch.loss))

        journal = Journal(tmp_path / f"{name}.safetensors", every=0.0)
        try:
            apply_method(FineTune(), small_task(epochs=3), journal=journal, on_epoch=tell, on_step=on_step)
        except StoppedError:
            assert [step for step, _, _ in told] == [3]
        return told

    run("a", fail_at_five)
    assert run("a") == run("b")
    assert [(step, number) for step, number, _ in run("c")] == [(3, 0), (6, 1), (9, 2)]


def test_models_without_a_table_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("step,loss\n4,0.5\n")
    some = {"method": "finetune", "seed": 0}
    histories = [(some, tmp_path / "a.csv"), (some | {"seed": 1}, tmp_path / "b.csv"), (some, tmp_path / "a.csv")]
    write_histories(tmp_path / "history.csv", histories)
    assert rows_of(tmp_path / "history.csv") == [{"method": "finetune", "seed": "0", "step": "4", "loss": "0.5"}]
    write_histories(tmp_path / "none.csv", histories[1:2])
    assert not (tmp_path / "none.csv").exists()
