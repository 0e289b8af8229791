"""Experiments on the simulator: a laboratory, protocols in phases, and what is measured of them."""

from theory.experiments.lab import Lab
from theory.experiments.protocols import FORGOTTEN, fit, pretrain, retrain, unlearn, unlearning_radius

__all__ = ["FORGOTTEN", "Lab", "fit", "pretrain", "retrain", "unlearn", "unlearning_radius"]
