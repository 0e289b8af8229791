"""The first steps of every method against its formula, written with torch's own layers and optimizers."""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deepnet.descent import Descent  # noqa: E402
from deepnet.images import DeviceImages  # noqa: E402
from deepnet.masks import Mask  # noqa: E402
from deepnet.methods import (  # noqa: E402
    METHODS,
    CurvatureSelection,
    FineTune,
    GradientAscent,
    Influence,
    L1Sparse,
    NegGrad,
    Pretrain,
    RandomLabel,
    RetainSAM,
    Retrain,
    SalUn,
    Scrub,
    SharpMinMax,
)
from deepnet.methods import apply as apply_method  # noqa: E402
from deepnet.methods.base import Method  # noqa: E402
from deepnet.methods.influence import damped_inverse_product  # noqa: E402
from deepnet.models import Network  # noqa: E402
from deepnet.sharpness import Sharpness, asam, sam, sgd  # noqa: E402
from deepnet.splits import Split  # noqa: E402
from deepnet.streams import Batch  # noqa: E402
from deepnet.task import Task  # noqa: E402
from deepnet.training import Training  # noqa: E402
from tests.deepnet.oracles import (  # noqa: E402
    At,
    batch_of,
    batches_of,
    cosine,
    naive_cross_entropy,
    naive_divergence,
    naive_saliency,
    naive_selection,
    network_direction,
    optimizer_of,
    places,
    small_network,
    small_task,
    step,
    weights_of,
    with_torch_layers,
)

Tensor = torch.Tensor
SGD = Descent(lr=0.05, momentum=0.9, weight_decay=0.01)
ADAMW = Descent(rule="adamw", lr=0.01, weight_decay=0.1)
TRANSFORMS = [sgd(), sam(0.2), asam(0.4)]
each_transform = pytest.mark.parametrize("sharpness", TRANSFORMS, ids=lambda s: s.label)


class EnoughError(Exception):
    pass


def stop_after(method: Method, task: Task, steps: int) -> None:
    """Let a method make its first steps."""

    def on_step(number: int) -> None:
        if number == steps:
            raise EnoughError

    with pytest.raises(EnoughError):
        apply_method(method, task, on_step=on_step)


def assert_equal(task: Task, twin: torch.nn.Module, statistics: bool = True) -> None:
    """Weights, running statistics and the number of batches behind them."""
    expected = dict(twin.state_dict())
    found = task.model.state_dict() if statistics else weights_of(task.model)
    for name, value in found.items():
        assert torch.allclose(value.double(), expected[name].double(), rtol=1e-11, atol=1e-11), name


Direction = Callable[[torch.nn.Module, int], dict[str, Tensor]]


def assert_steps(
    method: Method, task: Task, direction: Direction, *, steps: int = 3, mask=None, statistics: bool = True
) -> None:
    """The method's first steps are those of torch's optimizer along `direction(network, t)`."""
    twin = with_torch_layers(task.model)
    optimizer = optimizer_of(twin, task.training.descent)
    start = weights_of(twin)
    for t in range(steps):
        step(twin, optimizer, direction(twin, t))
        if mask is not None:
            with torch.no_grad():
                for name, value in twin.named_parameters():
                    value.copy_(torch.where(mask[name], value, start[name]))
    before = weights_of(task.model)
    stop_after(method, task, steps)
    assert_equal(task, twin, statistics)
    assert any(not torch.equal(value, before[name]) for name, value in weights_of(task.model).items())


# --- descending and climbing ---------------------------------------------------------------------------


@each_transform
@pytest.mark.parametrize(("method", "part"), [(FineTune(), "retain"), (Retrain(), "retain"), (Pretrain(), "pretrain")])
@pytest.mark.parametrize("descent", [SGD, ADAMW], ids=lambda d: d.rule)
def test_training_descends_the_cross_entropy(method: Method, part: str, sharpness: Sharpness, descent: Descent) -> None:
    task = small_task(sharpness=sharpness, descent=descent)
    batches = batches_of(task, part, 3)

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        return network_direction(network, lambda at: naive_cross_entropy(at(batches[t].x), batches[t].y), sharpness)

    assert_steps(method, task, direction)


@each_transform
def test_gradient_ascent_descends_minus_the_loss_of_the_forget_set(sharpness: Sharpness) -> None:
    task = small_task(sharpness=sharpness, epochs=2)
    batches = batches_of(task, "forget", 3)

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        return network_direction(
            network, lambda at: -naive_cross_entropy(at.quiet(batches[t].x), batches[t].y), sharpness
        )

    assert_steps(GradientAscent(), task, direction)


def test_gradient_ascent_climbs() -> None:
    task = small_task(epochs=3, descent=Descent(lr=0.01, momentum=0.0, weight_decay=0.0), batch_size=60)
    batch = batch_of(task, "forget")

    def loss() -> float:
        with torch.no_grad():
            return naive_cross_entropy(task.model.eval()(batch.x), batch.y).item()

    before = loss()
    apply_method(GradientAscent(), task)
    assert loss() > before


def pairs(task: Task, count: int) -> list[tuple[Batch, Batch]]:
    return list(zip(batches_of(task, "retain", count), batches_of(task, "forget", count), strict=True))


def neggrad(at: At, pair: tuple[Batch, Batch], alpha: float) -> Tensor:
    """α CE(R) - (1 - α) CE(F); only the retained images leave a trace in running statistics."""
    retained, forgotten = pair
    keep = naive_cross_entropy(at(retained.x), retained.y)
    return alpha * keep - (1 - alpha) * naive_cross_entropy(at.quiet(forgotten.x), forgotten.y)


@pytest.mark.parametrize("descent", [SGD, ADAMW], ids=lambda d: d.rule)
@pytest.mark.parametrize("alpha", [0.0, 0.7, 0.95, 1.0])
@each_transform
def test_neggrad(sharpness: Sharpness, alpha: float, descent: Descent) -> None:
    """One joint step, whose sharpness is that of the whole loss."""
    task = small_task(sharpness=sharpness, descent=descent)
    both = pairs(task, 3)

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        return network_direction(network, lambda at: neggrad(at, both[t], alpha), sharpness)

    assert_steps(NegGrad(alpha=alpha), task, direction)


@each_transform
def test_retain_sam_perturbs_for_the_retain_set_alone(sharpness: Sharpness) -> None:
    """α SAM-gradient of CE(R), minus (1 - α) the plain gradient of CE(F) at w."""
    task = small_task(sharpness=sharpness)
    both = pairs(task, 3)

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        retained, forgotten = both[t]
        keep = network_direction(network, lambda at: naive_cross_entropy(at(retained.x), retained.y), sharpness)
        climb = network_direction(network, lambda at: naive_cross_entropy(at.quiet(forgotten.x), forgotten.y), sgd())
        return {name: 0.8 * keep[name] - 0.2 * climb[name] for name in keep}

    assert_steps(RetainSAM(alpha=0.8), task, direction)


def test_retain_sam_and_neggrad_differ_only_with_sam() -> None:
    found = {}
    for method in (RetainSAM(alpha=0.8), NegGrad(alpha=0.8)):
        for sharpness in (sgd(), sam(0.2)):
            task = small_task(sharpness=sharpness)
            apply_method(method, task)
            found[method.name, sharpness.label] = torch.cat([v.flatten() for v in weights_of(task.model).values()])
    assert torch.allclose(found["retain-sam", "sgd"], found["neggrad", "sgd"], rtol=1e-9)
    assert float((found["retain-sam", "sam-0.2"] - found["neggrad", "sam-0.2"]).abs().max()) > 1e-4


# --- random labels -------------------------------------------------------------------------------------


@each_transform
def test_random_label_descends_on_everything(sharpness: Sharpness) -> None:
    task = small_task(sharpness=sharpness)
    batches = batches_of(task, "relabelled", 3)
    seen = torch.cat([batch.rows for batch in batches_of(task, "relabelled", 5)])
    assert torch.equal(seen.sort().values, task.split.pretrain)

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        return network_direction(network, lambda at: naive_cross_entropy(at(batches[t].x), batches[t].y), sharpness)

    assert_steps(RandomLabel(), task, direction)


def test_labels_of_the_forget_set_are_uniform_and_all_others_true() -> None:
    task = small_task(batch_size=60)
    truth, counts = task.dataset.train.labels, torch.zeros(60, 3)
    for batch in batches_of(task, "relabelled", 600):
        counts[batch.rows, batch.y] += 1
    kept, changed = counts[task.split.retain], counts[task.split.forget]
    assert torch.equal(kept.argmax(1), truth[task.split.retain])
    assert torch.equal(kept.max(1).values, torch.full((35,), 600.0))
    square = ((changed - 200) ** 2 / 200).sum(1)  # 2 degrees of freedom for each image
    assert float(square.sum()) < 59.7  # chi-squared of 30 degrees of freedom at 0.1 %
    assert float(square.max()) < 2 * math.log(15 / 1e-3)
    pooled = changed[torch.arange(15), truth[task.split.forget]].sum()  # the true label among them
    assert abs(float(pooled) - 3000) < 3.3 * math.sqrt(9000 * 2 / 9)


def test_labels_are_drawn_anew_at_each_visit() -> None:
    task = small_task(batch_size=60)
    first, second = batches_of(task, "relabelled", 2)
    labels = [batch.y[batch.rows.argsort()] for batch in (first, second)]
    assert not torch.equal(*labels)


@pytest.mark.parametrize("descent", [SGD, ADAMW], ids=lambda d: d.rule)
@each_transform
def test_salun_is_random_labels_for_the_salient_weights(sharpness: Sharpness, descent: Descent) -> None:
    task = small_task(sharpness=sharpness, descent=descent)
    batches = batches_of(task, "relabelled", 3)
    held = SalUn(fraction=0.5).mask(task).values
    scores = naive_saliency(task.model, batches_of(task, "forget", 2))
    assert len(places(held) ^ naive_selection(scores, 0.5, largest=True)) <= 2

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        return network_direction(
            network, lambda at: naive_cross_entropy(at(batches[t].x), batches[t].y), sharpness, held
        )

    assert_steps(SalUn(fraction=0.5), task, direction, mask=held)


# --- L1 ------------------------------------------------------------------------------------------------


@each_transform
@pytest.mark.parametrize(("free_epochs", "factors"), [(0, [1, 3 / 4, 1 / 2, 1 / 4]), (2, [1, 1 / 2, 0, 0])])
def test_the_l1_penalty_fades_out(free_epochs: int, factors: list[float], sharpness: Sharpness) -> None:
    """γ (1 - e/(E - E₀)) ‖w‖₁ over all parameters, in each of the E = 4 epochs of 3 steps."""
    task = small_task(sharpness=sharpness, epochs=4)
    batches = batches_of(task, "retain", 12)

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        def loss(at: At) -> Tensor:
            size = sum(value.abs().sum() for value in at.weights.values())
            return naive_cross_entropy(at(batches[t].x), batches[t].y) + 0.02 * factors[t // 3] * size

        return network_direction(network, loss, sharpness)

    assert_steps(L1Sparse(gamma=0.02, free_epochs=free_epochs), task, direction, steps=12)


def test_the_l1_penalty_makes_weights_small() -> None:
    sizes = []
    for gamma in (0.0, 0.05):
        task = small_task(epochs=6)
        apply_method(L1Sparse(gamma=gamma), task)
        sizes.append(sum(float(value.abs().sum()) for value in weights_of(task.model).values()))
    assert sizes[1] < 0.9 * sizes[0]


# --- SCRUB ---------------------------------------------------------------------------------------------


def scrub_twin(task: Task) -> Direction:
    """Epochs 0 and 1: two steps along -KL(F), then three of γ CE + β KL on R; epoch 2: those three only."""
    teacher = with_torch_layers(task.model).eval()
    forget, retain = batches_of(task, "forget", 4), batches_of(task, "retain", 9)
    order = [*forget[:2], *retain[:3], *forget[2:], *retain[3:6], *retain[6:]]
    climbing = [True] * 2 + [False] * 3 + [True] * 2 + [False] * 6

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        batch = order[t]
        with torch.no_grad():
            wanted = teacher(batch.x)

        def loss(at: At) -> Tensor:
            if climbing[t]:
                return -naive_divergence(at.quiet(batch.x), wanted, 3.0)
            logits = at(batch.x)
            return 0.8 * naive_cross_entropy(logits, batch.y) + 0.3 * naive_divergence(logits, wanted, 3.0)

        return network_direction(network, loss, task.sharpness)

    return direction


SCRUB = Scrub(ascent_epochs=2, beta=0.3, gamma=0.8, temperature=3.0)


@each_transform
def test_scrub(sharpness: Sharpness) -> None:
    task = small_task(sharpness=sharpness, epochs=3)
    assert_steps(SCRUB, task, scrub_twin(task), steps=13, statistics=False)


@each_transform
def test_scrub_moves_running_statistics_once_a_step(sharpness: Sharpness) -> None:
    task = small_task(sharpness=sharpness, epochs=3)
    assert_steps(SCRUB, task, scrub_twin(task), steps=13)


def test_the_teacher_of_scrub_stays_where_it_was() -> None:
    task = small_task(epochs=3)
    start = deepcopy(task.model.state_dict())
    apply_method(Scrub(ascent_epochs=3), task)
    assert all(torch.equal(value, start[name]) for name, value in task.teacher.state_dict().items())
    assert any(not torch.equal(value, start[name]) for name, value in task.model.state_dict().items())


# --- Sharp MinMax --------------------------------------------------------------------------------------


@pytest.mark.parametrize("descent", [SGD, ADAMW], ids=lambda d: d.rule)
@pytest.mark.parametrize("sharpness", [*TRANSFORMS, Sharpness(rho=0.3, adaptive="all", mixing=0.6)])
def test_sharp_minmax(sharpness: Sharpness, descent: Descent) -> None:
    """Two steps of two optimizers: (1 - m) ĝ_min of α CE(R), then m ĝ_max of -(1 - α) CE(F) at the new weights."""
    task = small_task(sharpness=sharpness, descent=descent)
    both, alpha = pairs(task, 3), 0.8
    update = SharpMinMax(alpha=alpha, fraction=0.4).plan(task)[0][0].updates[1]
    forget_part = dict(update.mask.values)
    scores = naive_saliency(task.model, batches_of(task, "forget", 2))
    assert len(places(forget_part) ^ naive_selection(scores, 0.4, largest=True)) <= 2
    retain_part = {name: ~held for name, held in forget_part.items()}

    twin = with_torch_layers(task.model)
    optimizers = [optimizer_of(twin, descent) for _ in range(2)]
    for retained, forgotten in both:
        turns = (
            (retain_part, "min", lambda at, b=retained: alpha * naive_cross_entropy(at(b.x), b.y)),
            (forget_part, "max", lambda at, b=forgotten: -(1 - alpha) * naive_cross_entropy(at.quiet(b.x), b.y)),
        )
        for (mask, goal, loss), optimizer in zip(turns, optimizers, strict=True):
            before = weights_of(twin)
            step(twin, optimizer, network_direction(twin, loss, replace(sharpness, goal=goal), mask))
            with torch.no_grad():
                for name, value in twin.named_parameters():
                    value.copy_(torch.where(mask[name], value, before[name]))
    stop_after(SharpMinMax(alpha=alpha, fraction=0.4), task, 3)
    assert_equal(task, twin)


def test_sharp_minmax_without_sharpness_is_neggrad_on_a_partitioned_model() -> None:
    """Its first step, without momentum: each part makes NegGrad's step, but for the order of the two."""
    descent = Descent(lr=1e-6, momentum=0.0, weight_decay=0.0)
    task = small_task(descent=descent)
    mask = SharpMinMax(alpha=0.8, fraction=0.4).plan(task)[0][0].updates[1].mask.values
    start = weights_of(task.model)
    retained, forgotten = pairs(task, 1)[0]
    twin = with_torch_layers(task.model)
    keep = network_direction(twin, lambda at: naive_cross_entropy(at.quiet(retained.x), retained.y), sgd())
    climb = network_direction(twin, lambda at: naive_cross_entropy(at.quiet(forgotten.x), forgotten.y), sgd())
    stop_after(SharpMinMax(alpha=0.8, fraction=0.4), task, 1)
    for name, value in weights_of(task.model).items():
        expected = torch.where(mask[name], 1e-6 * 0.2 * climb[name], -1e-6 * 0.8 * keep[name])
        assert torch.allclose(value - start[name], expected, rtol=1e-3, atol=1e-11)


def test_sharp_minmax_maximises_sharpness_whatever_goal_is_asked_for() -> None:
    ends = []
    for goal in ("min", "max"):
        task = small_task(sharpness=Sharpness(rho=0.3, goal=goal))
        apply_method(SharpMinMax(alpha=0.8), task)
        ends.append(torch.cat([value.flatten() for value in weights_of(task.model).values()]))
    assert torch.equal(*ends)


# --- selection by curvature ----------------------------------------------------------------------------


def hessian_diagonal(task: Task, batch: Batch) -> dict[str, Tensor]:
    """|∂²L/∂w²| one weight at a time, in the mode for testing."""
    network = with_torch_layers(task.model).eval()
    parameters = dict(network.named_parameters())
    loss = naive_cross_entropy(network(batch.x), batch.y)
    slopes = torch.autograd.grad(loss, list(parameters.values()), create_graph=True)
    found = {}
    for (name, value), slope in zip(parameters.items(), slopes, strict=True):
        entries = [
            torch.autograd.grad(slope.flatten()[i], value, retain_graph=True)[0].flatten()[i]
            for i in range(value.numel())
        ]
        found[name] = torch.stack(entries).reshape(value.shape).abs()
    return found


def inside_and_outside(values: dict[str, Tensor], mask: Mask) -> tuple[float, float]:
    """Means of values where a mask holds, and elsewhere."""
    flat = torch.cat([value.flatten() for value in values.values()])
    held = torch.cat([mask.values[name].flatten() for name in values])
    return float(flat[held].mean()), float(flat[~held].mean())


def test_selection_takes_the_largest_diagonal_entries() -> None:
    """Against the exact diagonal on all pretraining images."""
    task = small_task(batch_size=60)
    exact = hessian_diagonal(task, batch_of(task, "pretrain"))
    mask = CurvatureSelection(fraction=0.02, probes=60, samples=50).mask(task)
    expected = naive_selection(exact, 0.02, largest=True)
    assert len(places(mask.values)) == len(expected) == 8
    assert len(places(mask.values) & expected) >= 6
    inside, outside = inside_and_outside(exact, mask)
    assert inside > 50 * outside


def test_selection_takes_the_smallest_diagonal_entries() -> None:
    """At least, entries smaller than the average of the others."""
    task = small_task(batch_size=60)
    exact = hessian_diagonal(task, batch_of(task, "pretrain"))
    mask = CurvatureSelection(fraction=0.02, order="smallest", samples=50).mask(task)
    inside, outside = inside_and_outside(exact, mask)
    assert inside < outside


@each_transform
def test_selection_is_neggrad_for_the_chosen_weights(sharpness: Sharpness) -> None:
    task = small_task(sharpness=sharpness)
    method = CurvatureSelection(alpha=0.7, fraction=0.3, probes=3)
    both, held = pairs(task, 3), method.mask(task).values

    def direction(network: torch.nn.Module, t: int) -> dict[str, Tensor]:
        return network_direction(network, lambda at: neggrad(at, both[t], 0.7), sharpness, held)

    assert_steps(method, task, direction, mask=held)


# --- influence -----------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("batch_size", "batches"), [(1, 585), pytest.param(32, 128)])
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


# --- all of them ---------------------------------------------------------------------------------------

CHANGING = {
    "influence": Influence(batches=3, batch_size=8, damping=0.5), "salun": SalUn(fraction=0.3),
    "selection": CurvatureSelection(alpha=0.7, probes=2), "neggrad": NegGrad(alpha=0.7),
    "retain-sam": RetainSAM(alpha=0.7), "sharp-minmax": SharpMinMax(alpha=0.7),
}  # fmt: skip


@each_transform
@pytest.mark.parametrize("descent", [SGD, ADAMW], ids=lambda d: d.rule)
@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_changes_the_weights(name: str, descent: Descent, sharpness: Sharpness) -> None:
    method = CHANGING.get(name) or METHODS[name]()
    task = small_task(
        model=small_network(dtype=torch.float32), sharpness=sharpness, descent=descent,
        epochs=0 if name == "influence" else 1,
    )  # fmt: skip
    before = weights_of(task.model)
    apply_method(method, task)
    after = weights_of(task.model)
    assert any(float((after[key] - value).abs().max()) > 1e-5 for key, value in before.items())
    assert all(bool(value.isfinite().all()) for value in after.values())


@pytest.mark.parametrize("name", sorted(set(METHODS)))
def test_sharpness_matters_to_every_method(name: str) -> None:
    """SAM and ASAM give other weights than SGD, and than each other."""
    method, ends = CHANGING.get(name) or METHODS[name](), []
    for sharpness in (sgd(), sam(0.3), asam(0.5)):
        task = small_task(sharpness=sharpness, epochs=0 if name == "influence" else 1)
        apply_method(method, task)
        ends.append(torch.cat([value.flatten() for value in weights_of(task.model).values()]))
    assert min(float((ends[i] - ends[j]).abs().max()) for i, j in ((0, 1), (0, 2), (1, 2))) > 1e-5


def test_every_method_is_registered_under_its_name() -> None:
    assert set(METHODS) == {
        "retrain", "finetune", "ascent", "neggrad", "retain-sam", "random-label", "salun", "l1-sparse", "scrub",
        "influence", "selection", "sharp-minmax",
    }  # fmt: skip
    assert all(METHODS[name].name == name for name in METHODS)
    fresh = {name for name, cls in METHODS.items() if cls.start == "fresh"}
    assert fresh == {"retrain"}
    assert Pretrain.start == "fresh"


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [(NegGrad, "alpha", 1.3), (NegGrad, "alpha", -0.1), (RetainSAM, "alpha", 2.0), (SharpMinMax, "alpha", -1.0),
     (SharpMinMax, "fraction", 1.5), (SharpMinMax, "order", "top"), (SalUn, "fraction", -0.1), (SalUn, "order", "top"),
     (L1Sparse, "gamma", -1.0), (L1Sparse, "free_epochs", -1), (Scrub, "beta", -1.0), (Scrub, "gamma", -1.0),
     (Scrub, "temperature", 0.0), (Scrub, "ascent_epochs", -1), (Influence, "damping", 0.0), (Influence, "batches", 0),
     (Influence, "alpha", float("nan")), (Influence, "batch_size", 0), (CurvatureSelection, "fraction", 2.0),
     (CurvatureSelection, "probes", 0), (CurvatureSelection, "samples", 0), (CurvatureSelection, "alpha", 2.0),
     (CurvatureSelection, "order", "top")],
)  # fmt: skip
def test_bad_fields_are_named(kind: type, field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"`{field}`"):
        kind(**{field: value})
