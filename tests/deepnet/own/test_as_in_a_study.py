"""A study is built on the same calls: with its settings `unlearn` gives its weights, and `evaluate` its numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from deepnet import (  # noqa: E402  # noqa: E402
    DataConfig,
    Descent,
    Evaluation,
    ForgetSet,
    ModelConfig,
    Study,
    Training,
    Unlearner,
    asam,
    evaluate,
    sgd,
    unlearn,
)
from deepnet.methods import NegGrad, SalUn, SelectiveDampening, SharpMinMax  # noqa: E402
from deepnet.studies.measuring.measurement import measure  # noqa: E402
from deepnet.studies.running import runs_of  # noqa: E402
from deepnet.studies.stages import Execution, Stages  # noqa: E402
from deepnet.studies.store import Store  # noqa: E402
from tests.deepnet.own.foreign import bits, changed  # noqa: E402

HARD = Training(epochs=2, batch_size=50, descent=Descent(lr=0.1))
GENTLE = replace(HARD, epochs=1, descent=Descent(lr=0.02, momentum=0.8))
METHODS = (
    (NegGrad(alpha=0.9), sgd()),
    (SharpMinMax(alpha=0.9), asam(0.5)),
    (SalUn(), sgd()),
    (SelectiveDampening(), sgd()),
)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """Those of a study with validation images and one seed."""
    study = Study(
        data=DataConfig(name="digits", subset=200, test_subset=60),
        model=ModelConfig(architecture="convnet", width=2),
        forget=(ForgetSet(kind="random", size=20),),
        pretrain=HARD,
        unlearners=tuple(Unlearner(method=one, training=GENTLE, sharpness=(how,)) for one, how in METHODS),
        evaluation=Evaluation(shadow=20, shadow_sets=2, entangled=20, relearning=GENTLE),
        val_fraction=0.1,
        seeds=(3,),
    )
    return Stages(study, Store(Path(tmp_path_factory.mktemp("study"))), Execution())


def run_of(stages: Stages, name: str) -> Any:
    (pretrained, _), unlearned = runs_of(stages.study)
    return {run.unlearner.method.name: run for run in unlearned}.get(name, pretrained)


@pytest.mark.parametrize("name", [method.name for method, _ in METHODS])
def test_unlearn_gives_the_weights_of_a_study(stages: Stages, name: str) -> None:
    run = run_of(stages, name)
    dataset, split = stages.data(run.forget)
    begun = stages.finished(run_of(stages, "pretrained")).model
    how: dict[str, Any] = {"epochs": GENTLE.epochs, "batch_size": GENTLE.batch_size, "lr": GENTLE.descent}
    how |= {"sharpness": run.sharpness, "seed": run.seed, "without": split.val}
    found = unlearn(begun, dataset, split.forget, run.unlearner.method, **how).model
    assert not changed(found, bits(stages.finished(run).model))
    assert changed(found, bits(begun))
    if name == "neggrad":  # that batches hang on the seed, or all of this would say little
        other = unlearn(begun, dataset, split.forget, run.unlearner.method, **how | {"seed": 4}).model
        assert changed(other, bits(found))


def test_evaluate_gives_the_numbers_of_a_study(stages: Stages) -> None:
    run = run_of(stages, "neggrad")
    row = measure(stages, run).row
    dataset, split = stages.data(run.forget)
    kept = torch.cat([split.retain, split.forget]).sort().values  # `evaluate` knows of no validation images
    images = replace(dataset.train, pixels=dataset.train.pixels[kept], labels=dataset.train.labels[kept])
    forget = torch.searchsorted(kept, split.forget)
    report = evaluate(
        stages.finished(run).model, images, forget, test_set=dataset, measure=stages.study.evaluation, seed=run.seed
    )
    names = [name for name in row if name in {one.name for one in report.numbers}]
    assert {"mia", "mia_auc", "entanglement", "retain_loss", "forget_accuracy", "test_accuracy"} <= set(names)
    for name in names:
        assert report[name] == pytest.approx(row[name], rel=1e-5, abs=1e-6), name
