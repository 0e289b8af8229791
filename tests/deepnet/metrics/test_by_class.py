"""Forgetting of classes: accuracies by hand, attacks against pairs counted one by one, and where they are reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from deepnet import classes, evaluate
from deepnet.data.splits import ForgetSet
from deepnet.metrics import Outputs, attack_within_classes, class_accuracies, whole_classes
from deepnet.metrics.outputs import collect, margin
from deepnet.report import write_report
from deepnet.studies.running import run_study, runs_of
from deepnet.studies.stages import Execution, Stages
from deepnet.studies.store import Store
from deepnet.studies.study import Evaluation
from tests.deepnet.metrics.examples import random_outputs, with_margin
from tests.deepnet.own.foreign import table, trained
from tests.deepnet.small_study import small_study

TABLE, TEST = table(), table(60, seed=9)


def of_labels(labels: list[int], right: list[bool]) -> Outputs:
    """A model of three classes that is right or wrong as told."""
    says = [label if one else (label + 1) % 3 for label, one in zip(labels, right, strict=True)]
    return Outputs(np.eye(3, dtype=np.float32)[says], np.array(labels), np.ones((len(labels), 2), dtype=np.float32))


def pairs_won(mine: np.ndarray, theirs: np.ndarray) -> float:
    """The share of pairs in which the first is larger, ties counting half, one by one."""
    return sum((a > b) + 0.5 * (a == b) for a in mine for b in theirs) / (len(mine) * len(theirs))


def test_accuracies_of_kept_and_forgotten_classes_by_hand() -> None:
    outputs = of_labels([0, 0, 1, 1, 1, 2], [True, False, True, True, False, False])
    found = class_accuracies(outputs, [1])
    assert (found.kept, found.forgotten) == (1 / 3, 2 / 3)
    both = class_accuracies(outputs, (2, 0))
    assert (both.kept, both.forgotten) == (2 / 3, 1 / 3)
    assert class_accuracies(outputs, []).forgotten is None
    assert class_accuracies(outputs, [0, 1, 2]).kept is None
    with pytest.raises(ValueError, match="`forgotten`"):
        class_accuracies(outputs, [3])


def test_a_class_is_whole_if_none_of_it_is_retained() -> None:
    retain, forget = of_labels([0, 0, 1], [True] * 3), of_labels([1, 2, 2], [True] * 3)
    assert whole_classes(retain=retain, forget=forget) == (2,)
    assert whole_classes(retain=forget, forget=retain) == (0,)


def test_within_classes_each_pair_is_of_one_class() -> None:
    forget, test = random_outputs(40, seed=1), random_outputs(90, seed=2)
    found = attack_within_classes(forget, test)
    mine, theirs = margin(forget), margin(test)
    areas = {k: pairs_won(mine[forget.labels == k], theirs[test.labels == k]) for k in range(4)}
    assert found.by_class == pytest.approx(areas)
    assert found.auc == pytest.approx(np.mean([areas[int(label)] for label in forget.labels]))
    won = [max(theirs[test.labels == label]) for label in forget.labels]  # under a hundred test samples: none is taken
    assert found.true_positive_rate == pytest.approx(np.mean(mine > np.array(won)))
    assert found.left_out == ()


def test_a_class_that_sank_as_a_whole_is_no_membership() -> None:
    """Margins of one class lie far below the other's, seen or not: over all, that looks like forgetting."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    test = with_margin(rng.normal(size=400) - 6.0 * (labels == 0), labels)
    forget = with_margin(rng.normal(size=200) - 6.0, np.zeros(200, dtype=np.int64))
    assert pairs_won(margin(forget)[:50], margin(test)) < 0.3
    assert attack_within_classes(forget, test).auc == pytest.approx(0.5, abs=0.1)


def test_classes_without_test_samples_are_named() -> None:
    forget, test = of_labels([0, 1, 2], [True] * 3), of_labels([0, 0], [False] * 2)
    found = attack_within_classes(forget, test)
    assert (found.left_out, found.by_class) == ((1, 2), {0: 1.0})
    with pytest.raises(ValueError, match="`forget` and `test` must share a class"):
        attack_within_classes(of_labels([2], [True]), test)
    with pytest.raises(ValueError, match="`test` must have 3 classes"):
        attack_within_classes(forget, random_outputs(5))


def test_a_report_on_forgotten_classes_tells_what_is_left() -> None:
    net = trained("table")[0]
    report = evaluate(net, TABLE, classes(1, 2), test_set=TEST, reference=net)
    with torch.no_grad():
        right = (net.eval()(TEST[0]).argmax(1) == TEST[1]).double()
    inside = torch.isin(TEST[1], torch.tensor([1, 2]))
    assert report["test_accuracy_kept"] == pytest.approx(float(right[~inside].mean()))
    assert report["test_accuracy_forgotten"] == pytest.approx(float(right[inside].mean()))
    assert f"{100 * report['test_accuracy_kept']:.1f} %" in str(report)
    frame = report.to_frame()
    assert (frame.loc[["test_accuracy_kept", "mia_auc_within"], "gap"] == 0).all()
    assert 0 <= report["mia_tpr_within"] <= 1


def test_what_a_report_on_classes_lacks_is_said() -> None:
    net = trained("table")[0]
    assert "test_accuracy_kept" not in evaluate(net, TABLE, [1, 5], test_set=TEST).to_frame().index
    bare = evaluate(net, TABLE, 1)
    assert bare.missing["test_accuracy_kept"] == bare.missing["mia_auc_within"] == "for want of `test_set`"
    others = tuple(part[TEST[1] != 1] for part in TEST)
    lacking = evaluate(net, TABLE, 1, test_set=others)
    assert lacking.missing["mia_auc_within"] == "for want of test samples of the forgotten classes"
    assert lacking.missing["test_accuracy_forgotten"] == "for want of such test samples"
    unasked = evaluate(net, TABLE, 1, test_set=TEST, measure=Evaluation(shadow=0, relearning=None))
    assert unasked.missing["mia_tpr_within"] == "not asked for by `measure`"


def test_a_study_that_forgets_a_class_has_its_columns(tmp_path: Path) -> None:
    """And its page a note; rows of other forget sets are as they were."""
    brief = Evaluation(shadow=20, shadow_sets=1, entangled=0, relearning=None)
    base = replace(small_study(), unlearners=(), seeds=(0,), evaluation=brief)
    study = replace(base, forget=(ForgetSet(kind="class", cls=3), ForgetSet(kind="random", size=40)))
    rows = {(row["method"], row["forget_set"]): row for row in run_study(study, tmp_path, Execution()).rows}
    stages = Stages(study, Store(tmp_path), Execution())
    dataset, split = stages.data(study.forget[0])
    model = stages.finished(next(run for runs in runs_of(study) for run in runs if run.unlearner)).model
    test, forget = (
        collect(model, images, chosen)
        for images, chosen in ((dataset.test, torch.arange(len(dataset.test))), (dataset.train, split.forget))
    )
    row = rows["retrain", "class-3"]
    right, inside = test.logits.argmax(1) == test.labels, test.labels == 3
    assert (row["test_accuracy_kept"], row["test_accuracy_forgotten"]) == (right[~inside].mean(), right[inside].mean())
    assert row["test_accuracy_forgotten"] == 0
    assert row["mia_auc_within"] == pytest.approx(pairs_won(margin(forget), margin(test)[inside]))
    assert rows["pretrained", "class-3"]["mia_auc_within_gap"] == pytest.approx(
        rows["pretrained", "class-3"]["mia_auc_within"] - row["mia_auc_within"]
    )
    new = {"test_accuracy_kept", "test_accuracy_forgotten", "mia_auc_within", "mia_tpr_within", "mia_auc_within_gap"}
    assert not new & set(rows["retrain", "random"])
    write_report(tmp_path)
    text = (tmp_path / "report" / "table.md").read_text(encoding="utf-8")
    assert text.count("| test % kept |") == 1
    assert "AUC within: attack by a threshold" in text
