"""NVIDIA's assembler of PTX, where some package brought one: what becomes of a kernel on a card, without the card."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

_PLACES = {"triton": ("backends/nvidia/bin",), "nvidia": ("cuda_nvcc/bin", "cu13/bin")}
"""Folders of packages in which an assembler may lie; that of triton comes with torch, and is of CUDA 12."""


@dataclass(frozen=True)
class Assembled:
    """What a kernel needs of a card."""

    registers: int
    """Of a thread."""
    in_memory: int
    """Bytes of a thread that had no room in registers: stack frame, spilled stores and loads."""
    code: bytes
    """The machine code."""


def assembler() -> Path:
    """The assembler, or a skipped test with the reason."""
    for package, folders in _PLACES.items():
        spec = find_spec(package)
        for root in (spec.submodule_search_locations or ()) if spec else ():
            found = [Path(root) / folder / "ptxas" for folder in folders]
            if any(path.is_file() for path in found):
                return next(path for path in found if path.is_file())
    if (elsewhere := shutil.which("ptxas")) is not None:
        return Path(elsewhere)
    pytest.skip("ptxas is not here: on Linux torch brings it with triton, and nvidia-cuda-nvcc has it")


def assemble(text: str, target: str, folder: Path) -> Assembled:
    """Assemble a kernel for a card such as "sm_90"."""
    given, made = folder / "kernel.ptx", folder / "kernel.cubin"
    given.write_text(text, encoding="utf-8")
    command = [assembler(), "--verbose", f"--gpu-name={target}", given, "--output-file", made]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    registers = re.search(r"Used (\d+) registers", done.stderr)
    in_memory = re.findall(r"(\d+) bytes (?:stack frame|spill stores|spill loads)", done.stderr)
    assert registers is not None
    assert len(in_memory) == 3
    return Assembled(int(registers[1]), sum(map(int, in_memory)), made.read_bytes())
