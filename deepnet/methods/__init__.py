"""Methods of unlearning, one small file a family. A method is a frozen dataclass; `METHODS` finds it by name.

To add one, put a module here whose `__all__` names it; nothing else changes.
"""

from deepnet.methods.application import apply
from deepnet.methods.ascent import GradientAscent, NegGrad, RetainSAM
from deepnet.methods.base import Method
from deepnet.methods.finetuning import FineTune, L1Sparse, Pretrain, Retrain
from deepnet.methods.importances import FisherForgetting, LossFreeDampening, SelectiveDampening
from deepnet.methods.influence import Influence
from deepnet.methods.partial import GradientSelection, LastLayer, RandomSelection
from deepnet.methods.relabelling import RandomLabel, SalUn
from deepnet.methods.scrub import Scrub
from deepnet.methods.selection import CurvatureSelection
from deepnet.methods.sharp_minmax import SharpMinMax
from deepnet.methods.teachers import AnchoredNegGrad, BadTeacher, BoundaryShrink, Unsir
from simulate.house.discovery import check_told_apart, modules_of, public_classes

__all__ = [
    "METHODS",
    "AnchoredNegGrad",
    "BadTeacher",
    "BoundaryShrink",
    "CurvatureSelection",
    "FineTune",
    "FisherForgetting",
    "GradientAscent",
    "GradientSelection",
    "Influence",
    "L1Sparse",
    "LastLayer",
    "LossFreeDampening",
    "Method",
    "NegGrad",
    "Pretrain",
    "RandomLabel",
    "RandomSelection",
    "RetainSAM",
    "Retrain",
    "SalUn",
    "Scrub",
    "SelectiveDampening",
    "SharpMinMax",
    "Unsir",
    "apply",
]


def _methods() -> dict[str, type[Method]]:
    """Every method that a module of this folder makes public, pretraining aside.

    Raises:
        ValueError: if two methods have the same name.
    """
    public = public_classes(modules_of(__name__, __path__), Method)
    found = [one for one in public if hasattr(one, "name") and one is not Pretrain]
    check_told_apart("method", [cls.name for cls in found])
    return {cls.name: cls for cls in found}


METHODS = _methods()
"""Every method of unlearning by its name."""
