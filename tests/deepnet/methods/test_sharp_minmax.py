"""Sharp MinMax: two optimizers on two parts of a model, in turn."""

from dataclasses import replace

import pytest
import torch

from deepnet.learning.descent import Descent
from deepnet.learning.loop import train
from deepnet.learning.masks import Order
from deepnet.learning.sharpness import Sharpness, asam, sgd
from deepnet.learning.updates import Pass
from deepnet.methods import SharpMinMax
from deepnet.methods import apply as apply_method
from deepnet.methods.sharp_minmax import ForgetGoal
from tests.deepnet.methods.first_steps import TRANSFORMS, assert_equal, each_descent, pairs, stop_after
from tests.deepnet.model_states import differing, state_of
from tests.deepnet.oracles import (
    batches_of,
    naive_cross_entropy,
    naive_saliency,
    naive_selection,
    network_direction,
    optimizer_of,
    places,
    small_task,
    step,
    weights_of,
    with_torch_layers,
)


@each_descent
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


@pytest.mark.parametrize(("order", "largest"), [("largest", True), ("smallest", False)])
def test_sharp_minmax_forgets_with_the_end_it_is_told_to(order: Order, largest: bool) -> None:
    """And remembers with all the others; the paper's text has the largest, its released code the smallest."""
    task = small_task()
    kept, climbed = SharpMinMax(fraction=0.3, order=order).plan(task)[0][0].updates
    scores = naive_saliency(task.model, batches_of(task, "forget", 2))
    assert len(places(climbed.mask.values) ^ naive_selection(scores, 0.3, largest=largest)) <= 2
    assert not places(kept.mask.values) & places(climbed.mask.values)
    assert (kept.terms[0].draws, climbed.terms[0].draws) == (("retain",), ("forget",))


@pytest.mark.parametrize(("goal", "wanted"), [("max", "max"), ("min", "min"), ("none", "none")])
def test_what_is_done_about_the_sharpness_of_the_forget_term(goal: ForgetGoal, wanted: str) -> None:
    """The parts stay as they are, and so does what the retain part does."""
    task = small_task(sharpness=asam(0.5))
    usual, told = (method.plan(task)[0][0].updates for method in (SharpMinMax(), SharpMinMax(forget_goal=goal)))
    assert [update.terms[0].goal for update in told] == ["min", wanted]
    for one, other in zip(usual, told, strict=True):
        assert all(torch.equal(value, other.mask.values[name]) for name, value in one.mask.values.items())


def test_without_the_max_term_the_forget_part_takes_the_plain_gradient() -> None:
    """After one step it stands where SGD's stands, since nothing has moved the retain part's weights it depends on."""
    states = []
    for sharpness, goal in ((asam(0.5), "none"), (sgd(), "max"), (asam(0.5), "max")):
        task = small_task(sharpness=sharpness)
        update = SharpMinMax(forget_goal=goal).plan(task)[0][0].updates[1]
        train(task, [[Pass("forget", (update,))]])
        states.append(state_of(task))
    assert differing(states[0], states[1]) == []
    assert differing(states[0], states[2]) != []


def test_a_goal_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match='`forget_goal` must be one of "max", "min", "none"'):
        SharpMinMax(forget_goal="best")
