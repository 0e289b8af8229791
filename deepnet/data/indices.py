"""Files of indices: which rows of a training set are meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simulate.house.files import require_file

__all__ = ["read_indices", "read_rows"]


def read_indices(path: Path, argument: str = "rows") -> np.ndarray:
    """The entries of a file of whole numbers, or of a mask.

    Args:
        path: A file `.npy`, or text with whole numbers between blanks, commas or line breaks, in which what follows a #
            is a remark.
        argument: What errors call it.

    Returns:
        What the file holds: as an array of any type (`.npy`), or of int64.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds anything else.
        OSError: if it cannot be read.
    """
    require_file(path, "The file of indices")
    wanted = f"Argument `{argument}` must be the path of a file of whole numbers, but {path}"
    try:
        if path.suffix == ".npy":
            return np.asarray(np.load(path, allow_pickle=False))
        lines = path.read_text(encoding="utf-8").splitlines()
        words = [word for line in lines for word in line.partition("#")[0].replace(",", " ").split()]
    except ValueError:
        raise ValueError(f"{wanted} is none.") from None
    for word in words:
        if not word.lstrip("+-").isdecimal():
            raise ValueError(f'{wanted} holds "{word}".')
    return np.array([int(word) for word in words], dtype=np.int64)


def read_rows(path: Path, names: Sequence[str] = (), argument: str = "rows") -> np.ndarray:
    """The rows that a file says by their numbers, or by the names of the images that they have.

    Args:
        path: What `read_indices` reads, or a text with a name a line; what follows a # is a remark.
        names: Names of the images, in the order of the rows; none knows numbers only.
        argument: What errors call it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds anything else, or a name that no image has.
        OSError: if it cannot be read.
    """
    require_file(path, "The file of indices")
    known = {name: row for row, name in enumerate(names)}
    if not known or path.suffix == ".npy":
        return read_indices(path, argument)
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = [line.strip() if line.strip() in known else line.partition("#")[0].strip() for line in text.splitlines()]
    told = [line for line in lines if line]
    if not any(line in known for line in told):
        return read_indices(path, argument)
    for line in told:
        if line not in known:
            raise ValueError(
                f"Argument `{argument}` must be a file of names of training images, such as {names[0]}, but {path} "
                f'holds "{line}".'
            )
    return np.array([known[line] for line in told], dtype=np.int64)
