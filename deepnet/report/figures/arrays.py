"""The arrays that a study leaves beside its rows: loss surfaces and maps of features."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepnet.report.naming import method_order, natural_order, optimizer_order
from deepnet.report.rows import Row
from simulate.house.files import parse_json

__all__ = ["Picture", "read_pictures", "rows_of"]

_ABOUT = ("method", "title", "pretrain", "optimizer", "forget_set", "request", "seed")


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """One file of arrays."""

    path: Path
    """The file."""
    about: dict[str, Any]
    """What run it belongs to; `part` says of which samples a surface is."""
    arrays: dict[str, np.ndarray]
    """The arrays."""

    @property
    def title(self) -> str:
        """Method's name for people, with its variant."""
        variant = self.about.get("variant")
        return f"{self.about['title']} ({variant})" if variant else str(self.about["title"])

    @property
    def name(self) -> str:
        """Method's short name, with its variant, for files."""
        variant = self.about.get("variant")
        return f"{self.about['method']}-{variant}" if variant else str(self.about["method"])

    def key(self, *names: str) -> tuple[Any, ...]:
        """Some fields of what it is about."""
        return tuple(self.about.get(name, "") for name in names)


def read_pictures(folder: Path, check: Callable[[dict[str, np.ndarray]], None], names: Sequence[str]) -> list[Picture]:
    """Read all files of a folder, in the order of methods and optimizers.

    Args:
        folder: Where they lie; none lie in a folder that is not there.
        check: Raises ValueError or KeyError for arrays that do not fit together.
        names: Names of the arrays.

    Raises:
        ValueError: if a file is damaged or lacks something; the message names it.
    """
    found = []
    for path in sorted(folder.glob("*.npz")):
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                about = parse_json(str(file["about"]))
                arrays = {name: file[name] for name in names}
            if missing := [name for name in _ABOUT if name not in about]:
                raise KeyError(f"about.{missing[0]}")
            check(arrays)
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path}: not the arrays of a figure ({error}).") from None
        found.append(Picture(path=path, about=about, arrays=arrays))
    return sorted(found, key=_order)


def rows_of(pictures: Sequence[Picture], rows: Sequence[Row]) -> tuple[Row, ...]:
    """The runs that pictures belong to."""
    names = ("method", "variant", "pretrain", "optimizer", "forget_set", "request", "seed")
    keys = {picture.key(*names) for picture in pictures}
    return tuple(row for row in rows if tuple(getattr(row, name) for name in names) in keys)


def _order(picture: Picture) -> tuple[Any, ...]:
    about = picture.about
    return (natural_order(about["forget_set"]), about["request"], optimizer_order(about["pretrain"]),
            method_order(about["method"]), natural_order(about.get("variant", "")),
            optimizer_order(about["optimizer"]), str(about.get("part", "")))  # fmt: skip
