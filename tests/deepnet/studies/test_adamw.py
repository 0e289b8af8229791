"""AdamW as the optimizer of a study: its first steps by hand, what masks hide from it, and what it makes of α.

The first step of AdamW goes by lr · g / (|g| + 1e-8), whatever the size of g, from weights times 1 - lr · decay.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from deepnet.data.datasets import DataConfig  # noqa: E402
from deepnet.data.splits import ForgetSet  # noqa: E402
from deepnet.house.seeding import generator  # noqa: E402
from deepnet.learning.descent import Descent  # noqa: E402
from deepnet.learning.sharpness import Sharpness, asam, sam, sgd  # noqa: E402
from deepnet.learning.task import Task  # noqa: E402
from deepnet.learning.training import Training  # noqa: E402
from deepnet.methods import Method, NegGrad, SalUn, SharpMinMax  # noqa: E402
from deepnet.networks.models import ModelConfig, Network  # noqa: E402
from deepnet.studies.stages import Execution, Run, Stages  # noqa: E402
from deepnet.studies.store import Store  # noqa: E402
from deepnet.studies.study import Study, Unlearner  # noqa: E402
from tests.deepnet.oracles import (  # noqa: E402
    batch_of,
    naive_cross_entropy,
    network_direction,
    weights_of,
    with_torch_layers,
)

RATE, DECAY = 0.01, 0.5
ADAMW = Descent(rule="adamw", lr=RATE, weight_decay=DECAY)
ONE_STEP = Training(epochs=1, batch_size=200, descent=ADAMW)
"""A batch holds a whole set."""
ALPHA = 0.8
each_optimizer = pytest.mark.parametrize("how", [sgd(), sam(0.3), asam(0.5)], ids=lambda how: how.label)

Weights = dict[str, Tensor]


@pytest.fixture
def folder(tmp_path: Path, one_thread: None) -> Path:
    """Where results lie; numbers are those of one thread."""
    return tmp_path


def study_of(how: Sharpness, method: Method | None = None, **training: object) -> Study:
    """Pretrained and unlearned with AdamW, both with one optimizer."""
    unlearner = Unlearner(method=method or NegGrad(), training=replace(ONE_STEP, **training), sharpness=(how,))
    return Study(
        data=DataConfig(name="digits", subset=120, test_subset=30), model=ModelConfig(architecture="convnet", width=2),
        forget=(ForgetSet(size=24),), pretrain=ONE_STEP, pretrain_sharpness=(how,), unlearners=(unlearner,), seeds=(5,),
    )  # fmt: skip


def stages_of(study: Study, folder: Path) -> tuple[Stages, Run, Run]:
    """What makes its models, and its pretrained and unlearned one."""
    (how,), (unlearner,) = study.pretrain_sharpness, study.unlearners
    pretrained = Run(study.forget[0], 5, how)
    return (
        Stages(study, Store(folder), Execution()),
        pretrained,
        replace(pretrained, unlearner=unlearner, sharpness=how),
    )


def task_of(stages: Stages, run: Run, model: Network) -> Task:
    """What a method is given."""
    start = "fresh" if run.unlearner is None else "pretrained"
    training = stages.study.pretrain if run.unlearner is None else run.unlearner.training
    seed = run.seed, int(generator(0, start).integers(2**31))
    return Task(model, *stages.data(run.forget), training, seed, run.sharpness or run.pretrain)


def first_step(before: Weights, direction: Weights) -> Weights:
    """The weights after it, by hand."""
    return {
        name: (1 - RATE * DECAY) * value - RATE * direction[name] / (direction[name].abs() + 1e-8)
        for name, value in before.items()
    }


def assert_close(found: Weights, expected: Weights, *directions: Weights) -> None:
    """Equal, where a direction is more than what rounding makes of nothing; there it decides the sign of the step."""
    for name, value in found.items():
        clear = torch.stack([direction[name].abs() > 1e-5 for direction in directions]).any(0)
        assert torch.allclose(value[clear], expected[name][clear], rtol=1e-5, atol=1e-6), name
        assert clear.any(), name
        assert (value - expected[name]).abs().max() < 2.1 * RATE


@each_optimizer
def test_the_first_step_of_pretraining(how: Sharpness, folder: Path) -> None:
    stages, run, _ = stages_of(study_of(how), folder)
    model = stages.fresh(5, "pretrain")
    start, batch = weights_of(model), batch_of(task_of(stages, run, model), "pretrain")
    assert batch.total == len(stages.data(run.forget)[1].pretrain)
    direction = network_direction(with_torch_layers(model), lambda at: naive_cross_entropy(at(batch.x), batch.y), how)
    assert_close(weights_of(stages.finished(run).model), first_step(start, direction), direction)


@each_optimizer
def test_the_first_step_of_neggrad(how: Sharpness, folder: Path) -> None:
    """One perturbation for α CE(R) - (1 - α) CE(F)."""
    stages, pretrained, run = stages_of(study_of(how, NegGrad(alpha=ALPHA)), folder)
    model = stages.finished(pretrained).model
    task, start = task_of(stages, run, model), weights_of(model)
    kept, forgotten = (batch_of(task, part) for part in ("retain", "forget"))

    def loss(at: object) -> Tensor:
        climbed = naive_cross_entropy(at.quiet(forgotten.x), forgotten.y)
        return ALPHA * naive_cross_entropy(at(kept.x), kept.y) - (1 - ALPHA) * climbed

    direction = network_direction(with_torch_layers(model), loss, how)
    assert_close(weights_of(stages.finished(run).model), first_step(start, direction), direction)


@each_optimizer
def test_sharp_minmax_has_two_of_them(how: Sharpness, folder: Path) -> None:
    """The retain part makes a first step, then the forget part does, from there; each stays where the other goes."""
    method = SharpMinMax(alpha=ALPHA, fraction=0.4)
    stages, pretrained, run = stages_of(study_of(how, method), folder)
    model = stages.finished(pretrained).model
    task, start = task_of(stages, run, model), weights_of(model)
    mask = method.plan(task)[0][0].updates[1].mask.values
    kept, forgotten = (batch_of(task, part) for part in ("retain", "forget"))
    twin = with_torch_layers(model)
    down = network_direction(twin, lambda at: ALPHA * naive_cross_entropy(at(kept.x), kept.y), how)
    moved = first_step(start, down)
    between = {name: torch.where(mask[name], value, moved[name]) for name, value in start.items()}
    with torch.no_grad():
        for name, weight in twin.named_parameters():
            weight.copy_(between[name])
    up = network_direction(
        twin,
        lambda at: -(1 - ALPHA) * naive_cross_entropy(at.quiet(forgotten.x), forgotten.y),
        replace(how, goal="max"),
    )
    moved = first_step(between, up)
    end = {name: torch.where(mask[name], moved[name], value) for name, value in between.items()}
    parts = {name: torch.where(mask[name], up[name], down[name]) for name in end}
    assert_close(weights_of(stages.finished(run).model), end, parts)


@pytest.mark.parametrize("holds", [True, False])
def test_what_a_mask_hides_is_held_and_else_decays(holds: bool, folder: Path) -> None:
    """Three epochs of several steps. The released code lets decay through: (1 - lr · decay) to the number of steps."""
    study = replace(study_of(asam(0.5), SalUn(fraction=0.3), epochs=3, batch_size=40), holds_masked_weights=holds)
    stages, pretrained, run = stages_of(study, folder)
    model = stages.finished(pretrained).model
    task, start = task_of(stages, run, model), weights_of(model)
    mask = run.unlearner.method.plan(task)[0][0].updates[0].mask.values
    steps = 3 * task.stream("relabelled").steps_per_pass
    assert steps > 3
    for name, value in weights_of(stages.finished(run).model).items():
        hidden, before = value[~mask[name]], start[name][~mask[name]]
        if holds:
            assert torch.equal(hidden, before), name
        else:
            assert torch.allclose(hidden, before * (1 - RATE * DECAY) ** steps, rtol=1e-4, atol=1e-7), name
        assert not torch.equal(value[mask[name]], start[name][mask[name]]) or not mask[name].any()


def test_with_two_adamws_alpha_makes_no_difference(folder: Path) -> None:
    """Each goes by the sign of its own term, whatever its weight; with SGD the weight is the length of the step."""
    differences = {}
    for rule, rate in (("adamw", RATE), ("sgd", 0.2)):
        ends = []
        for alpha in (0.5, 0.9):
            descent = replace(ADAMW, rule=rule, lr=rate, weight_decay=0.0)
            study = study_of(asam(0.5), SharpMinMax(alpha=alpha), descent=descent, epochs=2, batch_size=40)
            stages, pretrained, run = stages_of(study, folder)
            start = torch.cat([value.flatten() for value in weights_of(stages.finished(pretrained).model).values()])
            end = torch.cat([value.flatten() for value in weights_of(stages.finished(run).model).values()])
            ends.append(end - start)
        differences[rule] = float((ends[0] - ends[1]).norm() / ends[0].norm())
    assert differences["adamw"] < 0.02
    assert differences["sgd"] > 0.3
