"""What a plan makes of a phase, on which every engine relies: labels, batches and parts of the network."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from simulate import Instance, run
from simulate.dynamics.objectives import Loss, NegGrad, RandomLabel
from simulate.dynamics.optimizers import SAM, SGD, SharpMinMax
from simulate.dynamics.phases import Phase
from simulate.dynamics.plan import compile_phase, compile_phases
from tests.oracles.configurations import configurations
from tests.simulate.engine_runs import ENGINES, PROBLEM, draw, instance_of


@pytest.mark.parametrize("engine", ENGINES)
def test_random_labels_are_the_loss_with_other_labels_in_the_forget_set(engine):
    for each in configurations(4, steps=200):
        instance, optimizer = instance_of(each), SAM(lr=each.phases[0].optimizer.lr)
        flipped = replace(instance, y=np.where(instance.forget, -instance.y, instance.y))
        for flip, labelled in ((1.0, flipped), (0.0, instance)):
            relabelled = run(instance, [Phase("only", RandomLabel(flip=flip), optimizer, steps=200)], engine=engine)
            trained = run(labelled, [Phase("only", Loss(), optimizer, steps=200)], engine=engine)
            np.testing.assert_array_equal(relabelled.state.coefficients, trained.state.coefficients)


@pytest.mark.parametrize(("claimed", "true"), [(0.5, True), (0.4, False)])
def test_random_labels_are_flipped_as_often_as_asked(claimed, true):
    phase = Phase("only", RandomLabel(flip=0.5))
    instances = [Instance.draw(PROBLEM, seed) for seed in range(400)]
    flips = [(compile_phase(phase, each).target != each.y)[each.forget] for each in instances]
    tail = scipy.stats.binomtest(int(np.sum(flips)), np.size(flips), claimed).pvalue
    assert bool(tail > 1e-4) is true


def test_a_plan_is_shared_by_equal_labels_alone():
    phase, other = (
        Phase("only", RandomLabel(flip=0.5), SGD(batch=2)),
        Phase("other", RandomLabel(flip=0.5), SGD(batch=2)),
    )
    first, louder, fresh = (
        Instance.draw(problem, seed)
        for problem, seed in ((PROBLEM, 1), (replace(PROBLEM, signal=9.0), 1), (PROBLEM, 2))
    )
    moved = replace(first, forget=np.roll(first.forget, 1))
    turned = replace(first, y=-first.y)
    elsewhere = replace(first, seed=3)
    instances = [first, louder, fresh, moved, turned, elsewhere, first]
    plans = compile_phases([phase] * 6 + [other], instances)
    assert plans[0] is plans[1]
    assert len({id(plan) for plan in plans}) == 6
    for plan, one, instance in zip(plans, [phase] * 6 + [other], instances, strict=True):
        alone = compile_phase(one, instance)
        np.testing.assert_array_equal(plan.target, alone.target)
        np.testing.assert_array_equal(plan.full_weight, alone.full_weight)
        np.testing.assert_array_equal(plan.batches.present(0, 9), alone.batches.present(0, 9))


@pytest.mark.parametrize("batch", [1, 2, 4, 5])
@pytest.mark.parametrize(
    ("objective", "pools"),
    [
        (Loss(), ["all"]),
        (RandomLabel(), ["all"]),
        (Loss(on="retain"), ["retain"]),
        (NegGrad(), ["retain", "forget"]),
    ],
    ids=str,
)
def test_batches_of_an_epoch_are_disjoint_and_of_one_size(objective, pools, batch):
    instance = Instance.draw(PROBLEM, 1)
    sets = {"all": np.full(PROBLEM.n, True), "retain": ~instance.forget, "forget": instance.forget}
    present = compile_phase(Phase("only", objective, SGD(batch=batch)), instance).batches.present(0, 600)
    assert not present[:, ~np.any([sets[pool] for pool in pools], axis=0)].any()
    for pool in pools:
        chosen = present[:, sets[pool]]
        size = min(batch, chosen.shape[1])
        epoch = chosen.shape[1] // size
        assert (chosen.sum(axis=1) == size).all()
        epochs = chosen[: 600 // epoch * epoch].reshape(-1, epoch, chosen.shape[1])
        assert epochs.sum(axis=1).max() == 1
        assert (epochs.sum(axis=(0, 1)) > 0).all()
        assert size * epoch == chosen.shape[1] == size or len(np.unique(epochs[:, 0], axis=0)) > 1


@pytest.mark.parametrize(("engine", "adaptive"), [*((engine, False) for engine in ENGINES), ("dense", True)])
@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_a_network_that_is_all_one_part_is_trained_by_the_step_of_that_part(engine, adaptive, fraction):
    instance = draw(PROBLEM, 3)
    both = SharpMinMax(lr=0.05, tau=0.01, tau_forget=0.02, fraction=fraction, adaptive=adaptive)
    retain = SAM(lr=0.75 * 0.05, tau=0.01, adaptive=adaptive)
    forget = SAM(lr=0.25 * 0.05, tau=0.02, sharpness="max", adaptive=adaptive)
    alone = (NegGrad(alpha=0.0), forget) if fraction else (Loss(on="retain"), retain)
    one, other = (
        run(instance, [Phase("only", objective, optimizer, steps=100)], engine=engine)
        for objective, optimizer in ((NegGrad(alpha=0.75), both), alone)
    )
    scale = np.abs(one.state.coefficients).max()
    np.testing.assert_allclose(one.state.coefficients, other.state.coefficients, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize(("given", "felt"), [(None, 0.3), (0.0, 0.0), (0.1, 0.1)])
def test_a_radius_of_nothing_is_not_one_that_is_left_out(given, felt):
    half = np.arange(8) < 4
    updates = SharpMinMax(tau=0.3, tau_forget=given).updates(np.ones(8), half, ~half)
    assert [update.tau for update in updates] == [0.3, felt]


@pytest.mark.parametrize(("below", "above"), [(1 - 0.9, 0.7 + 0.1), (0.1, 0.8), (0.1 - 1e-15, 0.8 + 1e-15)])
def test_bounds_on_accuracies_are_fractions_of_the_forget_set(below, above):
    instance = Instance.draw(replace(PROBLEM, n=20, forget=0.5), 1)
    phase = Phase("only", NegGrad(), SGD(), stop_forget_below=below, stop_forget_above=above)
    stop = compile_phase(phase, instance).stop
    assert (stop.forget_below, stop.forget_above) == (1 / 10, 8 / 10)
    further = compile_phase(replace(phase, stop_forget_below=0.1 - 1e-9, stop_forget_above=0.8 + 1e-9), instance).stop
    assert (further.forget_below, further.forget_above) == (0.0, 9 / 10)
