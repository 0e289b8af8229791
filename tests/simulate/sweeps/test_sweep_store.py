"""Whose store a folder is: the same sweep goes on with it, another one is told what differs, damage is not read."""

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray

from simulate import SGD, Loss, Phase, sweep
from simulate.house.records.differences import differences
from simulate.house.storage import save
from simulate.sweeps import chunks
from simulate.sweeps.grid import Grid
from tests.simulate.small_sweep import PHASES, PROBLEM, assert_same_bits, small_sweep

SMALL = replace(PROBLEM, forget=0.0)
FIT = (Phase("fit", Loss(), SGD(), steps=2),)
D, SIGNAL = [300, 600, 900], [1.0, 2.0, 4.0]
OPTIONS = {"seeds": [0, 1], "test_directions": 16}


def stop(done: int, _: int) -> None:
    if done >= 4:
        raise KeyboardInterrupt


# --- the order of axes and of phases -----------------------------------------------------------------------------


@pytest.mark.parametrize(("signals", "done"), [(SIGNAL, True), (SIGNAL[:2], False)], ids=["square", "oblong"])
def test_axes_in_another_order_are_another_sweep(signals: list[float], done: bool, tmp_path: Path) -> None:
    out, axes = tmp_path / "x.zarr", {"d": D, "signal": signals}
    try:
        sweep(SMALL, FIT, axes=axes, **OPTIONS, out=out, chunk=2, progress=None if done else stop)
    except KeyboardInterrupt:
        assert not done
    with pytest.raises(ValueError, match=r'dimensions: \["d", "signal", "seed"\] in the folder, \["signal", "d",'):
        sweep(SMALL, FIT, axes=dict(reversed(axes.items())), **OPTIONS, out=out)
    assert_same_bits(sweep(SMALL, FIT, axes=axes, **OPTIONS, out=out), sweep(SMALL, FIT, axes=axes, **OPTIONS))


def test_phases_in_another_order_are_another_sweep(tmp_path: Path) -> None:
    phases = [replace(FIT[0], name=name) for name in ("first", "second")]
    sweep(SMALL, phases, axes={"d": D}, **OPTIONS, out=tmp_path / "x.zarr")
    with pytest.raises(ValueError, match=r'order: \["first", "second"\] in the folder, \["second", "first"\] asked'):
        sweep(SMALL, phases[::-1], axes={"d": D}, **OPTIONS, out=tmp_path / "x.zarr")


def test_equal_numbers_are_the_same_sweep(tmp_path: Path) -> None:
    first = sweep(SMALL, FIT, axes={"signal": [1, 2]}, **OPTIONS, out=tmp_path / "x.zarr")
    assert_same_bits(sweep(SMALL, FIT, axes={"signal": [1.0, 2.0]}, **OPTIONS, out=tmp_path / "x.zarr"), first)


def test_numbers_of_numpy_are_those_of_python(tmp_path: Path) -> None:
    own = {"tau": 0.25, "test_directions": 16, "chunk": 2, "out": tmp_path / "x.zarr"}
    of_numpy = {"tau": np.float32(0.25), "test_directions": np.int64(16), "chunk": np.int8(2)}
    first = sweep(SMALL, FIT, axes={"signal": [1.0, 2.0]}, seeds=np.arange(2), **of_numpy, out=tmp_path / "x.zarr")
    assert_same_bits(sweep(SMALL, FIT, axes={"signal": [1.0, 2.0]}, seeds=[0, 1], **own), first)


# --- what is said of a difference --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "here", "told"),
    [
        (
            list(range(100)), [*range(50), 777, *range(51, 100)],
            "100 values in the folder, 100 asked for; number 51 is 50 in the folder, 777 asked for",
        ),
        (
            list(range(100)), list(range(90)),
            "100 values in the folder, 90 asked for; number 91 is 90 in the folder, nothing asked for",
        ),
        ("x" * 150 + "1" + "y" * 150, "x" * 150 + "2" + "y" * 150, None),
        (["x" * 150 + "1" + "y" * 150], ["x" * 150 + "2" + "y" * 150], None),
    ],
)  # fmt: skip
def test_a_long_value_is_shown_where_it_differs(there: object, here: object, told: str | None) -> None:
    (line,) = differences({"a": {"b": there}, "c": 1}, {"a": {"b": here}, "c": 1})
    assert line.startswith("a.b: ")
    assert told is None or line == f"a.b: {told}"
    assert told is not None or ("xx1yy" in line and "xx2yy" in line)
    assert len(line) < 400


def test_a_changed_seed_among_many_is_shown(tmp_path: Path) -> None:
    sweep(SMALL, FIT, axes={}, seeds=range(100), test_directions=16, out=tmp_path / "x.zarr")
    with pytest.raises(ValueError, match=r"seeds: .*number 51 is 50 in the folder, 1000 asked for"):
        sweep(
            SMALL, FIT, axes={}, seeds=[*range(50), 1000, *range(51, 100)], test_directions=16, out=tmp_path / "x.zarr"
        )


# --- what is not chunks ------------------------------------------------------------------------------------------


FILES = ["d/0", "seed/0", "sigma_0/0", "phase/0", ".zgroup", "d/.zattrs", "test_error/.zarray", "checksum/.zarray"]


@pytest.mark.parametrize("damage", ["flipped", "gone", "empty"])
@pytest.mark.parametrize("name", FILES)
def test_damaged_coordinates_and_metadata_are_named(
    name: str, damage: str, finished: Path, stored: Path, whole: xarray.Dataset
) -> None:
    out = stored
    content = bytearray((out / name).read_bytes())
    content[-2] ^= 1
    if damage == "gone":
        (out / name).unlink()
    else:
        (out / name).write_bytes(b"" if damage == "empty" else content)
    with pytest.raises(ValueError, match=rf"^Argument `out` must hold a whole store, but {name} in .* is damaged"):
        small_sweep(out=out)
    shutil.copyfile(finished / name, out / name)
    assert_same_bits(small_sweep(out=out), whole)


@pytest.mark.parametrize(
    "text", ["", "[1]", "{", '{"configuration": ', "[" * 100_000, '{"configuration": 3}', '{"configuration": "{}"}']
)
def test_damaged_attributes_are_said_to_be_damaged(text: str, stored: Path) -> None:
    out = stored
    (out / ".zattrs").write_text(text)
    with pytest.raises(ValueError, match=r"^Argument `out` must hold a whole store, but .*\.zattrs.* is damaged"):
        small_sweep(out=out, overwrite=True)


def test_attributes_of_somebody_else_are_something_else(stored: Path) -> None:
    out = stored
    (out / ".zattrs").write_text("{}")
    with pytest.raises(ValueError, match=r"^Argument `out` .* holds something else"):
        small_sweep(out=out, overwrite=True)


def test_attributes_beside_the_configuration_are_sealed_too(stored: Path) -> None:
    out = stored
    attributes = json.loads((out / ".zattrs").read_text())
    attributes["coordinates"] = attributes["coordinates"].replace("sigma_0", "sigma_1")
    (out / ".zattrs").write_text(json.dumps(attributes))
    with pytest.raises(ValueError, match=r"but \.zattrs in "):
        small_sweep(out=out)


@pytest.mark.parametrize(
    ("key", "value"),
    [("axes", 3), ("axes", {"d": 3}), ("seeds", None), ("chunk", [0, 0]), ("chunk", 3), ("dimensions", 3)],
)
def test_a_configuration_of_other_types_is_damage(key: str, value: object, finished: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(finished, tmp_path / "copy"))
    attributes = json.loads((copy / ".zattrs").read_text())
    attributes["configuration"] = json.dumps(json.loads(attributes["configuration"]) | {key: value})
    (copy / ".zattrs").write_text(json.dumps(attributes))
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=r"^Argument `out` must hold a whole store, but \.zattrs in "):
            small_sweep(out=copy, overwrite=overwrite)


def test_a_store_without_a_seal_is_of_an_earlier_version(stored: Path) -> None:
    out = stored
    attributes = json.loads((out / ".zattrs").read_text())
    del attributes["seal"]
    (out / ".zattrs").write_text(json.dumps(attributes))
    with pytest.raises(ValueError, match=r"^Argument `out` .* is of an earlier version, whose stores do not say"):
        small_sweep(out=out)


def test_what_others_leave_in_a_store_is_passed_over(stored: Path, whole: xarray.Dataset) -> None:
    """A folder's view, an editor's copy, and what a synchroniser calls a conflict; warnings are errors here."""
    out = stored
    for name in (".DS_Store", "notes.txt", "checksum/0~", "checksum/.kept.x", "checksum/0 (conflict)"):
        (out / name).touch()
    assert_same_bits(small_sweep(out=out), whole)


# --- places ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["link", "long", "zero"])
def test_a_place_that_cannot_be_is_named(kind: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    out = {"link": tmp_path / "link", "long": tmp_path / ("x" * 300), "zero": f"{tmp_path}/x\0y"}[kind]
    with pytest.raises(ValueError, match=r"^Argument `out` must name a place for files, but .* is none \(.*\)\.$"):
        small_sweep(out=out)
    with pytest.raises(ValueError, match=r"^Argument `out` must name a place for files"):
        save(xarray.Dataset(), out)
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


def test_a_file_in_place_of_a_folder_above_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match=r"^Argument `out` must be in a folder"):
        small_sweep(out=tmp_path / "file" / "x.zarr")


def test_two_sweeps_that_begin_together_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one removes what this one has begun, or is there first."""

    def gone(fresh: Path, _: object) -> None:
        shutil.rmtree(fresh)

    def taken(fresh: Path, _: object) -> None:
        fresh.with_name("x.zarr").mkdir()
        (fresh.with_name("x.zarr") / "checksum").mkdir()

    for other in (gone, taken):
        monkeypatch.setattr(chunks, "write_seal", other)
        with pytest.raises(OSError, match=r"x.zarr could not be made \(another sweep makes it at the same time\)"):
            small_sweep(out=tmp_path / "x.zarr")
        assert not (tmp_path / ".x.zarr.made").exists()


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), TypeError("zarr's own"), OSError(errno.EIO, os.strerror(errno.EIO))]
)
def test_what_was_not_made_leaves_nothing(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(chunks, "write_seal", fail)
    with pytest.raises(type(error)):
        small_sweep(out=tmp_path / "x.zarr")
    assert not list(tmp_path.iterdir())


# --- cells that were tried before --------------------------------------------------------------------------------


def test_only_a_new_sweep_tries_all_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    at = Grid.at

    def counted(grid: Grid, point: tuple[int, ...]) -> object:
        tried.append(point)
        return at(grid, point)

    monkeypatch.setattr(Grid, "at", counted)
    whole = small_sweep(out=tmp_path / "x.zarr")
    assert len(tried) >= 9
    tried.clear()
    assert_same_bits(small_sweep(out=tmp_path / "x.zarr"), whole)
    assert len(tried) <= 2
    axes = {"d": [300], "unlearn.alpha": [0.5, 1.5]}
    with pytest.raises(ValueError, match=r"^Argument `alpha`"):  # what is not that sweep is tried as ever
        sweep(PROBLEM, PHASES, axes=axes, **OPTIONS, out=tmp_path / "x.zarr")
