"""How each model of a study is trained: the method, its settings, its start and its seeds, and on which samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deepnet.data.datasets import Dataset  # noqa: E402
from deepnet.data.scores import ESTIMATED  # noqa: E402
from deepnet.data.splits import ForgetSet, make_split  # noqa: E402
from deepnet.house.single_output import SingleOutputConv2d  # noqa: E402
from deepnet.learning.loop import History  # noqa: E402
from deepnet.learning.sharpness import asam, sam, sgd  # noqa: E402
from deepnet.learning.task import Task  # noqa: E402
from deepnet.learning.training import Training  # noqa: E402
from deepnet.methods import Method, NegGrad, Pretrain, Retrain  # noqa: E402
from deepnet.networks.models import ModelConfig, Network  # noqa: E402
from deepnet.studies import running  # noqa: E402
from deepnet.studies.memorization import Memorization, Vote  # noqa: E402
from deepnet.studies.running import run_study, runs_of  # noqa: E402
from deepnet.studies.stages import Execution, Run, Stages  # noqa: E402
from deepnet.studies.store import Store  # noqa: E402
from deepnet.studies.study import Evaluation, Study, Unlearner  # noqa: E402
from tests.deepnet.oracles import small_dataset, weights_of  # noqa: E402

STUDY = Study(
    model=ModelConfig(architecture="convnet", width=2),
    forget=(ForgetSet(size=6),),
    pretrain=Training(epochs=11),
    pretrain_sharpness=(sgd(), sam(0.1)),
    retrain=Training(epochs=12),
    unlearners=(Unlearner(method=NegGrad(), training=Training(epochs=13), sharpness=(sam(0.1), asam(0.5))),),
    seeds=(7, 8),
    split_seed=3,
    val_fraction=0.2,
    holds_masked_weights=False,
)


class Made(Stages):
    """Stages whose trainings are remembered and move every weight by 1."""

    def __init__(self, study: Study, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(study, Store(folder), Execution())
        self.__dict__["dataset"] = small_dataset()
        self.trained: dict[str, list[tuple[Task, dict[str, Any], dict[str, torch.Tensor]]]] = {}
        monkeypatch.setattr("deepnet.studies.stages.apply", self._apply)

    def _apply(self, method: Method, task: Task, **how: Any) -> History:
        self.trained.setdefault(method.name, []).append((task, how, weights_of(task.model)))
        with torch.no_grad():
            for weight in task.model.parameters():
                weight += 1
        return History()


@pytest.fixture
def stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    return Made(STUDY, tmp_path, monkeypatch)


def test_a_layout_changes_no_weight_and_how_a_cpu_convolves(stages: Made) -> None:
    usual = stages.fresh(7, "Pretrain")
    stages.execution = Execution(channels_last=True)
    laid_out = stages.fresh(7, "Pretrain")
    assert laid_out.memory_format == torch.channels_last
    for name, weight in usual.state_dict().items():
        assert torch.equal(laid_out.state_dict()[name], weight), name
    convolutions = {
        type(layer): model
        for model in (usual, laid_out)
        for layer in model.modules()
        if isinstance(layer, torch.nn.Conv2d)
    }
    assert convolutions == {torch.nn.Conv2d: usual, SingleOutputConv2d: laid_out}
    stages.execution = Execution(channels_last=True, compile=True)  # or it is compiled more often
    assert not any(isinstance(layer, SingleOutputConv2d) for layer in stages.fresh(7, "Pretrain").modules())


def test_each_stage_has_its_own_training_and_optimizer(stages: Made) -> None:
    for run in (run for group in runs_of(STUDY) for run in group):
        stages.finished(run)
    found = {
        name: [(task.training.epochs, task.sharpness.label, task.seed[0]) for task, _, _ in made]
        for name, made in stages.trained.items()
    }
    assert set(found["pretrain"]) == {(11, how, seed) for how in ("sgd", "sam-0.1") for seed in (7, 8)}
    assert sorted(found["retrain"]) == [(12, "sgd", 7), (12, "sgd", 8)]
    assert set(found["neggrad"]) == {(13, how, seed) for how in ("sam-0.1", "asam-0.5") for seed in (7, 8)}
    assert len(found["neggrad"]) == 8  # after either pretraining
    assert {how["holds_masked_weights"] for made in stages.trained.values() for _, how, _ in made} == {False}


def test_references_are_trained_as_models_are_pretrained_where_nothing_else_is_said() -> None:
    (usual,) = {run.unlearner.training for run in runs_of(replace(STUDY, retrain=None))[0] if run.unlearner}
    assert usual == STUDY.pretrain


def test_unlearning_starts_from_the_pretrained_model_and_retraining_from_new_weights(stages: Made) -> None:
    seven = [run for group in runs_of(STUDY) for run in group if run.seed == 7]
    wanted = [run for run in seven if run.pretrain.label == "sam-0.1" or isinstance(_method(run), Retrain)]
    finished = {id(run): stages.finished(run).model for run in wanted}
    pretrained = next(finished[id(run)] for run in wanted if run.unlearner is None)
    for _, _, start in stages.trained["neggrad"]:
        assert all(torch.equal(start[name], value) for name, value in weights_of(pretrained).items())
    ((_, _, start),) = stages.trained["retrain"]
    fresh = weights_of(stages.fresh(7, "retrain"))
    assert all(torch.equal(start[name], value) for name, value in fresh.items())
    other = [weights_of(stages.fresh(seed, name))["head.weight"] for seed, name in ((8, "retrain"), (7, "pretrain"))]
    assert not any(torch.equal(start["head.weight"], value) for value in other)


def _method(run: Run) -> Method | None:
    return run.unlearner.method if run.unlearner else Pretrain()


def test_stages_shuffle_each_by_itself(stages: Made) -> None:
    for run in (run for group in runs_of(STUDY) for run in group):
        stages.finished(run)
    seeds = {name: {task.seed for task, _, _ in made} for name, made in stages.trained.items()}
    assert len(seeds["pretrain"] | seeds["neggrad"]) == 4
    assert all(len(each) == 2 for each in seeds.values())


def test_the_split_is_that_of_its_own_seed(stages: Made) -> None:
    found = stages.data(STUDY.forget[0])[1]
    labels = stages.dataset.train.labels
    expected = make_split(labels, STUDY.forget[0], 3, val_fraction=0.2)
    for name in ("pretrain", "retain", "forget", "val"):
        assert torch.equal(getattr(found, name), getattr(expected, name))


def test_the_released_codes_split_sets_other_images_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = Made(replace(STUDY, separate_val_seed=9), tmp_path, monkeypatch)
    found = stages.data(STUDY.forget[0])[1]
    assert found.official_split
    assert torch.equal(found.val, make_split(stages.dataset.train.labels, ForgetSet(), 9, val_fraction=0.2).val)


@pytest.mark.parametrize(("kind", "wanted"), [("high", {0, 1}), ("mid", {2, 3}), ("low", {4, 5})])
def test_forget_sets_by_estimated_scores(
    kind: str, wanted: set[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images 0 and 1 are known only to models that saw them, 2 and 3 half so, 4 and 5 to those that did not."""
    forget = ForgetSet(kind=kind, size=2, scores=ESTIMATED)  # type: ignore[arg-type]
    study = replace(STUDY, forget=(forget,), val_fraction=0.0, memorization=Memorization(models=8))
    stages = Made(study, tmp_path, monkeypatch)
    seen = np.tile(np.arange(8) < 4, (60, 1)).T
    right = np.ones((8, 60), dtype=bool)  # whoever sees them or not: a score of 0
    right[:, :2], right[:, 4:6] = seen[:, :2], ~seen[:, 4:6]
    right[:, 2:4] = np.array([1, 1, 1, 1, 1, 1, 0, 0], dtype=bool)[:, None]
    monkeypatch.setattr(stages, "votes", lambda: (seen, right))
    assert set(stages.data(forget)[1].forget.tolist()) == wanted


def test_votes_are_cast_by_new_models_on_the_part_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(epochs=5)
    stages = Made(
        replace(STUDY, memorization=Memorization(models=3, fraction=0.25, training=training)), tmp_path, monkeypatch
    )
    asked = []

    def cast(model: Network, dataset: Dataset, training: Training, fraction: float, number: int, **how: Any) -> Vote:
        asked.append((weights_of(model)["head.weight"], training.epochs, fraction, number))
        return Vote(np.ones(60, dtype=bool), np.zeros(60, dtype=bool))

    monkeypatch.setattr("deepnet.studies.stages.cast_vote", cast)
    seen, right = stages.votes()
    assert (seen.shape, right.shape) == ((3, 60), (3, 60))
    assert seen.all()
    assert not right.any()
    assert [each[1:] for each in asked] == [(5, 0.25, number) for number in range(3)]
    assert not torch.equal(asked[0][0], asked[1][0])


def test_only_unlearned_models_are_dropped_once_they_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made(replace(STUDY, evaluation=Evaluation(shadow=0)), tmp_path, monkeypatch)
    monkeypatch.setattr(running, "Stages", lambda *given: made)

    def measured(stages: Stages, run: Run) -> Any:
        stages.finished(run)
        raise running.DivergenceError("it is not looked at")

    monkeypatch.setattr(running, "measure", measured)
    run_study(STUDY, tmp_path, Execution(), keep_models=False, store=made.store)
    kept = {name: made.store.has_model(made.config(run)) for group in runs_of(STUDY) for run in group
            for name in [_method(run).name] if run.seed == 7}  # type: ignore[union-attr]  # fmt: skip
    assert kept == {"pretrain": True, "retrain": True, "neggrad": False}
