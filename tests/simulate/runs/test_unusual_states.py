"""States and companions that an engine or a sweep cannot go on with are refused by name."""

from types import SimpleNamespace

import pytest

from simulate import SGD, Instance, Loss, NegGrad, Phase, Problem, SharpMinMax, run
from simulate.sweeps.workers import check_client


def test_a_phase_partitioned_by_coordinate_cannot_be_entered_in_its_middle() -> None:
    instance = Instance.draw(Problem(d=60, n=8, m=2, forget=0.25), 0, space="ambient")
    split = SharpMinMax(lr=0.1, tau=0.1, partition="coordinate")
    phases = [Phase("pretrain", Loss(), SGD(lr=0.1), steps=3), Phase("unlearn", NegGrad(), split, steps=6)]
    halfway = run(instance, [phases[0], Phase("unlearn", NegGrad(), split, steps=3)], engine="dense").state
    with pytest.raises(ValueError, match="`start`"):
        run(instance, phases, engine="dense", start=halfway)


def test_a_client_that_does_not_wait_is_refused() -> None:
    parts = dict.fromkeys(("submit", "nthreads", "scheduler_info"))
    check_client(SimpleNamespace(**parts, asynchronous=False))
    with pytest.raises(ValueError, match="`client` must not be asynchronous"):
        check_client(SimpleNamespace(**parts, asynchronous=True))
