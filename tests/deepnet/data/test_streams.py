"""Batch t is a function of t: whatever was read before, and however many processes share it."""

from itertools import islice

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deepnet.data.augment import Augment  # noqa: E402
from deepnet.data.images import DeviceImages  # noqa: E402
from deepnet.data.streams import Batch, Relabel, Stream  # noqa: E402


def numbered(n: int = 40, augment: Augment | None = None) -> DeviceImages:
    """Images of random pixels whose label says the row modulo 5."""
    pixels = np.random.default_rng(0).integers(1, 256, (n, 3, 6, 6), dtype=np.uint8)
    return DeviceImages(torch.from_numpy(pixels), torch.arange(n) % 5, augment or Augment(pad=2))


def take(stream: Stream, start: int, count: int) -> list[Batch]:
    return list(islice(stream.batches(start), count))


def same(one: Batch, other: Batch) -> bool:
    return (
        torch.equal(one.rows, other.rows)
        and torch.equal(one.x, other.x)
        and torch.equal(one.y, other.y)
        and one.total == other.total
    )


@pytest.mark.parametrize("start", [0, 1, 5, 6, 17])
def test_resuming_anywhere_goes_on_alike(start: int) -> None:
    images, rows = numbered(), torch.arange(3, 37)
    whole = take(Stream(images, rows, 7, (3, 1)), 0, 25)
    resumed = take(Stream(images, rows, 7, [3, 1]), start, 25 - start)
    assert all(same(one, other) for one, other in zip(whole[start:], resumed, strict=True))


def test_streams_read_in_turn_do_not_disturb_each_other() -> None:
    images = numbered()
    streams = [Stream(images, torch.arange(k, 40), 8, 5) for k in range(6)]  # more than permutations are remembered
    alone = [take(stream, 0, 12) for stream in streams]
    in_turn = list(islice(zip(*(stream.batches() for stream in streams), strict=True), 12))
    assert all(same(alone[k][t], in_turn[t][k]) for k in range(6) for t in range(12))


@pytest.mark.parametrize(("n", "batch_size"), [(34, 7), (35, 7), (36, 7), (5, 7), (1, 1), (40, 39), (13, 1)])
def test_a_pass_shows_every_row_once_in_nearly_equal_batches(n: int, batch_size: int) -> None:
    stream = Stream(numbered(), torch.arange(40 - n, 40), batch_size, 0)
    for number in range(3):
        batches = take(stream, number * stream.steps_per_pass, stream.steps_per_pass)
        sizes = [len(batch.rows) for batch in batches]
        assert max(sizes) <= batch_size
        assert max(sizes) - min(sizes) <= 1
        assert torch.equal(torch.cat([batch.rows for batch in batches]).sort().values, torch.arange(40 - n, 40))


def test_no_batch_of_one_image_where_batches_of_three_are_asked_for() -> None:
    for n in range(2, 41):
        stream = Stream(numbered(), torch.arange(n), 3, 0)
        assert min(len(batch.rows) for batch in take(stream, 0, stream.steps_per_pass)) >= 2


def test_orders_and_augmentations_differ_between_passes() -> None:
    stream = Stream(numbered(), torch.arange(30), 30, 0)
    first, second = take(stream, 0, 2)
    assert not torch.equal(first.rows, second.rows)
    back = [batch.rows.argsort() for batch in (first, second)]
    differs = (first.x[back[0]] != second.x[back[1]]).flatten(1).any(1)
    assert differs.double().mean() > 0.8  # 1 of 50 augmentations of an image is any other


def test_each_batch_has_its_own_augmentations() -> None:
    pixels = torch.arange(1, 26).byte().reshape(1, 1, 5, 5).repeat(40, 1, 1, 1)
    alike = DeviceImages(pixels, torch.arange(40), Augment(pad=2))
    first, second, third = take(Stream(alike, torch.arange(40), 20, 0), 0, 3)  # two of one pass, one of the next
    assert not torch.equal(first.x, second.x)
    assert not torch.equal(first.x, third.x)


def test_orders_are_uniform() -> None:
    stream = Stream(numbered(), torch.arange(4), 4, 9, augment=False)
    seen = [tuple(batch.rows.tolist()) for batch in take(stream, 0, 4800)]
    counts = np.unique(seen, axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert ((counts - 200) ** 2 / 200).sum() < 49.7  # chi-squared of 23 degrees of freedom at 0.1 %


def test_without_augmentation_images_are_as_they_are() -> None:
    images = numbered()
    for batch in take(Stream(images, torch.arange(40), 9, 1, augment=False), 0, 7):
        assert torch.equal(batch.x, images.pixels[batch.rows])
        assert torch.equal(batch.y, images.labels[batch.rows])


@pytest.mark.parametrize("world", [2, 3, 4])
def test_processes_together_see_what_one_sees(world: int) -> None:
    images, rows = numbered(), torch.arange(34)
    relabel = Relabel(torch.arange(0, 34, 2), 5)
    single = take(Stream(images, rows, 12, 2, relabel=relabel), 0, 10)
    shares = [take(Stream(images, rows, 12, 2, rank=r, world=world, relabel=relabel), 0, 10) for r in range(world)]
    for t, whole in enumerate(single):
        for rank in range(world):
            mine = shares[rank][t]
            assert torch.equal(mine.rows, whole.rows[rank::world])
            assert torch.equal(mine.x, whole.x[rank::world])
            assert torch.equal(mine.y, whole.y[rank::world])
            assert mine.total == len(whole.rows)


def test_parts_of_processes_add_up_to_the_mean() -> None:
    batches = [take(Stream(numbered(), torch.arange(34), 11, 2, rank=r, world=3), 4, 1)[0] for r in range(3)]
    whole = take(Stream(numbered(), torch.arange(34), 11, 2), 4, 1)[0]
    value = torch.tensor(0.7, dtype=torch.float64)
    parts = sum(batch.mean(batch.rows.double() ** 2) for batch in batches)
    assert float(parts) == pytest.approx(float((whole.rows.double() ** 2).mean()), rel=1e-14)
    assert float(sum(batch.share(value) for batch in batches)) == pytest.approx(0.7, rel=1e-14)


def test_labels_are_drawn_anew_and_uniformly() -> None:
    images, chosen = numbered(), torch.tensor([2, 3, 30])
    stream = Stream(images, torch.arange(40), 40, 4, relabel=Relabel(chosen, 5), augment=False)
    batches = take(stream, 0, 2000)
    drawn = torch.stack([batch.y[batch.rows.argsort()] for batch in batches])
    others = ~torch.isin(torch.arange(40), chosen)
    assert bool((drawn[:, others] == images.labels[others]).all())
    for row in chosen.tolist():
        counts = torch.bincount(drawn[:, row], minlength=5).double()
        assert ((counts - 400) ** 2 / 400).sum() < 18.5  # chi-squared of 4 degrees of freedom at 0.1 %
    assert all(same(one, other) for one, other in zip(batches[7:9], take(stream, 7, 2), strict=True))


def test_each_batch_has_its_own_random_labels() -> None:
    relabel = Relabel(torch.arange(40), 10**6)  # so many classes that none is drawn twice
    batches = take(Stream(numbered(), torch.arange(40), 10, 4, relabel=relabel), 0, 12)  # three passes of four
    assert len(torch.cat([batch.y for batch in batches]).unique()) == 120


def test_labels_drawn_at_random_do_not_change_the_rest() -> None:
    images = numbered()
    plain = take(Stream(images, torch.arange(40), 9, 4), 0, 6)
    relabelled = take(Stream(images, torch.arange(40), 9, 4, relabel=Relabel(torch.arange(40), 5)), 0, 6)
    assert all(torch.equal(one.x, other.x) for one, other in zip(plain, relabelled, strict=True))


@pytest.mark.parametrize(("one", "other"), [(1, (1, 0)), ((0,), (0, 0)), ((1, 2), (2, 1)), (0, 1)])
def test_other_seeds_give_other_orders(one: object, other: object) -> None:
    rows = [take(Stream(numbered(), torch.arange(40), 40, seed), 0, 1)[0].rows for seed in (one, other)]
    assert not torch.equal(*rows)


def test_global_random_numbers_are_left_alone() -> None:
    state, host = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    take(Stream(numbered(augment=Augment(pad=1, random="randaugment")), torch.arange(40), 9, 1), 0, 3)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], host)  # noqa: NPY002


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("batch_size", {"batch_size": 0}),
        ("batch_size", {"batch_size": 2.0}),
        ("batch_size", {"batch_size": 2, "world": 3}),
        ("rank", {"rank": 2, "world": 2}),
        ("rank", {"rank": -1}),
        ("world", {"world": 0}),
        ("augment", {"augment": 1}),
        ("seed", {"seed": -1}),
        ("seed", {"seed": ()}),
        ("seed", {"seed": (1, 0.5)}),
        ("rows", {"rows": torch.empty(0, dtype=torch.int64)}),
        ("rows", {"rows": torch.tensor([0, 40])}),
        ("rows", {"rows": torch.tensor([-1, 3])}),
        ("rows", {"rows": torch.tensor([0.0, 1.0])}),
    ],
)
def test_bad_arguments_are_named(name: str, changes: dict[str, object]) -> None:
    arguments = {"images": numbered(), "rows": torch.arange(40), "batch_size": 8, "seed": 0, **changes}
    with pytest.raises(ValueError, match=f"`{name}`"):
        Stream(**arguments)


def test_a_stream_starts_at_a_whole_number() -> None:
    with pytest.raises(ValueError, match="`start`"):
        next(Stream(numbered(), torch.arange(4), 2, 0).batches(-1))
