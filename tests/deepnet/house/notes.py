"""Work for a crew of processes that imports nothing dear."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Notes:
    """Work that leaves a note; a process needs a friend to be done with "wait", and dies of "die"."""

    folder: Path

    def __call__(self, item: str, tell: Callable[[float], None]) -> None:
        tell(0.5)
        (self.folder / item).write_text(f"{os.getpid()} {os.environ.get('OMP_NUM_THREADS')}")
        if item == "wrong":
            raise ValueError("Argument `item` must be right, but is wrong.")
        if item == "die":
            os._exit(7)
        while item.startswith("wait") and len(list(self.folder.glob("wait*"))) < 2:
            time.sleep(0.01)


class Watcher:
    def __init__(self) -> None:
        self.seen: list[tuple[str, int, float]] = []

    def begin(self, place: int) -> None:
        self.seen.append(("begin", place, 0.0))

    def move(self, place: int, share: float) -> None:
        self.seen.append(("move", place, share))

    def end(self, place: int) -> None:
        self.seen.append(("end", place, 1.0))
