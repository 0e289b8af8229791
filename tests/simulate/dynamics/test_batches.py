"""Minibatches: disjoint in an epoch, the same however they are asked for."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulate.dynamics.batches import Batches, Pool, pools_of


def batches(n: int, *pools: Pool, seed: int = 0) -> Batches:
    return Batches(n, pools, seed=seed, phase="train")


@given(n=st.integers(1, 30), data=st.data())
def test_an_epoch_shows_each_sample_once_at_most(n: int, data: st.DataObject) -> None:
    batch = data.draw(st.integers(1, n))
    made = batches(n, Pool(np.arange(n), batch))
    epoch = n // batch
    shown = np.broadcast_to(made.present(0, 3 * epoch), (3 * epoch, n)).reshape(3, epoch, n)
    assert (shown.sum(axis=2) == batch).all()
    assert (shown.sum(axis=1) <= 1).all()


def test_epochs_are_shuffled_anew() -> None:
    shown = batches(20, Pool(np.arange(20), 5)).present(0, 40).reshape(10, 4, 20)
    assert len({epoch.tobytes() for epoch in shown}) == 10


def test_a_remainder_sits_out_but_not_always_the_same() -> None:
    shown = batches(10, Pool(np.arange(10), 4)).present(0, 200)
    assert shown.any(axis=0).all()


@given(cuts=st.lists(st.integers(0, 5000), max_size=3))
def test_pieces_add_up_to_the_whole(cuts: list[int]) -> None:
    pools = (Pool(np.arange(7), 3), Pool(np.arange(7, 12), 2))
    whole = batches(12, *pools).present(0, 5000)
    made, edges = batches(12, *pools), [0, *sorted(cuts), 5000]
    pieces = [made.present(first, last) for first, last in pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_a_later_start_gives_the_same_batches() -> None:
    pool = Pool(np.arange(50), 7)
    np.testing.assert_array_equal(batches(50, pool).present(5000, 5100), batches(50, pool).present(0, 5100)[5000:])


def test_each_pool_cycles_at_its_own_length() -> None:
    shown = batches(12, Pool(np.arange(9), 3), Pool(np.arange(9, 12), 3)).present(0, 30)
    assert (shown[:, 9:]).all()
    assert (shown[:, :9].sum(axis=1) == 3).all()


def test_seed_decides() -> None:
    pool = Pool(np.arange(20), 5)
    assert (batches(20, pool, seed=1).present(0, 4) != batches(20, pool, seed=2).present(0, 4)).any()


def test_full_batches_are_one_row() -> None:
    assert batches(5, Pool(np.array([0, 2]), 2)).present(0, 100).tolist() == [[True, False, True, False, False]]


def test_a_batch_larger_than_its_set_is_refused() -> None:
    with pytest.raises(ValueError, match="`batch`"):
        pools_of((np.arange(3),), 4)
