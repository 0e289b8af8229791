"""Deep networks: tug of war and its three accuracies by method, optimizer and forget set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from matplotlib.figure import Figure

from deepnet.publishing import GroupRecord
from deepnet.report.naming import RETRAINED
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import interval_note, main_groups, nothing_to_draw, published, scale_words
from paper_figs.workshop.deep_dots import Panel, dots_figure
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure

__all__ = ["draw", "main", "retrained"]


def retrained(metric: str) -> Callable[[Sequence[GroupRecord]], float | None]:
    """What the retrained models have in a metric, among groups of one forget set."""
    return lambda groups: next((g.means[metric].value for g in groups if g.method == RETRAINED), None)


_ACCURACIES = {"retain_accuracy": "retain (%)", "forget_accuracy": "forget (%)", "test_accuracy": "test (%)"}
_PANELS = (
    Panel(metric="tow", label="ToW", possible=(0.0, 1.0), goal=retrained("tow")),
    *(
        Panel(metric=name, label=label, scale=100.0, possible=(0.0, 100.0), goal=retrained(name))
        for name, label in _ACCURACIES.items()
    ),
)


def draw(results: Results) -> tuple[Figure, Caption]:
    """ToW, and accuracy on retain, forget and test set, of every method after pretraining with SGD."""
    found = published(results, "groups.csv", "main")
    groups = [_with_ceiling(group) for group in main_groups(found)]
    if not groups:
        raise nothing_to_draw(found, "tug of war", ["main"])
    return dots_figure(groups, _PANELS, "retrained"), Caption(
        shows=(
            "Tug of war (ToW) of every method and optimizer after pretraining with SGD, and the three accuracies it is "
            "made of; filled: the most memorized samples are forgotten, open: the least memorized. Lines: retrained "
            "models. The ToW of a retrained model is that against the retrained models of the other seeds, the best "
            f"that can be expected. {interval_note(groups)} Intervals end where values cannot be.\n\n"
            f"{scale_words(found)}"
        ),
        symbols={
            "ToW": "(1 − |ΔR|)(1 − |ΔF|)(1 − |ΔT|), Δ = accuracy on retain, forget or test set minus that of the "
            "retrained model of the same seed; 1 is best",
        },
    )


def _with_ceiling(group: GroupRecord) -> GroupRecord:
    """A retrained model against those of other seeds: against itself it would have a ToW of 1."""
    if group.method != RETRAINED:
        return group
    return replace(group, means={**group.means, "tow": group.means["tow_other_seeds"]})


main = figure(draw, number=10)
