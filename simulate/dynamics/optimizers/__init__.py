"""Optimizers as data: how the gradient of an objective becomes a step. One small file each.

The engines know one operation, `simulate.dynamics.updates.Update`; each optimizer here is a short list of updates. To
add one, put a module here whose `__all__` names it; nothing else changes.
"""

from simulate.dynamics.optimizers.base import Optimizer
from simulate.dynamics.optimizers.sam import SAM
from simulate.dynamics.optimizers.sgd import SGD
from simulate.dynamics.optimizers.sharp_minmax import SharpMinMax
from simulate.house.discovery import modules_of, public_classes

__all__ = ["OPTIMIZERS", "SAM", "SGD", "Optimizer", "SharpMinMax"]

OPTIMIZERS = {cls.__name__: cls for cls in public_classes(modules_of(__name__, __path__), Optimizer)}
"""Every optimizer by its name."""
