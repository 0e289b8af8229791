"""Files that appear whole or not at all, the places where they may be written, and what is read of others'."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

__all__ = [
    "check_files", "check_folder_above", "in_one_move", "is_there", "naming", "parse_json", "require_file",
    "require_folder", "take_place", "write_text",
]  # fmt: skip

_GROUP = ".zgroup"
"""File by which a folder is known as a store."""

_BESIDE = 24
"""Most characters that are put around a name while something is written beside it, such as ".12345.partial"."""


@contextmanager
def in_one_move(path: Path) -> Iterator[Path]:
    """A file beside the one that is to be written, which takes its place when all went well; a link stays a link.

    Folders above it are made. What an interruption leaves behind ends in ".partial".

    Raises:
        OSError: if it cannot be written; it names the file.
    """
    with naming(path):
        place = path.resolve() if path.is_symlink() else path
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f".{place.name}.{os.getpid()}.partial")  # `tempfile` makes it for this user alone
        try:
            yield partial
            partial.replace(place)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Where an error of the system names no file, as that of a full disk, or one that is moved into place later.

    It then names the place.

    Raises:
        OSError: the same error, with the path.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or (error.filename is not None and not _is_beside(path, error.filename)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _is_beside(path: Path, name: object) -> bool:
    """Whether a file is, or is in, what is written beside a path until it is whole; nobody knows it by that name."""
    names = [] if isinstance(name, int) else Path(os.fsdecode(name)).parts  # type: ignore[arg-type]
    return any(each.startswith(f".{path.name}.") or each.endswith(".partial") for each in names)


def write_text(path: Path, text: str) -> Path:
    """Write a text file whole or not at all, with the same bytes on every system.

    Returns:
        The path.
    """
    with in_one_move(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    return path


def take_place(fresh: Path, target: Path, old: Path) -> None:
    """Put a folder where another may be; that one is moved aside, and back again if the new one cannot be placed.

    Args:
        fresh: The new folder, on the same file system.
        target: Its place.
        old: Where the folder that was there goes, for the caller to remove.
    """
    if target.exists():
        target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise


def parse_json(text: str | bytes) -> Any:
    """What a text in JSON says.

    Raises:
        ValueError: if it is no JSON, or is nested too deeply to be read.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def require_folder(path: Path, called: str) -> None:
    """Require a folder to read from, and tell a file in its place from nothing.

    Args:
        path: The folder.
        called: What it is, for the error: "The image folder".

    Raises:
        FileNotFoundError: if nothing is there.
        ValueError: if something else is there.
    """
    _require(path, called, path.is_dir(), "a file")


def require_file(path: Path, called: str) -> None:
    """Require a file to read from; see `require_folder`.

    Raises:
        FileNotFoundError: if nothing is there.
        ValueError: if something else is there.
    """
    _require(path, called, path.is_file(), "a folder")


def _require(path: Path, called: str, is_it: bool, else_it_is: str) -> None:
    if not path.exists():
        raise FileNotFoundError(f"{called} {path} does not exist.")
    if not is_it:
        raise ValueError(f"{called} {path} is {else_it_is}.")


def is_there(path: Path, *, name: str = "out") -> bool:
    """Whether there is something at a path.

    Raises:
        ValueError: if the path can name nothing: it is too long, holds a zero byte, or is a link to nothing.
    """
    try:
        path.lstat()
        path.stat()
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError) and not path.is_symlink():
            return False
        _refuse_place(path, name, _reason(error))
    return True


def _refuse_place(path: Path, name: str, reason: str) -> NoReturn:
    raise ValueError(f"Argument `{name}` must name a place for files, but {str(path)!r} is none ({reason}).") from None


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error)


def check_files(*paths: Path, name: str = "out") -> None:
    """Require that files can be written, before anything runs that would then be lost.

    Args:
        paths: The files.
        name: The argument that chose them, for the error.

    Raises:
        ValueError: if a path can name nothing, what is in the place of a file is none, such as a folder or a device, or
            nothing can be written there.
    """
    for path in paths:
        if is_there(path, name=name) and not path.is_file():
            what = "a folder" if path.is_dir() else "something that is no file"
            raise ValueError(f"Argument `{name}` must leave room for the file {path}, but {what} is there.")
        check_folder_above(path, name=name)


def check_folder_above(path: Path, *, name: str = "out") -> None:
    """Require that something can be written at a path; the folders above it need not be there yet.

    Raises:
        ValueError: if the nearest of them that is there cannot be written to, or lies in a store, which may be replaced
            as a whole; or if the path is too long for what is written beside it until it is whole.
    """
    above = next(folder for folder in path.absolute().parents if is_there(folder, name=name))
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ValueError(f"Argument `{name}` must be in a folder that can be written to, but {above} is not one.")
    for folder in (above, *above.parents):
        if (folder / _GROUP).exists():
            raise ValueError(f"Argument `{name}` must not lie inside of a zarr store, but {path} is in {folder}.")
    try:
        (path.parent / f".{path.name}{_BESIDE * '-'}").lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            _refuse_place(path, name, _reason(error))
