"""Tug of war (ToW): how close the accuracies of an unlearned model are to those of a retrained one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from deepnet.house.fields import entries, of_type
from simulate.house import checks

__all__ = [
    "OFFICIAL_REFERENCES",
    "Accuracies",
    "mean_tug_of_war",
    "official_reference",
    "tug_of_war",
    "tug_of_war_membership",
]


@dataclass(frozen=True, kw_only=True)
class Accuracies:
    """Top-1 accuracies of one model, as fractions."""

    retain: float
    """Accuracy on the retain set R, in [0, 1]."""
    forget: float
    """Accuracy on the forget set F, in [0, 1]."""
    test: float
    """Accuracy on the test set T, in [0, 1]."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is not a fraction; the message names it.
        """
        for name in ("retain", "forget", "test"):
            checks.fraction(name, getattr(self, name))


def tug_of_war(unlearned: Accuracies, retrained: Accuracies, signed: bool = False) -> float:
    """ToW = (1 - |ΔR|)(1 - |ΔF|)(1 - |ΔT|), Δ the difference between unlearned and retrained; the best value is 1.

    Args:
        unlearned: Accuracies of the model under test.
        retrained: Accuracies of a model trained without the forget set.
        signed: Leave out the absolute values, as the paper's released code does:
            (1 - (R_o - R_u))(1 - (F_u - F_o))(1 - (T_o - T_u)), u unlearned and o retrained. To forget too much, or
            to beat the retrained model, then raises the value, beyond 1 if need be.

    Returns:
        The product, in [0, 1] if not signed and in [0, 8] if signed.

    Source: Zhao et al. 2024 (arXiv 2406.01257); the signed form is that of the paper's released code.

    Example:
        >>> retrained = Accuracies(retain=1.0, forget=0.6, test=0.75)
        >>> tug_of_war(Accuracies(retain=1.0, forget=0.5, test=0.75), retrained)
        0.9
        >>> tug_of_war(Accuracies(retain=1.0, forget=0.5, test=0.75), retrained, signed=True)
        1.1
    """
    of_type("unlearned", unlearned, Accuracies)
    of_type("retrained", retrained, Accuracies)
    retain = retrained.retain - unlearned.retain
    forget = unlearned.forget - retrained.forget
    test = retrained.test - unlearned.test
    if signed:
        return (1.0 - retain) * (1.0 - forget) * (1.0 - test)
    return (1.0 - abs(retain)) * (1.0 - abs(forget)) * (1.0 - abs(test))


def mean_tug_of_war(unlearned: Accuracies, references: Sequence[Accuracies], signed: bool = False) -> float:
    """Mean of `tug_of_war` over several retrained models (seeds).

    The mean of absolute differences, not the difference to the mean: the chance among retrained models counts, and
    even a retrained model reaches 1 against the others only if they all agree.

    Raises:
        ValueError: if there is no reference.
    """
    entries("references", references, Accuracies)
    if not references:
        raise ValueError("Argument `references` must hold at least one retrained model, but is empty.")
    return sum(tug_of_war(unlearned, reference, signed) for reference in references) / len(references)


def tug_of_war_membership(
    unlearned: Accuracies, retrained: Accuracies, *, unlearned_efficacy: float, retrained_efficacy: float
) -> float:
    """ToW-MIA: absolute ToW whose factor of the forget set compares membership inference instead of accuracy.

    (1 - |ΔR|)(1 - |ΔM|)(1 - |ΔT|), M the fraction of the forget set that an attack takes for non-members.

    Args:
        unlearned: Accuracies of the model under test.
        retrained: Accuracies of a model trained without the forget set.
        unlearned_efficacy: M of the former; the original uses `Membership.confidence`.
        retrained_efficacy: M of the latter.

    Source: Zhao et al. 2024 (arXiv 2406.01257).
    """
    of_type("unlearned", unlearned, Accuracies)
    of_type("retrained", retrained, Accuracies)
    checks.fraction("unlearned_efficacy", unlearned_efficacy)
    checks.fraction("retrained_efficacy", retrained_efficacy)
    return tug_of_war(
        Accuracies(retain=unlearned.retain, forget=unlearned_efficacy, test=unlearned.test),
        Accuracies(retain=retrained.retain, forget=retrained_efficacy, test=retrained.test),
    )


def _percent(retain: float, forget: float, test: float) -> Accuracies:
    return Accuracies(retain=retain / 100.0, forget=forget / 100.0, test=test / 100.0)


OFFICIAL_REFERENCES: Mapping[tuple[str, str, str], Accuracies] = MappingProxyType(
    {
        ("cifar100", "resnet50", "high"): _percent(99.964, 3.3, 74.96),
        ("cifar100", "resnet50", "mid"): _percent(99.981, 57.5, 74.14),
        ("cifar100", "resnet50", "low"): _percent(99.956, 100.0, 75.81),
        ("imagenet", "resnet50", "high"): _percent(97.134, 13.828, 74.846),
        ("imagenet", "resnet50", "mid"): _percent(97.388, 52.27, 74.832),
        ("imagenet", "resnet50", "low"): _percent(96.671, 99.858, 75.018),
        ("cifar10", "resnet50", "random"): _percent(99.943, 92.567, 92.49),
        ("tiny-imagenet", "resnet50", "random"): _percent(99.985, 59.383, 61.69),
        ("cifar100", "vit_s", "high"): _percent(99.962, 8.233, 62.73),
        ("cifar100", "vit_s", "mid"): _percent(99.964, 38.5, 61.56),
        ("cifar100", "vit_s", "low"): _percent(99.957, 93.533, 61.11),
    }
)
"""Accuracies of retrained models that the paper's released code holds as constants, by (data set, network, kind of
forget set): single runs of that code, of use as targets of a reproduction, never in place of measured references."""


def official_reference(dataset: str, kind: str, network: str = "resnet50") -> Accuracies:
    """The constants of `OFFICIAL_REFERENCES` for one case.

    Args:
        dataset: "cifar10", "cifar100", "imagenet" or "tiny-imagenet".
        kind: Kind of forget set: "high", "mid" or "low" memorisation, or "random".
        network: "resnet50" or "vit_s".

    Raises:
        ValueError: if the released code has no constants for this case (it then reports a ToW of 0).
    """
    case = (dataset, network, kind)
    if case not in OFFICIAL_REFERENCES:
        known = ", ".join("/".join(each) for each in OFFICIAL_REFERENCES)
        raise ValueError(
            f"Arguments `dataset`, `network` and `kind` must be one of {known}, but are {'/'.join(map(str, case))}."
        )
    return OFFICIAL_REFERENCES[case]
