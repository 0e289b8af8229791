"""Methods that edit weights by the mean square of their gradients, against loops over samples."""

import pytest
import torch
from torch import Tensor, nn

from deepnet.learning.task import Task
from deepnet.methods import FisherForgetting, LossFreeDampening, SelectiveDampening
from deepnet.methods import apply as apply_method
from deepnet.methods.importances.squares import mean_squares
from deepnet.methods.losses import cross_entropy
from tests.deepnet.oracles import batch_of, naive_cross_entropy, small_task, weights_of, with_torch_layers


def naive_squares(task: Task, part: str, *, squared_logits: bool = False) -> dict[str, Tensor]:
    """Mean over samples of the squared gradient, a sample at a time."""
    network = with_torch_layers(task.model).eval()
    rows = task.rows(part)  # type: ignore[arg-type]
    pixels, labels = task.dataset.train.pixels[rows], task.dataset.train.labels[rows]  # type: ignore[attr-defined]
    total = {name: torch.zeros_like(weight) for name, weight in network.named_parameters()}
    for x, y in zip(pixels, labels, strict=True):
        network.zero_grad()
        logits = network(x[None])
        (logits.square().sum() if squared_logits else naive_cross_entropy(logits, y[None])).backward()
        for name, weight in network.named_parameters():
            total[name] += weight.grad**2 / len(rows)
    return total


@pytest.mark.parametrize("part", ["pretrain", "forget"])
def test_with_batches_of_one_it_is_the_diagonal_fisher_matrix(part: str) -> None:
    task = small_task()
    found = mean_squares(task, part, 1, lambda batch: cross_entropy(task.model, batch))  # type: ignore[arg-type]
    for name, value in naive_squares(task, part).items():
        assert torch.allclose(found[name], value, rtol=1e-9, atol=1e-12), name


def test_a_batch_weighs_as_many_samples_as_it_has() -> None:
    """All in one batch: the squared mean gradient, times their number."""
    task = small_task()
    batch = batch_of(task, "forget")
    network = with_torch_layers(task.model).eval()
    pixels = task.dataset.train.pixels[task.split.forget]  # type: ignore[attr-defined]
    labels = task.dataset.train.labels[task.split.forget]
    naive_cross_entropy(network(pixels), labels).backward()
    found = mean_squares(task, "forget", len(labels), lambda batch: cross_entropy(task.model, batch))
    for name, weight in network.named_parameters():
        assert torch.allclose(found[name], weight.grad**2 * len(labels), rtol=1e-9, atol=1e-12), name
    assert batch.total <= len(labels)


@pytest.mark.parametrize("loss_free", [False, True])
def test_weights_that_matter_more_to_the_forget_set_are_dampened(loss_free: bool) -> None:
    task = small_task(epochs=0)
    kind = LossFreeDampening if loss_free else SelectiveDampening
    everything, forgotten = (naive_squares(task, part, squared_logits=loss_free) for part in ("pretrain", "forget"))
    before = weights_of(task.model)
    apply_method(kind(selection=1.2, dampening=0.9, batch_size=1), task)
    moved = 0
    for name, after in weights_of(task.model).items():
        ratio = everything[name] / forgotten[name]
        chosen = forgotten[name] > 1.2 * everything[name]
        expected = torch.where(chosen, torch.minimum(0.9 * ratio, torch.tensor(1.0)) * before[name], before[name])
        assert torch.allclose(after, expected, rtol=1e-9, atol=1e-12), name
        moved += int(chosen.sum())
    assert 20 < moved < sum(value.numel() for value in before.values())


def test_nothing_is_dampened_that_matters_as_much_to_all() -> None:
    task = small_task(epochs=0)
    before = weights_of(task.model)
    apply_method(SelectiveDampening(selection=1e9), task)
    assert all(torch.equal(value, before[name]) for name, value in weights_of(task.model).items())


def test_fisher_noise_has_the_variance_of_its_weight() -> None:
    """Over many seeds, each weight's mean square over its variance is 1, ten times that in the last layer."""
    alpha, least = 1e-4, 0.05
    moves: list[dict[str, Tensor]] = []
    for seed in range(40):
        task = small_task(epochs=0, seed=(seed, 1))
        before = weights_of(task.model)
        apply_method(FisherForgetting(alpha=alpha, least=least, batch_size=30), task)
        moves.append({name: value - before[name] for name, value in weights_of(task.model).items()})
    task = small_task()
    known = mean_squares(task, "retain", 30, lambda batch: cross_entropy(task.model, batch))
    for name, value in known.items():
        variance = alpha / value.clamp(min=least) * (10.0 if name.startswith("head.") else 1.0)
        shares = torch.stack([move[name] for move in moves]) ** 2 / variance
        spread = (2.0 / shares.numel()) ** 0.5
        assert abs(float(shares.mean()) - 1.0) < 5 * spread, name


def test_fisher_noise_hangs_on_the_seed_alone() -> None:
    ends = []
    for seed in ((1, 2), (1, 2), (3, 2)):
        task = small_task(epochs=0, seed=seed)
        apply_method(FisherForgetting(alpha=1e-3), task)
        ends.append(torch.cat([value.flatten() for value in weights_of(task.model).values()]))
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_frozen_weights_stay() -> None:
    for method in (SelectiveDampening(selection=1e-3), FisherForgetting(alpha=1.0)):
        task = small_task(epochs=0)
        first: nn.Parameter = next(task.model.parameters())
        first.requires_grad_(False)
        before = first.clone()
        apply_method(method, task)
        assert torch.equal(first, before)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (SelectiveDampening, "selection", 0.0), (SelectiveDampening, "dampening", -1.0),
        (LossFreeDampening, "batch_size", 0), (FisherForgetting, "alpha", -1.0), (FisherForgetting, "least", 0.0),
        (FisherForgetting, "batch_size", 0),
    ],
)  # fmt: skip
def test_bad_fields_are_named(kind: type, field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"`{field}`"):
        kind(**{field: value})
