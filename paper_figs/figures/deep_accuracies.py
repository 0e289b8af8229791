"""Deep networks: tug of war and its three accuracies at the match, by arm, for the appendix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from deepnet.ledger.naming import arm_words
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import (
    Scale,
    family,
    main_arms,
    means_note,
    nothing_to_draw,
    scales,
    unvaried,
    usual_arms,
    variant_arms,
)
from paper_figs.workshop.deep_dots import Panel, dots_figure
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from theory.statistics import Estimate

__all__ = ["ceilings", "draw", "main", "measured", "retrained"]


def measured(scale: Scale, arm: str, *, column: str) -> Estimate | None:
    """A number of an arm at the match."""
    return scale.estimate(arm, column)


def ceilings(scale: Scale) -> Mapping[str, float]:
    """ToW of retrained networks against each other, by how they were trained."""
    found = {before: scale.ceiling(before) for before in _pretrainings(scale)}
    return {before: level for before, level in found.items() if level is not None}


def retrained(scale: Scale, *, column: str) -> Mapping[str, float]:
    """Mean of a number of the retrained networks of the usual forget set, by how they were trained."""
    found = {}
    for before in _pretrainings(scale):
        known = scale.findings.retrained.get((scale.forget, before), {})
        values = [network[column] for of_replicate in known.values() for network in of_replicate if column in network]
        if values:
            found[before] = float(np.mean(values))
    return found


def _pretrainings(scale: Scale) -> list[str]:
    return sorted({scale.findings.about(arm, "pretraining") for arm in main_arms(scale)})


_ACCURACIES = {"retain_accuracy": "retain (%)", "forget_accuracy": "forget (%)", "test_accuracy": "test (%)"}
_PANELS = (
    Panel(label="ToW", measure=partial(measured, column="tow"), possible=(0.0, 1.0), levels=ceilings),
    *(
        Panel(
            label=label,
            measure=partial(measured, column=name),
            scale=100.0,
            possible=(0.0, 100.0),
            levels=partial(retrained, column=name),
        )
        for name, label in _ACCURACIES.items()
    ),
)


def draw(results: Results) -> tuple[Figure, Caption]:
    """ToW, and accuracy on retain, forget and test set, of every arm at the retrained network's forget loss."""
    shown = unvaried(scales(results))
    parts = [(scale, part(scale)) for scale in shown for part in (usual_arms, variant_arms)]
    arms = [(scale, names) for scale, names in parts if names]
    if not arms:
        raise nothing_to_draw("arms", shown)
    return dots_figure(arms, _PANELS, "retrained"), Caption(
        answers=" ".join(_answer(scale, main_arms(scale)) for scale in shown),
        shows=(
            "Tug of war (ToW) of every arm, and the three accuracies it is made of, at the first step at which the "
            "loss on the forget set is that of the network retrained without it (as the arm was pretrained). Filled: "
            "after SGD; open: after ASAM. Lines: retrained networks; of ToW, their tug of war among each other, the "
            "ceiling that nothing but chance can pass. Arms marked † have runs that never got there, which count by "
            "their last values, or diverged, whose ToW is 0. Intervals end where values cannot be. Variants: NegGrad "
            "by a "
            "part of the weights, and methods as the released code has them. "
            f"{means_note(shown)}"
        ),
        symbols={
            "ToW": "mean over all retrained networks r of (1 − |R − R_r|)(1 − |F − F_r|)(1 − |T − T_r|), with R, F, T "
            "the accuracies on retain, forget and test set; 1 is best",
        },
    )


def _answer(scale: Scale, arms: Sequence[str]) -> str:
    """The arms of the largest and the smallest ToW, beside the ceiling."""
    found = {arm: known.value for arm in arms if (known := measured(scale, arm, column="tow")) is not None}
    if not found:
        return f"At the scale {scale.name} no arm has a ToW."
    best, worst = max(found, key=found.__getitem__), min(found, key=found.__getitem__)
    ceiling = ", ".join(f"{level:.3f} after {family(before)}" for before, level in ceilings(scale).items())
    return (
        f"At the scale {scale.name} ({scale.about}), at the match: {arm_words(best)} comes closest by its mean ToW, "
        f"{found[best]:.3f}, {arm_words(worst)} least close, {found[worst]:.3f}"
        + (f"; the ceiling is {ceiling}." if ceiling else ".")
    )


main = figure(draw, number=17, asks="How close does each arm come to a retrained network, and in what?")
