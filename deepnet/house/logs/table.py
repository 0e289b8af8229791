"""A training as a table of comma-separated values, a row a moment."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

from simulate.house.files import naming, write_text

__all__ = ["CsvLog"]


class CsvLog:
    """Writes a table: a column for the step, one for each name. Each row is in the file at once.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     log = CsvLog(f"{folder}/history.csv")
        ...     log.log(0, {"loss": 2.5})
        ...     log.log(8, {"loss": 0.5, "accuracy": 1.0})
        ...     print(log.path.read_text(), end="")
        step,loss,accuracy
        0,2.5,
        8,0.5,1.0
    """

    def __init__(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Name the file, which is made with the first row.

        Args:
            path: The file; folders above it are made.
            overwrite: Whether a file that is there is begun anew.

        Raises:
            ValueError: if there is one, and it is not to be.
        """
        self.path = Path(path)
        if self.path.exists() and not overwrite:
            raise ValueError(f"Argument `log` must name a place without {self.path.name}, but {self.path} is there.")
        self._names: list[str] = []
        self._rows: list[dict[str, float]] = []

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Add a row; a name that is new is a column more, empty in the rows before.

        Raises:
            OSError: if it cannot be written.
        """
        row = {"step": step, **values}
        self._rows.append(row)
        if new := [name for name in row if name not in self._names]:
            self._names += new
            write_text(self.path, _lines(self._names, [dict(zip(self._names, self._names, strict=True)), *self._rows]))
            return
        with naming(self.path), self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(_lines(self._names, [row]))


def _lines(names: list[str], rows: Sequence[Mapping[str, float | str]]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, names, lineterminator="\n").writerows(rows)
    return text.getvalue()
