"""Influence: one Newton step away from the forget set, against dense solves and against retraining."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from deepnet.data.images import DeviceImages
from deepnet.data.splits import Split
from deepnet.data.streams import Batch
from deepnet.learning.task import Task
from deepnet.learning.training import Training
from deepnet.methods import Influence
from deepnet.methods import apply as apply_method
from deepnet.methods.influence import damped_inverse_product
from deepnet.networks.models import Network
from tests.deepnet.oracles import batch_of, cosine, naive_cross_entropy, small_task, weights_of, with_torch_layers


@pytest.mark.parametrize("damping", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize(("size", "count"), [(7, 3), (5, 5), (4, 9), (30, 1)])
def test_damped_inverse_equals_the_dense_solve(size: int, count: int, damping: float) -> None:
    rng = np.random.default_rng(size)
    G, v = rng.normal(size=(size, count)), rng.normal(size=size)
    dense = np.linalg.solve(damping * np.eye(size) + G @ G.T / count, v)
    found = damped_inverse_product(torch.from_numpy(G), torch.from_numpy(v), damping)
    np.testing.assert_allclose(found.numpy(), dense, rtol=1e-9, atol=1e-9 * np.abs(dense).max())


def test_a_newton_step_on_ridge_regression_is_retraining() -> None:
    """H = λI + XᵀX/n_R is of the form λI + G Gᵀ/K, and the loss is quadratic: one step is exact."""
    rng = np.random.default_rng(0)
    x, y, penalty = rng.normal(size=(40, 6)), rng.normal(size=40), 0.3
    retain, forget = slice(0, 33), slice(33, 40)

    def fit(rows: slice, ridge: float) -> np.ndarray:
        """Minimiser of Σ ½ (x w - y)² + ½ ridge |w|²."""
        return np.linalg.solve(x[rows].T @ x[rows] + ridge * np.eye(6), x[rows].T @ y[rows])

    everything, without = fit(slice(0, 40), 33 * penalty), fit(retain, 33 * penalty)
    slope = x[forget].T @ (x[forget] @ everything - y[forget]) / 7
    columns, vector = torch.from_numpy(x[retain].T.copy()), torch.from_numpy(slope)
    move = (7 / 33) * damped_inverse_product(columns, vector, penalty).numpy()
    assert np.abs(without - everything).max() > 0.01
    np.testing.assert_allclose(everything + move, without, rtol=1e-10)


def plain_gradient(task: Task, batch: Batch) -> Tensor:
    """∇ of the mean cross-entropy as one vector, in the mode for testing."""
    network = with_torch_layers(task.model).eval()
    naive_cross_entropy(network(batch.x), batch.y).backward()
    return torch.cat([value.grad.flatten() for value in network.parameters()])


def test_influence_makes_the_step_of_its_formula() -> None:
    """w + α (n_F/n_R) (λI + b G Gᵀ/K)⁻¹ ∇L(F), dense; G the gradients of the first K retain batches of b images."""
    task = small_task(batch_size=15, epochs=0)  # the forget set is one batch
    method = Influence(alpha=0.7, damping=0.05, batches=4, batch_size=9)
    stream = task.stream("retain", augment=False, batch_size=9).batches()
    batches = [next(stream) for _ in range(4)]
    sizes = torch.tensor([batch.total for batch in batches], dtype=torch.float64)
    columns = [plain_gradient(task, batch) for batch in batches]
    G, slope = torch.stack(columns, 1), plain_gradient(task, batch_of(task, "forget"))
    dense = 0.05 * torch.eye(len(slope), dtype=torch.float64) + (G * sizes) @ G.T / 4
    expected = 0.7 * (15 / 35) * torch.linalg.solve(dense, slope)
    before = torch.cat([value.flatten() for value in weights_of(task.model).values()])
    history = apply_method(method, task)
    after = torch.cat([value.flatten() for value in weights_of(task.model).values()])
    assert torch.allclose(after - before, expected, rtol=1e-8, atol=1e-12)
    assert history.epochs == []


def test_influence_goes_along_the_gradient_of_all_forget_images() -> None:
    """∇L(F) is a mean over images, however they are cut into batches."""
    moves = []
    for batch_size in (15, 12):
        task = small_task(batch_size=batch_size, epochs=0)
        before = torch.cat([value.flatten() for value in weights_of(task.model).values()])
        apply_method(Influence(damping=0.05, batches=4, batch_size=9), task)
        moves.append(torch.cat([value.flatten() for value in weights_of(task.model).values()]) - before)
    assert torch.allclose(*moves, rtol=1e-9, atol=1e-12)


def softmax_regression() -> Task:
    """600 images of 4 pixels, labels drawn from a linear model, 15 of them to forget."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (600, 1, 1, 4), generator=generator, dtype=torch.uint8)
    network = Network(torch.nn.Flatten(), torch.nn.Linear(4, 3), (0.5,), (0.29,)).double()
    truth = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    chances = torch.softmax(network.features(pixels).double() @ truth.T, 1)
    labels = torch.multinomial(chances, 1, generator=generator).flatten()
    images, rows = DeviceImages(pixels, labels), torch.arange(600)
    data = replace(small_task().dataset, train=images, test=images)
    split = Split(pretrain=rows, retain=rows[rows % 40 != 0], forget=rows[::40], val=rows[:0], seed=0)
    return Task(model=network, dataset=data, split=split, training=Training(epochs=0, batch_size=15), seed=(0,))


def minimiser(task: Task, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Weight and bias of the least mean cross-entropy on some rows; what no logit difference sees is taken out."""
    x = task.model.features(task.dataset.train.pixels[rows]).detach()
    y = task.dataset.train.labels[rows]
    weights = [torch.zeros(3, 4, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)]
    optimizer = torch.optim.LBFGS(
        [value.requires_grad_() for value in weights], max_iter=300, tolerance_grad=1e-12, tolerance_change=1e-15,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(x @ weights[0].T + weights[1], y)
        value.backward()
        return value

    optimizer.step(loss)
    return tuple(value.detach() - value.detach().mean(0) for value in weights)


@pytest.mark.parametrize(("batch_size", "batches"), [(1, 585), (32, 128)])
def test_influence_is_retraining_to_first_order(batch_size: int, batches: int) -> None:
    """At a minimum of a well-specified model the Fisher matrix is the Hessian, and α = 1 is the Newton step."""
    task = softmax_regression()
    everything, without = (minimiser(task, rows) for rows in (task.split.pretrain, task.split.retain))
    with torch.no_grad():
        for parameter, value in zip((task.model.head.weight, task.model.head.bias), everything, strict=True):
            parameter.copy_(value)
    apply_method(Influence(damping=1e-6, batches=batches, batch_size=batch_size), task)
    pairs = zip(weights_of(task.model).values(), everything, without, strict=True)
    moved, wanted = zip(*((now - old, new - old) for now, old, new in pairs), strict=True)
    found, needed = (torch.cat([value.flatten() for value in values]) for values in (moved, wanted))
    assert cosine(moved, wanted) > 0.9
    assert float(found @ needed / (needed @ needed)) == pytest.approx(1, abs=0.2)


def test_influence_climbs_the_loss_of_the_forget_set() -> None:
    task = small_task(epochs=0)
    batch = batch_of(small_task(batch_size=60), "forget")
    losses = []
    for _ in range(2):
        with torch.no_grad():
            losses.append(naive_cross_entropy(task.model.eval()(batch.x), batch.y).item())
        apply_method(Influence(alpha=0.1, damping=1.0, batches=4, batch_size=8), task)
    assert losses[1] > losses[0]
