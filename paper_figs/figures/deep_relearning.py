"""Deep networks: what is left of the forget set at the match, by an attack and by relearning."""

from __future__ import annotations

from functools import partial

from matplotlib.figure import Figure

from paper_figs.figures.deep_tow import measured, retrained
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import main_arms, means_note, nothing_to_draw, scales, unvaried
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
    arms = [(scale, main_arms(scale)) for scale in shown]
    arms = [(scale, [arm for arm in names if _PANELS[0].measure(scale, arm)]) for scale, names in arms]
    arms = [(scale, names) for scale, names in arms if names]
    if not arms:
        raise nothing_to_draw("attacks by relearning", shown)
    return dots_figure(arms, _PANELS, "retrained"), Caption(
        shows=(
            "Left: accuracy on the forget set, mean over the steps in which the network of the match is trained on it "
            "again with SGD; right: how well a threshold on the loss tells forget from test images, 0.5 is not at "
            "all, and below it forget images have the larger loss. Filled: after SGD; open: after ASAM. Lines: "
            "retrained networks, which never saw the forget set. Arms marked † have runs that did not reach the match, "
            f"and count by their last values. Intervals end where values cannot be. {means_note(shown)}"
        )
    )


main = figure(draw, number=13)
