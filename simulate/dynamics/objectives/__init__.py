"""Objectives as data: what is minimised, as weights and labels of the samples. One small file each.

To add one, put a module here whose `__all__` names it; nothing else changes.
"""

from simulate.dynamics.objectives.base import Objective
from simulate.dynamics.objectives.bounded import BoundedNegGrad
from simulate.dynamics.objectives.gradient_difference import GradientDifference
from simulate.dynamics.objectives.label_noise import LabelNoise
from simulate.dynamics.objectives.loss import Loss
from simulate.dynamics.objectives.neggrad import NegGrad
from simulate.dynamics.objectives.random_label import RandomLabel
from simulate.house.discovery import modules_of, public_classes

__all__ = [
    "OBJECTIVES",
    "BoundedNegGrad",
    "GradientDifference",
    "LabelNoise",
    "Loss",
    "NegGrad",
    "Objective",
    "RandomLabel",
]

OBJECTIVES = {cls.__name__: cls for cls in public_classes(modules_of(__name__, __path__), Objective)}
"""Every objective by its name."""
