"""Deep networks: replicates and raw accuracies of both arms that each claim compares, one column per scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from deepnet.ledger.scales import arms_of, replicates_of
from paper_figs.tables._side_by_side import side_by_side
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import Scale, family
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import table
from paper_figs.workshop.tabular import Table
from theory.ledger import Row

__all__ = ["cell", "draw", "main"]

_SETS = ("retain", "forget", "test")
_LOST = ("did not reach the stop", "diverged")


def draw(results: Results) -> tuple[Table, Caption]:
    """One row per kind of network that arms start from or are held against, then one per claim."""
    claims = side_by_side(results)
    networks = {scale.name: dict(_networks(scale)) for scale in claims.shown}
    kinds = dict.fromkeys(kind for known in networks.values() for kind in known)
    texts = [
        ("", kind, *claims.under_heads({scale: known[kind] for scale, known in networks.items() if kind in known}))
        for kind in kinds
    ]
    for place, rows in claims.rows:
        arms = max((arms_of(row) for row in rows.values()), key=len)
        words = ", against ".join(arms) or next(iter(rows.values())).title
        texts.append((str(place), words, *claims.cells(rows, cell)))
    count = len(claims.columns) + bool(claims.varied)
    widths = (0.0, 0.3, *[round(0.6 / count, 3)] * count)
    return Table(heads=("#", "arms", *claims.heads()), rows=tuple(texts), numeric=(0,), widths=widths), Caption(
        shows=(
            "Each cell: on how many replicates it rests, and accuracies on the retain, forget and test set in percent, "
            "means over them. First, networks before unlearning and networks retrained without the forget set of most "
            "arms. Then, of each claim, the first arm and the one that it is held against: the runs that the effect is "
            "of, at the match or, if they never got there, at their end; how many these were stands behind. Claims on "
            "ranges of α and on pretrained networks compare no two arms."
        )
    )


def _networks(scale: Scale) -> Iterator[tuple[str, str]]:
    """The networks of a scale that are measured as they are, by kind: of retrained ones the references."""
    for (forget, optimizer), known in scale.findings.pretrained.items():
        if forget == scale.forget:
            yield f"pretrained with {family(optimizer)}", _replicates_of(list(known.values()))
    for (forget, optimizer), several in scale.findings.retrained.items():
        if forget == scale.forget:
            yield f"retrained with {family(optimizer)}", _replicates_of([first for first, *_ in several.values()])


def _replicates_of(networks: Sequence[Mapping[str, Any]]) -> str:
    means = [float(np.mean([network[f"{name}_accuracy"] for network in networks])) for name in _SETS]
    return f"{len(networks)}: {_percent(means)}"


def cell(row: Row) -> str:
    """Replicates of a row, and the accuracies of its arms."""
    replicates = replicates_of(row)
    if not replicates:
        return row.verdict
    found = [_accuracies(row, arm) for arm in arms_of(row)]
    return f"{replicates}: {', against '.join(found)}" if found else replicates


def _accuracies(row: Row, arm: str) -> str:
    """Accuracies of an arm, and how many of its runs did not reach the match."""
    values = [row.details[f"{name} accuracy, {arm}"]["effect"] for name in _SETS]
    missed = sum(round(row.details[f"runs that {end}, {arm}"]["effect"] or 0) for end in _LOST)
    return _percent(values) + (f" ({missed} not matched)" if missed else "")


def _percent(values: Sequence[float | None]) -> str:
    return " / ".join("?" if value is None else f"{100 * value:.1f}" for value in values)


main = table(draw, number=4)
