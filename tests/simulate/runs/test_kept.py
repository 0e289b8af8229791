"""A long run is looked at in between, and goes on after any interruption: not a bit of it changes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray

from simulate import NegGrad, Phase, Record, SharpMinMax, run, run_to_disk
from simulate.house.storage import load, save
from simulate.runs import checkpoint, kept, slices
from simulate.runs.checkpoint import Checkpoint, Keeper
from tests.places import ROOT
from tests.simulate.refusals import refused
from tests.simulate.small_run import PROBLEM, small_run
from tests.simulate.small_trainings import assert_same_bits
from tests.simulate.two_phases import RUNS, SMALL

COORDINATES = [*RUNS["sharp minmax"][:1], Phase("x", NegGrad(), SharpMinMax(lr=0.1, partition="coordinate"), steps=5)]
CASES = [(name, engine) for name in RUNS for engine in ("numba", "numpy", "dense")] + [("coordinates", "dense")]
OPTIONS = {"seed": 8, "record": Record(points=3), "test_directions": 16}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of a single step."""
    monkeypatch.setattr(slices, "_SECONDS", 0.0)


class Cut(Keeper):
    """Keeps a run at one of its looks, and ends it there."""

    def __init__(self, path: Path, look: int, before: Checkpoint | None = None) -> None:
        self.path, self.left, self.before = path, look, before

    def begun(self) -> Checkpoint | None:
        return self.before

    def stands(self, make: Callable[[], Checkpoint]) -> None:
        self.left -= 1
        if self.left < 0:
            make().write(self.path)
            raise KeyboardInterrupt


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(("name", "engine"), CASES)
def test_a_run_that_is_cut_anywhere_is_the_whole_run(name: str, engine: str, tmp_path: Path) -> None:
    phases = RUNS.get(name, COORDINATES)
    looks: list[int] = []
    whole = run(SMALL, phases, engine=engine, progress=lambda _, step, __: looks.append(step), **OPTIONS)
    assert len(looks) >= 9
    before, path = None, tmp_path / "state.npz"
    for look in (0, 2, 0, 2):
        with pytest.raises(KeyboardInterrupt):
            run(SMALL, phases, engine=engine, keeper=Cut(path, look, before), **OPTIONS)
        before = Checkpoint.read(path, OPTIONS["record"].observe)
    ended = run(SMALL, phases, engine=engine, keeper=Cut(path, 100, before), **OPTIONS)
    assert_same_bits(ended, whole)
    xarray.testing.assert_identical(ended.to_dataset(), whole.to_dataset())


@pytest.mark.parametrize("name", ["minibatches", "stopped"])
def test_slices_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = []
    for seconds in (0.0, 1e-5, 1e9):
        monkeypatch.setattr(slices, "_SECONDS", seconds)
        ends.append(run(SMALL, RUNS[name], **OPTIONS))
    for end in ends[1:]:
        xarray.testing.assert_identical(end.to_dataset(), ends[0].to_dataset())


def test_progress_is_told_by_time_and_not_by_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two recorded points, a step of a microsecond: the bar moves all the same."""
    monkeypatch.setattr(slices, "_SECONDS", 0.005)
    told: list[float] = []
    phases = [Phase("a", RUNS["full batches"][0].objective, RUNS["full batches"][0].optimizer, steps=100_000)]
    run(SMALL, phases, record=Record(points=2), progress=lambda *_: told.append(time.monotonic()))
    assert len(told) > 10
    assert np.median(np.diff(told)) < 0.1


# --- on disk -------------------------------------------------------------------------------------------------------


def interrupted(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that the user ends after some looks, as Ctrl-C does."""
    monkeypatch.setattr(slices, "_SECONDS", 1e-4)
    count = 0

    def press(*_: object) -> None:
        nonlocal count
        count += 1
        if count == 6:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt, match="the same command goes on from step"):
            small_run(out, progress=press)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    monkeypatch.undo()


def test_ctrl_c_keeps_a_run_and_the_same_call_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, told = tmp_path / "x.zarr", list[tuple[str, int]]()
    interrupted(out, monkeypatch)
    with xarray.open_zarr(out) as there:  # other tools see an empty store that says what it will be
        assert list(there) == []
        assert "made_by" in there.attrs
    ended = small_run(out, progress=lambda name, step, _: told.append((name, step)))
    assert told[0] > ("pretrain", 5)
    xarray.testing.assert_identical(ended, small_run(tmp_path / "y.zarr"))
    assert not (out / "state.npz").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.zarr", "y.zarr"]


def test_a_finished_run_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = small_run(tmp_path / "x.zarr")
    monkeypatch.setattr(kept, "run", None)
    xarray.testing.assert_identical(small_run(tmp_path / "x.zarr"), whole)


@pytest.mark.parametrize("finished", [True, False])
def test_another_run_is_refused_unless_told(finished: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "x.zarr"
    small_run(out) if finished else interrupted(out, monkeypatch)
    files = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for changes, line in (
        ({"seed": 9}, "seed: 8 in the folder, 9 asked for"),
        ({"record": Record(every=500)}, "record.every: nothing in the folder, 500 asked for"),
        ({"engine": "numpy"}, 'engine: "numba" in the folder, "numpy" asked for'),
    ):
        with pytest.raises(ValueError, match=line) as refusal:
            small_run(out, **changes)
        assert str(refusal.value).startswith("Argument `out` must name the place of these results")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == files
    assert small_run(out, seed=9, overwrite=True).attrs["seed"] == 9
    assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    save(xarray.Dataset({"x": 1.0}), tmp_path / "saved")
    for name, overwrite in (("mine", True), ("mine", False), ("saved", False)):
        with refused("out"):
            small_run(tmp_path / name, overwrite=overwrite)
    with refused("problem"):
        run_to_disk(tmp_path / "new", 3, RUNS["stopped"])  # type: ignore[arg-type]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "saved"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", None])
def test_a_damaged_state_is_named(content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "x.zarr"
    interrupted(out, monkeypatch)
    state = out / "state.npz"
    state.write_bytes(state.read_bytes()[:-50] if content is None else content)
    with pytest.raises(ValueError, match=r"^Argument `out` must hold a whole store, but .*state.npz is damaged"):
        small_run(out)
    state.unlink()
    xarray.testing.assert_identical(small_run(out), small_run(tmp_path / "y.zarr"))


def test_a_full_disk_names_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xarray.Dataset, "to_zarr", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*x.zarr'"):
        small_run(tmp_path / "x.zarr")
    monkeypatch.setattr(checkpoint.np, "savez", full)
    monkeypatch.setattr(kept, "_SECONDS", 0.0)
    monkeypatch.setattr(slices, "_SECONDS", 0.0)
    with pytest.raises(OSError, match=r"No space left on device: '.*state.npz'"):
        small_run(tmp_path / "y.zarr")


@pytest.mark.parametrize("kills", [1, pytest.param(30, marks=pytest.mark.slow)])
def test_a_killed_run_goes_on_bit_for_bit(kills: int, tmp_path: Path) -> None:
    whole, rng = small_run(tmp_path / "whole.zarr"), np.random.default_rng(kills)
    killed, folders = 0, 0
    while killed < kills:
        out = tmp_path / f"{folders}.zarr"
        while killed < kills and _run_and_kill(out, rng):
            killed += 1
        xarray.testing.assert_identical(small_run(out), whole)
        xarray.testing.assert_identical(load(out), whole)
        folders += 1


def _run_and_kill(out: Path, rng: np.random.Generator) -> bool:
    """Run in a process of its own and kill it some time after it has begun; False if it was done before."""
    command = [sys.executable, "-m", "tests.simulate.small_run", str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()  # the first steps are taken
        time.sleep(rng.uniform(0.0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.stdout.read()
        process.wait()
    return process.returncode == -signal.SIGKILL


def test_the_problem_of_these_tests_takes_steps() -> None:
    assert PROBLEM.n == SMALL.n
