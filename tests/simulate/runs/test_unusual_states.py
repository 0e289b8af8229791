"""States and companions that an engine or a sweep cannot go on with are refused by name."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from simulate import SGD, Instance, Loss, NegGrad, Phase, Problem, SharpMinMax, run
from simulate.sweeps.workers import check_client


def test_a_phase_partitioned_by_coordinate_is_entered_in_its_middle_with_its_parts_alone() -> None:
    instance = Instance.draw(Problem(d=60, n=8, m=2, forget=0.25), 0, space="ambient")
    split = SharpMinMax(lr=0.1, tau=0.1, partition="coordinate")
    phases = [Phase("pretrain", Loss(), SGD(lr=0.1), steps=3), Phase("unlearn", NegGrad(), split, steps=6)]
    halfway = run(instance, [phases[0], Phase("unlearn", NegGrad(), split, steps=3)], engine="dense").state
    whole, cut = (run(instance, phases, engine="dense", start=start).state.weights for start in (None, halfway))
    np.testing.assert_array_equal(cut, whole)
    with pytest.raises(ValueError, match="`start` must hold the coordinates of the forget part"):
        run(instance, phases, engine="dense", start=replace(halfway, forget_coordinates=None))


def test_a_client_that_does_not_wait_is_refused() -> None:
    parts = dict.fromkeys(("submit", "nthreads", "scheduler_info"))
    check_client(SimpleNamespace(**parts, asynchronous=False))
    with pytest.raises(ValueError, match="`client` must not be asynchronous"):
        check_client(SimpleNamespace(**parts, asynchronous=True))
