"""Sweeps: the grid they run, the numbers they give, and what the store remembers."""

import gc
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, run, sweep
from simulate.house.storage import load, save
from simulate.house.version import __version__
from simulate.sweeps.grid import make_grid
from tests.simulate.small_sweep import OPTIONS, PHASES, PROBLEM, assert_same_bits, small_sweep

# --- numbers ---------------------------------------------------------------------------------------------------


def test_every_training_is_that_of_a_run(whole: xarray.Dataset) -> None:
    for d, number, seed in [(300, 0, 0), (3000, 2, 4), (1000, 1, 2)]:
        signal, alpha = OPTIONS["axes"]["signal", "unlearn.alpha"][number]
        problem = replace(PROBLEM, d=d, signal=signal, sigma_0=0.1 * np.sqrt(10) / ((2 - 1) * 1.0 * d))
        fit, unlearn = PHASES
        phases = [replace(fit, optimizer=SGD(lr=0.5 * 10 * 3 / d)), replace(unlearn, objective=NegGrad(alpha=alpha))]
        result = run(problem, phases, seed=seed, test_directions=16)
        found = whole.sel(d=d, seed=seed).isel({"signal_unlearn.alpha": number})
        assert found["test_error"] == result.test_error
        assert found["train_loss"] == result.train_loss
        assert found["kappa_mean"] == result.kappa.mean()
        assert found["kink_margin"] == result.kink_margin
        assert found["status"] == result.status.value
        assert found["phase_steps"].sel(phase="unlearn") == 5


def test_axes_and_what_follows_from_them_are_coordinates(whole: xarray.Dataset) -> None:
    assert whole["test_error"].dims == ("d", "signal_unlearn.alpha", "seed")
    assert whole["loss"].dims == ("d", "signal_unlearn.alpha", "seed", "phase", "part")
    np.testing.assert_array_equal(whole["unlearn.alpha"], [0.5, 0.7, 0.9])
    assert whole["fit.lr"].dims == ("d",)
    np.testing.assert_allclose(whole["fit.lr"], 0.5 * 30 / np.array([300, 1000, 3000]))
    assert whole["phase"].values.tolist() == ["fit", "unlearn"]


def test_what_a_phase_cannot_observe_is_missing(whole: xarray.Dataset) -> None:
    assert whole["deactivated"].sel(phase="fit").isnull().all()  # SGD has no radius
    assert whole["deactivated"].sel(phase="unlearn").notnull().any()


def test_cells_of_a_seed_share_their_random_numbers() -> None:
    axes = {"d": [10**8, 10**8 + 1]}  # nearly the same law: only the seed tells the trainings apart
    coupled = {"fit.lr": "0.5*n*m/d", "sigma_0": "1/d"}
    data = sweep(PROBLEM, PHASES[:1], axes=axes, seeds=range(4), test_directions=16, coupled=coupled)
    for name in ("test_error", "train_loss", "kappa_mean"):
        values = data[name].transpose("seed", "d").values
        assert np.abs(values[:, 0] - values[:, 1]).max() < 0.01 * np.ptp(values[:, 0]), name


def test_optimizers_can_be_an_axis() -> None:
    optimizers = [SGD(lr=0.01), SAM(lr=0.01, tau=0.1)]
    data = sweep(
        replace(PROBLEM, d=500), PHASES[:1], axes={"fit.optimizer": optimizers, "fit.lr": [0.01, 0.02]}, seeds=[3],
        test_directions=16, observe=("sharpness",),
    )  # fmt: skip
    assert data["fit.optimizer"].values.tolist() == list(map(repr, optimizers))
    for optimizer in optimizers:
        phase = Phase("fit", Loss(), replace(optimizer, lr=0.02), steps=30)
        result = run(replace(PROBLEM, d=500), [phase], seed=3, test_directions=16)
        assert data["test_error"].sel({"fit.optimizer": repr(optimizer), "fit.lr": 0.02}).item() == result.test_error
    assert data["sharpness"].isel({"fit.optimizer": 0}).isnull().all()


def test_labels_of_every_kind_survive_the_disk(tmp_path: Path) -> None:
    axes = {
        "noise": ["orthogonal", "isotropic"],
        "fit.batch": [None, 4],
        ("unlearn.optimizer", "unlearn.sharpness"): [(SAM(lr=0.01), "min"), (SAM(lr=0.02), "max")],
    }
    options = {"axes": axes, "seeds": [2**62], "test_directions": 16}
    problem = replace(PROBLEM, d=500)
    kept = sweep(problem, PHASES, **options)
    assert_same_bits(sweep(problem, PHASES, **options, out=tmp_path / "x.zarr", chunk=3), kept)
    assert kept["fit.batch"].values.tolist() == ["None", "4"]
    assert kept["unlearn.sharpness"].values.tolist() == ["min", "max"]
    assert kept["test_error"].sel(noise="isotropic").dims == (
        "fit.batch",
        "unlearn.optimizer_unlearn.sharpness",
        "seed",
    )


def test_no_axes_run_the_seeds_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = sweep(replace(PROBLEM, d=500), PHASES, axes={}, seeds=[4, 2], test_directions=16)
    assert data["test_error"].dims == ("seed",)
    assert data["seed"].values.tolist() == [4, 2]
    assert not list(tmp_path.iterdir())


def test_a_failing_training_is_a_status() -> None:
    data = sweep(replace(PROBLEM, d=500), PHASES[:1], axes={"fit.lr": [0.01, 1e200]}, seeds=[0], test_directions=16)
    assert data["status"].values.ravel().tolist() == ["max_steps", "nonfinite"]


# --- chunks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 2, 7, 45, 1000, None])
def test_chunks_change_no_bit(chunk: int | None, whole: xarray.Dataset, tmp_path: Path) -> None:
    assert_same_bits(small_sweep(chunk=chunk), whole)
    if chunk != 1:  # on disk that takes seconds
        assert_same_bits(small_sweep(out=tmp_path / "x.zarr", chunk=chunk), whole)


@given(lengths=st.lists(st.integers(1, 5), min_size=0, max_size=3), seeds=st.integers(1, 100), most=st.integers(1, 300))
def test_blocks_cover_the_grid_once(lengths: list[int], seeds: int, most: int) -> None:
    names = ("d", "signal", "sigma_p")[: len(lengths)]
    axes = {name: range(100, 100 + length) for name, length in zip(names, lengths, strict=True)}
    grid = make_grid(PROBLEM, PHASES, axes, range(seeds))
    covered = np.zeros(grid.shape, dtype=int)
    for block in grid.blocks(grid.block_shape(most)):
        covered[block.region] += 1
        assert block.size == len(grid.cells(block)) <= most
    assert (covered == 1).all()


def test_a_finished_sweep_is_opened_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = small_sweep(out=tmp_path / "x.zarr", chunk=10).load()
    monkeypatch.setattr("simulate.sweeps.workers.run_ensemble", None)
    told: list[tuple[int, int]] = []
    second = small_sweep(out=tmp_path / "x.zarr", progress=lambda *now: told.append(now))
    assert told == [(45, 45)]
    assert_same_bits(second, first)


def test_the_store_is_a_dataset_of_ours(tmp_path: Path, whole: xarray.Dataset) -> None:
    small_sweep(out=tmp_path / "deep" / "x.zarr", chunk=20)
    stored = load(tmp_path / "deep" / "x.zarr")
    assert_same_bits(stored.drop_vars("checksum"), whole)
    configuration = json.loads(stored.attrs["configuration"])
    assert configuration["problem"]["n"] == 10
    assert configuration["coupled"] == OPTIONS["coupled"]
    assert configuration["seeds"] == [0, 1, 2, 3, 4]


def test_an_unfinished_store_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        small_sweep(out=tmp_path / "x.zarr", chunk=10, progress=_stop_after(20))
    with pytest.raises(ValueError, match=r"`path`"):
        load(tmp_path / "x.zarr")
    with pytest.raises(ValueError, match=r"`out`"):
        save(xarray.Dataset(), tmp_path / "x.zarr")


def test_an_interrupted_sweep_goes_on(tmp_path: Path, whole: xarray.Dataset) -> None:
    with pytest.raises(KeyboardInterrupt):
        small_sweep(out=tmp_path / "x.zarr", chunk=4, progress=_stop_after(20))
    told: list[int] = []
    data = small_sweep(out=tmp_path / "x.zarr", progress=lambda done, _: told.append(done))
    assert told[0] >= 20
    assert told[-1] == 45
    assert_same_bits(data, whole)


def _stop_after(enough: int):
    def progress(done: int, _: int) -> None:
        if done >= enough:
            raise KeyboardInterrupt

    return progress


def test_progress_is_told_and_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[tuple[int, int]] = []
    small_sweep(chunk=15, progress=lambda *now: told.append(now))
    assert told == [(0, 45), (15, 45), (30, 45), (45, 45)]
    small_sweep(progress=True)


# --- configuration ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"seeds": range(4)}, ["seeds: [0, 1, 2, 3, 4] in the folder, [0, 1, 2, 3] asked for"]),
        ({"test_directions": 32}, ["test_directions: 16 in the folder, 32 asked for"]),
        ({"engine": "numpy"}, ['engine: "numba" in the folder, "numpy" asked for']),
        ({"coupled": {"fit.lr": "1/d"}}, ["coupled.sigma_0: ", "coupled.fit.lr: "]),
        (
            {"axes": {"d": [300, 1000]}},
            ["dimensions: ", "axes.d: [300, 1000, 3000] in the folder, [300, 1000] asked for", "axes.signal"],
        ),
        ({"tau": 0.1, "observe": ("loss",)}, ["tau: nothing in the folder, 0.1 asked for", "observe: "]),
    ],
)
def test_another_configuration_is_refused_option_by_option(changes: dict, lines: list[str], finished: Path) -> None:
    with pytest.raises(ValueError, match=r"^Argument `out` must name the place of these results") as refused:
        small_sweep(out=finished, **changes)
    _, _, shown = str(refused.value).partition(" differs: ")
    assert len(shown.split("; ")) == len(lines)
    assert all(line in shown for line in lines)


def test_other_problems_phases_and_versions_are_refused(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for problem, phases, line in [
        (replace(PROBLEM, m=4), PHASES, "problem.m: 3 in the folder, 4 asked for"),
        (PROBLEM, (PHASES[0], replace(PHASES[1], steps=6)), "phases.unlearn.steps: 5 in the folder, 6 asked for"),
        (PROBLEM, (PHASES[0], replace(PHASES[1], optimizer=SGD())), "phases.unlearn.optimizer: "),
    ]:
        with pytest.raises(ValueError, match=line):
            sweep(problem, phases, **OPTIONS, out=finished)
    monkeypatch.setattr("simulate.sweeps.workers.Job.__init__.__defaults__", ("9.9",))
    with pytest.raises(ValueError, match=f'version: "{__version__}" in the folder, "9.9" asked for'):
        small_sweep(out=finished)


@pytest.mark.parametrize("what", ["folder", "file", "dataset", "result"])
def test_what_is_not_a_sweep_is_refused(what: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    if what == "folder":
        path.mkdir()
        (path / "diary.txt").write_text("mine")
    elif what == "file":
        path.write_text("mine")
    else:
        save(xarray.Dataset({"x": 1.0}) if what == "dataset" else small_sweep(), path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=r"^Argument `out`"):
        small_sweep(out=path)
    assert sorted(tmp_path.rglob("*")) == before


def test_memory_is_that_of_a_chunk(tmp_path: Path) -> None:
    """Three times the trainings take hardly more memory; their results would, and more than waits for collection."""
    peaks = []
    for count in (2, 3, 9):
        axes = {"signal": np.linspace(1.0, 2.0, 20), "sigma_p": np.linspace(1.0, 2.0, count)}
        gc.collect()  # what is waiting to be collected is not the sweep's
        tracemalloc.start()
        data = sweep(
            Problem(d=300, n=40, m=10), [Phase("fit", Loss(), SGD(), steps=0)], axes=axes, seeds=range(2),
            test_directions=16, observe=("coefficients_full",), out=tmp_path / f"{count}.zarr", chunk=40,
        )  # fmt: skip
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - max(peaks[:2]) < 0.3 * sum(variable.nbytes for variable in data.variables.values()), peaks


def test_instances_are_not_swept() -> None:
    with pytest.raises(ValueError, match=r"^Argument `problem` must be a Problem"):
        sweep(Instance.draw(PROBLEM), PHASES, axes={}, seeds=[0])
