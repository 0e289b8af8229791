"""Files that appear whole or not at all, the places where they may be written, and what is read of others'."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = [
    "check_files", "check_folder_above", "in_one_move", "is_there", "naming", "parse_json", "require_file",
    "require_folder", "take_place", "write_text",
]  # fmt: skip


@contextmanager
def in_one_move(path: Path) -> Iterator[Path]:
    """A file beside the one that is to be written, which takes its place when all went well.

    Folders above it are made. What an interruption leaves behind ends in ".partial".

    Raises:
        OSError: if it cannot be written; it names the file.
    """
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")  # `tempfile` would make it for this user alone
        try:
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Where an error of the system names no file, as that of a full disk: it then names the one being written.

    Raises:
        OSError: the same error, with the path.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or (error.filename is not None and not _is_partial(error.filename)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _is_partial(name: object) -> bool:
    return str(name).endswith(".partial")


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
    if not path.exists():
        raise FileNotFoundError(f"{called} {path} does not exist.")
    if not path.is_dir():
        raise ValueError(f"{called} {path} is a file.")


def require_file(path: Path, called: str) -> None:
    """Require a file to read from, and tell a folder in its place from nothing; see `require_folder`.

    Raises:
        FileNotFoundError: if nothing is there.
        ValueError: if something else is there.
    """
    if not path.exists():
        raise FileNotFoundError(f"{called} {path} does not exist.")
    if not path.is_file():
        raise ValueError(f"{called} {path} is a folder.")


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
        raise ValueError(
            f"Argument `{name}` must name a place for files, but {str(path)!r} is none ({_reason(error)})."
        ) from None
    return True


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error)


def check_files(*paths: Path, name: str = "out") -> None:
    """Require that files can be written, before anything runs that would then be lost.

    Args:
        paths: The files.
        name: The argument that chose them, for the error.

    Raises:
        ValueError: if a path can name nothing, a folder is in the place of a file, or the folder above it cannot be
            written to.
    """
    for path in paths:
        if is_there(path, name=name) and path.is_dir():
            raise ValueError(f"Argument `{name}` must leave room for the file {path}, but a folder is there.")
        check_folder_above(path, name=name)


def check_folder_above(path: Path, *, name: str = "out") -> None:
    """Require that something can be written at a path; the folders above it need not be there yet.

    Raises:
        ValueError: if the nearest of them that is there cannot be written to.
    """
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ValueError(f"Argument `{name}` must be in a folder that can be written to, but {above} is not one.")
