"""Unlearning of deep networks on images: one loop, every method, every metric, and the deep ledger.

The names below are found when they are first used, so that a report can be read without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulate.house.discovery import found_on_use

if TYPE_CHECKING:
    from deepnet.data.datasets import DataConfig, Dataset, load
    from deepnet.data.splits import ForgetSet, Split, make_split
    from deepnet.data.streams import Batch
    from deepnet.house.logs import CsvLog, Logger, TensorBoardLog
    from deepnet.learning.descent import Descent
    from deepnet.learning.sharpness import Sharpness, asam, gradient, sam, sgd
    from deepnet.learning.task import Task
    from deepnet.learning.training import Training
    from deepnet.learning.updates import Pass, Term, Update
    from deepnet.methods import METHODS, Method, apply
    from deepnet.metrics import collect, score
    from deepnet.networks.checkpoints import load_checkpoint
    from deepnet.networks.exporting import export, open_network
    from deepnet.networks.models import ModelConfig, Network, build
    from deepnet.networks.normalization import frozen_statistics
    from deepnet.own.evaluating import evaluate
    from deepnet.own.forgetting import classes
    from deepnet.own.report import Report
    from deepnet.own.requests.turns import unlearn_in_turn
    from deepnet.own.result import Unlearned
    from deepnet.own.stopping import Until
    from deepnet.own.unlearning import unlearn
    from deepnet.publishing import Published
    from deepnet.studies.presets import preset
    from deepnet.studies.running import run_study
    from deepnet.studies.stages import Execution
    from deepnet.studies.study import Evaluation, Study, Unlearner

_HOME = {
    "data.datasets": ("DataConfig", "Dataset", "load"),
    "data.splits": ("ForgetSet", "Split", "make_split"),
    "data.streams": ("Batch",),
    "house.logs": ("CsvLog", "Logger", "TensorBoardLog"),
    "learning.descent": ("Descent",),
    "learning.sharpness": ("Sharpness", "asam", "gradient", "sam", "sgd"),
    "learning.task": ("Task",),
    "learning.training": ("Training",),
    "learning.updates": ("Pass", "Term", "Update"),
    "methods": ("METHODS", "Method", "apply"),
    "metrics": ("collect", "score"),
    "networks.checkpoints": ("load_checkpoint",),
    "networks.exporting": ("export", "open_network"),
    "networks.models": ("ModelConfig", "Network", "build"),
    "networks.normalization": ("frozen_statistics",),
    "own.evaluating": ("evaluate",),
    "own.forgetting": ("classes",),
    "own.report": ("Report",),
    "own.requests.turns": ("unlearn_in_turn",),
    "own.result": ("Unlearned",),
    "own.stopping": ("Until",),
    "own.unlearning": ("unlearn",),
    "publishing": ("Published",),
    "studies.presets": ("preset",),
    "studies.running": ("run_study",),
    "studies.stages": ("Execution",),
    "studies.study": ("Evaluation", "Study", "Unlearner"),
}

__all__ = [
    "METHODS", "Batch", "CsvLog", "DataConfig", "Dataset", "Descent", "Evaluation", "Execution", "ForgetSet",
    "Logger", "Method", "ModelConfig", "Network", "Pass", "Published", "Report", "Sharpness", "Split", "Study",
    "Task", "TensorBoardLog", "Term", "Training", "Unlearned", "Unlearner", "Until", "Update", "apply", "asam",
    "build", "classes", "collect", "evaluate", "export", "frozen_statistics", "gradient", "load", "load_checkpoint",
    "make_split", "open_network", "preset", "run_study", "sam", "score", "sgd", "unlearn", "unlearn_in_turn",
]  # fmt: skip

__getattr__ = found_on_use(__name__, {name: home for home, names in _HOME.items() for name in names}, extra="deepnet")
