"""The relearning attack: what was kept comes back faster, and the attacked model stays as it is."""

from dataclasses import replace
from functools import partial

import pytest

torch = pytest.importorskip("torch")

from deepnet.data.datasets import DataConfig, load  # noqa: E402
from deepnet.data.splits import ForgetSet, make_split  # noqa: E402
from deepnet.data.streams import Batch  # noqa: E402
from deepnet.learning.descent import Descent  # noqa: E402
from deepnet.learning.sharpness import Sharpness, asam, sgd  # noqa: E402
from deepnet.learning.task import Task  # noqa: E402
from deepnet.learning.training import Training  # noqa: E402
from deepnet.methods import Pretrain, Retrain  # noqa: E402
from deepnet.methods import apply as apply_method  # noqa: E402
from deepnet.networks.models import ModelConfig, Network, build  # noqa: E402
from deepnet.networks.normalization import BatchNorm  # noqa: E402
from deepnet.studies.measuring.relearning import Curve, relearning_curve  # noqa: E402
from tests.deepnet.oracles import (  # noqa: E402
    At,
    batches_of,
    buffers_of,
    naive_cross_entropy,
    network_direction,
    optimizer_of,
    small_network,
    small_task,
    step,
    weights_of,
    with_torch_layers,
)

TRAINING = Training(epochs=12, batch_size=8, descent=Descent(lr=0.2, momentum=0.9, weight_decay=0.01))
"""Two steps an epoch, over which the network below learns its fifteen images and stumbles now and then."""


def attacked(sharpness: Sharpness | None = None) -> Task:
    return small_task(model=small_network(width=4), sharpness=sharpness)


@pytest.mark.parametrize("training", [True, False])
def test_the_attacked_model_stays_as_it_is(training: bool) -> None:
    task = attacked()
    task.model.train(training)
    weights, buffers, state = weights_of(task.model), buffers_of(task.model), torch.get_rng_state()
    relearning_curve(task, TRAINING)
    assert all(torch.equal(value, weights[name]) for name, value in weights_of(task.model).items())
    assert all(torch.equal(value, buffers[name]) for name, value in buffers_of(task.model).items())
    assert all(module.training is training for module in task.model.modules())
    assert all(layer.updates_statistics for layer in task.model.modules() if isinstance(layer, BatchNorm))
    assert all(value.grad is None and value.requires_grad for value in task.model.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def loss_at(batch: Batch, at: At) -> torch.Tensor:
    return naive_cross_entropy(at(batch.x), batch.y)


def naive_curve(task: Task, training: Training, sharpness: Sharpness) -> list[float]:
    """Accuracy on the forget set, testing, before and after each step on it."""
    network = with_torch_layers(task.model)
    optimizer = optimizer_of(network, training.descent)
    images, rows = task.dataset.train, task.split.forget
    batches = batches_of(replace(task, training=training), "forget", 24)

    def accuracy() -> float:
        with torch.no_grad():
            return (network.eval()(images.pixels[rows]).argmax(1) == images.labels[rows]).double().mean().item()

    found = [accuracy()]
    for batch in batches:
        step(network, optimizer, network_direction(network, partial(loss_at, batch), sharpness))
        found.append(accuracy())
    return found


@pytest.mark.parametrize("sharpness", [sgd(), asam(0.5)], ids=lambda s: s.label)
def test_equals_a_plain_training_on_the_forget_set(sharpness: Sharpness) -> None:
    """Whatever the optimizer of the unlearning was: twelve epochs of two steps, watched after each."""
    task = attacked(sharpness)
    curve = relearning_curve(task, TRAINING, points=100)
    assert curve.steps == tuple(range(25))
    assert list(curve.accuracy) == pytest.approx(naive_curve(task, TRAINING, sgd()), abs=1e-12)
    assert len(set(curve.accuracy)) > 4  # it can tell one training from another, as here from one with ASAM
    assert list(curve.accuracy) != pytest.approx(naive_curve(task, TRAINING, asam(0.5)), abs=1e-12)


@pytest.mark.parametrize("points", [1, 2, 3, 20])
def test_points_are_spread_from_the_start_to_the_end(points: int) -> None:
    whole = relearning_curve(attacked(), TRAINING, points=100)
    curve = relearning_curve(attacked(), TRAINING, points=points)
    assert curve.steps[0] == 0
    assert curve.steps[-1] == 24
    assert points / 2 <= len(curve.steps) <= 2 * points + 1
    assert list(curve.steps) == sorted(set(curve.steps))
    lookup = dict(zip(whole.steps, whole.accuracy, strict=True))
    assert list(curve.accuracy) == [lookup[each] for each in curve.steps]


def digits_task(model: Network, training: Training) -> Task:
    data = load(DataConfig(name="digits", subset=600, test_subset=50))
    split = make_split(data.train.labels, ForgetSet(kind="random", size=60), 0)
    return Task(model=model, dataset=data, split=split, training=training, seed=(5,))


def test_what_was_never_forgotten_comes_back_at_once() -> None:
    data = load(DataConfig(name="digits", subset=600, test_subset=50))
    training = Training(epochs=20, batch_size=60, descent=Descent(lr=0.1, schedule="cosine"))
    gentle = Training(epochs=4, batch_size=20, descent=Descent(lr=0.01))

    def model() -> Network:
        config = ModelConfig(architecture="convnet", width=6)
        return build(config, n_classes=10, channels=1, mean=data.mean, std=data.std, seed=0)

    curves = {}
    for name, method in (("pretrained", Pretrain()), ("retrained", Retrain()), ("fresh", None)):
        task = digits_task(model(), training)
        if method is not None:
            apply_method(method, task)
        curves[name] = relearning_curve(task, gentle)
    assert curves["pretrained"].accuracy[0] > 0.95
    assert curves["fresh"].accuracy[0] < 0.4
    assert curves["pretrained"].steps_to(0.9) == 0
    later = curves["fresh"].steps_to(0.9)
    assert later is None or later > 3
    assert curves["pretrained"].advantage(curves["fresh"]) > 0.2
    assert curves["pretrained"].advantage(curves["retrained"]) > 0
    assert curves["retrained"].advantage(curves["fresh"]) > 0.1
    assert curves["fresh"].advantage(curves["pretrained"]) == pytest.approx(
        -curves["pretrained"].advantage(curves["fresh"])
    )


def test_examples_of_curves() -> None:
    curve, control = Curve(steps=(0, 5, 9), accuracy=(0.2, 0.7, 0.6)), Curve(steps=(0, 5, 9), accuracy=(0.1, 0.5, 0.9))
    assert [curve.steps_to(x) for x in (0.1, 0.2, 0.5, 0.7, 0.71)] == [0, 0, 5, 5, None]
    assert curve.advantage(control) == pytest.approx((0.1 + 0.2 - 0.3) / 3, abs=1e-12)
    assert curve.advantage(curve) == 0
    for other in (Curve(steps=(0, 5), accuracy=(0.1, 0.5)), Curve(steps=(0, 5, 8), accuracy=(0.1, 0.5, 0.9))):
        with pytest.raises(ValueError, match="`control`"):
            curve.advantage(other)


def test_a_goal_that_is_reached_but_for_rounding_is_reached() -> None:
    curve = Curve(steps=(0, 5, 9), accuracy=(0.1, 0.3, 0.7))
    assert [curve.steps_to(goal) for goal in (0.1 + 0.2, 0.3 - 1e-15, 0.3 + 1e-9)] == [5, 5, 9]
