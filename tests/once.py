"""What is dear is made once, and shared by the workers of a run: the first that needs it makes it, the others wait."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from filelock import FileLock

__all__ = ["folder_once", "made_once"]

_Made = TypeVar("_Made")


def folder_once(factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], object]) -> Path:
    """A folder that one worker fills; it is not to be written to by tests.

    Args:
        factory: The fixture `tmp_path_factory`.
        name: A name that no other fixture uses.
        fill: Called with the empty folder. A failure leaves nothing, and the next worker tries again.
    """
    folder = _shared(factory) / name
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            fresh = factory.mktemp(name)
            fill(fresh)
            fresh.rename(folder)
    return folder


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[], _Made]) -> _Made:
    """An object that can be pickled, made by one worker."""
    folder = folder_once(factory, name, lambda fresh: (fresh / "made").write_bytes(pickle.dumps(make())))
    return pickle.loads((folder / "made").read_bytes())


def _shared(factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of this run see."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
