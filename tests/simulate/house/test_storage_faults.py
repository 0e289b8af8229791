"""Saving over other people's files, into locked folders, or in vain leaves everything as it was."""

import os

import pytest
import xarray

from simulate.house import storage
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
