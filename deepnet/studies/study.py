"""What a study consists of: everything that decides its numbers, in one tree of frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Integral
from typing import Literal

from deepnet.data.datasets import DataConfig
from deepnet.data.requests import REQUESTS, Request
from deepnet.data.splits import ForgetSet
from deepnet.house.fields import distinct, entries, of_type
from deepnet.house.identity import came_later
from deepnet.learning.sharpness import Sharpness, sgd
from deepnet.learning.training import Training
from deepnet.methods import FineTune, Method
from deepnet.networks.models import ModelConfig
from deepnet.studies.memorization import Memorization
from simulate.house import checks

__all__ = ["Evaluation", "Study", "Unlearner"]


def _check_goals(name: str, optimizers: tuple[Sharpness, ...]) -> None:
    """Require optimizers, and that what is maximised is left to the methods, which say it of each of their terms."""
    entries(name, optimizers, Sharpness)
    distinct(name, [how.label for how in optimizers])
    for how in optimizers:
        if how.goal != "min":
            checks.fail(name, 'have the goal "min" (a method itself says what it maximises)', how.goal)


@dataclass(frozen=True, kw_only=True)
class Unlearner:
    """A method with its training and the optimizers it is tried with."""

    method: Method = field(default_factory=FineTune)
    """The method and its hyper-parameters."""
    training: Training = field(default_factory=Training)
    """How it is trained."""
    sharpness: tuple[Sharpness, ...] = (sgd(),)
    """How its optimizer treats sharpness, one run for each."""
    variant: str = ""
    """A word that tells rows of one method with different hyper-parameters apart."""

    def __post_init__(self) -> None:
        """Validate every field."""
        of_type("method", self.method, Method)
        of_type("training", self.training, Training)
        of_type("variant", self.variant, str)
        _check_goals("sharpness", self.sharpness)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What is measured of an unlearned model. Accuracies, losses and ToW always are; 0 switches a metric off."""

    shadow: int = 1000
    """Membership inference: most samples of each kind that an attack is trained on; 0 switches all attacks off."""
    shadow_sets: int = 10
    """Membership inference: random sets of such samples, whose mean and spread a number has; 0 is the released code's
    protocol, one set of the first and as many samples as there are, whatever `shadow` says."""
    m_entropy: Literal["corrected", "official"] = "corrected"
    """Which formula the attack on the modified entropy uses; "official" has the released code's fault."""
    entangled: int = 1000
    """Entanglement: most samples of each set that are transported."""
    transport_scale: Literal["diameter", "own maximum"] = "diameter"
    """Entanglement: which distance counts as 1; "own maximum" is the released code's, the model's own largest."""
    divergence: bool = True
    """KLoM, from the margins of all seeds."""
    relearning: Training | None = field(default_factory=lambda: Training(epochs=2))
    """The relearning attack: a training on the forget set alone; None switches it off."""
    curvature: int = 0
    """Samples behind the Hessian's largest eigenvalue and trace."""
    landscape: int = 0
    """Samples behind the loss surface."""
    landscape_points: int = 25
    """Points along each side of the loss surface; an odd number."""
    feature_map: int = 0
    """Most samples of each set in the map of features."""
    geometry_seeds: int = 1
    """Number of seeds, from the first, for which curvature, landscape and feature map are looked at."""
    official_tow: bool = False
    """Whether `tow` is the released code's: signed, against its fixed references."""

    def __post_init__(self) -> None:
        """Validate every field."""
        for name in ("shadow", "shadow_sets", "entangled", "curvature", "landscape", "feature_map", "geometry_seeds"):
            checks.integer(name, getattr(self, name), least=0)
        if self.entangled == 1:
            checks.fail("entangled", "be 0 (no entanglement) or at least 2", self.entangled)
        for name in ("divergence", "official_tow"):
            checks.boolean(name, getattr(self, name))
        of_type("relearning", self.relearning, Training, optional=True)
        checks.integer("landscape_points", self.landscape_points, least=3)
        if self.landscape_points % 2 == 0:
            checks.fail("landscape_points", "be odd", self.landscape_points)
        checks.choice("m_entropy", self.m_entropy, ("corrected", "official"))
        checks.choice("transport_scale", self.transport_scale, ("diameter", "own maximum"))


@dataclass(frozen=True, kw_only=True)
class Study:
    """Pretrained models, retrained references, and every unlearner between them, over seeds."""

    name: str = "study"
    """Name of the study; its results lie in a folder of this name."""
    data: DataConfig = field(default_factory=DataConfig)
    """The images."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """The network."""
    forget: tuple[ForgetSet, ...] = (ForgetSet(),)
    """The forget sets."""
    request: Request = "samples"
    """What of them is to be forgotten: the samples, their wrong labels, or a feature they carry."""
    pretrain: Training = field(default_factory=Training)
    """How models are pretrained and, on the retain set, retrained."""
    pretrain_sharpness: tuple[Sharpness, ...] = (sgd(),)
    """How pretraining treats sharpness, one model for each. References are retrained with the first of them."""
    unlearners: tuple[Unlearner, ...] = ()
    """The methods."""
    evaluation: Evaluation = field(default_factory=Evaluation)
    """What is measured."""
    memorization: Memorization = field(default_factory=Memorization)
    """How memorization scores are estimated, for forget sets whose `scores` are "estimated"."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the trainings, one model of each kind for each."""
    split_seed: int = 0
    """Seed of the split, which all trainings share, so that their outputs can be compared sample by sample."""
    val_fraction: float = 0.1
    """Fraction of each class that is set aside for validation."""
    retrain: Training | None = None
    """How references are retrained, if not as models are pretrained."""
    holds_masked_weights: bool = True
    """Whether weights outside a mask stay in place to the bit; the released code lets weight decay move them."""
    forget_statistics: bool = False
    """Whether batches that are to be forgotten enter the running statistics of batch normalisation, as in the released
    code."""
    cycles_forget_batches: bool = False
    """Whether an epoch meets the same augmented forget batches again and again, as in the released code."""
    separate_val_seed: int | None = None
    """Seed of another validation set for pretraining, a fault of the released code; None is the same one."""
    checkpoint: str = came_later("")
    """File of a trained network with which every seed begins, in the place of pretraining; references are still trained
    from new weights."""
    compat: tuple[str, ...] = ()
    """Names of the quirks of the released code that were switched on; see `deepnet.studies.compat`."""

    def __post_init__(self) -> None:
        """Validate every field."""
        self._check_types()
        if self.name in ("", ".", "..") or not self.name.isprintable() or set(self.name) & set("/\\ "):
            checks.fail("name", "be a word that a folder can have", self.name)
        for name in ("forget", "pretrain_sharpness", "seeds"):
            if not getattr(self, name):
                raise ValueError(f"Argument `{name}` must have at least one entry, but is empty.")
        for seed in self.seeds:
            checks.integer("seeds", seed, least=0)
        if len(set(self.seeds)) < len(self.seeds):
            checks.fail("seeds", "be different", self.seeds)
        distinct("forget", [each.label for each in self.forget])
        checks.choice("request", self.request, REQUESTS)
        self._check_start()
        checks.integer("split_seed", self.split_seed, least=0)
        if self.separate_val_seed is not None:
            checks.integer("separate_val_seed", self.separate_val_seed, least=0)
        for name in ("holds_masked_weights", "forget_statistics", "cycles_forget_batches"):
            checks.boolean(name, getattr(self, name))
        checks.fraction("val_fraction", self.val_fraction, below=1)
        _check_goals("pretrain_sharpness", self.pretrain_sharpness)
        keys = [(unlearner.method.name, unlearner.variant) for unlearner in self.unlearners]
        if len(set(keys)) < len(keys):
            raise ValueError("Argument `unlearners` must give each use of one method its own `variant`, but does not.")

    def _check_start(self) -> None:
        """Require that a network which was trained elsewhere can have been trained as the study says."""
        if not self.checkpoint:
            return
        if self.request != "samples":
            wrong = f"`checkpoint` must be left out where {self.request} are to be forgotten"
            raise ValueError(f"Argument {wrong}, since pretraining brings what is wrong with them.")
        if len(self.pretrain_sharpness) > 1:
            checks.fail("pretrain_sharpness", "have one entry where a `checkpoint` takes the place of pretraining",
                        [how.label for how in self.pretrain_sharpness])  # fmt: skip

    def _check_types(self) -> None:
        """Require that every field is of its type; what it must hold beside that is looked at after."""
        kinds: dict[str, type] = {
            "name": str, "checkpoint": str, "data": DataConfig, "model": ModelConfig, "pretrain": Training,
            "evaluation": Evaluation, "memorization": Memorization,
        }  # fmt: skip
        for name, kind in kinds.items():
            of_type(name, getattr(self, name), kind)
        of_type("retrain", self.retrain, Training, optional=True)
        for name, kind in {"forget": ForgetSet, "unlearners": Unlearner, "seeds": Integral, "compat": str}.items():
            entries(name, getattr(self, name), kind)
