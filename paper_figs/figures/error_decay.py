"""How fast the test error of SGD falls above its boundary.

Numbers are those of the claims `sgd-benign-signal`, `sgd-benign-d` and `sgd-benign-n`.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from paper_figs.workshop.caption import Caption
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import OTHERS, label_panels, legend_below, new_figure
from theory.experiments.boundaries import Lines
from theory.experiments.training import sgd
from theory.statistics import Estimate, from_replicates, slopes

__all__ = ["decades", "draw", "main"]

_MARKERS = "osD^vP<"


def draw(results: Results) -> tuple[Figure, Caption]:
    """Decades of the test error over the strength n‖φ‖⁴/(d((P-1)σ_p)⁴), and the strength that one decade costs."""
    lines = results.experiment(sgd.decay)
    depth, strength = decades(lines), lines.place**4
    made = new_figure(2.9)
    panels = made.subplots(1, 2, width_ratios=(1.2, 1.0))
    sizes = np.column_stack([lines.factors["d"], lines.factors["n"]])
    different = np.unique(sizes, axis=0)
    looks = _looks(different)
    for number, (d, n) in enumerate(different):
        cells = np.flatnonzero((sizes == (d, n)).all(axis=1))
        cells = cells[np.unique(strength[cells], return_index=True)[1]]  # the lines over d and n cross
        x = strength[cells]
        mean, reach = _interval(depth[:, cells])
        style = {"ls": "none", "lw": 0.8, "ms": 3.8, "mew": 0.8, **looks[number]}
        aside = x * 1.06 ** (number - (len(different) - 1) / 2)  # bars side by side
        panels[0].errorbar(aside, mean, reach, label=f"d = {d:,.0f}, n = {n:g}", **style)
        panels[1].errorbar(aside, x / mean, x * reach / mean**2, **style)
    _dress(panels, strength, depth)
    legend_below(made, columns=4)
    return made, _caption(lines, depth, strength)


def _looks(sizes: np.ndarray) -> list[dict[str, str]]:
    """A colour for each n, filled or open, and a marker for each d: what coincides differs in the marker alone."""
    dimensions, samples = (list(np.unique(column)) for column in sizes.T)
    looks = []
    for d, n in sizes:
        color = OTHERS[samples.index(n) % len(OTHERS)]
        face = color if samples.index(n) % 2 == 0 else "white"
        looks.append({"color": color, "marker": _MARKERS[dimensions.index(d) % len(_MARKERS)], "mfc": face})
    return looks


def decades(lines: Lines) -> np.ndarray:
    """-log₁₀ of (test error - p)/(1 - 2p), in closed form where no Monte Carlo could see it; (replicates, cells)."""
    tables = [lines.data[factor]["log_clean_error"].values for factor in lines.data]
    return -np.concatenate([table.reshape(-1, table.shape[-1]) for table in tables]).T / np.log(10.0)


def _interval(depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over replicates and the half-width of its 95 % interval, (cells,) each."""
    found = [from_replicates(column) for column in depth.T]
    return np.array([each.value for each in found]), np.array([each.interval()[1] - each.value for each in found])


def _dress(panels: np.ndarray, strength: np.ndarray, depth: np.ndarray) -> None:
    """The predicted line, scales and labels."""
    middle = float(np.exp(np.mean(np.log(depth.mean(axis=0) / strength))))
    ends = np.array([strength.min(), strength.max()])
    panels[0].plot(ends, middle * ends, "--", color="black", lw=0.9, label="exponent 1, predicted", zorder=0)
    power = _slope(depth, strength).value
    fitted = float(np.exp(np.mean(np.log(depth.mean(axis=0)) - power * np.log(strength))))
    label = f"exponent {power:.2f}, measured"
    panels[0].plot(ends, fitted * ends**power, "-", color="0.55", lw=0.9, label=label, zorder=0)
    words = r"strength $n\|\varphi\|^4/(d\,(P-1)^4\sigma_p^4)$"
    panels[0].set(xscale="log", yscale="log", xlabel=words, ylabel="decades of test error")
    panels[1].set(xscale="log", xlabel=words, ylabel="strength per decade of error")
    panels[1].set_ylim(bottom=0.0)
    label_panels(panels, ["how deep the error falls", "what a decade costs"])


def _caption(lines: Lines, depth: np.ndarray, strength: np.ndarray) -> Caption:
    slope = _slope(depth, strength)
    low, high = slope.interval()
    mean = depth.mean(axis=0)
    held = "which holds" if low <= 1.0 <= high else "which leaves out"
    return Caption(
        answers=(
            "Exponentially in a power of the strength n‖φ‖⁴/(d((P−1)σ_p)⁴): in "
            f"{len(depth)} replicates, trained to a loss of 0.05, that power "
            f"is {slope.value:.3f} [{low:.3f}, {high:.3f}] over all cells, {held} the 1 of the theory's upper bound; "
            "the "
            f"error above the label noise falls by {mean.min():,.0f} to {mean.max():,.0f} decades."
        ),
        shows=(
            "(a) SGD above its boundary: decades −log₁₀((test error − p)/(1 − 2p)) by which what the test error has "
            "above "
            "the label noise p has fallen. Dashes: an error that is exponential in the strength, its one constant "
            "fitted; grey "
            "line: the power that was measured. One colour a number of samples, one marker a dimension: markers of one "
            "colour coincide where the dimension does not matter at equal strength. (b) The strength that one decade "
            "costs: flat where the law holds, and it flattens as the strength "
            "grows, since a Gaussian tail carries a power of its argument before the exponential. Sizes are drawn side "
            "by side.\n\n"
            f"Means over {len(depth)} replicates, which vary with their flipped labels; bars are 95 % Student "
            "intervals. Errors this small are integrated in closed form over the length of the test noise."
        ),
        symbols={
            "n": "number of training samples", "d": "dimension of a patch", "‖φ‖": "signal strength",
            "(P−1)σ_p": "scale of the noise", "p": "probability of a flipped label (0.1)",
        },
    )  # fmt: skip


def _slope(depth: np.ndarray, strength: np.ndarray) -> Estimate:
    """Exponent of the strength in the decades, fitted in every replicate."""
    return from_replicates(slopes(np.log(strength), np.log(depth)))


main = figure(draw, number=3, asks="How fast does the test error fall above SGD's boundary?")
