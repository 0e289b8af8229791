"""What there is: versions, processor, card, and whether a kernel can be compiled; as a program, into a file of JSON."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["machine"]

PACKAGES = (
    "torch", "torchvision", "triton", "numpy", "scipy", "numba", "numba-cuda", "llvmlite", "cupy-cuda12x",
    "cupy-cuda13x", "nvidia-nvvm", "cuda-core", "scikit-learn", "xarray", "zarr", "tyro", "safetensors", "POT",
    "curvlinops-for-pytorch", "umap-learn",
)  # fmt: skip
"""Packages whose versions matter; null is one that is missing."""


def machine(keep: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Everything that can be found out; what cannot says why.

    Args:
        keep: Called with what there is so far; to import torch for the first time may take long.
    """
    looks: dict[str, Callable[[], Any]] = {
        "nvidia-smi": _driver, "memory": _memory, "cupy": _cupy, "compiles": _compiles, "torch": _torch,
    }  # fmt: skip
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found: dict[str, Any] = {
        "python": platform.python_version(), "system": platform.platform(), "cores": cores,
        "packages": {name: _version(name) for name in PACKAGES},
    }  # fmt: skip
    keep(found)
    for name, look in looks.items():
        began = time.perf_counter()
        try:
            found[name] = look()
        except Exception as error:  # whatever it is, it is what is to be known
            found[name] = f"{type(error).__name__}: {error}"[:300]
        found[f"{name}_seconds"] = round(time.perf_counter() - began, 2)
        keep(found)
    return found


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _driver() -> list[str]:
    asked = "--query-gpu=name,driver_version,memory.total,clocks.max.sm"
    done = subprocess.run(
        ["nvidia-smi", asked, "--format=csv,noheader"], capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip().splitlines()


def _torch() -> dict[str, Any]:
    import torch

    if not torch.cuda.is_available():
        return {"cuda": torch.version.cuda, "available": False}
    card = torch.cuda.get_device_properties(0)
    return {
        "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "available": True, "name": card.name,
        "memory": card.total_memory, "capability": [card.major, card.minor], "processors": card.multi_processor_count,
        "cards": torch.cuda.device_count(),
    }  # fmt: skip


def _cupy() -> dict[str, Any]:
    import cupy

    return {
        "driver": cupy.cuda.runtime.driverGetVersion(), "runtime": cupy.cuda.runtime.runtimeGetVersion(),
        "capability": cupy.cuda.Device().compute_capability,
    }  # fmt: skip


def _compiles() -> str:
    """The version of PTX that a compiler here writes; of an empty kernel, which takes a second, not of ours."""
    from numba import cuda, void

    text, _ = cuda.compile_ptx(lambda: None, void(), cc=(8, 0))
    return next(line for line in text.splitlines() if line.startswith(".version"))


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


if __name__ == "__main__":
    place = Path(sys.argv[1])
    print(json.dumps(machine(lambda found: place.write_text(json.dumps(found), encoding="utf-8")), indent=1))
