"""What a step of the loop asks of a card: no more operations than it did, nothing that the host waits for."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from deepnet.learning.sharpness import asam, sgd  # noqa: E402
from deepnet.methods import FineTune, apply  # noqa: E402
from deepnet.networks.precision import Precision  # noqa: E402
from tests.benchmarks.deepnet_counts import COUNTED, count_step, counts, noise_task  # noqa: E402
from tests.deepnet.pretended_card import CARD, pretended_card  # noqa: E402
from tests.deepnet.small_resnet import resnet_task, small_resnet  # noqa: E402

MOST = {
    ("SGD", "float32"): 112, ("SAM", "float32"): 247, ("ASAM", "float32"): 307, ("SGD", "float16"): 143,
    ("SAM", "float16"): 305, ("ASAM", "float16"): 365, ("Sharp MinMax with ASAM", "float32"): 863,
    ("Sharp MinMax with ASAM", "float16"): 999,
}  # fmt: skip
"""Operations of a step of the small ResNet, with torch 2.15; other versions dispatch a few more or less."""


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("name", COUNTED)
def test_a_step_asks_for_no_more_than_it_did(name: str, precision: Precision) -> None:
    method, sharpness = COUNTED[name]
    with pretended_card() as books:
        model = small_resnet(CARD, channels=3, channels_last=precision == "float16")
        found = count_step(method, noise_task(model, precision, sharpness), books)
    assert found.waits == 0
    assert found.operations <= 1.05 * MOST[name, precision], found
    assert found.sent <= 2 * (2 * (8 + 8) + 2 * 3 * 8)  # rows, labels and moves of two images, of one set or two


def test_waits_do_not_grow_with_steps() -> None:
    """A check for finite weights before and after, and one look at loss and skipped steps an epoch."""
    found = []
    for epochs in (1, 2):
        with pretended_card() as books:
            task = resnet_task(CARD, sharpness=asam(0.5), epochs=epochs, precision="float16")
            books.clear()
            apply(FineTune(), task)
            found.append(sum(books.waits.values()))
    assert found == [3, 4]


def test_the_images_of_a_batch_are_moved_by_three_numbers_each() -> None:
    with pretended_card() as books:
        task = resnet_task(CARD, sharpness=sgd())
        books.clear()
        batch = next(iter(task.stream("retain").batches()))
        assert sorted(books.sent) == [8 * len(batch.y), 8 * len(batch.y), 3 * 8 * len(batch.y)]


@pytest.mark.slow
def test_the_benchmark_counts_a_resnet18() -> None:
    figures = list(counts("resnet18"))
    assert [figure.met for figure in figures] == [True] * 2 * len(COUNTED)
    assert all("operations, 0 waits" in figure.value for figure in figures)
