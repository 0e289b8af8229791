"""Which training images are validated on, pretrained on, retained and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from deepnet.data.indices import read_indices
from deepnet.data.superclasses import classes_of
from deepnet.house.fields import of_type
from deepnet.house.identity import came_later
from deepnet.house.seeding import generator
from simulate.house import checks, ties
from simulate.house.counting import counted

__all__ = ["ForgetSet", "Split", "make_split", "stratified_rows"]

_BY_SCORE = ("high", "mid", "low")
_OWN_FIELDS = {"class": "cls", "classes": "classes", "superclass": "superclass", "file": "rows"}
"""Kinds that have a field of their own, and its name."""
DEFAULT_FRACTION = 0.05
"""Part of the pretraining images that is forgotten where nothing else is said."""


def _no_rows() -> Tensor:
    return torch.empty(0, dtype=torch.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class Split:
    """Rows of a training set by what they are for; each (n,) of int64 on the CPU, strictly increasing.

    pretrain = retain ∪ forget, and retain, forget, val and corrected are disjoint.
    """

    pretrain: Tensor
    """What the model is pretrained on."""
    retain: Tensor
    """What it shall keep."""
    forget: Tensor
    """What it shall forget."""
    val: Tensor
    """Images for validation, which no model is trained on."""
    corrected: Tensor = field(default_factory=_no_rows)
    """Clean originals of corrupted forget images, which a retrained reference learns beside `retain`; usually none."""
    seed: int
    """What the split was drawn from."""
    official_split: bool = False
    """Allow the released code's fault, in which retain and forget come from another draw of the validation set
    than pretrain: then some of them were never trained on, and some are in val."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if rows are not sorted, or sets overlap, or do not make up `pretrain`; the message says which.
        """
        checks.integer("seed", self.seed, least=0)
        checks.boolean("official_split", self.official_split)
        for name in ("pretrain", "retain", "forget", "val", "corrected"):
            _check_rows(name, getattr(self, name))
        for one, other in combinations(("retain", "forget", "val", "corrected"), 2):
            if not (self.official_split and other == "val"):
                self._check_disjoint(one, other)
        self._check_disjoint("pretrain", "val")
        if self.official_split:
            return
        outside = int((~torch.isin(self.forget, self.pretrain)).sum())
        if outside:
            raise ValueError(
                f"`forget` must lie in `pretrain`, but {outside} of its {counted(len(self.forget), 'row')} do not."
            )
        if not torch.equal(torch.cat([self.retain, self.forget]).sort().values, self.pretrain):
            counts = f"{counted(len(self.pretrain), 'row')} are not those of {len(self.retain)} + {len(self.forget)}"
            raise ValueError(f"`pretrain` must be `retain` and `forget` together, but its {counts}.")

    def _check_disjoint(self, one: str, other: str) -> None:
        shared = int(torch.isin(getattr(self, one), getattr(self, other)).sum())
        if shared:
            raise ValueError(f"`{one}` and `{other}` must be disjoint, but share {shared} rows.")


def _check_rows(name: str, rows: Tensor) -> None:
    of_type(name, rows, Tensor)
    if rows.dtype != torch.int64 or rows.ndim != 1 or rows.device.type != "cpu":
        found = f"is {rows.dtype} of shape {tuple(rows.shape)} on {rows.device}"
        raise ValueError(f"Argument `{name}` must be int64 of shape (n,) on the CPU, but {found}.")
    if len(rows) and (int(rows[0]) < 0 or bool((rows.diff() <= 0).any())):
        raise ValueError(f"Argument `{name}` must hold rows of at least 0 in increasing order, but does not.")


@dataclass(frozen=True, kw_only=True)
class ForgetSet:
    """Which of the pretraining images are to be forgotten.

    Example:
        >>> ForgetSet(kind="class", cls=3).label
        'class-3'
    """

    kind: Literal["random", "class", "high", "mid", "low", "classes", "superclass", "file"] = "random"
    """At random, from one class, or by score: the highest (the most memorized), those nearest to 1/2, or the lowest;
    or from several classes, a superclass of CIFAR-100, or the rows that a file names."""
    size: int | None = None
    """Number of images; None goes by `fraction`."""
    fraction: float | None = None
    """Their number as a fraction of all pretraining images, or of those of the classes or the file. None, and no
    `size`, is 5 % of all, or all of the classes or the file."""
    cls: int | None = None
    """The class, for the kind "class"."""
    scores: str | None = None
    """File of the scores, see `deepnet.data.scores.load_scores`; a study also takes the word "estimated"."""
    classes: tuple[int, ...] = came_later(())
    """The classes, for the kind "classes"."""
    superclass: str = came_later("")
    """Name of the superclass, one of `deepnet.data.superclasses.SUPERCLASSES`, for the kind "superclass"."""
    rows: str = came_later("")
    """File of the rows of the training images, see `deepnet.data.indices.read_indices`, for the kind "file". Those that
    are set aside for validation are not learned, and not forgotten."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is out of range or does not go with the kind; the message names it.
        """
        checks.choice("kind", self.kind, (*_BY_SCORE, *_OWN_FIELDS, "random"))
        if self.size is not None:
            checks.integer("size", self.size, least=1)
            if self.fraction is not None:
                raise ValueError("Arguments `size` and `fraction` must not be given both.")
        if self.fraction is not None:
            checks.fraction("fraction", self.fraction)
        for kind, name in _OWN_FIELDS.items():
            given = getattr(self, name)
            if (not _is_nothing(given)) != (self.kind == kind):
                need = "be given if" if self.kind == kind else "be left out unless"
                checks.fail(name, f'{need} the kind is "{kind}"', given)
        for number in self.wanted_classes:
            checks.integer("cls" if self.kind == "class" else "classes", number, least=0)
        if len(set(self.wanted_classes)) < len(self.wanted_classes):
            checks.fail("classes", "name each class once", list(self.classes))
        of_type("rows", self.rows, str)
        of_type("scores", self.scores, str, optional=True)

    @property
    def wanted_classes(self) -> tuple[int, ...]:
        """The classes that it is taken from; none for all of them."""
        if self.kind == "superclass":
            return classes_of(self.superclass)
        return self.classes if self.cls is None else (self.cls,)

    @property
    def label(self) -> str:
        """A word for files and tables; a class by its number."""
        own = {
            "class": str(self.cls), "classes": "-".join(map(str, self.classes)), "superclass": self.superclass,
            "file": Path(self.rows).stem,
        }  # fmt: skip
        return f"{self.kind}-{own[self.kind]}" if self.kind in own else self.kind

    def named(self, class_names: Sequence[str]) -> str:
        """The same, a class by its own name, which in a folder of images is that of its folder.

        Example:
            >>> ForgetSet(kind="class", cls=1).named(["9", "10"])
            'class-10'
        """
        known = self.kind == "class" and self.cls is not None and self.cls < len(class_names)
        return f"class-{class_names[self.cls or 0]}" if known else self.label


def _is_nothing(given: object) -> bool:
    """Whether a field that one kind alone has was left out; what else was given may compare as arrays do."""
    return given is None or (isinstance(given, str | tuple) and not given)


def stratified_rows(labels: np.ndarray, fraction: float, seed: int, name: str) -> np.ndarray:
    """The same fraction of each class at random, but never a whole class.

    Args:
        labels: Class of each image, (n,).
        fraction: Fraction of each class, in [0, 1); rounded to whole images.
        seed: Decides which.
        name: What the rows are for; other names give other rows.

    Returns:
        The chosen rows, sorted.
    """
    chosen: list[np.ndarray] = [np.empty(0, dtype=np.int64)]
    for cls in np.unique(labels):
        members = np.flatnonzero(labels == cls)
        count = min(round(fraction * len(members)), len(members) - 1)
        chosen.append(generator(seed, name, int(cls)).permutation(members)[:count])
    return np.sort(np.concatenate(chosen))


def make_split(
    labels: Tensor,
    forget: ForgetSet,
    seed: int,
    *,
    val_fraction: float = 0.1,
    scores: np.ndarray | None = None,
    val_seed: int | None = None,
) -> Split:
    """Draw the validation set, then the forget set from the rest, both from one seed.

    Args:
        labels: The class of each training image, (n,).
        forget: What is to be forgotten.
        seed: Decides the validation set and the forget set.
        val_fraction: Fraction of each class that is set aside for validation, in [0, 1).
        scores: How memorized each training image is, (n,); for the kinds "high", "mid" and "low".
        val_seed: Takes the validation and pretraining sets from another seed than retain and forget, as the
            released code does for random forget sets; None takes all from `seed`.

    Returns:
        The split. Its pretraining set does not depend on `forget`.

    Raises:
        ValueError: if an argument is out of range, scores are missing, or the forget set leaves nothing to retain.
    """
    of_type("labels", labels, Tensor)
    if labels.ndim != 1 or labels.dtype != torch.int64 or not len(labels):
        found = f"is {labels.dtype} of shape {tuple(labels.shape)}"
        raise ValueError(f"Argument `labels` must be int64 of shape (n,) with n of at least 1, but {found}.")
    of_type("forget", forget, ForgetSet)
    checks.integer("seed", seed, least=0)
    if val_seed is not None:
        checks.integer("val_seed", val_seed, least=0)
    checks.fraction("val_fraction", val_fraction, below=1.0)
    classes = np.asarray(labels)
    val = stratified_rows(classes, val_fraction, seed, "validation")
    candidates = np.setdiff1d(np.arange(len(classes)), val)
    forgotten = _forget_rows(classes, candidates, forget, seed, scores)
    retain = np.setdiff1d(candidates, forgotten)
    if not len(retain):
        raise ValueError("The forget set `forget` must leave some images to retain, but takes all of them.")
    pretrain, official = candidates, False
    if val_seed is not None and val_seed != seed:
        official = True
        val = stratified_rows(classes, val_fraction, val_seed, "validation")
        pretrain = np.setdiff1d(np.arange(len(classes)), val)
    rows = {"pretrain": pretrain, "retain": retain, "forget": forgotten, "val": val}
    tensors = {name: torch.from_numpy(found.astype(np.int64)) for name, found in rows.items()}
    return Split(**tensors, seed=seed, official_split=official)


def _forget_rows(
    classes: np.ndarray, candidates: np.ndarray, forget: ForgetSet, seed: int, scores: np.ndarray | None
) -> np.ndarray:
    """The rows to forget among the candidates, sorted."""
    if forget.wanted_classes:
        candidates = _of_classes(classes, candidates, forget)
    if forget.kind == "file":
        candidates = np.intersect1d(candidates, _rows_of_file(forget.rows, len(classes)))
        if not len(candidates):
            raise ValueError(
                f"Argument `rows` must name images that are learned, but {forget.rows} names none of them."
            )
    count = _count(forget, len(candidates))
    if forget.kind not in _BY_SCORE:
        ranked = generator(seed, "forget").permutation(candidates)
    else:
        ranked = _by_score(candidates, forget.kind, len(classes), scores)
        if count > len(ranked):
            raise ValueError(f"`forget` asks for {count} images by score, but only {len(ranked)} have one.")
    return np.sort(ranked[:count])


def _of_classes(classes: np.ndarray, candidates: np.ndarray, forget: ForgetSet) -> np.ndarray:
    """Candidates of the classes that are wanted, each of which has some."""
    for number in forget.wanted_classes:
        if not (classes[candidates] == number).any():
            name, known = _OWN_FIELDS[forget.kind], f"0 to {classes.max(initial=0)}"
            checks.fail(name, f"be of the classes of the images, {known}", getattr(forget, name))
    return candidates[np.isin(classes[candidates], forget.wanted_classes)]


def _rows_of_file(path: str, n: int) -> np.ndarray:
    """The rows that a file names, as indices or as a mask over all n images."""
    found = read_indices(Path(path))
    if found.dtype == bool and found.shape == (n,):
        return np.flatnonzero(found)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ValueError(
            f"Argument `rows` must name a file of indices, or of a mask of {n} images, but {path} is none."
        )
    outside = found[(found < 0) | (found >= n)]
    if len(outside):
        raise ValueError(f"Argument `rows` must name a file of indices in 0..{n - 1}, but {path} holds {outside[0]}.")
    if len(np.unique(found)) < len(found):
        raise ValueError(f"Argument `rows` must name a file of indices that differ, but {path} repeats some.")
    return found


def _count(forget: ForgetSet, available: int) -> int:
    if forget.size is not None:
        if forget.size > available:
            checks.fail("size", f"be at most {available}, the number of images to choose from", forget.size)
        return forget.size
    default = 1.0 if forget.kind in _OWN_FIELDS else DEFAULT_FRACTION
    count = round((default if forget.fraction is None else forget.fraction) * available)
    if not count:
        checks.fail("fraction", f"make at least one of {available} images", forget.fraction)
    return count


def _by_score(candidates: np.ndarray, kind: str, n: int, scores: np.ndarray | None) -> np.ndarray:
    """Candidates in the order in which they are chosen; of tied ones the first, and none without a score."""
    if scores is None:
        raise ValueError(f'Argument `scores` must be given for a forget set of the kind "{kind}".')
    if not isinstance(scores, np.ndarray) or scores.dtype.kind not in "fiu":
        raise ValueError("Argument `scores` must be an array of real numbers, but is not.")
    checks.shape("scores", scores, (n,))
    scored = candidates[~np.isnan(scores[candidates])]
    values = scores[scored]
    keys = {"high": -values, "mid": np.abs(values - 0.5), "low": values}
    return scored[np.argsort(ties.levels(keys[kind]), kind="stable")]
