"""Deep networks: time, memory and speed of every method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from matplotlib.figure import Figure

from deepnet.publishing import GroupRecord
from deepnet.report.naming import PRETRAINED
from deepnet.report.summary import Mean
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import (
    forget_sets,
    interval_note,
    main_groups,
    nothing_to_draw,
    published,
    scale_words,
)
from paper_figs.workshop.deep_dots import Panel, dots_figure
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure

__all__ = ["draw", "main"]


def _one(groups: Sequence[GroupRecord]) -> float:
    return 1.0


_PANELS = (
    Panel(metric="seconds_ratio", label="time, × NegGrad with SGD", log=True, possible=(1e-9, 1e9), goal=_one),
    Panel(metric="memory_ratio", label="peak memory, × NegGrad", log=True, possible=(1e-9, 1e9), goal=_one),
    Panel(metric="images_per_second", label="thousand images a second", scale=1e-3, possible=(0.0, 1e9)),
)


def draw(results: Results) -> tuple[Figure, Caption]:
    """Training time and peak memory over those of NegGrad with SGD, and throughput."""
    found = published(results, "groups.csv", "main")
    groups = [group for group in main_groups(found) if group.method != PRETRAINED]
    sets = forget_sets(groups)
    groups = [_with_rate(group) for group in groups if group.forget_set == sets[0]]  # all sets are of one size
    panels = [panel for panel in _PANELS if any(group.means[panel.metric].value is not None for group in groups)]
    if not panels:
        raise nothing_to_draw(found, "times", ["main"])
    memory = "" if len(panels) == len(_PANELS) else " Peak memory was not measured: it is on CUDA devices alone."
    return dots_figure(groups, panels, "NegGrad with SGD"), Caption(
        shows=(
            "Wall time of each training over that of NegGrad with SGD at the same seed, and images a second that go "
            "through the network. Methods have their own numbers of epochs, so that times compare recipes, and "
            "throughput counts an image once for each pass over it; the two gradients of SAM and ASAM count as one "
            f"pass; methods that take no steps have none.{memory} Hardware: "
            f"{_hardware(found.provenance)}. Times of a shared machine carry noise. "
            f"{interval_note(groups)}\n\n{scale_words(found)}"
        ),
    )


def _with_rate(group: GroupRecord) -> GroupRecord:
    """A group without its throughput where no image was trained on step by step."""
    idle = group.means["images_per_second"].value == 0.0
    none = Mean(value=None, n=0, note="no steps")
    return replace(group, means={**group.means, "images_per_second": none}) if idle else group


def _hardware(provenance: dict[str, Any]) -> str:
    """Devices in words.

    Example:
        >>> _hardware({"hardware": [{"device": "x86_64", "cores": 2, "threads": 1, "processes": 2}]})
        'x86_64 (cores 2, threads 1, processes 2)'
    """
    told = []
    for each in provenance["hardware"]:
        more = ", ".join(f"{name} {value}" for name, value in each.items() if name != "device")
        told.append(f"{each['device']} ({more})")
    return "; ".join(dict.fromkeys(told)) or "not recorded"


main = figure(draw, number=17)
