"""Kou et al. 2023, "Benign overfitting in two-layer ReLU convolutional neural networks": test errors over signal and d.

    python docs/examples/line/kou.py            # 99 x 100 cells, ten repeats: 99,000 trainings, one minute
    python docs/examples/line/kou.py --small    # seconds

Published, in the authors' repository uclaml/Benign_ReLU_CNN (commit 20ca259): the script `syntheticrelu.py`, with n =
20, m = 10 filters a class, two patches, sigma_p = 1, noise that is not projected, labels flipped with probability 0.1
in training and test, PyTorch's initial weights (uniform within 1/sqrt(d)) and bias, 100 steps of full gradient
descent at 0.1, 1,000 test samples, ten repeats; and `data_test100.csv`, the map of 100 signals (0 to 9.9) and 100
dimensions (100 to 1090) that its heat maps draw, one of them truncated at 0.2. Four of its rows are in
kou_published.csv.

Found by rerunning (tests/oracles/published_runs.py): the script averages the outputs of the patches. Then its test
errors lie up to 0.05 below that file, and its training losses are five times those of `data_train100.csv`. With the
outputs added, as in the paper's formula, both agree; so this map adds them.

Assumed: no bias, which the network of the theory does not have, and Gaussian weights of the same variance. The
script's network is the sum over filters, ours the mean: w is ten times theirs, so is its initial value, and a step is
10^2 times theirs. There is no signal of 0 here; its column is one half.

Tolerance: means of seven neighbouring signals within 0.04 of the published ones, where the bias makes most of it and
the file's own standard error is some 0.006; means over a whole row within 0.015; 95 % of cells on the same side of
0.2.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray
from matplotlib.figure import Figure
from sheet import command, draw_maps

from simulate import SGD, Loss, Phase, Problem, sweep
from simulate.boundaries.boundary import critical_signal

PUBLISHED = Path(__file__).with_name("kou_published.csv")
LEVEL = 0.2


def make(small: bool, out: Path) -> xarray.Dataset:
    """The trainings; the small map has the four published dimensions and a fifth of the signals."""
    problem = Problem(n=20, m=10, sigma_p=1.0, label_flip=0.1, forget=0.0, noise="isotropic")
    fit = Phase("fit", Loss(), SGD(lr=0.1 * 10**2), steps=100)
    dimensions = [100, 300, 600, 1090] if small else list(range(100, 1100, 10))
    signals = [round(0.1 * number, 1) for number in range(1, 100, 5 if small else 1)]
    return sweep(
        problem, [fit], axes={"d": dimensions, "signal": signals}, seeds=range(10),
        coupled={"sigma_0": "10/sqrt(3*d)"}, test_directions=32 if small else 64, out=out, progress=not small,
    )  # fmt: skip


def published() -> xarray.DataArray:
    """Four rows of the published file."""
    head, *rows = (line.split(",") for line in PUBLISHED.read_text(encoding="utf-8").splitlines())
    table = np.array([[float(word) for word in row] for row in rows])
    return xarray.DataArray(table[:, 1:], coords={"d": table[:, 0].astype(int), "signal": np.array(head[1:], float)})


def judge(data: xarray.Dataset) -> dict[str, bool]:
    """What the map has in common with the file."""
    theirs = published().sel(signal=data.signal)
    ours = data.test_error.mean("seed").sel(d=theirs.d)
    apart = (ours - theirs).transpose("d", "signal")
    block = max(1, apart.sizes["signal"] // 14)
    largest = float(abs(apart.coarsen(signal=block, boundary="trim").mean()).max())
    rows = float(abs(apart.mean("signal")).max())
    same = float(((ours > LEVEL) == (theirs > LEVEL)).mean())
    limit, row_limit = (0.09, 0.03) if block == 1 else (0.04, 0.015)
    return {
        f"means of {block} signals in a row lie within {limit} of the published ones: {largest:.3f}": largest <= limit,
        f"means of rows lie within {row_limit} of the published ones: {rows:.3f}": rows <= row_limit,
        f"95 % of cells lie on the same side of {LEVEL}: {same:.3f}": same >= 0.95,
        f"training losses are below 0.1: {float(data.train_loss.max()):.4f}": bool((data.train_loss < 0.1).all()),
    }


def draw(data: xarray.Dataset) -> Figure:
    """The map, and the map truncated at 0.2, with the published border."""
    theirs, error = published(), data.test_error
    border = np.array([critical_signal(row.signal.values[1:], row.values[1:], LEVEL) for row in theirs])
    cut = xarray.where(error.mean("seed", keepdims=True) > LEVEL, 0.5, 0.0)
    panels = {"test error": error, f"above {LEVEL} or below": cut}
    curves = {title: {f"published border of {LEVEL}": (border, theirs.d.values, "o")} for title in panels}
    return draw_maps(panels, "signal", "d", labels=(r"signal strength $\|\mu\|$", "dimension $d$"), curves=curves)


if __name__ == "__main__":
    command("kou", __doc__, make, judge, draw)
