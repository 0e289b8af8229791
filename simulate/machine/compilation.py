"""How the kernels are compiled, and a cache that notices when they change.

numba keeps compiled code and compiles anew when the file of a kernel changes, but not when a kernel of another file
that was compiled into it does. So what it keeps lies in a folder that is named after the sources of all kernels
together, wherever that folder is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from numba import config, njit

__all__ = [
    "SOURCES",
    "borrowing_kernel",
    "cache_folder",
    "exact_kernel",
    "fingerprint",
    "inlined_kernel",
    "kernel",
    "summing_kernel",
]

_OPTIONS = {"no_cfunc_wrapper": True, "error_model": "numpy", "nogil": True}
_BORROWING = {**_OPTIONS, "_nrt": False}
_SUMMING = {"contract", "reassoc"}

SOURCES = (
    "dynamics/activations/kernels", "dynamics/descents", "dynamics/kernels", "dynamics/patterns",
    "machine/elementary", "machine/floats", "machine/stretches", "test_error/design_points", "test_error/estimates",
    "test_error/importance", "test_error/lines", "test_error/normal_tails", "test_error/planes",
    "test_error/strengths", "test_error/tails",
)  # fmt: skip
"""Every module with kernels, from the package's folder."""

_PACKAGE = Path(__file__).parents[1]


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function when it is first called, and keep the result; NaN and infinity keep their meaning."""
    return _compiled(function, **_OPTIONS)


def borrowing_kernel(function: Callable[..., Any]) -> Any:
    """The same for a kernel that makes no arrays.

    It need not count who holds those it is given, which takes longer than a step of a small network.
    """
    return _compiled(function, **_BORROWING)


def summing_kernel(function: Callable[..., Any]) -> Any:
    """The same for one of the training step, whose sums may be added in another order, so that they vectorise."""
    return _compiled(function, fastmath=_SUMMING, **_BORROWING)


def inlined_kernel(function: Callable[..., Any]) -> Any:
    """The same for one that becomes a part of those that call it: handing over its arguments would take too long."""
    return _compiled(function, fastmath=_SUMMING, forceinline=True, **_BORROWING)


def exact_kernel(function: Callable[..., Any]) -> Any:
    """One that becomes a part of those that call it, too, and whose sums are added as they are written."""
    return _compiled(function, fastmath={"contract"}, forceinline=True, **_BORROWING)


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    folder = cache_folder(_PACKAGE, os.environ.get("NUMBA_CACHE_DIR", ""))
    if folder is None:
        return njit(**options)(function)
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder)  # read when a function is decorated
    try:
        return njit(cache=True, **options)(function)
    finally:
        config.CACHE_DIR = before


@cache
def cache_folder(package: Path, named: str = "") -> Path | None:
    """Where compiled kernels are kept; what earlier sources left beside it is removed.

    Args:
        package: Folder of the sources, which is the first choice; the second is the user's cache.
        named: The folder of NUMBA_CACHE_DIR, which is taken instead where it is given.

    Returns:
        A folder that can be written to, or None if there is none: kernels are then compiled in every process, of which
        a warning tells.
    """
    name = f"kernels-{fingerprint(package)}"
    for place in [Path(named) / "sharpmu"] if named else _places(package):
        folder = place / name
        if _can_be_written(folder):
            for old in place.glob("kernels-*") if place == package / "__pycache__" else ():
                if old != folder:
                    shutil.rmtree(old, ignore_errors=True)
            return folder
    warnings.warn(
        "compiled kernels cannot be kept, so that every process compiles them anew, for about a minute: set "
        "NUMBA_CACHE_DIR to a folder that can be written to",
        stacklevel=2,
    )
    return None


def fingerprint(package: Path) -> str:
    """A hash of the sources of all kernels."""
    paths = (package / f"{name}.py" for name in SOURCES)
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def _places(package: Path) -> Iterator[Path]:
    yield package / "__pycache__"
    try:
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sharpmu"
    except RuntimeError:  # a user without a home
        return


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
