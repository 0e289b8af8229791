"""Huang et al. 2025, "How does label noise gradient descent improve generalization in the low SNR regime?": n over SNR.

    python docs/examples/line/label_noise.py            # 15 x 13 cells, both ways, twice: 780 trainings, five minutes
    python docs/examples/line/label_noise.py --small    # seconds

Published (arXiv 2510.17526, section 5 and figure 3): squared ReLU, two patches, noise projected off the signal, d =
2000, m = 20 filters a sign, label noise drawn anew each step with probability p = 0.1, 1,000 steps of full gradient
descent at 1.0; SNR = |mu|/(sigma_p sqrt(d)) from 0.03 to 0.10, n from 100 to 700. Both maps are pictures. The text
says of them that GD "fails to generalize when SNR = O(n^-1/2)" and that label-noise GD "achieves perfect test
accuracy across a broader range of SNR".

Assumed: |mu| = 2 at every SNR, as in the paper's other synthetic experiments, while sigma_p varies (with sigma_p =
0.5 fixed instead, weak signals grow too slowly for 1,000 steps, and label-noise GD fails with them); initial weights
of standard deviation sigma_0 = 0.01 (at 0.05 both maps keep their shape, but fewer cells are perfect).

Tolerance: GD's error is at least 0.4 in every cell with SNR <= 1/sqrt(n). Where GD is right (error below 0.05)
label-noise GD is, too, and it is so in at least three times as many cells. GD's border at an error of 0.25 falls with
n where it crosses the map: the interval of its exponent, over two seeds, lies below -0.2. (Measured is -0.3; that the
border itself is of the order n^-1/2 the paper does not say.)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray
from matplotlib.figure import Figure
from sheet import command, draw_maps

from simulate import SGD, LabelNoise, Loss, Phase, Problem, critical_values, fit_boundary, sweep

D, SIGNAL, LEVEL = 2000, 2.0, 0.25
NAMES = {"GD": Loss(), "label-noise GD": LabelNoise(flip=0.1)}


def make(small: bool, out: Path) -> xarray.Dataset:
    """The trainings, with SNR in the place of sigma_p."""
    problem = Problem(d=D, m=20, signal=SIGNAL, sigma_0=0.01, forget=0.0, activation="power", power=2)
    fit = Phase("fit", Loss(), SGD(lr=1.0), steps=1000)
    snrs = np.array([0.10, 0.07, 0.04] if small else np.linspace(0.10, 0.03, 15)).round(3)
    sizes = [100, 300] if small else list(range(100, 701, 50))
    axes = {"fit.objective": list(NAMES.values()), "sigma_p": (SIGNAL / snrs / D**0.5).tolist(), "n": sizes}
    data = sweep(
        problem, [fit], axes=axes, seeds=range(1 if small else 2), test_directions=64, out=out, progress=not small
    )
    return data.assign_coords({"sigma_p": snrs, "fit.objective": list(NAMES)}).rename(
        {"sigma_p": "snr", "fit.objective": "descent"}
    )


def judge(data: xarray.Dataset) -> dict[str, bool]:
    """What the text says of the maps."""
    error = data.test_error.mean("seed")
    plain, noisy = error.sel(descent="GD"), error.sel(descent="label-noise GD")
    low = plain.snr <= 1.0 / np.sqrt(plain.n)
    least, right, wide = float(plain.where(low).min()), plain < 0.05, noisy < 0.05
    held = bool((wide | ~right).all())
    many = int(wide.sum()), int(right.sum())
    judged = {
        f"GD fails where SNR <= 1/sqrt(n): its least error there is {least:.2f}": least >= 0.4,
        "label-noise GD is right wherever GD is": held,
        f"label-noise GD is right in three times as many cells: {many[0]} and {many[1]}": many[0] >= 3 * many[1],
    }
    border = fit_border(data)
    if border is not None:
        slope, (low_end, high_end) = border
        text = f"GD's border falls with n, as n^-0.2 at least: {slope:.2f} [{low_end:.2f}, {high_end:.2f}]"
        judged[text] = high_end < -0.2
    return judged


def fit_border(data: xarray.Dataset) -> tuple[float, tuple[float, float]] | None:
    """Exponent of n of GD's border with its interval; None where it crosses the map at fewer than three n."""
    error = data.test_error.sel(descent="GD").sortby("snr")
    found = critical_values(error, LEVEL, along="snr")
    inside = found.n[(found.censored == "no").values]
    if len(inside) < 3:
        return None
    fitted = fit_boundary(error.sel(n=inside).rename(n="d", snr="signal"), LEVEL)
    return fitted.slope, fitted.slope_interval


def draw(data: xarray.Dataset) -> Figure:
    """Both maps, with the line SNR = 1/sqrt(n)."""
    error = data.test_error.sortby("snr")
    line = {r"SNR $= n^{-1/2}$": (1.0 / np.sqrt(data.n.values), data.n.values, "-")}
    panels = {name: error.sel(descent=name) for name in NAMES}
    return draw_maps(panels, "snr", "n", labels=("SNR", "samples $n$"), curves=dict.fromkeys(panels, line))


if __name__ == "__main__":
    command("label_noise", __doc__, make, judge, draw)
