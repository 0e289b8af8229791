"""Arrays, test sets and images that make no instance are refused by name."""

import numpy as np
import pytest

from simulate import SGD, Instance, Loss, Phase, run
from tests.simulate.refusals import INF, NAN, refused, words


def arrays(**changed) -> dict[str, object]:
    """Arguments of `Instance.from_arrays` that fit each other: 5 samples, 2 filters of each sign, 9 dimensions."""
    draw = np.random.default_rng(0).standard_normal
    good = {"phi": draw(9), "xi": draw((5, 9)), "w0": draw((2, 2, 9)), "P": 3}
    return good | {"y": np.array([1, -1, 1, 1, -1]), "forget": np.array([True, False, False, False, True])} | changed


def broken(name: str, value: object) -> np.ndarray:
    array = np.array(arrays()[name], dtype=float)
    array.flat[1] = value
    return array


ONES = np.ones

ARRAYS = [
    *((name, broken(name, value)) for name in ("phi", "xi", "w0", "y") for value in (NAN, INF, -INF)),
    *((name, "text") for name in ("phi", "xi", "w0", "y", "forget")),
    *((name, None) for name in ("phi", "xi", "w0", "y", "forget")),
    *((name, 1j * broken(name, 1.0)) for name in ("phi", "xi", "w0")),
    *(("phi", value) for value in (ONES((1, 9)), ONES(0), 1.0, np.zeros(9))),
    *(("xi", value) for value in (ONES((5, 8)), ONES(9), ONES((5, 1, 9)), ONES((5, 3, 9)), ONES((0, 9)))),
    *(("xi", value) for value in (ONES((5, 2, 8)), np.zeros((5, 9)), [[1.0] * 9, [1.0] * 8])),
    *(("w0", value) for value in (ONES((2, 2, 8)), ONES((3, 2, 9)), ONES((2, 0, 9)), ONES((2, 9)), ONES((4, 9)))),
    *(("y", value) for value in (ONES(4), ONES((5, 1)), np.zeros(5), 2 * ONES(5), 0.5 * ONES(5))),
    *(("y_true", value) for value in (ONES(4), np.zeros(5), NAN * ONES(5), "text")),
    *(("forget", value) for value in (ONES(4, dtype=bool), ONES(5), np.array([0, 1, 4]), ONES((5, 1), dtype=bool))),
    *(("P", value) for value in (1, 0, 2.5, "3", None)),
    *(("sigma_p", value) for value in (0.0, -1.0, NAN, "1")),
    *(("space", value) for value in ("sphere", None)),
    *(("seed", value) for value in (-1, 0.5, None)),
]
"""An argument of `Instance.from_arrays`, and a value it cannot have next to the others."""


@pytest.mark.parametrize(("name", "value"), ARRAYS, ids=[f"{name}-{str(value)[:30]}" for name, value in ARRAYS])
def test_an_array_that_does_not_fit_is_refused(name, value):
    with refused(name):
        Instance.from_arrays(**arrays(**{name: value}))


HELD_OUT = {"test_xi": ONES((4, 9)), "test_y": np.array([1, 1, -1, -1])}

TESTS = [
    ("test_y", {"test_y": None}),
    ("test_xi", {"test_xi": None}),
    ("sigma_p", {"sigma_p": 1.0}),
    *(("test_xi", {"test_xi": xi}) for xi in (ONES((4, 8)), ONES((4, 2, 9)), NAN * ONES((4, 9)), ONES((0, 9)))),
    *(("test_y", {"test_y": y}) for y in (ONES(3), np.zeros(4), NAN * ONES(4))),
]


@pytest.mark.parametrize(("name", "changed"), TESTS, ids=words(TESTS))
def test_a_test_set_that_does_not_fit_is_refused(name, changed):
    with refused(name):
        Instance.from_arrays(**arrays(**HELD_OUT | changed))


def test_the_arrays_the_bad_ones_are_made_from_are_good():
    assert Instance.from_arrays(**arrays(**HELD_OUT)).n == 5
    assert Instance.from_arrays(**arrays(xi=ONES((5, 2, 9)), y_true=-ONES(5), sigma_p=2.0)).patches == 2


def test_given_arrays_draw_by_their_own_seed():
    """Minibatches, random labels and test directions follow it."""
    one, other = (Instance.from_arrays(**arrays(**HELD_OUT), seed=seed) for seed in (0, 7))
    assert (one.seed, other.seed) == (0, 7)
    phases = [Phase("fit", Loss(), SGD(lr=0.1, batch=2), steps=3)]
    ends = [run(instance, phases).kappa.tobytes() for instance in (one, other)]
    assert ends[1] == run(one, phases, seed=7).kappa.tobytes() != ends[0]


IMAGES = np.random.default_rng(0).random((12, 3, 3))
CLASSES = np.arange(12) % 3

PHOTOS = [
    *(("images", {"images": value}) for value in (ONES(12), NAN * IMAGES, np.full((12, 9), "text"))),
    *(("labels", {"labels": value}) for value in (CLASSES[:-1], CLASSES[:, None])),
    *(("classes", {"classes": value}) for value in ((0, 0), (0, 1, 2), (0, 7), (7, 8), (0,))),
    *((name, {name: value}) for name in ("forget", "test") for value in (-0.1, 1.1, NAN)),
    *((name, {name: value}) for name, value in (("m", 0), ("sigma_0", 0.0), ("P", 1), ("seed", -1), ("space", "x"))),
]


@pytest.mark.parametrize(("name", "changed"), PHOTOS, ids=words(PHOTOS))
def test_images_that_make_no_instance_are_refused(name, changed):
    good = {"images": IMAGES, "labels": CLASSES, "classes": (0, 1), "m": 2}
    assert Instance.from_images(**good).n == 6
    with refused(name):
        Instance.from_images(**good | changed)
