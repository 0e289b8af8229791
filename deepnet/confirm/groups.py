"""Groups of models that a claim compares: what their rows have in common, in the paper's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from deepnet.confirm.findings import Findings
from deepnet.methods import METHODS

__all__ = ["OPTIMIZERS", "Group", "Optimizer", "each_optimizer"]

Optimizer = Literal["SGD", "SAM", "ASAM"]
"""Optimizer of pretraining or unlearning."""
OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)
"""In the order of `Findings.optimizers`, whose labels carry the radius of the scale."""


@dataclass(frozen=True)
class Group:
    """Models that differ in the seed, and in the forget set if that is not said."""

    method: str
    """Name of the method; "pretrained" is no unlearning at all, "retrain" the reference."""
    optimizer: Optimizer = "SGD"
    """Optimizer of unlearning; without meaning for pretrained models."""
    pretrain: Optimizer = "SGD"
    """Optimizer of pretraining."""
    study: str = "main"
    """Study of the confirmation it is part of."""
    variant: str = ""
    """Which variant of its method; empty where there is only one."""
    forget_set: str | None = None
    """A forget set; None takes the mean over those of the study."""

    @property
    def label(self) -> str:
        """The group in words.

        Example:
            >>> Group("neggrad", "ASAM").label, Group("neggrad", pretrain="ASAM").label
            ('NegGrad ASAM', 'NegGrad SGD after ASAM')
        """
        if self.method == "pretrained":
            words = f"pretrained {self.pretrain}"
        elif self.method == "retrain":
            words = "retrained"
        else:
            words = " ".join(filter(None, (METHODS[self.method].title, self.optimizer, self.variant)))
            words += "" if self.pretrain == "SGD" else f" after {self.pretrain}"
        quirk = self.study.removeprefix("quirk-")
        words += "" if quirk == self.study else f", {quirk}"
        return words if self.forget_set is None else f"{words}, {self.forget_set}"

    def where(self, findings: Findings) -> dict[str, Any]:
        """What `Findings.paired` asks of the rows of this group."""
        labels = dict(zip(OPTIMIZERS, findings.optimizers, strict=True))
        found = {"study": self.study, "method": self.method, "variant": self.variant, "pretrain": labels[self.pretrain]}
        if self.method not in ("pretrained", "retrain"):
            found["optimizer"] = labels[self.optimizer]
        return found | ({} if self.forget_set is None else {"forget_set": self.forget_set})

    def on(self, forget_set: str | None) -> Group:
        """The same models, measured on one forget set."""
        return replace(self, forget_set=forget_set)

    def on_hardest(self, findings: Findings) -> Group:
        """The same models, on the most memorized forget set where there is one: there something is to be forgotten."""
        hard = findings.has(self.study, forget_set="high")
        return self.on("high") if hard else self


def each_optimizer(method: str, optimizers: Sequence[Optimizer] = OPTIMIZERS, **fields: Any) -> tuple[Group, ...]:
    """A method with several optimizers of unlearning."""
    return tuple(Group(method, optimizer, **fields) for optimizer in optimizers)
