"""Models in half the bytes: filters and matrices in float16, everything else as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from deepnet.networks import weights

__all__ = ["PROVENANCE", "ROUNDED", "rounded_model"]

PROVENANCE = "provenance"
"""Where a model's history says what was done to its weights besides training."""
ROUNDED = "weights rounded to float16"
"""What the description of a rounded model says."""


def rounded_model(path: Path) -> bytes:
    """A finished model as a safetensors file whose filters and matrices are rounded to float16.

    Vectors (biases, batch normalisation with its statistics) and counters stay exact: they are a thousandth of the
    bytes, and variances may be smaller than float16 can say. So does a tensor with an entry too large for float16.
    A model already rounded keeps its bits. The history of the file says what was done.

    Args:
        path: A model of `deepnet.studies.store.Store`.

    Returns:
        The bytes of the new file, the same each time.

    Raises:
        ValueError: if the file is damaged; the message names it.
        FileNotFoundError: if it is gone.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    tensors, about = weights.read(path)
    found = {name: _rounded(tensor) for name, tensor in tensors.items()}
    if any(found[name].dtype != tensor.dtype for name, tensor in tensors.items()):
        history: dict[str, Any] = about.get("history", {})
        about = about | {"history": history | {PROVENANCE: ROUNDED}}
    return save(found, metadata={"about": json.dumps(about)})


def _rounded(tensor: Tensor) -> Tensor:
    if tensor.dtype != torch.float32 or tensor.ndim < 2:
        return tensor
    half = tensor.half()
    return half.contiguous() if bool(half.isfinite().all()) else tensor
