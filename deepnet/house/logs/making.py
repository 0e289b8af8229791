"""Logs from what a user says: a folder, an object, or the name of what makes one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

from deepnet.house.logs.logger import Logger
from deepnet.house.logs.table import CsvLog
from deepnet.house.logs.tensorboard import TensorBoardLog
from deepnet.house.packages import TENSORBOARD, need
from simulate.house import checks
from simulate.house.files import check_files

__all__ = ["check_names", "loggers_of", "made_loggers"]

_TENSORBOARD = "tensorboard"


def loggers_of(argument: str, given: Any) -> list[Logger]:
    """Logs from a folder, which gets a `history.csv`, from a logger, or from several of them; none of None.

    Raises:
        ValueError: if it is something else, or the file is there or cannot be; the message names the argument.
    """
    several = [] if given is None else given if isinstance(given, list | tuple) else [given]
    found: list[Logger] = []
    for one in several:
        if isinstance(one, str | PathLike):
            table = Path(one) / "history.csv"
            check_files(table, name=argument)
            found.append(CsvLog(table))
        elif isinstance(one, Logger) and not isinstance(one, type):
            found.append(one)
        else:
            checks.fail(argument, "be a folder, or an object with a method `log(step, values)`", one)
    return found


def check_names(argument: str, names: Iterable[str]) -> None:
    """Require names of what makes logs: "tensorboard", or a function of one's own as "package.module:function".

    Raises:
        ValueError: if one is neither; the message names the argument.
        ModuleNotFoundError: if the package tensorboard is wanted and not installed.
    """
    for name in names:
        if name == _TENSORBOARD:
            need(TENSORBOARD, "A log for TensorBoard")
        else:
            _function(argument, name)


def made_loggers(names: Iterable[str], folder: Path, run: str) -> list[Logger]:
    """Logs of one of several trainings.

    Args:
        names: What makes them, as `check_names` takes it. A function of one's own is called with the next two.
        folder: Folder of all trainings.
        run: This one in words, parts of it between commas.

    Raises:
        ValueError: if a function returns something that cannot log.
    """
    found: list[Logger] = []
    for name in names:
        if name == _TENSORBOARD:
            parts = [part.strip().replace("/", "_").replace("\\", "_") for part in run.split(",")]
            found.append(TensorBoardLog(folder.joinpath("tensorboard", *parts)))
            continue
        made = _function("log", name)(folder, run)
        if not isinstance(made, Logger):
            kind = type(made).__name__
            raise ValueError(f"Argument `log` must name what returns an object with a method `log`, not a {kind}.")
        found.append(made)
    return found


def _function(argument: str, name: str) -> Callable[[Path, str], Any]:
    module, colon, function = name.partition(":")
    if not (module and colon and function):
        checks.fail(argument, 'hold "tensorboard", or functions as "package.module:function"', name)
    try:
        found: Callable[[Path, str], Any] = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"Argument `{argument}` must name a function, but {name} is none ({error}).") from None
    return found
