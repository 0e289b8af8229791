"""Rows whose mean alone would mislead carry how single replicates lie."""

import json

import numpy as np
import pytest

from tests.theory.cases import claim, ledger
from theory.ledger.book import ledger_from
from theory.ledger.claim import Claim, Evidence
from theory.ledger.distribution import PARTS, counts
from theory.statistics import exact

HEAPS = np.array([0.01, 0.02, 0.03, 0.51, 0.52, np.nan])


def spread(values: np.ndarray = HEAPS) -> Claim:
    """A claim whose replicates lie in two heaps."""

    def measure(lab: object) -> Evidence:
        return Evidence(effect=exact(1.0), control=exact(0.0), n_runs=6, distributions={"errors": values})

    return claim("spread", measure=measure)


def test_values_are_counted_in_parts_of_one_length() -> None:
    assert counts(HEAPS) == [3, *[0] * 9, 2, *[0] * 9]
    edges = np.arange(PARTS + 1) / PARTS
    assert counts(edges) == [1] * (PARTS - 1) + [2]
    assert counts(edges - 1e-15 * (edges > 0)) == counts(edges)  # rounding moves none to the part below
    assert counts(np.array([np.nan])) == counts(np.array([])) == [0] * PARTS


def test_a_row_keeps_its_distributions_and_others_have_none() -> None:
    found = ledger(spread(), claim("plain"))
    by_name = {row["name"]: row for row in json.loads(found.to_json())}
    assert by_name["spread"]["distributions"] == {"errors": counts(HEAPS)}
    assert "distributions" not in by_name["plain"]
    assert ledger_from(found.to_json()).rows == found.rows


@pytest.mark.parametrize("values", [[0.5, 1.5], [-0.1], [np.inf], [[0.5]], "many"])
def test_what_is_no_list_of_shares_is_refused(values: object) -> None:
    with pytest.raises(ValueError, match="`distributions`"):
        Evidence(effect=None, control=exact(0.0), n_runs=1, distributions={"errors": values})  # type: ignore[dict-item]
