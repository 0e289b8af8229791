"""Deep networks: what is left of the forget set at the match, by an attack and by relearning."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.figure import Figure

from paper_figs.figures.deep_accuracies import measured, retrained
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import Scale, family, means_note, nothing_to_draw, scales, unvaried, usual_arms
from paper_figs.workshop.deep_dots import Panel, dots_figure
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure

__all__ = ["draw", "main"]

_PANELS = (
    Panel(
        label="forget accuracy while relearning (%)",
        measure=partial(measured, column="relearn"),
        scale=100.0,
        possible=(0.0, 100.0),
        levels=partial(retrained, column="relearn"),
    ),
    Panel(
        label="AUC of the attack by loss",
        measure=partial(measured, column="auc"),
        possible=(0.0, 1.0),
        levels=partial(retrained, column="auc"),
    ),
)


def draw(results: Results) -> tuple[Figure, Caption]:
    """Mean accuracy on the forget set while it is learned again, and the area under the attack's curve."""
    shown = unvaried(scales(results))
    arms = [(scale, usual_arms(scale)) for scale in shown]
    arms = [(scale, [arm for arm in names if _PANELS[0].measure(scale, arm)]) for scale, names in arms]
    arms = [(scale, names) for scale, names in arms if names]
    if not arms:
        raise nothing_to_draw("attacks by relearning", shown)
    return dots_figure(arms, _PANELS, "retrained"), Caption(
        answers=" ".join(_answer(scale, names) for scale, names in arms),
        shows=(
            "Left: accuracy on the forget set, mean over the steps in which the network of the match is trained on it "
            "again with SGD; right: how well a threshold on the loss tells forget from test images, 0.5 is not at "
            "all, and below it forget images have the larger loss. Filled: after SGD; open: after ASAM. Lines: "
            "retrained networks, which never saw the forget set. Arms marked † have runs that did not reach the match, "
            f"and count by their last values. Intervals end where values cannot be. {means_note(shown)}"
        ),
    )


def _answer(scale: Scale, arms: Sequence[str]) -> str:
    """How many arms relearn faster than the retrained networks of their pretraining."""
    levels = retrained(scale, column="relearn")
    faster: list[str] = []
    alike: list[str] = []
    for arm in arms:
        known, level = _PANELS[0].measure(scale, arm), levels.get(scale.findings.about(arm, "pretraining"))
        if known is not None and level is not None:
            (faster if known.interval()[0] > level else alike).append(arm)
    found = [known.value for arm in arms if (known := _PANELS[0].measure(scale, arm)) is not None]
    return (
        f"At the scale {scale.name} ({scale.about}): {len(faster)} of {len(faster) + len(alike)} arms learn the forget "
        "set again faster than networks that never saw it, as far as their 95 % intervals tell; on the way their "
        f"accuracy on it is {100 * min(found):.0f} to {100 * max(found):.0f} %, that of retrained networks "
        f"{', '.join(f'{100 * level:.0f} % (after {family(before)})' for before, level in levels.items())}."
    )


main = figure(draw, number=13, asks="Is what was unlearned gone?")
