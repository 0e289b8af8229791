"""Colours are unique, and far enough apart for eyes that lack a cone."""

from itertools import combinations

import numpy as np
import pytest

from simulate.house.drawing import palette

# Machado, Oliveira and Fernandes 2009, severity 1: what is left of linear RGB without one kind of cone.
VISIONS = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
# Ottosson 2020: linear RGB to cones to OKLab, in which equal distances look about equal.
CONES = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
OKLAB = np.array(
    [[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.808675766]]
)  # fmt: skip


def oklab(color: str, vision: str) -> np.ndarray:
    rgb = np.array([int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return OKLAB @ np.cbrt(CONES @ np.clip(np.array(VISIONS[vision]) @ linear, 0.0, 1.0))


def closest(colors: dict[str, str], vision: str) -> tuple[float, str, str]:
    return min(
        (float(np.linalg.norm(oklab(colors[one], vision) - oklab(colors[other], vision))), one, other)
        for one, other in combinations(colors, 2)
        if {one, other} != {"SharpMinMax", "sharp-minmax"}
    )


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize(
    ("colors", "least"), [(palette.OPTIMIZERS, 0.07), (palette.VERDICTS, 0.07), (palette.COLORS, 0.055)]
)
def test_colours_are_told_apart(colors: dict[str, str], least: float, vision: str) -> None:
    distance, one, other = closest(colors, vision)
    assert distance >= least, f"{one} and {other}"


def test_red_and_green_would_not_be() -> None:
    assert closest({"red": "#C04040", "green": "#5A6A2A"}, "all cones")[0] > 0.15
    assert closest({"red": "#C04040", "green": "#5A6A2A"}, "protanopia")[0] < 0.07


def test_every_name_has_a_colour_and_a_marker_of_its_own() -> None:
    names = set(palette.COLORS) - {"sharp-minmax"}
    assert set(palette.MARKERS) == set(palette.COLORS)
    assert palette.COLORS["sharp-minmax"] == palette.COLORS["SharpMinMax"]
    assert palette.MARKERS["sharp-minmax"] == palette.MARKERS["SharpMinMax"]
    for looks in (palette.COLORS, palette.MARKERS):
        assert len({looks[name] for name in names}) == len(names)
    assert set(palette.LINES) == set(palette.OPTIMIZERS)
    assert len(set(palette.LINES.values())) == len(palette.LINES)
    assert set(palette.VERDICT_MARKERS) == set(palette.VERDICTS)
    assert len(set(palette.VERDICT_MARKERS.values())) == len(palette.VERDICTS)
    assert len(set(palette.SERIES)) == len(palette.SERIES)


def test_methods_are_those_of_deepnet() -> None:
    from deepnet.report.naming import METHODS

    assert set(palette.METHODS) == set(METHODS)


def test_simulator_draws_with_the_same_colours() -> None:
    from simulate.boundaries.plots import COLORS

    assert COLORS is palette.OPTIMIZERS
