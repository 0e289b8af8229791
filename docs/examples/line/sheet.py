"""What the figures of the line share: the command, and maps side by side."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import xarray
from matplotlib.figure import Figure

from simulate.house.drawing.layout import SteadyLayout
from simulate.house.drawing.saving import check_figure, save_figure

Curve = tuple[np.ndarray, np.ndarray, str]
"""Places along x and y of what is drawn over a map, and matplotlib's mark of it: "o" for points, "-" for a line."""


def command(
    name: str,
    text: str,
    make: Callable[[bool, Path], xarray.Dataset],
    judge: Callable[[xarray.Dataset], dict[str, bool]],
    draw: Callable[[xarray.Dataset], Figure],
) -> None:
    """Train, draw, and say what agrees with what is published; leave with status 1 where something does not.

    Args:
        name: Name of the figure and of its folder of trainings.
        text: What the figure is, for `--help`.
        make: The trainings of the small or the full map, kept in a folder; interrupted, they go on where they were.
        judge: Sentences on the map, and whether they hold.
        draw: The figure.
    """
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a coarse map, in seconds")
    parser.add_argument("--out", type=Path, default=Path("results/line"), help="folder of the figure and its trainings")
    asked = parser.parse_args()
    size = "small" if asked.small else "full"
    picture = asked.out / f"{name}_{size}.png"
    check_figure(picture, name="out")
    data = make(asked.small, asked.out / f"{name}_{size}.zarr").load()
    save_figure(draw(data), picture)
    judged = judge(data)
    print("\n".join(f"{'agrees' if holds else 'DIFFERS'}: {sentence}" for sentence, holds in judged.items()))
    print(picture)
    raise SystemExit(0 if all(judged.values()) else 1)


def draw_maps(
    panels: Mapping[str, xarray.DataArray],
    x: str,
    y: str,
    *,
    labels: tuple[str, str],
    curves: Mapping[str, Mapping[str, Curve]] | None = None,
    scale: str = "linear",
) -> Figure:
    """Draw mean test errors as maps side by side.

    Args:
        panels: Test errors with dimensions x, y and "seed", by the title of their map.
        x: Dimension that runs to the right.
        y: Dimension that runs up.
        labels: What is written at the two.
        curves: Lines over each map by its title, each by its name.
        scale: Of both axes, "linear" or "log".
    """
    figure = Figure(figsize=(3.7 * len(panels) + 0.6, 3.6), layout=SteadyLayout(), dpi=150)
    axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    limits = {"vmin": 0.0, "vmax": 0.5, "cmap": "cividis_r"}
    for axis, (title, panel) in zip(axes, panels.items(), strict=True):
        mean = panel.mean("seed").transpose(y, x)
        mesh = axis.pcolormesh(_edges(mean[x].values, scale), _edges(mean[y].values, scale), mean.values, **limits)
        axis.set(title=title, xlabel=labels[0], xscale=scale, yscale=scale)
        if scale == "log":
            axis.set_xticks(mean[x].values, [f"{place:g}" for place in mean[x].values], minor=False)
            axis.set_yticks(mean[y].values, [f"{place:.2g}" for place in mean[y].values], minor=False)
            axis.minorticks_off()
        view = axis.get_xlim(), axis.get_ylim()
        for name, (right, up, mark) in (curves or {}).get(title, {}).items():
            axis.plot(right, up, mark, color="white", mec="black", ms=5, label=name)
        axis.set(xlim=view[0], ylim=view[1])
        if axis.get_legend_handles_labels()[1]:
            axis.legend(loc="best", fontsize=7, facecolor="grey", labelcolor="white", framealpha=0.9)
    axes[0].set_ylabel(labels[1])
    figure.colorbar(mesh, ax=axes, label="test error")
    return figure


def _edges(centres: np.ndarray, scale: str) -> np.ndarray:
    """Borders of cells about ascending places."""
    places = np.log(centres) if scale == "log" else np.asarray(centres, dtype=float)
    middles = 0.5 * (places[1:] + places[:-1])
    ends = np.concatenate([[2 * places[0] - middles[0]], middles, [2 * places[-1] - middles[-1]]])
    return np.exp(ends) if scale == "log" else ends
