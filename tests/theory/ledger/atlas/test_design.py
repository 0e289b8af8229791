"""The designed sample: primary first, then one value at a time, then balanced; and it can be seen to be balanced."""

from itertools import combinations

import numpy as np
import pytest

from theory.ledger import Choice
from theory.ledger.atlas.design import combined, crossed, designed, levels_of, protocol_of


def choices(*sizes: int) -> list[Choice[int]]:
    return [
        Choice(name=f"c{k}", words="w", primary=0, others=tuple(range(1, size)), reason="r")
        for k, size in enumerate(sizes)
    ]


def excess(rows: np.ndarray, sizes: tuple[int, ...]) -> float:
    """Squared distances of the counts of all pairs of values from equal ones."""
    total = 0.0
    for one, other in combinations(range(len(sizes)), 2):
        counts = np.zeros((sizes[one], sizes[other]))
        np.add.at(counts, (rows[:, one], rows[:, other]), 1)
        total += ((counts - counts.mean()) ** 2).sum()
    return total


def test_the_primary_protocol_comes_first_and_then_every_value_by_itself() -> None:
    rows = designed(choices(3, 2, 4), 12)
    assert rows[0].tolist() == [0, 0, 0]
    alone = rows[1:7]
    assert ((alone > 0).sum(axis=1) == 1).all()
    assert {(int(row.argmax()), int(row.max())) for row in alone} == {(0, 1), (0, 2), (1, 1), (2, 1), (2, 2), (2, 3)}
    assert ((rows[7:] > 0).sum(axis=1) > 1).all()


@pytest.mark.parametrize("count", [1, 5, 30, 47])
def test_there_are_as_many_as_asked_for_and_none_twice(count: int) -> None:
    rows = designed(choices(3, 4, 4), count)
    assert len(rows) == len({tuple(row) for row in rows.tolist()}) == count


def test_all_are_tried_where_that_is_no_more_than_asked_for() -> None:
    few = choices(3, 2)
    for count in (6, 100):
        rows = designed(few, count)
        assert sorted(map(tuple, rows.tolist())) == [(a, b) for a in range(3) for b in range(2)]
        assert rows[0].tolist() == [0, 0]
    assert combined(few) == 6
    assert designed([], 10).shape == (1, 0)
    assert designed(choices(1, 1), 10).tolist() == [[0, 0]]


def test_values_and_pairs_appear_equally_often() -> None:
    sizes = (3, 3, 3, 3)
    rows = designed(choices(*sizes), 54)
    for column, size in zip(rows.T, sizes, strict=True):
        counts = np.bincount(column, minlength=size)
        assert counts.max() - counts.min() <= 2, counts
    rng = np.random.default_rng(0)
    every = np.array(np.meshgrid(*map(range, sizes))).reshape(4, -1).T
    drawn = [excess(every[rng.permutation(81)[:54]], sizes) for _ in range(200)]
    assert excess(rows, sizes) < np.quantile(drawn, 0.01)  # the exchange is worth something


def test_the_seed_decides() -> None:
    many = choices(4, 4, 4, 4)
    assert designed(many, 40, 1).tolist() == designed(many, 40, 1).tolist()
    assert designed(many, 40, 1).tolist() != designed(many, 40, 2).tolist()
    assert designed(many, 40, 1)[:13].tolist() == designed(many, 40, 2)[:13].tolist()


def test_a_map_has_all_values_of_two_and_the_primary_ones_of_others() -> None:
    rows = crossed(choices(3, 2, 4), [2, 0])
    assert len({tuple(row) for row in rows.tolist()}) == 12
    assert (rows[:, 1] == 0).all()
    assert crossed(choices(3, 2), []).tolist() == [[0, 0]]


def test_protocols_leave_primary_values_out() -> None:
    some = choices(3, 2, 4)
    assert protocol_of(some, [0, 1, 3]) == {"c1": 1, "c2": 3}
    assert levels_of(some, {"c1": 1, "c2": 3}) == (0, 1, 3)
    for row in designed(some, 24).tolist():
        assert levels_of(some, protocol_of(some, row)) == tuple(row)


@pytest.mark.parametrize("protocols", [0, 1.5, True, 10**5])
def test_numbers_of_protocols_are_checked(protocols: object) -> None:
    with pytest.raises(ValueError, match="`protocols` must be a whole number"):
        designed(choices(2), protocols)  # type: ignore[arg-type]
