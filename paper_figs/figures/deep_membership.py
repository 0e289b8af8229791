"""Deep networks: membership inference and KLoM against the retrained models."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from deepnet.publishing import GroupRecord
from deepnet.report.naming import RETRAINED, shadow_words
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import interval_note, main_groups, nothing_to_draw, published, scale_words
from paper_figs.workshop.deep_dots import Panel, dots_figure
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure

__all__ = ["draw", "main"]


def _zero(groups: Sequence[GroupRecord]) -> float:
    return 0.0


def _floor(groups: Sequence[GroupRecord]) -> float | None:
    """KLoM between halves of the retrained models."""
    return next((value for group in groups if (value := group.means["klom_null"].value) is not None), None)


_PANELS = (
    Panel(metric="mia_gap", label="MIA gap (points)", scale=100.0, possible=(-100.0, 100.0), goal=_zero),
    Panel(metric="mia_auc_gap", label="AUC gap", possible=(-1.0, 1.0), goal=_zero),
    Panel(metric="klom", label="KLoM (nats)", goal=_floor),
)


def draw(results: Results) -> tuple[Figure, Caption]:
    """Gap of two membership attacks to the retrained model, and KLoM beside its floor."""
    found = published(results, "groups.csv", "main")
    groups = [group for group in main_groups(found) if group.method != RETRAINED]
    panels = [panel for panel in _PANELS if any(group.means[panel.metric].value is not None for group in groups)]
    if not panels:
        raise nothing_to_draw(found, "membership inference", ["main"])
    drawn = any(group.means["mia_spread"].value is not None for group in groups)
    models = max((group.means["klom_models"].value or 0.0) for group in groups)
    return dots_figure(groups, panels, "aim"), Caption(
        shows=(
            "Membership inference on the forget set and KLoM of every method and optimizer, after pretraining with "
            "SGD; filled: the most memorized samples are forgotten, open: the least memorized. Lines: what is to be "
            "reached, the retrained models: no gap of an attack, and KLoM between halves of the retrained models, its "
            f"noise floor. KLoM is one number of all models ({models:.0f} a group), without an interval. With few "
            "models it is mostly noise. Halves have half as many models, which raises the floor: a KLoM below it says "
            "nothing more than one at it. "
            f"{interval_note(groups)}\n\n{scale_words(found)}"
        ),
        symbols={
            "MIA gap": "part of the forget set that a support vector machine on confidences takes for non-members, "
            "minus that of the retrained model of the same seed, in percentage points; 0 is best. Part: "
            f"{shadow_words(drawn)}",
            "AUC gap": "area under the curve of a threshold attack on margins, forget set against test set, minus "
            "that of the retrained model; 0 is best",
            "KLoM": "mean over samples of the Kullback-Leibler divergence of the margins of unlearned and retrained "
            "models over seeds; its floor is best",
        },
    )


main = figure(draw, number=12)
