"""The search for hyper-parameters: the same number of trials for all, judged without the test images."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from deepnet.cli import main  # noqa: E402
from deepnet.cli.search import as_csv  # noqa: E402
from deepnet.house.identity import key_of  # noqa: E402
from deepnet.methods import FineTune, Retrain  # noqa: E402
from deepnet.studies.presets import preset  # noqa: E402
from deepnet.studies.running import runs_of  # noqa: E402
from deepnet.studies.scales import SCALES, scale  # noqa: E402
from deepnet.studies.search import GRIDS, candidates, judge, search_study  # noqa: E402
from deepnet.studies.stages import Execution, Stages  # noqa: E402
from deepnet.studies.store import Store  # noqa: E402
from deepnet.studies.study import Evaluation, Study, Unlearner  # noqa: E402
from tests.deepnet.quick_methods import EDITS  # noqa: E402
from tests.places import ROOT  # noqa: E402

TRACKED = {"digits": "docs/search_digits.csv", "digits-methods": "docs/search_digits_methods.csv"}
"""Searches by their presets."""


def row(method: str, variant: str = "", seed: int = 0, **accuracies: float | str | None) -> dict[str, object]:
    found = {"retain_accuracy": 1.0, "forget_accuracy": 0.5, "val_accuracy": 0.8, "test_accuracy": 0.8}
    about = {"method": method, "variant": variant, "seed": seed, "forget_set": "high", "status": "finished"}
    return about | found | accuracies


@pytest.mark.parametrize("name", list(SCALES))
def test_every_method_gets_nine_trials(name: str) -> None:
    base = scale(name, Path())
    study = search_study(base)
    counts = {one.method.name: 0 for one in base.unlearners}
    for trial in study.unlearners:
        counts[trial.method.name] += 1
    assert set(counts.values()) == {9}
    assert {trial.training.epochs for trial in study.unlearners if trial.method.name not in EDITS} == {
        one.training.epochs for one in base.unlearners if one.method.name not in EDITS
    }


def _decided_by(study: Study) -> list[dict[str, Any]]:
    """What decides the weights of each model of a study."""
    stages = Stages(study, Store, Execution())  # type: ignore[arg-type]
    return [stages.config(run) for runs in runs_of(study) for run in runs]


@pytest.mark.parametrize("name", ["digits", "digits-methods", "cifar10-small"])
def test_a_search_shares_no_seed_and_no_split_with_a_study(name: str) -> None:
    base = scale(name, Path())
    mine, theirs = _decided_by(search_study(base)), _decided_by(base)
    for made in mine:
        assert made.get("start", made)["seed"] in (100, 101, 102)
        assert made.get("start", made)["split"]["seed"] == 100
    assert not {100, 101, 102} & {made.get("start", made)["seed"] for made in theirs}
    assert {made.get("start", made)["split"]["seed"] for made in theirs} == {0}
    assert not set(map(key_of, mine)) & set(map(key_of, theirs))


@pytest.mark.parametrize("name", list(SCALES))
def test_a_search_looks_at_accuracies_after_plain_pretraining(name: str) -> None:
    base = scale(name, Path())
    study = search_study(base)
    assert [how.label for how in study.pretrain_sharpness] == ["sgd"]
    assert study.evaluation == Evaluation(shadow=0, entangled=0, divergence=False, relearning=None)
    assert study.val_fraction > 0
    assert (study.data, study.model, study.forget) == (base.data, base.model, base.forget)
    assert {one.sharpness for one in study.unlearners} == {one.sharpness for one in base.unlearners}


def test_trials_differ_in_what_their_names_say() -> None:
    for trial in candidates(preset("digits-methods").unlearners):
        for word in trial.variant.split(", "):
            name, value = word.split("=")
            found = trial.training.descent.lr if name == "lr" else getattr(trial.method, name)
            assert found == pytest.approx(float(value), rel=1e-5)


def test_the_best_trial_is_the_one_closest_to_retraining_on_validation_images() -> None:
    rows = [
        row("retrain"),
        row("retrain", seed=1, forget_accuracy=0.3),
        row("neggrad", "lr=1", forget_accuracy=0.6, test_accuracy=0.0),  # 0.9; test images must not count
        row("neggrad", "lr=1", seed=1, forget_accuracy=0.6),  # 0.7
        row("neggrad", "lr=2", val_accuracy=0.5, test_accuracy=0.8),  # 0.7
        row("neggrad", "lr=2", seed=1, retain_accuracy=0.5, forget_accuracy=0.3),  # 0.5
        row("scrub", "lr=1", status="diverged", retain_accuracy=None),
        row("scrub", "lr=2", val_accuracy=0.0),  # 0.2
    ]
    trials = {(trial.method, trial.variant): trial for trial in judge(rows)}
    worth = {key: round(trial.tow, 12) for key, trial in trials.items()}
    assert worth == {("neggrad", "lr=1"): 0.8, ("neggrad", "lr=2"): 0.6, ("scrub", "lr=1"): 0.0, ("scrub", "lr=2"): 0.2}
    assert [key for key, trial in trials.items() if trial.chosen] == [("neggrad", "lr=1"), ("scrub", "lr=2")]
    assert trials["neggrad", "lr=1"].forget == pytest.approx(0.6)
    assert trials["neggrad", "lr=1"].runs == 2


def test_rows_that_cannot_be_judged_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Argument `rows` must have a retrained model of high, seed 0"):
        judge([row("neggrad", "lr=1")])
    with pytest.raises(ValueError, match=r"Argument `rows` must have accuracies on a validation split"):
        judge([row("retrain", val_accuracy=None)])
    with pytest.raises(ValueError, match=r"Argument `unlearners` must be one of .*, but is .retrain"):
        candidates([Unlearner(method=Retrain())])


def test_a_diverged_trial_is_written_with_its_accuracies_missing() -> None:
    text = as_csv(judge([row("retrain"), row("scrub", "lr=1", status="diverged")]))
    assert text.splitlines()[1] == "scrub,lr=1,0.0000,nan,nan,nan,1,True"


def test_command_refuses_more_seeds_than_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "--seeds", "9"]) == 2
    assert "Argument `--seeds` must be a whole number from 1 to 3, but is 9." in capsys.readouterr().err


def trials_in(table: Path) -> list[dict[str, str]]:
    """The rows of a table of trials, below the comments on how it was made."""
    return list(csv.DictReader(line for line in table.read_text().splitlines() if not line.startswith("#")))


def test_the_best_and_the_worst_of_each_method_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row("retrain"), *(row("neggrad", f"lr={value}", forget_accuracy=0.5 + value) for value in (0.2, 0.1, 0.4))]
    asked = []

    def run(study: Study, *given: object, **how: object) -> SimpleNamespace:
        asked.append(study)
        return SimpleNamespace(rows=rows)

    monkeypatch.setattr("deepnet.cli.search.run_study", run)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    assert main(["search", "--seeds", "2", "--out", str(tmp_path), "--device", "cpu"]) == 0
    assert asked[0].seeds == (100, 101)
    line = next(line for line in capsys.readouterr().out.splitlines() if "neggrad" in line)
    assert [cell.strip() for cell in line.strip("│").split("│")] == ["neggrad", "lr=0.1", "0.900", "0.600"]
    kept = (tmp_path / "digits" / "search.csv").read_text().splitlines()
    assert kept[0] == "# python -m deepnet search --preset digits --seeds 2"
    assert kept[1].endswith("seeds 100, 101, split seed 100")
    assert kept[3] == "neggrad,lr=0.2,0.8000,1.0000,0.7000,0.8000,1,False"


@pytest.mark.parametrize("name", TRACKED)
def test_the_preset_has_the_winners_of_the_tracked_search(name: str) -> None:
    """`python -m deepnet search --preset NAME` wrote the file."""
    trials = trials_in(ROOT / TRACKED[name])
    chosen = {line["method"]: line["variant"] for line in trials if line["chosen"] == "True"}
    for one in preset(name).unlearners:
        trials = GRIDS[one.method.name].trials(one)
        winner = next(trial for trial in trials if trial.variant == chosen[one.method.name])
        assert replace(winner, variant="") == one


@pytest.mark.slow
def test_a_small_search_runs_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = scale("digits")
    train = replace(usual.pretrain, epochs=1)
    unlearner = Unlearner(method=FineTune(), training=train)
    forget = tuple(replace(one, kind="random", scores=None) for one in usual.forget[:1])
    small = replace(usual, pretrain=train, unlearners=(unlearner,), forget=forget)
    monkeypatch.setitem(SCALES, "digits", lambda images, scores: small)
    assert main(["search", "--seeds", "1", "--out", str(tmp_path)]) == 0
    assert "finetune" in capsys.readouterr().out
    lines = trials_in(tmp_path / "digits" / "search.csv")
    assert len(lines) == 9
    assert sum(line["chosen"] == "True" for line in lines) == 1


@pytest.mark.parametrize("bits", [-1e-15, 0.0, 1e-15])
def test_of_trials_that_are_tied_the_first_is_chosen(bits: float) -> None:
    def chosen(more: float) -> list[str]:
        rows = [
            row("retrain"),
            row("neggrad", "lr=1", val_accuracy=0.6),
            row("neggrad", "lr=2", val_accuracy=0.6 + more),
        ]
        return [trial.variant for trial in judge(rows) if trial.chosen]

    assert chosen(bits) == ["lr=1"]
    assert chosen(1e-6) == ["lr=2"]
