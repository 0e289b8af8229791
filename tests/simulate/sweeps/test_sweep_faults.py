"""Sweeps under faults: kills at any moment, full disks, read-only folders, damaged chunks."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray
import zarr

from simulate import sweep
from simulate.cli import main
from simulate.house.storage import MARK
from simulate.sweeps import chunks
from tests.places import ROOT
from tests.simulate.small_sweep import PHASES, PROBLEM, assert_same_bits, small_sweep

N_CHUNKS = 9


@pytest.mark.parametrize("kills", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_a_killed_sweep_resumes_bit_for_bit(kills: int, whole: xarray.Dataset, tmp_path: Path) -> None:
    rng = np.random.default_rng(kills)
    killed, folders = 0, 0
    while killed < kills:
        out = tmp_path / f"{folders}.zarr"
        while killed < kills and _run_and_kill(out, rng):
            killed += 1
            marks = list((out / "checksum").glob("[0-9]*")) if out.exists() else []
            assert all(len(mark.read_bytes()) == 64 for mark in marks)
        assert_same_bits(small_sweep(out=out, chunk=1), whole)
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
        folders += 1


def _run_and_kill(out: Path, rng: np.random.Generator) -> bool:
    """Run the sweep in a process of its own and kill it some time after it has begun; False if it was done before."""
    command = [sys.executable, "-m", "tests.simulate.small_sweep", str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        if rng.random() < 0.8:
            process.stdout.readline()  # the first chunks are about to come
            time.sleep(rng.uniform(0.0, 0.3))
        else:
            time.sleep(rng.uniform(0.5, 2.0))  # anywhere, before the store is there too
        process.send_signal(signal.SIGKILL)
        process.stdout.read()
        process.wait()
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.slow)])
def test_an_interruption_between_any_two_files_is_harmless(
    step: int, whole: xarray.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, count = zarr.Array.__setitem__, 0

    def fail_at(number: int) -> None:
        def interrupted(self: zarr.Array, region: object, values: object) -> None:
            nonlocal count
            count += 1
            if count == number:
                raise KeyboardInterrupt
            write(self, region, values)

        monkeypatch.setattr(zarr.Array, "__setitem__", interrupted)

    for number in range(20, 46, step):  # 15 variables a chunk: each sixth is another one each time
        count = 0
        fail_at(number)
        with pytest.raises(KeyboardInterrupt):
            small_sweep(out=tmp_path / f"{number}.zarr", chunk=5)
        monkeypatch.setattr(zarr.Array, "__setitem__", write)
        assert_same_bits(small_sweep(out=tmp_path / f"{number}.zarr"), whole)


def test_an_interruption_within_a_mark_is_harmless(
    whole: xarray.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, write = tmp_path / "x.zarr", Path.write_bytes

    def torn(path: Path, content: bytes) -> int:
        if path.parent.name != "checksum":
            return write(path, content)
        write(path, content[:10])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", torn)
    with pytest.raises(KeyboardInterrupt):
        small_sweep(out=out, chunk=5)
    monkeypatch.undo()
    assert not list((out / "checksum").glob("[0-9]*"))
    assert_same_bits(small_sweep(out=out), whole)


def test_a_chunk_of_nothing_but_missing_numbers_is_written_and_watched(tmp_path: Path) -> None:
    options = {"axes": {"d": [300, 1000]}, "seeds": [0, 1], "test_directions": 16, "observe": ("deactivation",)}
    sweep(PROBLEM, PHASES[:1], **options, out=tmp_path / "x.zarr", chunk=2)  # SGD has no radius
    written = sorted((tmp_path / "x.zarr" / "deactivated").glob("[0-9]*"))
    assert len(written) == 2
    written[0].unlink()
    with pytest.raises(ValueError, match=r"1 of 2 .* damaged"):
        sweep(PROBLEM, PHASES[:1], **options, out=tmp_path / "x.zarr")


def test_a_full_disk_loses_no_finished_chunk(
    whole: xarray.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "x.zarr"
    replace, left = chunks._replace, iter(range(3))

    def full_after_three(path: Path, content: bytes) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(path, content)

    monkeypatch.setattr(chunks, "_replace", full_after_three)
    with pytest.raises(OSError, match=rf"Chunk 4 of {N_CHUNKS} could not be written .*No space left.* kept"):
        small_sweep(out=out, chunk=5)
    assert len(list((out / "checksum").glob("[0-9]*"))) == 3
    monkeypatch.undo()
    told: list[int] = []
    assert_same_bits(small_sweep(out=out, progress=lambda done, _: told.append(done)), whole)
    assert told[0] == 15


def test_a_disk_that_is_full_from_the_start_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(chunks, "_add_array", full)
    with pytest.raises(OSError, match=r"could not be made \(No space left"):
        small_sweep(out=tmp_path / "x.zarr")
    assert not list(tmp_path.iterdir())


def test_a_file_system_that_fails_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "map.toml"
    config.write_text('phases = ["fit, Loss(), SGD(), steps=1"]\nseeds = 1\n[problem]\nd = 300\nn = 4\nm = 1\n')

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(chunks, "_replace", full)
    assert main(["sweep", "--config", str(config), "--out", str(tmp_path / "x.zarr")]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "No space left" in printed


def test_a_read_only_folder_is_refused_before_anything_runs(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("done", "half", "unmarked"):
        shutil.copytree(finished, tmp_path / f"{name}.zarr")
    (tmp_path / "half.zarr" / "checksum" / "3").unlink()
    forget_the_last_mark(tmp_path / "unmarked.zarr")
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("simulate.sweeps.workers.run_ensemble", None)
    for name in ("new.zarr", "half.zarr", "unmarked.zarr"):
        with pytest.raises(ValueError, match=r"^Argument `out` must be (in|a folder that can be written to)"):
            small_sweep(out=tmp_path / name)
    small_sweep(out=tmp_path / "done.zarr")  # there is nothing to write


def forget_the_last_mark(store: Path) -> None:
    attributes = json.loads((store / ".zattrs").read_text())
    del attributes[MARK]
    (store / ".zattrs").write_text(json.dumps(attributes))


def test_a_last_mark_that_cannot_be_written_is_told(
    stored: Path, whole: xarray.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_the_last_mark(stored)

    def refused(path: Path, attributes: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(chunks, "write_attributes", refused)
    with pytest.raises(OSError, match=r"x.zarr has all chunks, but could not be marked"):
        small_sweep(out=stored)
    monkeypatch.undo()
    assert_same_bits(small_sweep(out=stored), whole)


@pytest.mark.parametrize("damage", ["shorter", "flipped", "gone", "mark"])
@pytest.mark.parametrize("variable", ["test_error", "status", "deactivated"])
def test_a_damaged_chunk_is_named_and_can_be_computed_again(
    damage: str, variable: str, stored: Path, whole: xarray.Dataset
) -> None:
    file = next((stored / variable).glob("1.0.0*"))
    content = bytearray(file.read_bytes())
    if damage == "gone":
        file.unlink()
    elif damage == "mark":
        (stored / "checksum" / "3").write_bytes(b"torn")
    elif damage == "shorter":
        file.write_bytes(content[:-1])
    else:
        content[-1] ^= 1
        file.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^Argument `out` .* 1 of {N_CHUNKS} .*damaged. Delete ") as refused:
        small_sweep(out=stored)
    named = re.search(r"Delete (.*) to have", str(refused.value))
    Path(named.group(1)).unlink()
    told: list[int] = []
    assert_same_bits(small_sweep(out=stored, progress=lambda done, _: told.append(done)), whole)
    assert told == [40, 45]
