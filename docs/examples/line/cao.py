"""Cao et al. 2022, "Benign overfitting in two-layer convolutional neural networks": the border of ReLU^q.

    python docs/examples/line/cao.py            # q = 3 and 4, 5 x 11 cells, 24 repeats: 2,640 trainings, two minutes
    python docs/examples/line/cao.py --small    # q = 3, coarse: seconds

Published (arXiv 2202.06526, theorems 4.3 and 4.4; no experiment and no code): gradient descent on the logistic loss
of a network with ReLU^q, q > 2, and small initial weights overfits benignly where n SNR^q is large and harmfully
where 1/(n SNR^q) is, up to factors of logarithms. So the critical SNR = |mu|/(sigma_p sqrt(d)) falls as n^(-1/q).

Assumed, since a theorem has no sizes: d = 10^6 with sigma_p = 10^-3, so that SNR = |mu|; m = 10; no wrong labels;
noise off the signal; n from 10 to 160; sigma_0 = 0.03 (q = 3) and 0.1 (q = 4); steps of 10 until the training loss is
0.1.

Tolerance: the interval of the exponent of n holds -1/q, or the exponent is within 0.08 of it; it is below -0.1. Of
cells with n SNR^q above 5 (below 0.1) the mean test error is below 0.25 (above it).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray
from matplotlib.figure import Figure
from sheet import command, draw_maps

from simulate import SGD, Loss, Phase, Problem, fit_boundary, sweep
from simulate.boundaries.boundary import Boundary

LEVEL = 0.25
SIGMA_0 = {3: 0.03, 4: 0.1}


def make(small: bool, out: Path) -> xarray.Dataset:
    """The trainings, with the power as a dimension."""
    powers = {3: SIGMA_0[3]} if small else SIGMA_0
    problem = Problem(d=10**6, m=10, sigma_p=1e-3, forget=0.0, activation="power", power=3)
    fit = Phase("fit", Loss(), SGD(lr=10.0), steps=10_000, stop_loss=0.1)
    axes = {
        ("power", "sigma_0"): list(powers.items()),
        "n": [10, 40] if small else [10, 20, 40, 80, 160],
        "signal": np.geomspace(0.15, 1.3, 6 if small else 11).round(3).tolist(),
    }
    seeds = range(5 if small else 24)
    return sweep(problem, [fit], axes=axes, seeds=seeds, test_directions=64, out=out, progress=not small)


def borders(data: xarray.Dataset) -> dict[int, Boundary]:
    """The critical signal of each power, over n."""
    errors = data.test_error.rename(n="d")
    return {int(row.power): fit_boundary(row, LEVEL) for row in errors.transpose("power_sigma_0", ...)}


def judge(data: xarray.Dataset) -> dict[str, bool]:
    """What the theorems say."""
    judged = {f"training losses reach 0.1: {float(data.train_loss.max()):.2f}": bool((data.train_loss <= 0.1).all())}
    for number, (power, found) in enumerate(borders(data).items()):
        low, high = found.slope_interval
        near = (low <= -1.0 / power <= high or abs(found.slope + 1.0 / power) <= 0.08) and high < -0.1
        judged[f"q = {power}: the critical SNR falls as n^-1/{power}: {found.slope:.3f} [{low:.3f}, {high:.3f}]"] = near
        error = data.test_error.isel(power_sigma_0=number).mean("seed")
        strength = data.n * data.signal**power
        benign, harmful = float(error.where(strength > 5).max()), float(error.where(strength < 0.1).min())
        judged[f"q = {power}: test errors below {benign:.3f} where n SNR^q > 5"] = benign < LEVEL
        judged[f"q = {power}: test errors above {harmful:.3f} where n SNR^q < 0.1"] = harmful > LEVEL
    return judged


def draw(data: xarray.Dataset) -> Figure:
    """A map of each power, with its border and a line of the predicted slope through the middle of it."""
    panels, curves = {}, {}
    for number, (power, found) in enumerate(borders(data).items()):
        title = f"$q = {power}$"
        panels[title] = data.test_error.isel(power_sigma_0=number)
        line = np.exp(np.log(found.signal).mean() - np.log(found.d / found.d.prod() ** (1 / len(found.d))) / power)
        curves[title] = {
            f"test error {LEVEL}": (found.d, found.signal, "o"), rf"$n^{{-1/{power}}}$": (found.d, line, "-")
        }  # fmt: skip
    return draw_maps(panels, "n", "signal", labels=("samples $n$", "SNR"), curves=curves, scale="log")


if __name__ == "__main__":
    command("cao", __doc__, make, judge, draw)
