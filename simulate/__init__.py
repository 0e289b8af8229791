"""The two-layer patch-CNN of the theory, in signal and noise coefficients."""

from simulate.instance import Instance
from simulate.optimizers import SAM, SGD, SharpMinMax
from simulate.phases import Loss, NegGrad, Phase, RandomLabel
from simulate.problem import Problem
from simulate.record import Record
from simulate.result import Result
from simulate.run import run
from simulate.state import State, Status
from simulate.sweep import sweep
from simulate.version import __version__

__all__ = [
    "SAM", "SGD", "Instance", "Loss", "NegGrad", "Phase", "Problem", "RandomLabel", "Record", "Result", "SharpMinMax",
    "State", "Status", "__version__", "run", "sweep",
]  # fmt: skip
