"""Unlearning of deep networks on images: one loop, every method, every metric, and the confirmation study.

The names below are found when they are first used, so that a report can be read without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepnet.datasets import DataConfig, Dataset, load
    from deepnet.descent import Descent
    from deepnet.methods import METHODS, Method, apply
    from deepnet.models import ModelConfig, Network, build
    from deepnet.presets import preset
    from deepnet.running import run_study
    from deepnet.sharpness import Sharpness, asam, gradient, sam, sgd
    from deepnet.splits import ForgetSet, Split, make_split
    from deepnet.study import Evaluation, Study, Unlearner
    from deepnet.task import Task
    from deepnet.training import Training

_HOME = {
    "DataConfig": "datasets", "Dataset": "datasets", "load": "datasets", "Descent": "descent", "METHODS": "methods",
    "Method": "methods", "apply": "methods", "ModelConfig": "models", "Network": "models", "build": "models",
    "preset": "presets", "run_study": "running", "Sharpness": "sharpness", "asam": "sharpness",
    "gradient": "sharpness", "sam": "sharpness", "sgd": "sharpness", "ForgetSet": "splits", "Split": "splits",
    "make_split": "splits", "Evaluation": "study", "Study": "study", "Unlearner": "study", "Task": "task",
    "Training": "training",
}  # fmt: skip

__all__ = [
    "METHODS", "DataConfig", "Dataset", "Descent", "Evaluation", "ForgetSet", "Method", "ModelConfig", "Network",
    "Sharpness", "Split", "Study", "Task", "Training", "Unlearner", "apply", "asam", "build", "gradient", "load",
    "make_split", "preset", "run_study", "sam", "sgd",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """A public name, from the module where it lives."""
    if name not in _HOME:
        raise AttributeError(f"module 'deepnet' has no attribute {name!r}")
    return getattr(import_module(f"deepnet.{_HOME[name]}"), name)
