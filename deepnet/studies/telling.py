"""What a training of a study tells while it goes on: its share that is done, and its numbers epoch by epoch."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from deepnet.house.logs import CsvLog, Logger, made_loggers
from deepnet.learning.loop import Epoch
from simulate.house.files import write_text

__all__ = ["History", "Telling", "loggers_for", "told", "write_histories"]

_OFTEN = 0.25
"""Seconds between two words on how far a training is."""
History = tuple[Mapping[str, str | int], Path]
"""What a training was, and the table of its epochs."""


class Telling(TypedDict):
    """What `apply` tells of the steps and epochs that there are and were."""

    on_plan: Callable[[int], None]
    on_step: Callable[[int], None]
    on_epoch: Callable[[int, Epoch], None]


def told(tell: Callable[[float], None], loggers: Sequence[Logger] = ()) -> Telling:
    """What tells the share of a training that is done, and its epochs, as `apply` takes it.

    The share is told seldom enough to cost nothing.
    """
    total, due = 1, time.monotonic() + _OFTEN

    def plan(steps: int) -> None:
        nonlocal total
        total = max(steps, 1)

    def step(number: int) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + _OFTEN
            tell(number / total)

    def epoch(step: int, done: Epoch) -> None:
        numbers = {"epoch": done.number + 1, "loss": done.loss, "images": done.images, "seconds": done.seconds}
        for log in loggers:
            log.log(step, numbers)

    return {"on_plan": plan, "on_step": step, "on_epoch": epoch}


def loggers_for(table: Path, names: Sequence[str], folder: Path, run: str) -> list[Logger]:
    """The logs of one training: always a table, begun anew, and what was asked for."""
    return [CsvLog(table, overwrite=True), *made_loggers(names, folder, run)]


def write_histories(path: Path, histories: Sequence[History]) -> None:
    """Put the tables of many trainings into one, those that there are, each training once."""
    rows: list[dict[str, str | int]] = []
    for about, table in {table: (about, table) for about, table in reversed(histories)}.values():
        if table.exists():
            with table.open(encoding="utf-8", newline="") as file:
                rows += [{**about, **row} for row in csv.DictReader(file)]
    if rows:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(path, text.getvalue())
