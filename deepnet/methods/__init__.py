"""Methods of unlearning, one small file a family. A method is a frozen dataclass; `METHODS` finds it by name."""

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

METHODS: dict[str, type[Method]] = {
    cls.name: cls
    for cls in (
        Retrain, FineTune, GradientAscent, NegGrad, RetainSAM, RandomLabel, SalUn, L1Sparse, Scrub, Influence,
        CurvatureSelection, SharpMinMax,
    )
}  # fmt: skip
"""Every method of unlearning by its name."""
