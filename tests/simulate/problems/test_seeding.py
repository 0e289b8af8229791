"""What is drawn from a seed: each thing its own numbers, and the same ones tomorrow."""

from itertools import combinations

import numpy as np
import pytest

from simulate import Instance, NegGrad, Phase, Problem, RandomLabel
from simulate.dynamics.optimizers import SGD
from simulate.dynamics.plan import compile_phase
from simulate.problems.streams import stream

NAMES = (("labels",), ("chi",), ("normals",), ("batches", "pretrain", 0), ("batches", "pretrain", 1), ("batches",), ())


def test_streams_of_a_seed_are_told_apart_by_their_names() -> None:
    draws = {name: stream(7, *name).random(50) for name in NAMES}
    for one, other in combinations(NAMES, 2):
        assert not np.isin(draws[one], draws[other]).any(), (one, other)


def test_seeds_are_told_apart() -> None:
    draws = [stream(seed, "labels").random(50) for seed in (0, 1, 2**32, 2**40)]
    for one, other in combinations(draws, 2):
        assert not np.isin(one, other).any()


@pytest.mark.parametrize(
    ("seed", "name", "number"),
    [
        (0, ("labels",), 12423485665947003370),
        (7, ("chi",), 729590778257282801),
        (7, ("batches", "unlearn", 1), 13821957244091724080),
    ],
)
def test_the_numbers_of_a_seed_stay_what_they_are(seed: int, name: tuple, number: int) -> None:
    assert stream(seed, *name).bit_generator.random_raw() == number


def test_equally_large_sets_are_shuffled_each_by_itself() -> None:
    instance = Instance.draw(Problem(d=100, n=20, m=2, forget=0.5), seed=3)
    present = compile_phase(Phase("unlearn", NegGrad(), SGD(batch=5), steps=8), instance).batches.present(0, 8)
    retained, forgotten = (present[:, part] for part in (~instance.forget, instance.forget))
    assert (retained.sum(axis=1) == 5).all()
    assert (forgotten.sum(axis=1) == 5).all()
    assert (retained != forgotten).any()


def test_phases_draw_for_themselves() -> None:
    instance = Instance.draw(Problem(d=100, n=60, m=2, forget=0.5), seed=3)
    one, other = (
        compile_phase(Phase(name, RandomLabel(flip=0.5), SGD(batch=7), steps=8), instance) for name in ("one", "other")
    )
    assert (one.target != other.target).any()
    assert (one.batches.present(0, 8) != other.batches.present(0, 8)).any()
