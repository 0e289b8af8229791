"""ResNet-18 on photographs: pretrained, retrained, unlearned and measured, with real images and real scores."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from deepnet.data.augment import Augment  # noqa: E402
from deepnet.data.datasets import DataConfig  # noqa: E402
from deepnet.data.splits import ForgetSet  # noqa: E402
from deepnet.learning.descent import Descent  # noqa: E402
from deepnet.learning.sharpness import asam  # noqa: E402
from deepnet.learning.training import Training  # noqa: E402
from deepnet.methods import NegGrad, SharpMinMax  # noqa: E402
from deepnet.networks.models import ModelConfig  # noqa: E402
from deepnet.studies.running import run_study  # noqa: E402
from deepnet.studies.stages import Execution  # noqa: E402
from deepnet.studies.study import Evaluation, Study, Unlearner  # noqa: E402
from tests.deepnet.photographs import c_scores, cifar10  # noqa: E402


@pytest.mark.slow
def test_resnet18_forgets_photographs(tmp_path: Path) -> None:
    """300 images of CIFAR-10, the hardest thirty of them forgotten: few, but all of the path."""
    root = cifar10(tmp_path / "images", per_class=5000)
    training = Training(epochs=60, batch_size=16, descent=Descent(lr=0.03, schedule="cosine"))
    gentle = replace(training, epochs=4, descent=Descent(lr=0.005))
    data = DataConfig(name="cifar10", root=str(root), subset=300, test_subset=200, augment=Augment(pad=0, flip=False))
    study = Study(
        name="photographs",
        data=data,
        model=ModelConfig(architecture="resnet18", stem="imagenet"),
        forget=(ForgetSet(kind="high", size=30, scores=str(c_scores())),),
        pretrain=training,
        unlearners=(
            Unlearner(method=NegGrad(alpha=0.8), training=gentle),
            Unlearner(method=SharpMinMax(alpha=0.8), training=gentle, sharpness=(asam(0.5),)),
        ),
        evaluation=Evaluation(shadow=100, entangled=30, relearning=gentle),
        seeds=(0,),
    )
    summary = run_study(study, tmp_path / "out", Execution())
    rows = {row["method"]: row for row in map(json.loads, summary.path.read_text().splitlines())}
    print({name: (row["retain_accuracy"], row["forget_accuracy"], row["test_accuracy"]) for name, row in rows.items()})
    assert rows["pretrained"]["retain_accuracy"] > 0.9
    assert rows["pretrained"]["forget_accuracy"] > rows["retrain"]["forget_accuracy"] + 0.4
    for method in ("neggrad", "sharp-minmax"):
        assert rows[method]["forget_accuracy"] < rows["pretrained"]["forget_accuracy"] - 0.1
        assert rows[method]["tow"] is not None
