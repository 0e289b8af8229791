"""Deep networks: what forgetting costs each arm at the match, in accuracy, steps and seconds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from deepnet.ledger.naming import arm_words
from paper_figs.figures.deep_accuracies import measured
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import (
    Scale,
    means_note,
    nothing_to_draw,
    of_replicates,
    scales,
    unvaried,
    usual_arms,
)
from paper_figs.workshop.deep_dots import Panel, dots_figure
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from theory.statistics import Estimate

__all__ = ["draw", "main", "seconds"]


def seconds(scale: Scale, arm: str) -> Estimate | None:
    """Logarithm of the seconds of an unlearning, shared out to the step of the match; of the runs that reach it."""
    found = []
    for row in scale.findings.arm(arm).values():
        stop = row["stops"].get("own-loss", row["stops"].get("loss", {}))
        last = row.get("last", {}).get("step")
        if stop.get("step") and last and row.get("seconds"):
            found.append(np.log(row["seconds"] * stop["step"] / last))
    return of_replicates(found)


_PANELS = (
    Panel(label="retain lost (%)", measure=partial(measured, column="retain_damage"), scale=100.0),
    Panel(label="test lost (%)", measure=partial(measured, column="test_damage"), scale=100.0),
    Panel(label="steps", measure=partial(measured, column="log_step"), log=True),
    Panel(label="seconds", measure=seconds, log=True),
)


def draw(results: Results) -> tuple[Figure, Caption]:
    """Accuracy lost, steps and seconds to the match."""
    shown = unvaried(scales(results))
    arms = [(scale, usual_arms(scale)) for scale in shown]
    if not any(names for _, names in arms):
        raise nothing_to_draw("arms", shown)
    return dots_figure(arms, _PANELS), Caption(
        answers=" ".join(_answer(scale, names) for scale, names in arms if names),
        shows=(
            "What each arm has lost of the accuracy of its pretrained network on retain and test set when its loss on "
            "the forget set is that of a retrained network, and what it took to get there, each arm at its own "
            "learning rate; of a run that never got there (†) what it had lost and taken at its end. Steps and seconds "
            "are geometric means. Filled: after SGD; open: after ASAM. Seconds are those of one process, looks at all "
            "sets on the way included, of the runs that reached the match; times of a shared machine carry noise. "
            "Parts of the weights and quirks of released code are left out. "
            f"Hardware: {'; '.join(map(_hardware, shown))}. {means_note(shown)}"
        ),
    )


def _answer(scale: Scale, arms: Sequence[str]) -> str:
    """From the cheapest to the dearest arm, in each panel."""
    parts = []
    for panel in _PANELS:
        found = {arm: known for arm in arms if (known := panel.measure(scale, arm)) is not None}
        if found:
            least, most = (pick(found, key=lambda arm: found[arm].value) for pick in (min, max))
            low, high = panel.shown([found[least].value, found[most].value])
            parts.append(f"{panel.label} from {low:.2g} ({arm_words(least)}) to {high:.3g} ({arm_words(most)})")
    return f"At the scale {scale.name} ({scale.about}), on the way to the match: {'; '.join(parts)}."


def _hardware(scale: Scale) -> str:
    about = scale.published.provenance
    return f"{scale.name}, {about['hardware']['device']} (threads {about['threads']})"


main = figure(draw, number=14, asks="What does forgetting cost, in accuracy and in time?")
