"""Methods of unlearning, one small file a family. A method is a frozen dataclass; `METHODS` finds it by name.

To add one, put a module here whose `__all__` names it; nothing else changes.
"""

from importlib import import_module
from pkgutil import iter_modules

from deepnet.methods.application import apply
from deepnet.methods.ascent import GradientAscent, NegGrad, RetainSAM
from deepnet.methods.base import Method
from deepnet.methods.finetuning import FineTune, L1Sparse, Pretrain, Retrain
from deepnet.methods.influence import Influence
from deepnet.methods.relabelling import RandomLabel, SalUn
from deepnet.methods.scrub import Scrub
from deepnet.methods.selection import CurvatureSelection
from deepnet.methods.sharp_minmax import SharpMinMax

__all__ = [
    "METHODS",
    "CurvatureSelection",
    "FineTune",
    "GradientAscent",
    "Influence",
    "L1Sparse",
    "Method",
    "NegGrad",
    "Pretrain",
    "RandomLabel",
    "RetainSAM",
    "Retrain",
    "SalUn",
    "Scrub",
    "SharpMinMax",
    "apply",
]


def _methods() -> dict[str, type[Method]]:
    """Every method that a module of this folder makes public, pretraining aside.

    Raises:
        ValueError: if two methods have the same name.
    """
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    public = dict.fromkeys(getattr(module, name) for module in modules for name in module.__all__)
    found = [one for one in public if isinstance(one, type) and issubclass(one, Method) and hasattr(one, "name")]
    found.remove(Pretrain)
    by_name = {cls.name: cls for cls in found}
    if len(by_name) < len(found):
        twice = sorted({cls.name for cls in found if cls not in by_name.values()})
        raise ValueError(f"Argument `name` must be different for every method, but {', '.join(twice)} is not.")
    return by_name


METHODS = _methods()
"""Every method of unlearning by its name."""
