"""Too few dimensions, empty sets and batches larger than their set are refused, and nothing that would do."""

from dataclasses import replace

import numpy as np
import pytest

from simulate import Instance, Status, run
from simulate.dynamics.objectives import Loss, NegGrad, RandomLabel
from simulate.dynamics.optimizers import SAM, SGD, SharpMinMax
from tests.simulate.refusals import EMPTY, ENGINES, SMALL, phase, refused


@pytest.mark.parametrize(("patches", "least"), [("copied", 8 + 2 * 2 + 1), ("independent", 3 * 8 + 2 * 2 + 1)])
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_exact_frame_needs_as_many_dimensions_as_vectors(patches, least, engine):
    problem = replace(SMALL, d=least, P=4, patches=patches)
    assert run(problem, [phase()], engine=engine, test_directions=16).status is Status.MAX_STEPS
    with refused("d"):
        run(replace(problem, d=least - 1), [phase()], engine=engine)
    with refused("d"):
        Instance.draw(replace(problem, d=least - 1))


def test_the_dense_engine_takes_fewer_dimensions_than_vectors_but_not_more_than_memory_holds():
    assert run(replace(SMALL, d=2), [phase()], engine="dense", test_directions=16).status is Status.MAX_STEPS
    for enormous in (10**10, 10**30):
        with refused("d"):
            run(replace(SMALL, d=enormous), [phase()], engine="dense")


NEEDED = {
    "forget": [
        phase(NegGrad()),
        phase(RandomLabel()),
        phase(Loss(on="forget")),
        phase(NegGrad(), SharpMinMax()),
        phase(optimizer=SAM(on="forget")),
        phase(stop_forget_below=0.5),
        phase(stop_forget_above=0.5),
        phase(stop_forget_loss_above=0.5),
    ],
    "retain": [phase(NegGrad()), phase(Loss(on="retain")), phase(optimizer=SAM(on="retain"))],
}

NOT_NEEDED = {
    "forget": [phase(), phase(Loss(on="retain")), phase(optimizer=SAM()), phase(optimizer=SAM(on="retain"))],
    "retain": [phase(), phase(RandomLabel()), phase(Loss(on="forget")), phase(optimizer=SAM(on="forget"))],
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("part", "needing"), [(part, each) for part in NEEDED for each in NEEDED[part]])
def test_a_phase_that_needs_an_empty_set_is_refused(engine, part, needing):
    with refused("forget"):
        run(EMPTY[part], [needing], engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("part", "able"), [(part, each) for part in NOT_NEEDED for each in NOT_NEEDED[part]])
def test_a_phase_that_does_not_need_an_empty_set_runs(engine, part, able):
    result = run(EMPTY[part], [able], engine=engine, test_directions=16)
    assert result.status is Status.MAX_STEPS
    assert np.isnan(getattr(result, f"{part}_accuracy"))
    assert np.isfinite(result.kappa).all()


@pytest.mark.parametrize(
    ("objective", "most"),
    [(Loss(), 8), (RandomLabel(), 8), (Loss(on="retain"), 6), (NegGrad(), 6), (Loss(on="forget"), 2)],
)
def test_a_batch_is_at_most_the_set_it_is_taken_from(objective, most):
    assert run(SMALL, [phase(objective, SGD(batch=most))], test_directions=16).steps == 2
    with refused("batch"):
        run(SMALL, [phase(objective, SGD(batch=most + 1))])
