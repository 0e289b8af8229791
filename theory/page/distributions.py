"""How single replicates lie, as strips: a mean of two heaps says nothing of either."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from theory.ledger.book import Row
from theory.ledger.wording import in_html
from theory.page.pieces import table

__all__ = ["distributions_table"]

_FAR = 0.25
"""Value from which a replicate counts as far out."""


def distributions_table(row: Row) -> str:
    """A strip for each distribution of a row, and how many of its values are far out; nothing if it has none."""
    lines = [
        [in_html(label), _strip(found), f"{sum(found):,}", f"{_far_out(found):.0%}" if sum(found) else ""]
        for label, found in row.distributions.items()
    ]
    caption = "Single replicates, from 0 on the left to 1: how many have which value"
    return table(caption, ("", "0 to 1", "Count", f"At {_FAR:g} or more"), lines, numeric=(2, 3))


def _far_out(counts: Sequence[int]) -> float:
    return sum(counts[round(_FAR * len(counts)) :]) / sum(counts)


def _strip(counts: Sequence[int]) -> str:
    """A column for each part of the range, the fullest as high as the strip."""
    most = max(counts, default=0)
    columns = "".join(f"M{place} 20v-{20 * count / most:.3g}h.9V20" for place, count in enumerate(counts) if count)
    words = "; ".join(
        f"{count} of {place / len(counts):g} to {(place + 1) / len(counts):g}"
        for place, count in enumerate(counts)
        if count
    )
    shown = (
        f'viewBox="0 0 {len(counts)} 20" preserveAspectRatio="none" role="img" aria-label="{escape(words or "none")}"'
    )
    return f'<svg class="heaps" xmlns="http://www.w3.org/2000/svg" {shown}><path d="{columns}"/></svg>'
