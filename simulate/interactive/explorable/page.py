"""The page: its markup, its style, its script and its numbers in one file."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from pathlib import Path

import numpy as np

from simulate.house.drawing.palette import SERIES
from simulate.house.version import __version__
from simulate.interactive.explorable.grid import OPTIMIZERS, Grid
from simulate.interactive.explorable.series import NAMES, NOTHING, POINTS, Series
from simulate.interactive.trajectory_settings import LAST_STEP, PRETRAINING_STEPS

__all__ = ["page"]

_HERE = Path(__file__).parent


def page(grid: Grid, series: Series) -> str:
    """Write the page, which loads nothing; the same bytes for the same numbers.

    Args:
        grid: What the sliders can be set to.
        series: The curves of its runs.
    """
    script = _text("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = {
        "POLICY": f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        "STYLE": _text("page.css").replace("RETAIN", SERIES[6]).replace("FORGET", SERIES[5]),
        "HEAD": json.dumps(_head(grid, series)),
        "NUMBERS": _packed(series.values),
        "SCRIPT": script,
        "VERSION": __version__,
        "RUNS": f"{grid.n_runs:,}",
    }
    made = _text("page.html")
    for name, text in parts.items():
        made = made.replace(f"%{name}%", text)
    return made


def _head(grid: Grid, series: Series) -> dict[str, object]:
    """What the script has to know of the numbers."""
    axes = {"d": grid.d, "n": grid.n, "signal": grid.signal, "alpha": grid.alpha, "tau": grid.tau}
    return {
        "axes": axes, "optimizers": OPTIMIZERS, "names": NAMES, "points": POINTS, "nothing": NOTHING,
        "scales": [float(f"{scale:.9g}") for scale in series.scales],
        "pretraining": PRETRAINING_STEPS, "last": LAST_STEP,
    }  # fmt: skip


def _packed(values: np.ndarray) -> str:
    """Differences from point to point, since they are small, their lower bytes before the upper ones; then gzip."""
    steps = np.diff(values, axis=-1, prepend=np.zeros_like(values[..., :1])).astype("<i2")
    planes = np.stack([steps.view(np.uint8)[..., ::2], steps.view(np.uint8)[..., 1::2]])
    return base64.b64encode(gzip.compress(planes.tobytes(), 9, mtime=0)).decode()


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
