"""Sets that are disjoint, make up what they must, come from one seed, and hold the scores they should."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from deepnet.data.splits import ForgetSet, Split, make_split, stratified_rows  # noqa: E402

LABELS = torch.from_numpy(np.random.default_rng(1).permutation(np.repeat(np.arange(5), 40)))
SCORES = np.random.default_rng(2).random(200) ** 2  # whose median is not 1/2


def sets(split: Split) -> dict[str, set[int]]:
    return {name: set(getattr(split, name).tolist()) for name in ("pretrain", "retain", "forget", "val", "corrected")}


@given(
    seed=st.integers(0, 2**70),
    kind=st.sampled_from(["random", "class", "high", "mid", "low"]),
    size=st.integers(1, 25),
    val_fraction=st.sampled_from([0.0, 0.1, 0.25]),
)
def test_sets_are_disjoint_and_make_up_all(seed: int, kind: str, size: int, val_fraction: float) -> None:
    forget = ForgetSet(kind=kind, size=size, cls=2 if kind == "class" else None)
    split = make_split(LABELS, forget, seed, val_fraction=val_fraction, scores=SCORES)
    found = sets(split)
    assert found["retain"] | found["forget"] == found["pretrain"]
    assert found["pretrain"] | found["val"] == set(range(200))
    assert [len(split.forget), len(split.val), len(split.pretrain)] == [
        size,
        round(200 * val_fraction),
        200 - len(split.val),
    ]
    assert not found["retain"] & found["forget"]
    assert not found["pretrain"] & found["val"]
    assert found["corrected"] == set()


def test_validation_holds_the_same_fraction_of_each_class() -> None:
    split = make_split(LABELS, ForgetSet(), 0)
    assert torch.bincount(LABELS[split.val]).tolist() == [4] * 5


def test_no_class_is_set_aside_as_a_whole() -> None:
    sizes = [1, 2, 3, 30]
    chosen = stratified_rows(np.repeat(np.arange(4), sizes), 0.99, 0, "validation")
    assert np.bincount(np.repeat(np.arange(4), sizes)[chosen], minlength=4).tolist() == [0, 1, 2, 29]


def test_pretraining_does_not_depend_on_what_is_forgotten() -> None:
    kinds = [ForgetSet(), ForgetSet(kind="class", cls=1), ForgetSet(kind="high", size=7), ForgetSet(size=3)]
    splits = [make_split(LABELS, forget, 6, scores=SCORES) for forget in kinds]
    assert all(torch.equal(split.pretrain, splits[0].pretrain) for split in splits)


def test_seeds_decide() -> None:
    one, again, other = (make_split(LABELS, ForgetSet(), seed) for seed in (0, 0, 1))
    assert sets(one) == sets(again)
    assert sets(one)["val"] != sets(other)["val"]
    assert sets(one)["forget"] != sets(other)["forget"]


def test_random_forget_sets_are_uniform() -> None:
    counts = np.zeros(200)
    for seed in range(400):
        counts[make_split(LABELS, ForgetSet(size=90), seed).forget] += 1
    expected = 400 * 90 / 200
    assert abs(counts - expected).max() < 5 * np.sqrt(expected * 0.55)


@pytest.mark.parametrize(
    ("forget", "count"),
    [
        (ForgetSet(), 9),
        (ForgetSet(fraction=0.1), 18),
        (ForgetSet(size=1), 1),
        (ForgetSet(kind="class", cls=4), 36),
        (ForgetSet(kind="class", cls=4, fraction=0.5), 18),
        (ForgetSet(kind="class", cls=4, size=5), 5),
    ],
)
def test_forget_sets_have_the_size_asked_for(forget: ForgetSet, count: int) -> None:
    split = make_split(LABELS, forget, 3)
    assert len(split.forget) == count
    if forget.kind == "class":
        assert set(LABELS[split.forget].tolist()) == {4}


@pytest.mark.parametrize("kind", ["high", "mid", "low"])
def test_scores_are_ranked_as_by_hand(kind: str) -> None:
    scores = np.round(SCORES, 1)  # with many ties
    scores[::7] = np.nan
    split = make_split(LABELS, ForgetSet(kind=kind, size=20), 5, scores=scores)
    key = {"high": lambda s: -s, "mid": lambda s: abs(s - 0.5), "low": lambda s: s}[kind]
    ranked = sorted((key(scores[row]), row) for row in split.pretrain.tolist() if not np.isnan(scores[row]))
    assert sets(split)["forget"] == {row for _, row in ranked[:20]}


def test_the_released_codes_split_is_kept_and_said() -> None:
    ours, theirs = make_split(LABELS, ForgetSet(size=20), 2), make_split(LABELS, ForgetSet(size=20), 2, val_seed=1)
    assert (ours.official_split, theirs.official_split) == (False, True)
    assert torch.equal(theirs.forget, ours.forget)
    assert torch.equal(theirs.retain, ours.retain)
    assert torch.equal(theirs.pretrain, make_split(LABELS, ForgetSet(), 1).pretrain)
    never_trained_on = (sets(theirs)["retain"] | sets(theirs)["forget"]) - sets(theirs)["pretrain"]
    assert never_trained_on
    assert never_trained_on <= sets(theirs)["val"]
    assert not make_split(LABELS, ForgetSet(), 2, val_seed=2).official_split


def test_a_tenth_of_45000_was_never_trained_on_by_the_released_code() -> None:
    labels = torch.arange(50_000) % 10
    split = make_split(labels, ForgetSet(size=3000), 2, val_seed=1)
    unseen = (sets(split)["retain"] | sets(split)["forget"]) - sets(split)["pretrain"]
    assert len(unseen) == pytest.approx(4500, abs=5 * np.sqrt(450 * 0.9))  # 4488 with the code's own generator


def rows(*numbers: int) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.int64)


GOOD = {"pretrain": rows(0, 1, 2, 4), "retain": rows(0, 2, 4), "forget": rows(1), "val": rows(3), "seed": 0}


def test_the_example_of_the_next_test_is_good() -> None:
    assert len(Split(**GOOD).corrected) == 0


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        ("`retain` and `forget` must be disjoint, but share 1", {"forget": rows(1, 2)}),
        ("`forget` and `val` must be disjoint, but share 1", {"val": rows(1, 3)}),
        ("`retain` and `val` must be disjoint, but share 2", {"val": rows(0, 2, 3)}),
        ("`retain` and `corrected` must be disjoint", {"corrected": rows(4)}),
        ("`val` and `corrected` must be disjoint", {"corrected": rows(3)}),
        ("`forget` must lie in `pretrain`, but 1 of its 2", {"forget": rows(1, 7)}),
        ("`pretrain` must be `retain` and `forget`", {"pretrain": rows(0, 1, 2, 4, 5)}),
        ("`pretrain` must be `retain` and `forget`", {"pretrain": rows(0, 1, 2)}),
        ("`retain` must hold rows .* in increasing order", {"retain": rows(2, 0, 4)}),
        ("`retain` must hold rows .* in increasing order", {"retain": rows(0, 0, 2, 4)}),
        ("`forget` must hold rows of at least 0", {"forget": rows(-1)}),
        ("`val` must be int64", {"val": torch.tensor([3.0])}),
        ("`val` must be int64", {"val": torch.tensor([[3]])}),
        ("`seed`", {"seed": -1}),
        ("`official_split`", {"official_split": 1}),
    ],
)
def test_bad_splits_say_what_is_wrong(message: str, changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=message):
        Split(**{**GOOD, **changes})


@pytest.mark.parametrize("bad", [{"forget": rows(1, 2)}, {"val": rows(2, 3)}])
def test_the_released_codes_split_is_checked_too(bad: dict[str, object]) -> None:
    Split(**{**GOOD, "forget": rows(3), "val": rows(3), "official_split": True})
    with pytest.raises(ValueError, match="must be disjoint"):
        Split(**{**GOOD, **bad, "official_split": True})


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("kind", {"kind": "top"}),
        ("size", {"size": 0}),
        ("size", {"size": 10.0}),
        ("size", {"size": 10, "fraction": 0.1}),
        ("fraction", {"fraction": 1.5}),
        ("cls", {"kind": "class"}),
        ("cls", {"kind": "class", "cls": -1}),
        ("cls", {"kind": "random", "cls": 3}),
    ],
)
def test_bad_forget_sets_are_named(name: str, fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        ForgetSet(**fields)


@pytest.mark.parametrize(
    ("message", "forget", "options"),
    [
        ("`val_fraction`", ForgetSet(), {"val_fraction": 1.0}),
        ("`val_fraction`", ForgetSet(), {"val_fraction": -0.1}),
        ("`seed`", ForgetSet(), {"seed": -1}),
        ("`cls` must be of the classes of the images, 0 to 4", ForgetSet(kind="class", cls=5), {}),
        ("`size` must be at most 180", ForgetSet(size=181), {}),
        ("`size` must be at most 36", ForgetSet(kind="class", cls=0, size=37), {}),
        ("leave some images to retain", ForgetSet(size=180), {}),
        ("`fraction` must make at least one", ForgetSet(fraction=0.001), {}),
        ('`scores` must be given .* "mid"', ForgetSet(kind="mid"), {}),
        ("`scores` must have shape", ForgetSet(kind="low"), {"scores": SCORES[:-1]}),
        ("only 0 have one", ForgetSet(kind="high"), {"scores": np.full(200, np.nan)}),
    ],
)
def test_bad_requests_are_named(message: str, forget: ForgetSet, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=message):
        make_split(LABELS, forget, **{"seed": 0, **options})


def test_labels_name_files() -> None:
    names = [ForgetSet().label, ForgetSet(kind="high").label, ForgetSet(kind="class", cls=3).label]
    assert names == ["random", "high", "class-3"]


@pytest.mark.parametrize("kind", ["high", "mid", "low"])
def test_scores_that_differ_by_rounding_are_chosen_in_the_order_of_the_images(kind: str) -> None:
    # 3/5 - 1/5, 2/5 - 0 and so on: one score, in several roundings.
    tied = np.array([0.6 - 0.2, 0.4, 0.8 - 0.4, 1.0 - 0.6, 0.4])
    worse = {"high": 0.1, "mid": 0.9, "low": 0.9}[kind]
    labels = torch.zeros(12, dtype=torch.int64)
    for shift in range(5):
        scores = np.concatenate([np.full(7, worse), np.roll(tied, shift)])
        split = make_split(labels, ForgetSet(kind=kind, size=3), 0, val_fraction=0.0, scores=scores)
        assert split.forget.tolist() == [7, 8, 9]
    scores[11] += {"high": 1e-6, "mid": 1e-6, "low": -1e-6}[kind]
    split = make_split(labels, ForgetSet(kind=kind, size=3), 0, val_fraction=0.0, scores=scores)
    assert split.forget.tolist() == [7, 8, 11]
