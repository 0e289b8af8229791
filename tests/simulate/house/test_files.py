"""Places in which nothing can be written are refused before anything runs that would then be lost."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from simulate.house.files import check_files, check_folder_above, naming, require_file, require_folder, write_text
from tests.simulate.refusals import refused


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def below_a_link_to_nothing(folder: Path) -> Path:
    (folder / "link").symlink_to(folder / "nowhere")
    return folder / "link" / "deeper" / "result"


def inside_of_a_store(folder: Path) -> Path:
    (folder / "store").mkdir()
    (folder / "store" / ".zgroup").touch()
    return folder / "store" / "deeper" / "result"


@pytest.mark.parametrize(
    "place", [a_pipe, lambda _: Path("/dev/null"), below_a_link_to_nothing, inside_of_a_store, lambda _: Path("/")]
)
def test_what_cannot_become_a_file_is_refused(place: Callable[[Path], Path], tmp_path: Path) -> None:
    path = place(tmp_path)
    there = path.exists()
    with refused("out"):
        check_files(path)
    assert path.exists() == there


@pytest.mark.parametrize("length", [255, 250, 240, 200])
def test_a_name_leaves_room_for_what_is_written_beside_it(length: int, tmp_path: Path) -> None:
    """What is accepted can be written."""
    path = tmp_path / ("a" * length)
    try:
        check_folder_above(path)
    except ValueError:
        assert length > 200
    else:
        write_text(path, "kept")


@pytest.mark.parametrize("inner", [".result.k3v/fresh/.zattrs", ".result.12345.partial", None])
def test_an_error_names_the_place_and_not_what_is_beside_it(inner: str | None, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"/result'$"), naming(tmp_path / "result"):
        raise OSError(28, "No space left on device", *([str(tmp_path / inner)] if inner else []))


def test_an_error_on_another_file_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"/another'$"), naming(tmp_path / "result"):
        raise OSError(2, "No such file or directory", str(tmp_path / "another"))


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Such as /dev/stdout, where that is a file."""
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "file").touch()
    write_text(tmp_path / "link", "kept")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "kept"


def test_what_is_read_is_told_from_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    require_file(tmp_path / "file", "The table")
    require_folder(tmp_path, "The folder")
    with pytest.raises(ValueError, match=f"The table {tmp_path} is a folder"):
        require_file(tmp_path, "The table")
    with pytest.raises(ValueError, match=f"The folder {tmp_path}/file is a file"):
        require_folder(tmp_path / "file", "The folder")
    for require in (require_file, require_folder):
        with pytest.raises(FileNotFoundError, match=f"It {tmp_path}/none does not exist"):
            require(tmp_path / "none", "It")
