"""What a matched study consists of: arms that are compared, each on replicates with seeds, splits and forget sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Literal, get_args

from deepnet.data.datasets import DataConfig
from deepnet.data.requests import REQUESTS, Request
from deepnet.data.splits import ForgetSet
from deepnet.house.fields import distinct, entries, of_type
from deepnet.house.quirks import UNLEARNING_QUIRKS
from deepnet.learning.sharpness import Sharpness, sgd
from deepnet.learning.training import Training
from deepnet.methods import Method, NegGrad
from deepnet.networks.models import ModelConfig
from deepnet.studies.memorization import Memorization
from simulate.house import checks

__all__ = ["RESERVED", "Arm", "Flatness", "MatchedStudy", "StopName", "Watching"]

StopName = Literal["loss", "accuracy", "own-loss", "own-accuracy", "held-out"]
"""Name of a stop by what a model does on the forget set."""
RESERVED = 1000
"""Replicates from this number on are those of searches and pilots; a study's own are below it."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to unlearn, from one way to pretrain, of one kind of forget set."""

    name: str
    """Name in rows of results and on the command line."""
    method: Method = field(default_factory=NegGrad)
    """The method and its hyper-parameters."""
    pretraining: Sharpness = field(default_factory=sgd)
    """How pretraining treats sharpness."""
    unlearning: Sharpness = field(default_factory=sgd)
    """How unlearning treats it."""
    forget: str = "high"
    """Label of the forget set, one of the study's."""
    lr: float = 0.01
    """Learning rate."""
    batches: int = 0
    """Another number gives other batches: the same arm once more, as a control."""
    tuned: str = ""
    """Name of the arm whose learning rate it takes; empty for its own."""
    factor: float = 1.0
    """Its learning rate is that one times this factor: a control that is known to differ."""
    quirk: str = ""
    """Name of a quirk of the released code (`deepnet.studies.compat`) that it unlearns with; empty for none."""

    def __post_init__(self) -> None:
        """Validate every field."""
        of_type("name", self.name, str)
        if not self.name.isprintable() or not self.name or set(self.name) & set(",\t "):
            checks.fail("name", "be a word without commas", self.name)
        of_type("method", self.method, Method)
        of_type("pretraining", self.pretraining, Sharpness)
        of_type("unlearning", self.unlearning, Sharpness)
        of_type("forget", self.forget, str)
        of_type("tuned", self.tuned, str)
        checks.real("lr", self.lr, positive=True)
        checks.real("factor", self.factor, positive=True)
        checks.integer("batches", self.batches, least=0)
        checks.choice("quirk", self.quirk, ("", *UNLEARNING_QUIRKS))
        if self.method.start != "pretrained":
            checks.fail("method", "start from the pretrained model", self.method.name)

    @property
    def rate_of(self) -> str:
        """Name of the arm whose learning rate is looked for."""
        return self.tuned or self.name


@dataclass(frozen=True, kw_only=True)
class Flatness:
    """Where in pretraining sharpness is measured, so that networks can be compared that fit equally well."""

    loss: float
    """Mean training loss: at the first look at which it is no more."""
    images: int = 512
    """Pretraining images that loss and sharpness are taken on, at most so many."""
    every: int = 1
    """Steps between two looks."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.real("loss", self.loss, positive=True)
        checks.integer("images", self.images, least=1)
        checks.integer("every", self.every, least=1)


@dataclass(frozen=True, kw_only=True)
class Watching:
    """What is noted of a training, and where it is stopped."""

    probe: int | None = None
    """Retain, validation and test images that are looked at along the way, of each at most so many; None is all."""
    every: int = 1
    """Steps between two looks at them; the forget set is looked at after every step."""
    stops: tuple[StopName, ...] = get_args(StopName)
    """The stops by what the model does on the forget set; see `deepnet.matched.unlearning.stops_of`."""
    epochs: tuple[int, ...] = (5,)
    """Numbers of epochs after which it is stopped, too, as the sources do."""
    points: int = 22
    """Most points of a trajectory in a row of results."""
    relearning: Training | None = None
    """The relearning attack on the model at each stop; None is no attack."""

    def __post_init__(self) -> None:
        """Validate every field."""
        if self.probe is not None:
            checks.integer("probe", self.probe, least=1)
        checks.integer("every", self.every, least=1)
        checks.integer("points", self.points, least=2)
        entries("stops", self.stops, str)
        for name in self.stops:
            checks.choice("stops", name, get_args(StopName))
        entries("epochs", self.epochs, Integral)
        for number in self.epochs:
            checks.integer("epochs", number, least=1)
        if not self.stops and not self.epochs:
            raise ValueError("Arguments `stops` and `epochs` must not both be empty.")
        of_type("relearning", self.relearning, Training, optional=True)


@dataclass(frozen=True, kw_only=True)
class MatchedStudy:
    """Arms that are watched to the stops they share, replicate by replicate.

    A replicate is a number that seeds everything: the images (where `images` is set), the validation set, the forget
    set, the weights and the batches. Forget sets of the kind "random" are drawn anew; of the kinds by score they are
    the highest (or lowest) scores among the images that this replicate has and does not validate on.
    """

    name: str = "matched"
    """Name of the scale."""
    about: str = ""
    """The scale in words."""
    data: DataConfig = field(default_factory=DataConfig)
    """The images."""
    images: int | None = None
    """Training images of a replicate, equally many of each class, drawn anew for each; None is all of `data`."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """The network."""
    forget: tuple[ForgetSet, ...] = (ForgetSet(),)
    """The forget sets."""
    request: Request = "samples"
    """What has to be forgotten of them: samples, wrong labels, a stamp, a backdoor; see `deepnet.data.requests`."""
    memorization: Memorization = field(default_factory=Memorization)
    """How memorization scores are estimated, for forget sets that ask for it."""
    pretrain: Training = field(default_factory=Training)
    """How networks are pretrained, and retrained without the forget set."""
    unlearn: Training = field(default_factory=Training)
    """How they unlearn, with the largest number of epochs; the learning rate is each arm's own."""
    arms: tuple[Arm, ...] = (Arm(name="neggrad"),)
    """The arms."""
    replicates: tuple[int, ...] = (0,)
    """Numbers of the replicates."""
    val_fraction: float = 0.1
    """Fraction of each class that is set aside for validation."""
    watching: Watching = field(default_factory=Watching)
    """What is noted, and where trainings are stopped."""
    flatness: Flatness | None = None
    """Where in pretraining sharpness is measured, beside its end; None is nowhere."""
    ceiling: bool = True
    """Whether a second network is retrained without the first forget set, from other weights: how alike two are."""
    threads: int = 1
    """CPU threads of each process, which decide the last bits of all numbers."""

    def __post_init__(self) -> None:
        """Validate every field."""
        self._check_types()
        distinct("forget", [each.label for each in self.forget])
        distinct("arms", [arm.name for arm in self.arms])
        for arm in self.arms:
            checks.choice("arms", arm.forget, [each.label for each in self.forget])
        if not self.replicates or len(set(self.replicates)) < len(self.replicates):
            checks.fail("replicates", "be different numbers, at least one", self.replicates)
        for number in self.replicates:
            checks.integer("replicates", number, least=0)
        if self.images is not None:
            checks.integer("images", self.images, least=1)
        checks.fraction("val_fraction", self.val_fraction, below=1)
        checks.real("val_fraction", self.val_fraction, positive=True)
        checks.boolean("ceiling", self.ceiling)
        checks.choice("request", self.request, REQUESTS)
        of_type("flatness", self.flatness, Flatness, optional=True)
        checks.integer("threads", self.threads, least=1)

    def _check_types(self) -> None:
        kinds: dict[str, type] = {
            "name": str, "about": str, "data": DataConfig, "model": ModelConfig, "memorization": Memorization,
            "pretrain": Training, "unlearn": Training, "watching": Watching,
        }  # fmt: skip
        for name, kind in kinds.items():
            of_type(name, getattr(self, name), kind)
        for name, kind in {"forget": ForgetSet, "arms": Arm, "replicates": Integral}.items():
            entries(name, getattr(self, name), kind)

    def forget_set(self, label: str) -> ForgetSet:
        """The forget set of a label."""
        return next(each for each in self.forget if each.label == label)

    def training(self, arm: Arm) -> Training:
        """How an arm unlearns."""
        return replace(self.unlearn, descent=replace(self.unlearn.descent, lr=arm.lr))

    def only(self, names: Sequence[str]) -> MatchedStudy:
        """The study with some of its arms.

        Raises:
            ValueError: if there is no arm of a name.
        """
        for name in names:
            checks.choice("only", name, [arm.name for arm in self.arms])
        return replace(self, arms=tuple(arm for arm in self.arms if arm.name in names)) if names else self
