"""A study of seconds, and a process that runs it and can be killed."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from deepnet.data.datasets import DataConfig
from deepnet.data.splits import ForgetSet
from deepnet.learning.descent import Descent
from deepnet.learning.journal import Journal
from deepnet.learning.sharpness import asam, sgd
from deepnet.learning.training import Training
from deepnet.methods import FineTune, NegGrad, SharpMinMax
from deepnet.networks.models import ModelConfig
from deepnet.studies.running import Summary, run_study
from deepnet.studies.stages import Execution
from deepnet.studies.store import Store
from deepnet.studies.study import Evaluation, Study, Unlearner

CLOCKS = ("seconds", "images_per_second")
"""Columns that differ from run to run."""


def small_study() -> Study:
    """Two seeds, three methods, a network of a thousand weights."""
    training = Training(epochs=2, batch_size=100, descent=Descent(lr=0.1))
    gentle = replace(training, epochs=1, descent=Descent(lr=0.02))
    return Study(
        name="small",
        data=DataConfig(name="digits", subset=400, test_subset=100),
        model=ModelConfig(architecture="convnet", width=4),
        forget=(ForgetSet(kind="random", size=40),),
        pretrain=training,
        unlearners=(
            Unlearner(method=FineTune(), training=gentle),
            Unlearner(method=NegGrad(alpha=0.9), training=gentle, sharpness=(sgd(), asam(0.5))),
            Unlearner(method=SharpMinMax(alpha=0.9), training=gentle, sharpness=(asam(0.5),)),
        ),
        evaluation=Evaluation(shadow=50, entangled=40, relearning=gentle),
        seeds=(0, 1),
    )


def run_small(folder: Path, study: Study | None = None) -> Summary:
    """Run it on the CPU, keeping a journal after every epoch."""
    return run_study(study or small_study(), folder, Execution())


def numbers(folder: Path) -> list[dict[str, Any]]:
    """The rows of a study without what a clock measured."""
    lines = (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return [{key: value for key, value in json.loads(line).items() if key not in CLOCKS} for line in lines]


def process(folder: str) -> None:
    """What the process that is killed does."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    Store.journal = lambda self, config: Journal(  # type: ignore[method-assign]
        self.path("journals", config, ".safetensors"), every=0.0
    )
    run_small(Path(folder))
