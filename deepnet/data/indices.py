"""Files of indices: which rows of a training set are meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from simulate.house.files import require_file

__all__ = ["read_indices"]


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
