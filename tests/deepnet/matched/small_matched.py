"""A matched study of seconds, and rows of one by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepnet.data.datasets import DataConfig
from deepnet.data.splits import ForgetSet
from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import asam
from deepnet.learning.training import Training
from deepnet.matched.running import run_matched
from deepnet.matched.study import Arm, MatchedStudy, Watching
from deepnet.methods import NegGrad
from deepnet.networks.models import ModelConfig
from deepnet.studies.stages import Execution

CLOCKS = ("seconds",)


def small_matched(**changes: Any) -> MatchedStudy:
    """One replicate, two arms, a network of a thousand weights."""
    training = Training(epochs=8, batch_size=50, descent=Descent(lr=0.1, schedule="cosine"))
    settings: dict[str, Any] = {
        "name": "small",
        "data": DataConfig(name="digits", subset=300, test_subset=60),
        "model": ModelConfig(architecture="convnet", width=4),
        "forget": (ForgetSet(kind="random", size=30),),
        "pretrain": training,
        "unlearn": Training(epochs=3, batch_size=100, descent=Descent(lr=0.02)),
        "arms": (
            Arm(name="neggrad", method=NegGrad(alpha=0.5), forget="random", lr=0.1),
            Arm(name="aware", method=NegGrad(alpha=0.5), forget="random", lr=0.1, pretraining=asam(0.5)),
        ),
        "watching": Watching(epochs=(1,), relearning=Training(epochs=1, batch_size=30, descent=Descent(lr=0.01))),
    }
    return MatchedStudy(**settings | changes)


def run_small(folder: Path, study: MatchedStudy | None = None) -> list[dict[str, Any]]:
    """Its rows, without what a clock says."""
    rows = run_matched(study or small_matched(), folder, Execution())
    return [{name: value for name, value in row.items() if name not in CLOCKS} for row in rows]
