"""Files of memorization scores, brought to the order of the images of a data set."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from simulate.house.counting import counted
from simulate.house.files import require_file, write_text

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ESTIMATED", "load_scores", "original_order", "write_scores"]

ESTIMATED = "estimated"
"""In the place of a file of scores: estimate them."""
_COLUMN = "score"
"""Head of the only column of a .csv file."""


def load_scores(path: str | Path, labels: Tensor, files: Sequence[str] | None = None) -> np.ndarray:
    """Read how memorized each training image is, from one of the files in which such scores are published.

    | arrays in the file | scores |
    |---|---|
    | `tr_mem`, `tr_labels` | Feldman and Zhang 2020, CIFAR-100, in CIFAR's order |
    | `tr_mem`, `tr_labels`, `tr_filenames` | Feldman and Zhang 2020, ImageNet, matched by the name of the file |
    | `memorization` | Zhao et al. 2024, CIFAR-10, in CIFAR's order |
    | `scores`, `labels` | consistency scores of Jiang et al. 2021, in CIFAR's order: 1 - score is returned |
    | `scores`, or a lone array in a .npy file | anybody's, in the order of the images, as they are |
    | the column `score` of a .csv file | the same, as `write_scores` writes them |

    Images of a folder lie class by class, not in CIFAR's order. If the files of each class are numbered in
    CIFAR's order (0, 1, ... or from 1), scores that come with labels are matched class by class.

    Args:
        path: A .npz, .npy or .csv file.
        labels: Class of each image of the complete training set, (n,).
        files: Their files as class/name, if they come from a folder.

    Returns:
        The scores, (n,) of float64; NaN where there is none.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is of another form, or does not fit the images; the message names the file.
    """
    path = Path(path)
    arrays = _arrays(path)
    classes = np.asarray(labels)
    if "tr_filenames" in arrays:
        return _by_name(path, arrays, classes, files)
    key = next((key for key in ("tr_mem", "memorization", "scores") if key in arrays), None)
    if key is None:
        raise ValueError(
            f"The file {path} must hold an array `tr_mem`, `memorization` or `scores`, but holds "
            + (", ".join(f"`{name}`" for name in sorted(arrays)[:5]) or "none")
            + "."
        )
    label_key = {"tr_mem": "tr_labels", "scores": "labels"}.get(key, "")
    scores = _scores(path, key, arrays[key])
    if len(scores) != len(classes):
        raise ValueError(
            f"The file {path} holds {counted(len(scores), 'score')}, but there are {len(classes)} training images."
        )
    if label_key not in arrays:
        if files is not None and key != "scores":
            raise ValueError(
                f"The file {path} holds scores in CIFAR's order and no labels, so they cannot be matched to the "
                "images of a folder."
            )
        return scores
    scores = scores if key == "tr_mem" else 1 - scores
    return scores[_match(path, label_key, arrays[label_key], classes, files)]


def write_scores(path: Path, scores: np.ndarray, about: Sequence[str] = ()) -> Path:
    """Write scores as text that `load_scores` reads back, the same to the bit; the file appears whole or not at all.

    Args:
        path: A .csv file.
        scores: A number a training image, in their order, (n,); NaN where there is none.
        about: Lines that say where they are from; they begin with # in the file.

    Raises:
        OSError: if it cannot be written.
    """
    lines = [*(f"# {line}" for line in about), _COLUMN, *(repr(float(score)) for score in scores)]
    return write_text(path, "\n".join(lines) + "\n")


def original_order(original_labels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Where each image of a folder stands in the original order, if each class has kept its order.

    Args:
        original_labels: Classes in the original order, (n,).
        labels: Classes in the order of the folder, (n,).

    Returns:
        Rows (n,) such that the k-th image of a class in the folder gets the row of the k-th of that class in the
        original order.

    Raises:
        ValueError: if the two hold a class unequally often.

    Example:
        >>> original_order(np.array([1, 0, 1]), np.array([0, 1, 1])).tolist()
        [1, 0, 2]
    """
    by_class, original_by_class = (np.argsort(given, kind="stable") for given in (labels, original_labels))
    if not np.array_equal(labels[by_class], original_labels[original_by_class]):
        raise ValueError("The labels must hold each class as often as the original labels do, but do not.")
    order = np.empty(len(labels), dtype=np.int64)
    order[by_class] = original_by_class
    return order


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file; code in it is never run."""
    require_file(path, "The file of scores")
    if path.suffix.lower() == ".csv":
        return {"scores": _column(path)}
    wanted = ("tr_mem", "tr_labels", "tr_filenames", "memorization", "scores", "labels")
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {"scores": loaded}
            found = {key: loaded[key] for key in loaded.files if key in wanted}  # beside them, gigabytes of influences
            return found or dict.fromkeys(loaded.files, np.empty(0))
    except (OSError, ValueError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"The file of scores {path} cannot be read as arrays without pickled objects: {error}"
        ) from error


def _column(path: Path) -> np.ndarray:
    """The only column of a .csv file, below lines that begin with #."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, ValueError) as error:
        raise ValueError(f"The file of scores {path} cannot be read as text: {error}") from error
    told = [(number, line) for number, line in enumerate(lines, start=1) if line and not line.startswith("#")]
    if not told or told[0][1] != _COLUMN:
        found = repr(told[0][1][:40]) if told else "nothing"
        raise ValueError(f"The file of scores {path} must begin with the column's name, `{_COLUMN}`, but has {found}.")
    return np.array([_number(path, number, line) for number, line in told[1:]])


def _number(path: Path, number: int, line: str) -> float:
    try:
        value = float(line)
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise ValueError(f"Line {number} of the file of scores {path} must be a number or nan, but is {line[:40]!r}.")
    return value


def _scores(path: Path, key: str, array: np.ndarray) -> np.ndarray:
    if array.ndim != 1 or array.dtype.kind not in "fiu":
        raise ValueError(
            f"The array `{key}` of {path} must be of real numbers and one axis, but is {array.dtype} of shape "
            f"{array.shape}."
        )
    return array.astype(np.float64)


def _match(path: Path, key: str, found: np.ndarray, classes: np.ndarray, files: Sequence[str] | None) -> np.ndarray:
    """For each image its row in the file, if the labels there are those of the images or can be brought to them."""
    _check_shape(path, key, found, len(classes))
    numbered = files is not None and _numbered(files, classes)
    if not (numbered and np.array_equal(np.sort(found), np.sort(classes))):
        _check_labels(path, key, found, classes)
    return original_order(found, classes)


def _by_name(path: Path, arrays: dict[str, np.ndarray], classes: np.ndarray, files: Sequence[str] | None) -> np.ndarray:
    """Scores of a file that names its images."""
    if files is None:
        raise ValueError(f"The file {path} names the files of its images, but the training images come without names.")
    names = arrays["tr_filenames"]
    missing = {"tr_mem", "tr_labels"} - set(arrays)
    if missing:
        raise ValueError(f"The file {path} must hold an array `{min(missing)}`, but does not.")
    for key in ("tr_mem", "tr_labels"):
        _check_shape(path, key, arrays[key], len(names))
    text = (name.decode() if isinstance(name, bytes) else str(name) for name in names.tolist())
    row_of = {PurePosixPath(name).name: row for row, name in enumerate(text)}
    rows = [row_of.get(PurePosixPath(file).name) for file in files]
    unknown = [file for file, row in zip(files, rows, strict=True) if row is None]
    if unknown:
        raise ValueError(
            f"The file {path} has no score for {counted(len(unknown), 'image')}, the first of them {unknown[0]}."
        )
    chosen = np.array(rows, dtype=np.int64)
    _check_labels(path, "tr_labels", arrays["tr_labels"][chosen], classes)
    return _scores(path, "tr_mem", arrays["tr_mem"])[chosen]


def _check_shape(path: Path, key: str, array: np.ndarray, n: int) -> None:
    if array.shape != (n,):
        raise ValueError(f"The array `{key}` of {path} must have shape ({n},), but has shape {array.shape}.")


def _check_labels(path: Path, key: str, found: np.ndarray, classes: np.ndarray) -> None:
    wrong = np.flatnonzero(found != classes)
    if len(wrong):
        row = wrong[0]
        raise ValueError(
            f"The labels `{key}` of {path} disagree with those of {len(wrong)} of "
            f"{counted(len(classes), 'image')}; the first, "
            f"image {row}, has {found[row]} there and {classes[row]} in the data set."
        )


def _numbered(files: Sequence[str], classes: np.ndarray) -> bool:
    """Whether the files of each class are numbered one after another from 0 or 1, in their order."""
    stems = [PurePosixPath(file).stem for file in files]
    if not all(stem.isdecimal() for stem in stems):
        return False
    numbers = np.array([int(stem) for stem in stems])
    for cls in np.unique(classes):
        members = numbers[classes == cls]
        if members[0] not in (0, 1) or not np.array_equal(members, members[0] + np.arange(len(members))):
            return False
    return True
