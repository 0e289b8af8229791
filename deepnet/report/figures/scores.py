"""The figures of dots: tug of war, membership inference, distances to the retrained models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from deepnet.report.figures.dots import Panel, draw_dots, has_numbers
from deepnet.report.figures.drawing import Drawing, Skipped, Sources
from deepnet.report.naming import shadow_words
from deepnet.report.rows import Row
from deepnet.report.summary import Block, Summary

__all__ = ["draw_distances", "draw_membership", "draw_tug_of_war"]

_HOW = (
    "Markers are means over seeds, bars their 95 % t-intervals (cut off where values cannot be), dots single seeds; a "
    "number without bar is of one seed, or of the models of all seeds together. Hollow markers: some runs diverged, "
    "and the mean is of those that are left."
)


def _of_retrained(column: str) -> Callable[[Block], float | None]:
    def find(block: Block) -> float | None:
        return None if block.retrained is None else block.retrained.means[column].value

    return find


def _zero(_: Block) -> float:
    return 0.0


def _floor(block: Block) -> float | None:
    values = [each.means["klom_null"].value for each in block.methods]
    return next((value for value in values if value is not None), None)


_PERCENT = (0.0, 100.0)
_TOW = (
    Panel(column="tow", label="ToW", possible=(0.0, 1.0), reference=_of_retrained("tow_other_seeds")),
    *(
        Panel(column=f"{part}_accuracy", label=f"{part}\naccuracy (%)", scale=100.0, possible=_PERCENT,
              reference=_of_retrained(f"{part}_accuracy"))
        for part in ("retain", "forget", "test")
    ),
)  # fmt: skip
_MEMBERSHIP = (
    Panel(column="mia_gap", label="SVC attack, gap (points)", scale=100.0, reference=_zero),
    Panel(column="mia_auc_gap", label="AUC, gap", reference=_zero),
    Panel(column="mia_tpr", label="TPR at 1 % FPR (%)", scale=100.0, possible=_PERCENT,
          reference=_of_retrained("mia_tpr")),
)  # fmt: skip
_DISTANCES = (
    Panel(column="klom", label="KLoM (nats)", possible=(0.0, float("inf")), reference=_floor),
    Panel(column="entanglement", label="entanglement $1 - W_1/2$", reference=_of_retrained("entanglement")),
)


def draw_tug_of_war(sources: Sources) -> Iterator[Drawing | Skipped]:
    """ToW and its three accuracies, one figure a block."""
    caption = (
        "Tug of war, and the accuracies it is made of. Dashed: the retrained model (for ToW, against the retrained "
        "models of the other seeds: what can be reached). Dotted: the model before unlearning."
    )
    return _draw("tug-of-war", sources, _TOW, "retrained model", caption)


def draw_membership(sources: Sources) -> Iterator[Drawing | Skipped]:
    """Membership inference, as the gap to the retrained model, one figure a block."""
    drawn = any(row.values["mia_spread"] is not None for block in sources.blocks for row in _rows(block.summaries))
    caption = (
        "Membership inference on the forget set, minus that on the retrained model of the same seed; 0 is the aim, "
        "and both signs are failures. Left: share of the forget set taken for non-members by the SVC on confidence, "
        f"in percentage points: {shadow_words(drawn)}. Middle: area under the ROC curve. Right: true positives at 1 % "
        "false positives, beside the retrained model's."
    )
    return _draw("membership", sources, _MEMBERSHIP, "retrained model", caption)


def draw_distances(sources: Sources) -> Iterator[Drawing | Skipped]:
    """KLoM and entanglement, one figure a block."""
    caption = (
        "Left: KLoM, the divergence of margins from those of retrained models, one number of the models of all seeds; "
        "dashed: its noise floor, retrained against retrained models. Right: entanglement of the features of retain "
        "and forget set; dashed: the retrained model."
    )
    return _draw("klom-entanglement", sources, _DISTANCES, "KLoM: noise floor; else: retrained model", caption)


def _draw(kind: str, sources: Sources, panels: Sequence[Panel], goal: str, caption: str) -> Iterator[Drawing | Skipped]:
    for block in sources.blocks:
        name = f"{kind}-{block.name}"
        shown = [panel for panel in panels if has_numbers(block, panel.column)]
        if not shown:
            yield Skipped(name=name, reason=f"No method has numbers of {', '.join(p.column for p in panels)}.")
            continue
        yield Drawing(name=name, figure=draw_dots(block, shown, goal),
                      caption=f"{caption} {_HOW} {block.words[0].upper()}{block.words[1:]}.",
                      rows=_rows(block.summaries))  # fmt: skip


def _rows(summaries: Sequence[Summary]) -> tuple[Row, ...]:
    return tuple(row for each in summaries for row in each.rows)
