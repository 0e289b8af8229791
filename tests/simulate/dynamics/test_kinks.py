"""The kink margin: how close a run comes to the point where rounding decides a ReLU."""

import numpy as np
import pytest

from simulate import Instance, run
from simulate.dynamics.objectives import Loss
from simulate.dynamics.optimizers import SAM, SGD
from simulate.dynamics.phases import Phase
from tests.simulate.engine_runs import ENGINES, TOLERANCE, reconstructed_weights, relative_error


def instance_at(first_filter: tuple[float, float]) -> Instance:
    """One sample with φ and ξ along the axes and one filter of each sign; all gradients are along (1, 1)."""
    phi, xi = np.eye(2)
    w0 = np.array([[first_filter], [(0.4, 0.2)]])
    return Instance.from_arrays(phi=phi, xi=xi[None], y=np.array([1]), w0=w0, forget=np.array([False]), space="ambient")


KINKS = [(SGD(lr=0.1), 0.0), (SAM(lr=0.1, tau=0.25), 0.125)]
"""Where an optimizer takes a gradient at the kink: on `instance_at` ε̂ is -τ/2 in both weights of the first filter."""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("optimizer", "kink"), KINKS)
@pytest.mark.parametrize(("distance", "rounded"), [(1e-14, True), (-1e-14, True), (1e-7, False), (-1e-7, False)])
def test_kink_margin_tells_how_close_a_gradient_was_taken_to_a_kink(engine, optimizer, kink, distance, rounded):
    phases = [Phase("pretrain", Loss(), optimizer, steps=1)]
    result = run(instance_at((0.3, kink + distance)), phases, engine=engine)
    largest = np.abs(result.state.preactivations).max()
    assert result.kink_margin * largest == pytest.approx(abs(distance), rel=0.01)
    assert (result.kink_margin < TOLERANCE) is rounded


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("column", range(4))
def test_every_pre_activation_is_watched_for_kinks(engine, column):
    """Column 0 is the signal's, the others those of three noise vectors."""
    axes, y, forget = np.eye(4), np.array([1, -1, 1]), np.array([False, True, False])
    for sign, number in ((0, 0), (0, 1), (1, 0), (1, 1)):
        w0 = np.full((2, 2, 4), 0.3)
        w0[sign, number, column] = 1e-7
        instance = Instance.from_arrays(phi=axes[0], xi=axes[1:], y=y, w0=w0, forget=forget, space="ambient")
        result = run(instance, [Phase("pretrain", Loss(), SGD(lr=0.1), steps=1)], engine=engine)
        assert result.kink_margin * np.abs(result.state.preactivations).max() == pytest.approx(1e-7, rel=0.01)


@pytest.mark.parametrize(("optimizer", "kink"), KINKS)
def test_trajectories_part_at_a_kink(optimizer, kink):
    """Why these are excused: rounding decides which side of the ReLU they see."""
    phases = [Phase("pretrain", Loss(), optimizer, steps=1)]
    sides = (instance_at((0.3, kink + distance)) for distance in (1e-14, -1e-14))
    above, below = (reconstructed_weights(run(instance, phases)) for instance in sides)
    assert relative_error(above, below) > 0.01
