"""Methods that are taught, step by step against plain torch."""

import pytest
import torch
from torch import Tensor, nn

from deepnet.house.seeding import generator
from deepnet.learning.sharpness import sgd
from deepnet.methods import AnchoredNegGrad, BadTeacher, BoundaryShrink, Unsir
from deepnet.methods.teachers.boundary import nearest_others
from deepnet.methods.teachers.impairing import maximal_noise
from deepnet.networks.fresh import redrawn
from tests.deepnet.methods.first_steps import assert_steps, pairs
from tests.deepnet.oracles import (
    At,
    batches_of,
    naive_cross_entropy,
    naive_divergence,
    network_direction,
    small_task,
    with_torch_layers,
)


def test_the_anchor_is_the_divergence_from_the_pretrained_model() -> None:
    task = small_task()
    teacher, both = with_torch_layers(task.model).eval(), pairs(task, 3)

    def direction(network: nn.Module, t: int) -> dict[str, Tensor]:
        retain, forget = both[t]
        with torch.no_grad():
            wanted = teacher(retain.x)

        def loss(at: At) -> Tensor:
            logits = at(retain.x)
            kept = 0.7 * naive_cross_entropy(logits, retain.y) + 2.0 * naive_divergence(logits, wanted, 1.0)
            return kept - 0.3 * naive_cross_entropy(at.quiet(forget.x), forget.y)

        return network_direction(network, loss, sgd())

    assert_steps(AnchoredNegGrad(alpha=0.7, beta=2.0), task, direction)


def test_both_teachers_are_followed_each_on_its_set() -> None:
    task = small_task()
    method = BadTeacher(part=0.5, temperature=2.0)
    both, good = pairs(task, 3), with_torch_layers(task.model).eval()
    bad = redrawn(task.model, int(generator(task.seed, "bad teacher").integers(2**62)))
    forgotten, kept = len(task.rows("forget")), len(task.rows("retain"))
    weight = forgotten / (forgotten + 0.5 * kept)

    def direction(network: nn.Module, t: int) -> dict[str, Tensor]:
        retain, forget = both[t]
        with torch.no_grad():
            wanted, unknown = good(retain.x), bad(forget.x)

        def loss(at: At) -> Tensor:
            followed = naive_divergence(at(retain.x), wanted, 2.0)
            return (1 - weight) * followed + weight * naive_divergence(at.quiet(forget.x), unknown, 2.0)

        return network_direction(network, loss, sgd())

    assert_steps(method, task, direction)


def test_labels_lie_across_the_boundary() -> None:
    """One input, two classes and a line between them: the other class, however far the step goes."""
    model = nn.Linear(1, 3, bias=False)
    model.weight.data = torch.tensor([[1.0], [0.0], [-1.0]])
    x, y = torch.tensor([[0.3], [-0.3], [0.3]]), torch.tensor([0, 2, 1])
    assert nearest_others(model, x, y, 0.1).tolist() == [1, 1, 0]
    assert nearest_others(model, x, y, 1.0).tolist() == [2, 0, 0]


def test_images_are_attacked_on_their_own_scale() -> None:
    class Bright(nn.Module):
        """Class 1 from a brightness of 128 on."""

        def forward(self, images: Tensor) -> Tensor:
            level = images.float().mean((1, 2, 3)) - 128.0
            return torch.stack([-level, level, torch.full_like(level, -5.0)], dim=1)

    dark = torch.full((1, 1, 2, 2), 120, dtype=torch.uint8)
    assert nearest_others(Bright(), dark, torch.tensor([0]), 0.01).item() == 2  # 122.55: the third class is nearer
    assert nearest_others(Bright(), dark, torch.tensor([0]), 0.1).item() == 1


def test_words_cannot_be_attacked() -> None:
    with pytest.raises(ValueError, match=r"torch\.int64"):
        nearest_others(nn.Identity(), torch.zeros(1, 3, dtype=torch.int64), torch.zeros(1, dtype=torch.int64), 0.1)


def test_boundary_shrink_trains_on_these_labels_alone() -> None:
    task = small_task(epochs=2)
    teacher, batches = with_torch_layers(task.model).eval(), batches_of(task, "forget", 3)

    def direction(network: nn.Module, t: int) -> dict[str, Tensor]:
        batch = batches[t]
        labels = nearest_others(teacher, batch.x, batch.y, 0.1)
        assert not bool((labels == batch.y).any())
        return network_direction(network, lambda at: naive_cross_entropy(at.quiet(batch.x), labels), sgd())

    assert_steps(BoundaryShrink(step=0.1), task, direction)


def test_noise_climbs_the_loss_and_is_held_back_by_the_penalty() -> None:
    torch.manual_seed(0)
    model, labels = nn.Linear(4, 3), torch.tensor([0, 1, 2, 0])
    start = torch.randn(4, 4)

    def loss(noise: Tensor) -> float:
        return nn.functional.cross_entropy(model(noise), labels).item()

    free, held = (maximal_noise(model, start, labels, 60, penalty) for penalty in (0.0, 10.0))
    assert loss(free) > loss(held)
    assert loss(free) > loss(start) + 1.0
    assert held.square().mean() < start.square().mean() < free.square().mean()
    assert torch.equal(maximal_noise(model, start, labels, 0, 1.0), start)


def test_noise_on_the_scale_of_images_is_the_same_noise() -> None:
    model, labels = nn.Linear(4, 3), torch.tensor([0, 1])
    wide = nn.Linear(4, 3)
    wide.weight.data, wide.bias.data = model.weight.data / 255.0, model.bias.data
    start = torch.randn(2, 4)
    one, other = (
        maximal_noise(each, scale * start, labels, 5, 0.1, scale) for each, scale in ((model, 1.0), (wide, 255.0))
    )
    assert torch.allclose(255.0 * one, other, rtol=1e-4)


def test_noise_impairs_in_the_first_epochs_only() -> None:
    """Epochs of three steps; noise by the seed, at its start since it is not trained."""
    task = small_task(epochs=2)
    method = Unsir(impair_epochs=1, noise_steps=0, samples=2)
    noise, labels = method._noise(task)
    retain = batches_of(task, "retain", 6)
    steps = len(retain) // 2
    assert set(labels.tolist()) == set(task.dataset.train.labels[task.split.forget].tolist())

    def direction(network: nn.Module, t: int) -> dict[str, Tensor]:
        def loss(at: At) -> Tensor:
            kept = naive_cross_entropy(at(retain[t].x), retain[t].y)
            return kept + naive_cross_entropy(at.quiet(noise), labels) if t < steps else kept

        return network_direction(network, loss, sgd())

    assert task.stream("retain").steps_per_pass == steps
    assert_steps(method, task, direction, steps=2 * steps)


def test_the_noise_of_a_method_is_trained() -> None:
    task = small_task()
    plain, labels = Unsir(noise_steps=0)._noise(task)
    trained, _ = Unsir(noise_steps=20)._noise(task)
    model = task.teacher
    before, after = (nn.functional.cross_entropy(model(each), labels).item() for each in (plain, trained))
    assert after > before


def test_weights_are_drawn_anew_by_the_seed_alone() -> None:
    task = small_task()
    before = {name: value.clone() for name, value in task.model.state_dict().items()}
    state = torch.random.get_rng_state()
    one, same, other = (redrawn(task.model, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(value, task.model.state_dict()[name]) for name, value in before.items())
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    convolutions = [name for name, value in one.items() if value.ndim == 4]
    assert convolutions
    for name in convolutions:
        assert not torch.equal(one[name], other[name])
        assert not torch.equal(one[name], before[name])


def test_parameters_of_no_layer_are_drawn_too() -> None:
    class Token(nn.Module):
        """A parameter of its own beside a layer."""

        def __init__(self) -> None:
            super().__init__()
            self.token, self.layer = nn.Parameter(torch.full((1000,), 7.0)), nn.Linear(3, 2)

    fresh = redrawn(Token(), 0)
    token = fresh.get_parameter("token")
    assert abs(float(token.std()) - 0.02) < 0.002
    assert abs(float(token.mean())) < 0.003
    assert not any(weight.requires_grad for weight in fresh.parameters())


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (AnchoredNegGrad, "beta", -1.0), (AnchoredNegGrad, "alpha", 2.0), (BadTeacher, "part", 1.5),
        (BadTeacher, "temperature", 0.0), (BadTeacher, "temperature", 1e19), (BoundaryShrink, "step", 0.0),
        (Unsir, "impair_epochs", -1), (Unsir, "noise_steps", -1), (Unsir, "penalty", -0.1), (Unsir, "samples", 0),
    ],
)  # fmt: skip
def test_bad_fields_are_named(kind: type, field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"`{field}`"):
        kind(**{field: value})
