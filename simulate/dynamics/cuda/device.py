"""The GPU, if there is one: CuPy for its memory, the kernel loaded, and the launch that joins them.

`simulate.dynamics.cuda.texts` has the kernel as PTX; CuPy loads it, raises the limit of shared memory (which numba
cannot) and launches it. An array is handed to such a kernel as numba does it: two null pointers, the numbers of entries
and of bytes of each, the address, the shape and the strides.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

import numpy as np

from simulate.dynamics.cuda.layout import Card, Layout
from simulate.dynamics.cuda.texts import NoCompilerError, entry, kernel_text
from simulate.house.extras import installed_by

__all__ = ["Gpu", "find_gpu", "flat"]


@dataclass(frozen=True, eq=False)
class Gpu:
    """A GPU that the engine can use."""

    cupy: Any
    """The module CuPy."""
    card: Card
    """What it offers."""
    kernel: Any
    """`simulate.dynamics.cuda.block.advance`, loaded."""

    def launch(self, layout: Layout, arguments: tuple) -> None:
        """Run a block for each trajectory on arrays of CuPy; `arguments` are those of the kernel up to the last two."""
        count = len(arguments[0])
        values = (*flat(arguments), np.int64(layout.held), *map(np.int64, layout.bounds))
        with _one_launch:  # the limit is one of the kernel, whoever launches it
            self.kernel.max_dynamic_shared_size_bytes = layout.n_bytes
            self.kernel((count,), (layout.lanes, layout.groups), values, shared_mem=layout.n_bytes)


_one_launch = Lock()
"""Held while a kernel is told its limits and launched; chunks of an ensemble are launched from several threads."""


@cache
def find_gpu() -> Gpu:
    """The current CUDA device, with the kernel loaded: compiled for it, or from the file in `texts.VARIABLE`.

    Raises:
        ValueError: if CuPy, numba's CUDA compiler, the driver or a device is missing, or the file is not this kernel;
            it names `engine`.
    """
    try:
        cupy = import_module("cupy")
    except ImportError as error:
        _refuse(f"CuPy cannot be imported ({error}): {installed_by('gpu')}")
    try:
        count = cupy.cuda.runtime.getDeviceCount()
        if count == 0:
            _refuse("CUDA finds no device")
        device = cupy.cuda.Device()
        attributes, capability = device.attributes, device.compute_capability
    except (cupy.cuda.runtime.CUDARuntimeError, RuntimeError) as error:
        _refuse(f"CUDA finds no device or no driver ({_first_line(error)})")
    try:
        text = kernel_text((int(capability[:-1]), int(capability[-1])), cupy.cuda.runtime.driverGetVersion())
    except (OSError, ValueError, NoCompilerError) as error:
        _refuse(_first_line(error).rstrip("."), error)
    except Exception as error:  # what compilers and drivers raise has no common ancestor
        _refuse(f"the kernel cannot be compiled ({type(error).__name__}: {_first_line(error)})", error)
    try:
        kernel = _load(cupy, entry(text), text)
    except Exception as error:
        _refuse(f"the kernel cannot be loaded ({type(error).__name__}: {_first_line(error)})", error)
    card = Card(
        block_bytes=attributes["MaxSharedMemoryPerBlockOptin"],
        processor_bytes=attributes["MaxSharedMemoryPerMultiprocessor"],
        processors=attributes["MultiProcessorCount"],
        registers=attributes["MaxRegistersPerMultiprocessor"],
        threads=attributes["MaxThreadsPerMultiProcessor"],
        blocks=attributes.get("MaxBlocksPerMultiprocessor", 32),
    )
    return Gpu(cupy, card, kernel)


def flat(argument: object) -> Iterator[Any]:
    """The parameters that an argument of a kernel compiled by numba becomes; tuples are taken apart."""
    if isinstance(argument, tuple):
        for part in argument:
            yield from flat(part)
    elif isinstance(argument, float):
        yield np.float64(argument)
    else:
        array: Any = argument
        address = array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr
        for number in (0, 0, array.size, array.itemsize, address, *array.shape, *array.strides):
            yield np.int64(number)


def _load(cupy: Any, name: str, text: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "advance.ptx"
        path.write_text(text)
        kernel = cupy.RawModule(path=str(path)).get_function(name)
        kernel.num_regs  # noqa: B018  loads the file while it is there
    return kernel


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _refuse(reason: str, cause: Exception | None = None) -> NoReturn:
    others = 'be "numba", "numpy" or "dense" where no GPU can be used'
    raise ValueError(f'Argument `engine` must {others}, but is "cupy": {reason}.') from cause
