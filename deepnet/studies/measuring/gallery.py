"""What figures need beside the rows: loss surfaces and maps of features, one file each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deepnet.networks import weights

__all__ = ["hang"]

_ABOUT = ("method", "title", "variant", "pretrain", "optimizer", "forget_set", "request", "seed")


def hang(folder: Path, row: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> list[Path]:
    """Write the pictures of one row into a study's folder.

    Args:
        folder: The study's folder; pictures lie in `landscapes` and `feature_maps`.
        row: The row they belong to; what identifies it goes into each file, as JSON in `about`.
        arrays: What was measured. `landscape_a`, `landscape_b` (g,) and `landscape_retain`, `landscape_forget` (g, g)
            make two surfaces; `map_before`, `map_after` (n, 2), `map_labels` and `map_forgotten` (n,) make a map.

    Returns:
        The files.
    """
    about = {key: row[key] for key in _ABOUT}
    name = "-".join(str(value) for key, value in about.items() if value and key not in ("title", "seed"))
    written = []
    for part in ("retain", "forget"):
        if f"landscape_{part}" in arrays:
            surface = {"a": arrays["landscape_a"], "b": arrays["landscape_b"], "loss": arrays[f"landscape_{part}"]}
            written.append(_write(folder / "landscapes", f"{name}-{part}", surface, about | {"part": part}))
    if "map_before" in arrays:
        plane = {key.removeprefix("map_"): value for key, value in arrays.items() if key.startswith("map_")}
        written.append(_write(folder / "feature_maps", name, plane, about))
    return written


def _write(folder: Path, name: str, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name.replace('=', '-')}.npz"
    weights.write_arrays(path, {**arrays, "about": np.array(json.dumps(about))})
    return path
