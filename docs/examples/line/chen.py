"""Chen et al. 2023, "Why does sharpness-aware minimization generalize better than SGD?": SGD beside SAM.

    python docs/examples/line/chen.py            # 2 x 20 x 30 cells, ten repeats: 12,000 trainings, seconds
    python docs/examples/line/chen.py --small    # seconds

Published (arXiv 2310.07269): two heat maps of test errors over the dimension and the signal strength, SGD's and
SAM's, of the same data; SAM's region of benign overfitting is the larger one, in agreement with theorems by which SGD
needs a signal that grows as d^(1/4) and SAM one that does not grow. There is neither code nor a table. The setting is
remembered, not checked against the text: n = 20, d from 1,000 to 20,000, |mu| up to 10, m = 10, labels flipped with
probability 0.1, PyTorch's initial weights, 100 steps of full gradient descent at 0.01, SAM's radius tau = 0.03, ten
repeats, training losses below 0.05.

Assumed: the network of Kou et al.'s code, of some of the same authors: the sum over filters of the mean over patches,
here without bias. Ours is the mean over filters, so that w, its initial value and tau are five times theirs, and a
step is 5^2 times theirs. All are options of `make`.

Tolerance: training losses are below 0.05. SAM's critical signal (error 0.3) lies below SGD's at every d, by a factor
of which the whole 95 % interval is below 1. It grows more slowly with d: the intervals of the exponents are apart.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray
from matplotlib.figure import Figure
from sheet import command, draw_maps

from simulate import SAM, SGD, Loss, Phase, Problem, fit_boundary, sweep
from simulate.boundaries.boundary import Boundary, critical_signal

LEVEL = 0.3
NAMES = ["SGD", "SAM"]


def make(
    small: bool, out: Path, *, factor: float = 5.0, lr: float = 0.01, tau: float = 0.03, steps: int = 100
) -> xarray.Dataset:
    """The trainings; `factor` is what our weights are of theirs, the other numbers are theirs."""
    problem = Problem(n=20, m=10, sigma_p=1.0, label_flip=0.1, forget=0.0, noise="isotropic")
    fit = Phase("fit", Loss(), SGD(lr=lr * factor**2), steps=steps)
    optimizers = [fit.optimizer, SAM(lr=lr * factor**2, tau=tau * factor)]
    dimensions = [1000, 4000, 16_000] if small else list(range(1000, 20_001, 1000))
    signals = np.linspace(1.0, 13.0, 7).tolist() if small else np.linspace(0.5, 15.0, 30).tolist()
    data = sweep(
        problem, [fit], axes={"fit.optimizer": optimizers, "d": dimensions, "signal": signals}, seeds=range(10),
        coupled={"sigma_0": f"{factor}/sqrt(3*d)"}, test_directions=32 if small else 64, out=out, progress=not small,
    )  # fmt: skip
    return data.assign_coords({"fit.optimizer": NAMES}).rename({"fit.optimizer": "optimizer"})


def borders(data: xarray.Dataset) -> dict[str, Boundary]:
    """The critical signals of both, over d."""
    return {name: fit_boundary(data.test_error.sel(optimizer=name), LEVEL) for name in NAMES}


def largest_ratios(error: xarray.DataArray, resamples: int = 200) -> np.ndarray:
    """Upper ends of 95 % intervals of SAM's critical signal over SGD's, at every d; both see the same seeds."""
    values = error.transpose("optimizer", "d", "seed", "signal").values
    draws = np.random.default_rng(0).integers(error.sizes["seed"], size=(resamples, error.sizes["seed"]))
    found = [
        [[critical_signal(error.signal.values, row[drawn].mean(axis=0), LEVEL) for row in rows] for rows in values]
        for drawn in draws
    ]
    sgd, sam = np.array(found).transpose(1, 0, 2)
    return np.quantile(sam / sgd, 0.975, axis=0)


def judge(data: xarray.Dataset) -> dict[str, bool]:
    """What the maps show."""
    found = borders(data)
    ratio = largest_ratios(data.test_error)
    slopes = [found[name].slope for name in NAMES]
    ends = found["SGD"].slope_interval[0], found["SAM"].slope_interval[1]
    worst = float(data.train_loss.max())
    return {
        f"training losses are below 0.05: {worst:.3f}": worst < 0.05,
        f"SAM's critical signal lies below SGD's at every d: at most {ratio.max():.2f} of it": bool(
            (ratio < 1.0).all()
        ),
        f"it grows more slowly: d^{slopes[1]:.2f} up to {ends[1]:.2f} against d^{slopes[0]:.2f} from {ends[0]:.2f}": (
            ends[1] < ends[0]
        ),
    }


def draw(data: xarray.Dataset) -> Figure:
    """Both maps with their borders."""
    panels = {name: data.test_error.sel(optimizer=name) for name in NAMES}
    curves = {name: {f"test error {LEVEL}": (found.signal, found.d, "o")} for name, found in borders(data).items()}
    return draw_maps(panels, "signal", "d", labels=(r"signal strength $\|\mu\|$", "dimension $d$"), curves=curves)


if __name__ == "__main__":
    command("chen", __doc__, make, judge, draw)
