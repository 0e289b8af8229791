"""A sweep that grows by seeds and by values of an axis: what is there stays, bit for bit, and only new cells run."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

from simulate import SGD, Loss, Phase, Problem, sweep
from simulate.house.storage import MARK
from simulate.sweeps import chunks
from tests.simulate.small_sweep import assert_same_bits

PROBLEM = Problem(n=8, m=2, forget=0.0, label_flip=0.2)
FIT = [Phase("fit", Loss(), SGD(), steps=2)]
AXES = {"d": [300, 900], ("signal", "sigma_0"): [(1.0, 0.1)]}
MORE = {"d": [300, 600, 900], ("signal", "sigma_0"): [(4.0, 0.1), (1.0, 0.1)]}


def swept(**changes: Any) -> xarray.Dataset:
    """A sweep of 2 × 3 trainings in chunks of two seeds, the last of which has one."""
    options: dict[str, Any] = {"axes": AXES, "seeds": range(3), "test_directions": 16, "chunk": 2, **changes}
    return sweep(PROBLEM, FIT, **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of that sweep; not to be written to."""
    out = tmp_path_factory.mktemp("made") / "x.zarr"
    swept(out=out)
    return out


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to grow."""
    return Path(shutil.copytree(made, tmp_path / "x.zarr"))


def stop_after(count: int) -> Callable[[int, int], None]:
    def stop(done: int, _: int) -> None:
        if done >= count:
            raise KeyboardInterrupt

    return stop


def half(out: Path, **changes: Any) -> None:
    """A sweep that was interrupted after half of its trainings."""
    with pytest.raises(KeyboardInterrupt):
        swept(out=out, progress=stop_after(3), **changes)


def chunk_files(out: Path) -> dict[str, bytes]:
    """Bytes of the chunks of test errors by their place."""
    return {file.name: file.read_bytes() for file in (out / "test_error").glob("[0-9]*")}


GROWTHS = {"seeds": {"seeds": range(5)}, "values": {"axes": MORE}, "both": {"axes": MORE, "seeds": [7, 2, 0, 1]}}


@pytest.mark.parametrize(("name", "finished"), [("seeds", True), ("values", False), ("both", True), ("both", False)])
def test_a_larger_sweep_goes_on_from_a_smaller_one(name: str, finished: bool, tmp_path: Path) -> None:
    out, told = tmp_path / "x.zarr", list[int]()
    opened = swept(out=out) if finished else half(out)
    before = chunk_files(out)
    found = swept(out=out, progress=lambda done, _: told.append(done), **GROWTHS[name])
    assert told[0] == (6 if finished else 3)
    assert_same_bits(found, swept(**GROWTHS[name]))
    full = {place for place in before if not place.endswith(".1")}
    assert {place: chunk_files(out)[place] for place in full} == {place: before[place] for place in full}
    assert not list((out / "checksum").glob(".kept*"))
    if opened is not None:  # who looks at the smaller one goes on to see it
        assert_same_bits(opened, swept())
    assert_same_bits(swept(out=out, **GROWTHS[name]), found)
    assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]


def test_what_is_there_is_kept_and_not_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers that no training gives, put into the store with their marks, come out of the grown one."""
    marks = chunks._shaped

    def marked(template: Any, block: Any, chunk: xarray.Dataset) -> dict[str, np.ndarray]:
        made = marks(template, block, chunk)
        made["test_error"] = made["test_error"] + 7.0
        return made

    monkeypatch.setattr(chunks, "_shaped", marked)
    swept(out=tmp_path / "x.zarr")
    monkeypatch.undo()
    error = swept(out=tmp_path / "x.zarr", axes=MORE, seeds=range(4))["test_error"]
    old = error.sel(d=[300, 900], seed=[0, 1, 2]).isel(signal_sigma_0=[1])
    assert (old > 6.0).all()
    assert int((error > 6.0).sum()) == old.size


@pytest.mark.parametrize("moment", [0, 2, *(pytest.param(moment, marks=pytest.mark.slow) for moment in (1, 3))])
def test_a_growth_that_is_interrupted_anywhere_goes_on(moment: int, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count, write = 0, chunks._replace

    def interrupted(path: Path, content: bytes) -> None:
        nonlocal count
        count += 1
        if count == (1, 3, 5, 6)[moment]:  # marks and notes of the growth, then marks of new chunks
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr(chunks, "_replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        swept(out=out, seeds=range(5))
    monkeypatch.undo()
    assert_same_bits(swept(out=out, seeds=range(5)), swept(seeds=range(5)))


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ({"axes": {}, "seeds": range(7), "chunk": 3}, {"axes": {}, "seeds": range(9)}),  # 1 of 3 is there
        ({"axes": {"d": [300, 400, 500]}, "seeds": [0, 1], "chunk": 4}, {"axes": {"d": [350, 300, 400, 500, 600]}}),
        ({"axes": {"d": [300, 400, 500]}, "seeds": [0], "chunk": 2}, {"axes": {"d": [300, 400, 500, 600]}}),
    ],
)
def test_chunks_that_are_there_in_part_are_filled(smaller: dict, larger: dict, tmp_path: Path) -> None:
    out = tmp_path / "x.zarr"
    swept(out=out, **smaller)
    larger = {**smaller, "chunk": None, **larger}
    with pytest.raises(KeyboardInterrupt):
        swept(out=out, progress=stop_after(0), **larger)
    assert list((out / "checksum").glob(".kept*"))
    assert_same_bits(swept(out=out, **larger), swept(**larger))


def test_a_growth_of_an_unfinished_growth(tmp_path: Path) -> None:
    out = tmp_path / "x.zarr"
    half(out)
    with pytest.raises(KeyboardInterrupt):
        swept(out=out, seeds=range(4), progress=stop_after(0))
    assert list((out / "checksum").glob(".kept*"))
    assert_same_bits(swept(out=out, seeds=range(4), axes=MORE), swept(seeds=range(4), axes=MORE))


def test_a_damaged_note_is_named(out: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        swept(out=out, seeds=range(5), progress=stop_after(0))
    note = next((out / "checksum").glob(".kept*"))
    content = json.loads(note.read_text())
    note.write_text(json.dumps({**content, "digest": "0" * 64}))
    with pytest.raises(ValueError, match=rf"1 of 4 .* damaged. Delete .*{note.name} to have"):
        swept(out=out, seeds=range(5))
    note.unlink()
    assert_same_bits(swept(out=out, seeds=range(5)), swept(seeds=range(5)))


def test_a_kill_between_the_two_moves_loses_nothing(out: Path) -> None:
    whole = swept(out=out).load()
    out.rename(out.with_name(".x.zarr.old"))
    told: list[int] = []
    assert_same_bits(swept(out=out, progress=lambda done, _: told.append(done)), whole)
    assert told == [6]


def test_a_disk_without_links_is_copied(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def none(source: Path, target: Path) -> None:
        if Path(source).suffix != ".partial":  # those are zarr's own
            raise OSError("no links here")
        link(source, target)

    monkeypatch.setattr("os.link", none)
    assert_same_bits(swept(out=out, seeds=range(4)), swept(seeds=range(4)))


def test_a_growth_that_cannot_be_made_leaves_the_smaller_sweep(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = swept(out=out).load()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(chunks, "carry", full)
    with pytest.raises(OSError, match="No space left"):
        swept(out=out, seeds=range(5))
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]
    assert_same_bits(swept(out=out), whole)


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"seeds": [0, 1]}, "seeds: "), ({"axes": {**AXES, "d": [300, 600]}}, r"axes.d: \[300, 900\] in the folder")],
)
def test_a_smaller_or_another_sweep_is_refused_unless_told(changes: dict, told: str, out: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told):
        swept(out=out, **changes)
    assert_same_bits(swept(out=out, overwrite=True, **changes), swept(**changes))
    assert json.loads((out / ".zattrs").read_text())[MARK]
    assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]
