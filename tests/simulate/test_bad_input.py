"""Bad input is a ValueError that names the argument; numbers that run away are a status."""

import os
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import xarray

from simulate import Instance, Problem, Record, Result, Status, run, storage
from simulate.ensemble import Cell, run_ensemble
from simulate.optimizers import SAM, SGD, SharpMinMax
from simulate.phases import Loss, NegGrad, Phase, RandomLabel
from simulate.phrases import parse_phase

NAN, INF = float("nan"), float("inf")
ENGINES = ("dense", "numpy", "numba")
SMALL = Problem(d=200, n=8, m=2, forget=0.25)


def refused(name: str):
    """Expect a ValueError that begins by naming the argument."""
    return pytest.raises(ValueError, match=rf"^Argument `{re.escape(name)}` ")


def phase(objective=None, optimizer=None, **options) -> Phase:
    return Phase("only", objective or Loss(), optimizer or SGD(), **{"steps": 2, **options})


def words(values) -> list[str]:
    """Readable test names."""
    return ["-".join(str(part)[:40] for part in value) for value in values]


# --- values ----------------------------------------------------------------------------------------------------

FIELDS = [
    *((Problem, name, (0, -1, 2.5, "8", True, None)) for name in ("d", "n", "m", "P")),
    (Problem, "d", (1,)),
    (Problem, "P", (1,)),
    *((Problem, name, (0.0, -1.0, NAN, INF, "1", True, None)) for name in ("signal", "sigma_p", "sigma_0")),
    (Problem, "label_flip", (-0.1, 0.5, 0.7, 1.0, NAN, INF, "0", None)),
    (Problem, "forget", (-0.1, 1.1, NAN, INF, "0", None)),
    (Problem, "noise", ("white", "", None, 1)),
    (Problem, "patches", ("shared", "", None, 1)),
    (NegGrad, "alpha", (-0.1, 1.3, NAN, INF, "1", None)),
    (NegGrad, "reduction", ("max", "", None)),
    (RandomLabel, "flip", (-0.1, 1.1, NAN, "1", None)),
    (Loss, "on", ("both", "", None)),
    *((optimizer, "lr", (0.0, -0.1, NAN, INF, "1", True, None)) for optimizer in (SGD, SAM, SharpMinMax)),
    *((optimizer, "batch", (0, -1, 2.5, "all", True)) for optimizer in (SGD, SAM, SharpMinMax)),
    *((optimizer, "tau", (-0.1, NAN, INF, "1", None)) for optimizer in (SAM, SharpMinMax)),
    *((optimizer, "mixing", (-0.1, NAN, INF, "1", None)) for optimizer in (SAM, SharpMinMax)),
    *((optimizer, "adaptive", ("yes", 1, None)) for optimizer in (SAM, SharpMinMax)),
    (SAM, "on", ("all", "", None)),
    (SAM, "sharpness", ("flat", "", None)),
    (SharpMinMax, "tau_forget", (-0.1, NAN, INF, "1")),
    (SharpMinMax, "fraction", (-0.1, 1.1, NAN, "1", None)),
    (SharpMinMax, "polarity", ("middle", "", None)),
    (SharpMinMax, "partition", ("layer", "", None)),
    (partial(Phase, "only"), "objective", ("Loss", SGD(), Loss, None)),
    (partial(Phase, "only"), "optimizer", ("SGD", Loss(), SGD, None)),
    (partial(Phase, "only"), "steps", (-1, 2.5, "10", True, None)),
    (partial(Phase, "only"), "stop_loss", (-0.1, NAN, INF, "1")),
    *((partial(Phase, "only"), f"stop_forget_{side}", (-0.1, 1.1, NAN, "1")) for side in ("below", "above")),
    (Phase, "name", ("", "two words", "a-b", "1st", 7, None)),
    (Record, "every", (0, -1, 2.5, "10", True)),
    (Record, "points", (0, 1, 2.5, "10", None)),
    (Record, "observe", (("losses",), "loss", (1,))),
    (Record, "tau", (0.0, -0.1, NAN, INF, "1")),
]
"""A class, one of its fields, and values it cannot have."""
VALUES = [(made, field, value) for made, field, values in FIELDS for value in values]


@pytest.mark.parametrize(("made", "field", "value"), VALUES, ids=words(VALUES))
def test_a_field_out_of_range_is_refused(made, field, value):
    with refused(field):
        made(**{field: value})


@pytest.mark.parametrize(
    ("name", "objective", "optimizer"),
    [
        *(("objective", objective, SharpMinMax()) for objective in (Loss(), Loss(on="forget"), RandomLabel())),
        ("on", Loss(on="retain"), SAM(on="forget")),
        ("on", Loss(on="forget"), SAM(on="retain")),
    ],
)
def test_an_optimizer_that_does_not_fit_its_objective_is_refused(name, objective, optimizer):
    with refused(name):
        phase(objective, optimizer)


# --- sizes -------------------------------------------------------------------------------------------------------


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


EMPTY = {"forget": replace(SMALL, forget=0.05), "retain": replace(SMALL, forget=0.95)}
"""A problem whose set of this name holds no sample once its size is rounded."""

NEEDED = {
    "forget": [
        phase(NegGrad()),
        phase(RandomLabel()),
        phase(Loss(on="forget")),
        phase(NegGrad(), SharpMinMax()),
        phase(optimizer=SAM(on="forget")),
        phase(stop_forget_below=0.5),
        phase(stop_forget_above=0.5),
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


# --- arrays ------------------------------------------------------------------------------------------------------


def arrays(**changed) -> dict[str, object]:
    """Arguments of `Instance.from_arrays` that fit each other: 5 samples, 2 filters of each sign, 9 dimensions."""
    draw = np.random.default_rng(0).standard_normal
    good = {"phi": draw(9), "xi": draw((5, 9)), "w0": draw((2, 2, 9)), "P": 3}
    return good | {"y": np.array([1, -1, 1, 1, -1]), "forget": np.array([True, False, False, False, True])} | changed


def broken(name: str, value: object) -> np.ndarray:
    array = np.array(arrays()[name], dtype=float)
    array.flat[1] = value
    return array


ONES = np.ones
ARRAYS = [
    *((name, broken(name, value)) for name in ("phi", "xi", "w0", "y") for value in (NAN, INF, -INF)),
    *((name, "text") for name in ("phi", "xi", "w0", "y", "forget")),
    *((name, None) for name in ("phi", "xi", "w0", "y", "forget")),
    *((name, 1j * broken(name, 1.0)) for name in ("phi", "xi", "w0")),
    *(("phi", value) for value in (ONES((1, 9)), ONES(0), 1.0, np.zeros(9))),
    *(("xi", value) for value in (ONES((5, 8)), ONES(9), ONES((5, 1, 9)), ONES((5, 3, 9)), ONES((0, 9)))),
    *(("xi", value) for value in (ONES((5, 2, 8)), np.zeros((5, 9)), [[1.0] * 9, [1.0] * 8])),
    *(("w0", value) for value in (ONES((2, 2, 8)), ONES((3, 2, 9)), ONES((2, 0, 9)), ONES((2, 9)), ONES((4, 9)))),
    *(("y", value) for value in (ONES(4), ONES((5, 1)), np.zeros(5), 2 * ONES(5), 0.5 * ONES(5))),
    *(("y_true", value) for value in (ONES(4), np.zeros(5), NAN * ONES(5), "text")),
    *(("forget", value) for value in (ONES(4, dtype=bool), ONES(5), np.array([0, 1, 4]), ONES((5, 1), dtype=bool))),
    *(("P", value) for value in (1, 0, 2.5, "3", None)),
    *(("sigma_p", value) for value in (0.0, -1.0, NAN, "1")),
    *(("space", value) for value in ("sphere", None)),
    *(("seed", value) for value in (-1, 0.5, None)),
]
"""An argument of `Instance.from_arrays`, and a value it cannot have next to the others."""


@pytest.mark.parametrize(("name", "value"), ARRAYS, ids=[f"{name}-{str(value)[:30]}" for name, value in ARRAYS])
def test_an_array_that_does_not_fit_is_refused(name, value):
    with refused(name):
        Instance.from_arrays(**arrays(**{name: value}))


HELD_OUT = {"test_xi": ONES((4, 9)), "test_y": np.array([1, 1, -1, -1])}
TESTS = [
    ("test_y", {"test_y": None}),
    ("test_xi", {"test_xi": None}),
    ("sigma_p", {"sigma_p": 1.0}),
    *(("test_xi", {"test_xi": xi}) for xi in (ONES((4, 8)), ONES((4, 2, 9)), NAN * ONES((4, 9)), ONES((0, 9)))),
    *(("test_y", {"test_y": y}) for y in (ONES(3), np.zeros(4), NAN * ONES(4))),
]


@pytest.mark.parametrize(("name", "changed"), TESTS, ids=words(TESTS))
def test_a_test_set_that_does_not_fit_is_refused(name, changed):
    with refused(name):
        Instance.from_arrays(**arrays(**HELD_OUT | changed))


def test_the_arrays_the_bad_ones_are_made_from_are_good():
    assert Instance.from_arrays(**arrays(**HELD_OUT)).n == 5
    assert Instance.from_arrays(**arrays(xi=ONES((5, 2, 9)), y_true=-ONES(5), sigma_p=2.0)).patches == 2


IMAGES = np.random.default_rng(0).random((12, 3, 3))
CLASSES = np.arange(12) % 3
PHOTOS = [
    *(("images", {"images": value}) for value in (ONES(12), NAN * IMAGES, np.full((12, 9), "text"))),
    *(("labels", {"labels": value}) for value in (CLASSES[:-1], CLASSES[:, None])),
    *(("classes", {"classes": value}) for value in ((0, 0), (0, 1, 2), (0, 7), (7, 8), (0,))),
    *((name, {name: value}) for name in ("forget", "test") for value in (-0.1, 1.1, NAN)),
    *((name, {name: value}) for name, value in (("m", 0), ("sigma_0", 0.0), ("P", 1), ("seed", -1), ("space", "x"))),
]


@pytest.mark.parametrize(("name", "changed"), PHOTOS, ids=words(PHOTOS))
def test_images_that_make_no_instance_are_refused(name, changed):
    good = {"images": IMAGES, "labels": CLASSES, "classes": (0, 1), "m": 2}
    assert Instance.from_images(**good).n == 6
    with refused(name):
        Instance.from_images(**good | changed)


# --- runs --------------------------------------------------------------------------------------------------------

RUNS = [
    *(("engine", {"engine": engine}) for engine in ("cuda", "", "Numba", None)),
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


TEXTS = [
    *(("name", text) for text in ("", ",", "two words, Loss()", "1st", "a-b, Loss()")),
    *(("phase", f"only, {rest}") for rest in (
        "Loss(), SGD(lr=0.01", "Loss()), SGD(", "Loss(), SDG()", "Loss(), SGD(rate=0.1)", "Loss(), SGD(lr=)",
        "Loss(0.3)", "Loss(), SGD(0.1)", "Loss(), SGD(), 1, 2, 3, 4, 5", "steps=1, steps=2",
        "Loss(), SGD(lr=0.1, lr=0.2)", "Loss(), objective=Loss()", "step=10", "name='other'", "Loss(), SGD(lr=x)",
        "Loss(), SGD(lr=1 + 1)", "Loss(), SGD(lr=(lambda: 0.1)())", "__import__('os').getcwd()", "open('x')",
        "[Loss()]", "*[Loss()]", "**{'steps': 3}", "{[1]: 2}", "Loss(), SGD(lr={[1]: 2})", "Loss()\n0", "Loss(); 0",
        "Loss() # end", "\0", "Loss()) or Phase(x", "(" * 500,
    )),
    ("alpha", "only, NegGrad(alpha=1.3)"),
    ("lr", "only, Loss(), SGD(lr=0)"),
    ("lr", "only, Loss(), SGD(lr='0.1')"),
    ("steps", "only, steps=-1"),
    ("objective", "only, 3"),
    ("objective", "only, SGD(), Loss()"),
    ("optimizer", "only, Loss(), Loss()"),
    ("objective", "only, Loss(), SharpMinMax()"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), TEXTS, ids=words(TEXTS))
def test_a_text_that_is_no_phase_is_refused(name, text):
    with refused(name):
        parse_phase(text)


# --- files -------------------------------------------------------------------------------------------------------


def listing(folder) -> dict[str, bytes | None]:
    """All that is in a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def a_file(path):
    path.write_text("mine")


def a_folder(path):
    path.mkdir()
    (path / "notes.txt").write_text("mine")


def an_empty_folder(path):
    path.mkdir()


def someone_elses_store(path):
    xarray.Dataset({"x": ("k", [1.0])}).to_zarr(path, zarr_format=3, consolidated=False)


def half_a_store(path):
    path.mkdir()
    (path / "zarr.json").write_text('{"attributes": {')


OURS = xarray.Dataset({"loss": ("step", [3.0, 2.0, 1.0])})


@pytest.mark.parametrize("occupy", [a_file, a_folder, an_empty_folder, someone_elses_store, half_a_store])
def test_what_is_not_ours_is_not_overwritten(occupy, tmp_path):
    path = tmp_path / "result"
    occupy(path)
    before = listing(tmp_path)
    with refused("out"):
        storage.save(OURS, path)
    with refused("path"):
        storage.load(path)
    assert listing(tmp_path) == before


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    before = listing(tmp_path)
    for path in (tmp_path / "file" / "result", tmp_path / "file" / "deeper" / "result"):
        with refused("out"):
            storage.save(OURS, path)
    tmp_path.chmod(0o500)
    if os.geteuid() == 0:  # root may write anywhere
        monkeypatch.setattr(os, "access", lambda *_: False)
    for path in (tmp_path / "result", tmp_path / "deeper" / "result"):
        with refused("out"):
            storage.save(OURS, path)
    tmp_path.chmod(0o700)
    assert listing(tmp_path) == before


@pytest.mark.parametrize("older", [False, True])
def test_a_save_that_fails_leaves_everything_as_it_was(older, tmp_path):
    path = tmp_path / "result"
    if older:
        storage.save(OURS, path)
    before = listing(tmp_path)
    unwritable = OURS.assign(strange=("step", [object(), object(), object()]))
    with pytest.raises(Exception, match=r"."):
        storage.save(unwritable, path)
    assert listing(tmp_path) == before


def test_a_dataset_of_ours_is_replaced_as_a_whole(tmp_path):
    storage.save(OURS.assign(extra=("k", [1.0])), tmp_path / "result")
    storage.save(OURS, tmp_path / "result")
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
    xarray.testing.assert_equal(storage.load(tmp_path / "result"), OURS)


def test_loading_what_is_not_there_is_refused(tmp_path):
    with refused("path"):
        storage.load(tmp_path / "nothing")


# --- numbers that run away ----------------------------------------------------------------------------------------

LOUD = replace(SMALL, signal=1e6)
"""Its first step with lr = 1e300 overflows in every engine."""

DIVERGING = [
    phase(optimizer=SGD(), steps=30),
    phase(NegGrad(), SGD(), steps=30),
    phase(NegGrad(alpha=0.0), SAM(), steps=30),
    phase(NegGrad(), SharpMinMax(), steps=30),
    phase(RandomLabel(), SAM(batch=3, sharpness="max", mixing=5.0), steps=30),
]
NAMES = [f"{type(each.objective).__name__}-{type(each.optimizer).__name__}" for each in DIVERGING]
each_diverging = pytest.mark.parametrize("diverging", DIVERGING, ids=NAMES)


def run_away(problem: Problem, diverging: Phase, lr: float, engine: str) -> Result:
    away = replace(diverging, optimizer=replace(diverging.optimizer, lr=lr))
    instance = Instance.draw(problem, space="ambient")
    return run(instance, [away, Phase("after", steps=2)], engine=engine, test_directions=16)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("lr", [1e150, 1e200, 1e300, 1e307])
@each_diverging
def test_a_run_whose_numbers_are_not_all_finite_says_so(diverging, lr, engine):
    """And it says so by its status alone: the suite turns warnings into errors."""
    result = run_away(SMALL, diverging, lr, engine)
    numbers = (result.test_error, result.train_loss, result.kappa, result.zeta)
    assert result.status is Status.NONFINITE or all(np.isfinite(number).all() for number in numbers)


@pytest.mark.parametrize("engine", ENGINES)
@each_diverging
def test_overflow_ends_a_run_at_the_same_step_in_every_engine(diverging, engine):
    result, dense = run_away(LOUD, diverging, 1e300, engine), run_away(LOUD, diverging, 1e300, "dense")
    assert result.phases == dense.phases


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("diverging", [each for each in DIVERGING if each.objective != NegGrad(alpha=0.0)])
def test_a_loud_signal_overflows_at_once(diverging, engine):
    """With alpha = 0 it need not: the first step of gradient ascent can switch every neuron off."""
    result = run_away(LOUD, diverging, 1e300, engine)
    assert result.status is Status.NONFINITE
    assert result.phases == {"only": (result.steps, Status.NONFINITE)}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_overflow_in_one_cell_of_an_ensemble_stays_there(engine):
    cells = [Cell(problem, (phase(optimizer=SGD(lr=lr)),), 0) for problem, lr in ((SMALL, 0.1), (LOUD, 1e300))]
    together, alone = run_ensemble(cells, engine=engine), run_ensemble(cells[:1], engine=engine)
    assert together.status.values.tolist() == ["max_steps", "nonfinite"]
    xarray.testing.assert_equal(together.isel(cell=[0]), alone)
