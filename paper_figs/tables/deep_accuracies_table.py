"""Deep networks: replicates and raw accuracies of both arms that each claim compares, one column per scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from deepnet.ledger.scales import arms_of, replicates_of
from paper_figs.tables._side_by_side import side_by_side
from paper_figs.workshop.caption import Caption
from paper_figs.workshop.deep_data import Scale, family, scales
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import table
from paper_figs.workshop.tabular import Table
from simulate.house.verdicts import Verdict
from theory.ledger import Row

__all__ = ["cell", "draw", "main"]

_SETS = ("retain", "forget", "test")
_LOST = {"not matched": "did not reach the stop", "diverged": "diverged"}
"""What is said of runs that do not end as they should, and how details tell it."""


def draw(results: Results) -> tuple[Table, Caption]:
    """One row per kind of network that arms start from or are held against, then one per claim."""
    claims = side_by_side(results)
    networks = {scale.name: dict(_networks(scale)) for scale in scales(results)}
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
            "means over them; other replicates have other splits. First, networks before unlearning and the "
            "references, which are retrained without the forget set of most arms. Then, of each claim, the first arm "
            "and the one that it is held against: the runs that the effect is of, at the row's stop or, if they "
            "never got there, at their end; how many these were stands behind. A run that diverged has no accuracies, "
            "and its arm none (?). Samples with wrong labels count as right where that label is said, and those with "
            "a stamp are shown with it. Claims on ranges of α and on pretrained networks compare no two arms."
        )
    )


def _networks(scale: Scale) -> Iterator[tuple[str, str]]:
    """The networks of a scale that are measured as they are, by kind; of retrained ones the references."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for row in scale.findings.rows if scale.findings.arms else ():
        is_still = row["kind"] != "trajectory" and row["forget"] == scale.forget and not row["again"]
        if is_still and row["status"] == "finished":
            by_kind.setdefault(f"{row['kind']} with {family(row['optimizer'])}", []).append(row["numbers"])
    for kind, networks in sorted(by_kind.items(), key=lambda found: found[0].partition(" ")[0]):
        means = [float(np.mean([network[f"{name}_accuracy"] for network in networks])) for name in _SETS]
        yield kind, f"{len(networks)}: {_percent(means)}"


def cell(row: Row) -> str:
    """Replicates of a row, and the accuracies of its arms; its verdict if that is none."""
    told = [row.verdict] if row.has_no_verdict else []
    if row.verdict != Verdict.NOT_RUN.value:
        arms = [_accuracies(row, arm) for arm in arms_of(row)]
        told.append(": ".join(filter(None, [replicates_of(row), ", against ".join(arms)])))
    return ", ".join(filter(None, told))


def _accuracies(row: Row, arm: str) -> str:
    """Accuracies of an arm, and how many of its runs did not end at the row's stop."""
    values = [row.details[f"{name} accuracy, {arm}"]["effect"] for name in _SETS]
    counts = {words: row.details[f"runs that {end}, {arm}"]["effect"] for words, end in _LOST.items()}
    lost = ", ".join(f"{count:.0f} {words}" for words, count in counts.items() if count)
    return _percent(values) + (f" ({lost})" if lost else "")


def _percent(values: Sequence[float | None]) -> str:
    return " / ".join("?" if value is None else f"{100 * value:.1f}" for value in values)


main = table(draw, number=4)
