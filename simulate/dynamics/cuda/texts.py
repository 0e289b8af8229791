"""The kernel as text in PTX: compiled here or read from a file, in a version that the driver reads.

A compiler writes the newest version of PTX that it knows, and a driver reads none newer than itself; of what this
kernel uses everything is older than both. So the version in its head is taken back, which changes no instruction.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from simulate.dynamics.kernels import CONVERGED, NONFINITE, RUNNING
from simulate.house.extras import installed_by
from simulate.house.files import require_file, write_text

__all__ = [
    "VARIABLE", "NoCompilerError", "compile_kernel", "entry", "kernel_text", "load_kernel", "lowered", "readable",
    "save_kernel",
]  # fmt: skip

VARIABLE = "SHARPMU_KERNEL"
"""Environment variable that names a file of `save_kernel`, for machines that cannot compile."""


class NoCompilerError(RuntimeError):
    """There is nothing here to compile a kernel with; the message says what to do."""


_Version = tuple[int, int]
"""Major and minor number, of PTX or of what a card can do."""

_FLOOR: _Version = (8, 0)
"""PTX of CUDA 12.0, which every driver of this age reads, and which knows cards up to `_OF_FLOOR`."""
_OF_FLOOR: _Version = (9, 0)
_OF_CUDA_12 = (0, 1, 2, 3, 4, 5, 5, 6, 7, 8)
"""Minor numbers of PTX 8 by those of CUDA 12; CUDA 11 and those from 13 on count as PTX does."""

_SOURCES = ("block.py", "thread.py")
_HEAD = re.compile(r"// sharpmu kernel; capability (\d+)\.(\d+); sources (\w+); text (\w+)\n")
_WRITTEN = re.compile(r"^\.version (\d+)\.(\d+)", re.MULTILINE)


def kernel_text(capability: _Version, cuda: int) -> str:
    """The kernel for a card: of the file that `VARIABLE` names, or else compiled here.

    Args:
        capability: What the card can do, as in (9, 0).
        cuda: Newest CUDA that its driver knows, as the driver counts: 12040 is 12.4.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if the file does not hold this kernel for such a card.
        NoCompilerError: if it cannot be compiled here.
    """
    given = os.environ.get(VARIABLE)
    return lowered(load_kernel(Path(given), capability) if given else compile_kernel(capability), readable(cuda))


def compile_kernel(capability: _Version) -> str:
    """Compile `simulate.dynamics.cuda.block.advance` to PTX; needs NVVM, but no device.

    Raises:
        NoCompilerError: if numba's compiler for CUDA, or the NVVM library that it needs, is missing.
    """
    try:
        from numba import cuda

        from simulate.dynamics.cuda.block import SIGNATURE, advance

        text, _ = cuda.compile_ptx(advance, SIGNATURE.args, cc=capability)
    except Exception as error:  # what is raised for a missing library differs from version to version
        if isinstance(error, ImportError) or "nvvm" in f"{type(error).__name__} {error}".lower():
            raise NoCompilerError(_no_compiler()) from error
        raise
    return text


def save_kernel(path: Path, capability: _Version = _FLOOR) -> Path:
    """Compile the kernel into a file, which machines without a compiler find by the variable `VARIABLE`.

    Args:
        path: The file.
        capability: The least that a card must be able to do; newer ones take the text as well.

    Returns:
        The path.

    Raises:
        NoCompilerError: if it cannot be compiled here.
    """
    text = compile_kernel(capability)
    if capability <= _OF_FLOOR:
        text = lowered(text, _FLOOR)
    made = ".".join(map(str, capability))
    head = f"// sharpmu kernel; capability {made}; sources {_sources()}; text {_hash(text)}\n"
    return write_text(Path(path), head + text)


def load_kernel(path: Path, capability: _Version) -> str:
    """Read a file of `save_kernel`.

    Args:
        path: The file.
        capability: What the card can do.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is no such file, is damaged, is of other sources than these, or asks more of the card.
    """
    require_file(path, f"The kernel's file in {VARIABLE},")
    head, _, text = path.read_bytes().decode("utf-8", errors="replace").partition("\n")
    found = _HEAD.fullmatch(f"{head}\n")
    if found is None or found[4] != _hash(text):
        raise ValueError(f"the file {path} in {VARIABLE} is damaged, or was not written by save_kernel")
    if found[3] != _sources():
        raise ValueError(f"the file {path} in {VARIABLE} is stale, made of other sources than these: make it anew")
    if (asked := (int(found[1]), int(found[2]))) > capability:
        words = [".".join(map(str, each)) for each in (asked, capability)]
        raise ValueError(
            f"the file {path} in {VARIABLE} is for cards of capability {words[0]}, but this card has {words[1]}"
        )
    return text


def entry(text: str) -> str:
    """The mangled name of the kernel in its text.

    Raises:
        RuntimeError: if there is none.

    Example:
        >>> entry(".visible .entry _Z7advance(")
        '_Z7advance'
    """
    found = re.search(r"\.entry\s+(\w+)", text)
    if found is None:
        raise RuntimeError("the PTX has no entry")
    return found[1]


def readable(cuda: int) -> _Version:
    """The newest version of PTX that a driver reads, or one that is old enough where the driver does not say.

    Args:
        cuda: Newest CUDA that the driver knows, as it counts; 0 is unknown.

    Example:
        >>> readable(11080), readable(12080), readable(13000), readable(0)
        ((7, 8), (8, 7), (9, 0), (8, 0))
    """
    major, minor = cuda // 1000, cuda % 1000 // 10
    if major < 11:
        return _FLOOR
    if major == 12:
        return 8, _OF_CUDA_12[min(minor, len(_OF_CUDA_12) - 1)]
    return major - 4, minor


def lowered(text: str, most: _Version) -> str:
    """A text whose head asks for no newer version of PTX than `most`; nothing else changes.

    Example:
        >>> lowered(".version 9.5", (8, 0)), lowered(".version 7.8", (8, 0))
        ('.version 8.0', '.version 7.8')
    """
    found = _WRITTEN.search(text)
    if found is None or (int(found[1]), int(found[2])) <= most:
        return text
    return f"{text[: found.start()]}.version {most[0]}.{most[1]}{text[found.end() :]}"


def _no_compiler() -> str:
    others = f"name in {VARIABLE} a file that save_kernel of {__name__} wrote elsewhere"
    return f"numba finds no NVVM library to compile with here: {installed_by('gpu')}, or {others}"


def _sources() -> str:
    """What a text was made of, in a few digits: the sources of the kernel, and the numbers they take from others."""
    here = Path(__file__).parent
    lines = [line for name in _SOURCES for line in (here / name).read_text(encoding="utf-8").splitlines()]
    return _hash("\n".join([*lines, repr((CONVERGED, NONFINITE, RUNNING))]))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
