"""A class that is forgotten has the name of its folder, wherever it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402

from deepnet.cli.run import _list_runs  # noqa: E402
from deepnet.data.datasets import DataConfig  # noqa: E402
from deepnet.data.splits import ForgetSet  # noqa: E402
from deepnet.house.crew import Watch  # noqa: E402
from deepnet.learning.descent import Descent  # noqa: E402
from deepnet.learning.training import Training  # noqa: E402
from deepnet.methods import NegGrad  # noqa: E402
from deepnet.networks.models import ModelConfig  # noqa: E402
from deepnet.studies.running import Job, run_study  # noqa: E402
from deepnet.studies.stages import Execution  # noqa: E402
from deepnet.studies.study import Evaluation, Study, Unlearner  # noqa: E402
from tests.deepnet.house.notes import Watcher  # noqa: E402

CLASSES = ("2", "9", "10")
SHORT = Training(epochs=1, batch_size=12)
WILD = replace(SHORT, descent=Descent(lr=1e30))


@pytest.fixture
def study(tmp_path: Path) -> Study:
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in CLASSES:
            folder = tmp_path / "images" / part / name
            folder.mkdir(parents=True)
            for number in range(6):
                Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return Study(
        data=DataConfig(name="folder", root=str(tmp_path / "images")),
        model=ModelConfig(architecture="convnet", width=2),
        forget=(ForgetSet(kind="class", cls=2),),
        pretrain=SHORT,
        unlearners=(Unlearner(method=NegGrad(), training=SHORT), Unlearner(training=WILD, variant="wild")),
        evaluation=Evaluation(shadow=0, entangled=0, relearning=None),
        seeds=(0,),
    )


def test_the_folder_called_10_is_class_10(study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels: list[str] = []

    @contextmanager
    def progress(jobs: Sequence[Job]) -> Iterator[Watch]:
        labels.extend(job.label for job in jobs)
        yield Watcher()

    summary = run_study(study, tmp_path / "out", Execution(), progress=progress)
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    assert {json.loads(line)["forget_set"] for line in lines} == {"class-10"}
    assert len(labels) == 4
    assert all(label.startswith("class-10, seed 0") for label in labels)
    assert len(summary.diverged) == 1
    assert summary.diverged[0].startswith("class-10, seed 0")
    _list_runs(study)
    listed = capsys.readouterr().out
    assert listed.count("class-10, ") == 4
    assert "class-2" not in listed


def test_without_images_models_are_listed_by_the_number(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _list_runs(replace(study, data=replace(study.data, root=str(tmp_path / "elsewhere"))))
    assert "class-2, seed 0" in capsys.readouterr().out


def test_a_number_that_is_no_class_stays_a_number() -> None:
    assert ForgetSet(kind="class", cls=3).named(CLASSES) == "class-3"
    assert ForgetSet(kind="high", scores="x").named(CLASSES) == "high"
