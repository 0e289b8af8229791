"""Runs and ensembles refuse bad arguments, and states that do not fit, before they take a step."""

from dataclasses import replace

import numpy as np
import pytest

from simulate import Instance, Problem, Record, run
from simulate.dynamics.objectives import NegGrad
from simulate.dynamics.optimizers import SAM, SGD, SharpMinMax
from simulate.runs.ensemble import Cell, run_ensemble
from tests.simulate.refusals import EMPTY, ENGINES, NAN, SMALL, phase, refused, words

RUNS = [
    *(("engine", {"engine": engine}) for engine in ("cuda", "", "Numba", None, np.ones(2))),
    *(("seed", {"seed": seed}) for seed in (-1, 0.5, "0", True)),
    *(("test_directions", {"test_directions": number}) for number in (0, 15, 64.5, "many", None)),
    *(("phases", {"phases": phases}) for phases in ([], (), [phase(), phase(NegGrad())], phase(), ["only"], None)),
    *(("problem", {"problem": problem}) for problem in (None, "problem", Problem)),
    *(("record", {"record": record}) for record in ("loss", 10)),
    *(("start", {"start": start}) for start in ("only", 10)),
    *(("tau", {"record": Record(observe=(name,))}) for name in ("sharpness", "deactivation")),
]


@pytest.mark.parametrize(("name", "changed"), RUNS, ids=words(RUNS))
def test_a_run_of_bad_arguments_is_refused(name, changed):
    with refused(name):
        run(**{"problem": SMALL, "phases": [phase()]} | changed)


@pytest.mark.parametrize("space", ["frame", "ambient"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("adaptive", SAM(adaptive=True)),
        ("adaptive", SharpMinMax(adaptive=True)),
        ("partition", SharpMinMax(partition="coordinate")),
    ],
)
def test_what_depends_on_the_coordinates_needs_the_dense_engine_and_coordinates_of_the_data(
    engine, space, name, optimizer
):
    instance = Instance.draw(SMALL, space=space)
    bad = phase(NegGrad(), optimizer)
    if (engine, space) == ("dense", "ambient"):
        assert run(instance, [bad], engine=engine, test_directions=16).steps == 2
    else:
        with refused(name):
            run(instance, [bad], engine=engine)


def test_a_bad_phase_is_refused_before_any_step_is_taken():
    steps = []
    with refused("batch"):
        run(
            SMALL,
            [phase(), replace(phase(NegGrad(), SGD(batch=7)), name="second")],
            progress=lambda *step: steps.append(step),
        )
    assert not steps


MISFITS = {
    "past the end of its phase": lambda state: (SMALL, phase(steps=4), state),
    "of another number of samples": lambda state: (replace(SMALL, n=9), phase(steps=7), state),
    "of another number of filters": lambda state: (replace(SMALL, m=3), phase(steps=7), state),
    "of another number of patches": lambda state: (replace(SMALL, P=3, patches="independent"), phase(steps=7), state),
    "without the parts of its network": lambda state: (SMALL, phase(NegGrad(), SharpMinMax(), steps=7), state),
    "torn": lambda state: (SMALL, phase(steps=7), replace(state, preactivations=state.preactivations[:1])),
    "not finite": lambda state: (SMALL, phase(steps=7), replace(state, preactivations=NAN * state.preactivations)),
    "before its beginning": lambda state: (SMALL, phase(steps=7), replace(state, steps=-1)),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("misfit", MISFITS)
def test_a_state_that_does_not_fit_is_refused(misfit, engine):
    state = run(SMALL, [phase(steps=5)], engine=engine, test_directions=16).state
    assert run(SMALL, [phase(steps=7)], engine=engine, start=state, test_directions=16).steps == 7
    problem, only, start = MISFITS[misfit](state)
    with refused("start"):
        run(problem, [only], engine=engine, start=start, test_directions=16)


def test_the_dense_engine_goes_on_from_weights_only():
    state = run(SMALL, [phase(steps=5)], test_directions=16).state
    with refused("start"):
        run(SMALL, [phase(steps=7)], engine="dense", start=state)


@pytest.mark.parametrize(
    ("name", "cells", "options"),
    [
        ("phases", [Cell(SMALL, (), 0)], {}),
        ("phases", [Cell(SMALL, (phase(), phase()), 0)], {}),
        ("seed", [Cell(SMALL, (phase(),), -1)], {}),
        ("d", [Cell(replace(SMALL, d=12), (phase(),), 0)], {}),
        ("forget", [Cell(EMPTY["forget"], (phase(NegGrad()),), 0)], {}),
        ("adaptive", [Cell(SMALL, (phase(optimizer=SAM(adaptive=True)),), 0)], {}),
        ("engine", [Cell(SMALL, (phase(),), 0)], {"engine": "cuda"}),
        ("test_directions", [Cell(SMALL, (phase(),), 0)], {"test_directions": 8}),
    ],
    ids=str,
)
def test_an_ensemble_with_a_bad_cell_is_refused(name, cells, options):
    good = Cell(SMALL, (phase(),), 0)
    with refused(name):
        run_ensemble([good, *cells], **options)
