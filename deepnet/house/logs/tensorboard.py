"""A training as TensorBoard draws it."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

from deepnet.house.packages import TENSORBOARD, need

__all__ = ["TensorBoardLog"]


class TensorBoardLog:
    """Writes a curve for each name, for `tensorboard --logdir FOLDER`."""

    def __init__(self, folder: str | PathLike[str]) -> None:
        """Open a folder; curves that are there are begun anew.

        Raises:
            ModuleNotFoundError: if the package tensorboard is not installed.
        """
        need(TENSORBOARD, "A log for TensorBoard")
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(fspath(folder), purge_step=0)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to the curve of each name."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()
