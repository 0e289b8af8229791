"""Saving over other people's files, into locked folders, or in vain leaves everything as it was."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray

from simulate.house import storage
from simulate.house.records.attributes import read_attributes, write_attributes
from tests.simulate.refusals import refused


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
    storage.save(OURS, tmp_path / "result", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
    xarray.testing.assert_equal(storage.load(tmp_path / "result"), OURS)


def test_loading_what_is_not_there_is_refused(tmp_path):
    with refused("path"):
        storage.load(tmp_path / "nothing")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a chunk is missing": lambda store: (store / "loss/0").unlink(),
    "a chunk is cut": lambda store: os.truncate(store / "loss/0", 3),
    "a chunk is another": lambda store: (store / "loss/0").write_bytes(bytes(24)),
    "a chunk is a folder": lambda store: ((store / "loss/0").unlink(), (store / "loss/0").mkdir()),
    "an array is missing": lambda store: shutil.rmtree(store / "loss"),
    "a description is nested without end": lambda store: (store / "loss/.zarray").write_text("[" * 100_000),
    "a description is of objects": lambda store: (store / "loss/.zarray").write_text('{"dtype": "|O"}'),
    "the group is missing": lambda store: (store / ".zgroup").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_of_a_finished_store_is_named(damage, tmp_path):
    """A chunk that is missing would be read as one of empty values, and be drawn as such."""
    path = storage.save(OURS, tmp_path / "result")
    damage(path)
    with pytest.raises(
        ValueError, match=r"^Argument `path` must hold a whole store, but .* in .*result .*damaged or missing"
    ):
        storage.load(path)


def test_an_attribute_of_a_finished_store_that_changed_is_damage(tmp_path):
    path = storage.save(OURS.assign_attrs(ended="all"), tmp_path / "result")
    attributes = read_attributes(path) or {}
    write_attributes(path, attributes | {"ended": "none"})
    with pytest.raises(ValueError, match=r"\.zattrs in .* damaged"):
        storage.load(path)


def test_stores_of_before_have_no_seal_and_are_read(tmp_path):
    path = storage.save(OURS, tmp_path / "result")
    write_attributes(path, {name: value for name, value in (read_attributes(path) or {}).items() if name != "seal"})
    xarray.testing.assert_identical(storage.load(path).drop_attrs(), OURS)


def test_a_full_disk_leaves_nothing_and_the_error_names_the_place(tmp_path, monkeypatch):
    """Nothing goes on writing in another thread once a write has failed."""
    data = OURS.assign({f"x{k}": ("step", [1.0, 2.0, 3.0]) for k in range(20)})
    written, write = [], Path.write_bytes

    def full(self, content):
        written.append(self)
        if len(written) > 5:
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*/result'$"):
        storage.save(data, tmp_path / "result")
    assert (len(written), list(tmp_path.iterdir())) == (6, [])


def test_what_others_leave_in_a_store_is_passed_over(tmp_path):
    """Warnings are errors here."""
    path = storage.save(OURS, tmp_path / "result")
    (path / ".DS_Store").touch()
    (path / "mine").mkdir()
    xarray.testing.assert_identical(storage.load(path).drop_attrs(), OURS)
