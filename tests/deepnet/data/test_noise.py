"""Noise: each kind against loops over pixels and cases by hand; the same image has the same noise wherever it is."""

import math
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from deepnet.data.noise import Noise, add_noise, adding
from deepnet.data.noise.kinds import GAUSS, gauss, glass, snow
from deepnet.house.seeding import generator
from tests.places import ROOT

KINDS = ("gauss", "glass", "snow")
GLASS = {1: (0.05, 1, 1), 2: (0.25, 1, 1), 3: (0.4, 1, 1), 4: (0.25, 1, 2), 5: (0.4, 1, 2)}
SNOW = {
    1: (0.1, 0.2, 1, 0.6, 8, 3, 0.95), 2: (0.1, 0.2, 1, 0.5, 10, 4, 0.9), 3: (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
    4: (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85), 5: (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
}  # fmt: skip
every_severity = pytest.mark.parametrize("severity", range(1, 6))
every_kind = pytest.mark.parametrize("kind", KINDS)


def pictures(n: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(2).random((n, *shape))


def generators(n: int) -> list[np.random.Generator]:
    return [np.random.default_rng(10 + k) for k in range(n)]


class Told:
    """A generator that gives what it is told."""

    def __init__(self, **given: object) -> None:
        self.given = given

    def integers(self, low: int, high: int, size: tuple[int, ...]) -> np.ndarray:
        return np.reshape(self.given["integers"], size)

    def normal(self, mean: float, deviation: float, size: tuple[int, ...]) -> np.ndarray:
        return np.array(self.given["normal"])

    def uniform(self, low: float, high: float) -> float:
        assert (low, high) == (-135, -45)
        return float(self.given["uniform"])


# --- Gaussian noise ------------------------------------------------------------------------------------


def looks_like(noise: np.ndarray, deviation: float) -> bool:
    """Whether mean and variance are within four standard errors of those of N(0, deviation²)."""
    n = noise.size
    off = abs(noise.mean()) * math.sqrt(n) / deviation, abs(noise.var() / deviation**2 - 1) * math.sqrt(n / 2)
    return max(off) < 4


@every_severity
def test_gaussian_noise_has_its_mean_and_variance(severity: int) -> None:
    """65,000 numbers tell the severities apart."""
    clean = pictures(21, 3, 32, 32)
    noise = gauss(clean, generators(21), severity) - clean
    assert [looks_like(noise, deviation) for deviation in GAUSS] == [number == severity for number in range(1, 6)]
    assert GAUSS == (0.04, 0.06, 0.08, 0.09, 0.10)
    assert abs(np.corrcoef(noise[:, 0].ravel(), noise[:, 1].ravel())[0, 1]) < 4 / math.sqrt(noise.size / 3)


# --- glass blur ----------------------------------------------------------------------------------------


def blurred(image: np.ndarray, width: float) -> np.ndarray:
    """A Gaussian blur of an image (H, W, C) to four of its widths, one axis after the other; borders go on."""
    reach = int(4 * width + 0.5)
    weights = [math.exp(-(k**2) / (2 * width**2)) for k in range(-reach, reach + 1)]
    for axis in (0, 1):
        source, image = image, np.zeros_like(image)
        for row, column in np.ndindex(*image.shape[:2]):
            for k, weight in zip(range(-reach, reach + 1), weights, strict=True):
                place = [row, column]
                place[axis] = min(max(place[axis] + k, 0), image.shape[axis] - 1)
                image[row, column] += weight / sum(weights) * source[place[0], place[1]]
    return image


def glass_by_loops(image: np.ndarray, source: np.random.Generator, severity: int) -> np.ndarray:
    """Glass blur of one image (C, H, W), pixel by pixel."""
    width, reach, passes = GLASS[severity]
    height, breadth = image.shape[1:]
    moves = source.integers(-reach, reach, (passes, height - 2 * reach, breadth - 2 * reach, 2))
    pixels = blurred(image.transpose(1, 2, 0), width)
    for number in range(passes):
        for i, row in enumerate(range(height - reach, reach, -1)):
            for j, column in enumerate(range(breadth - reach, reach, -1)):
                down, right = moves[number, i, j]
                mine, other = list(pixels[row, column]), list(pixels[row + down, column + right])
                pixels[row, column], pixels[row + down, column + right] = other, mine
    return blurred(pixels, width).transpose(2, 0, 1)


@every_severity
@pytest.mark.parametrize("shape", [(3, 9, 7), (1, 8, 8)])
def test_glass_blur_is_that_of_loops(severity: int, shape: tuple[int, ...]) -> None:
    images = pictures(2, *shape)
    expected = [glass_by_loops(*pair, severity) for pair in zip(images, generators(2), strict=True)]
    assert np.allclose(glass(images, generators(2), severity), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("move", "expected"),
    [((0, 0), [1, 2, 3, 4, 5, 6, 7, 8, 9]), ((-1, 0), [1, 2, 3, 4, 5, 9, 7, 8, 6]),
     ((0, -1), [1, 2, 3, 4, 5, 6, 7, 9, 8]), ((-1, -1), [1, 2, 3, 4, 9, 6, 7, 8, 5])],
)  # fmt: skip
def test_the_last_of_nine_pixels_changes_places(move: tuple[int, int], expected: list[int]) -> None:
    """By hand, with colours, and without a blur, which is too narrow at severity 1."""
    image = np.arange(1, 10).reshape(1, 1, 3, 3) / 9 * np.array([1.0, 0.5, 0.1]).reshape(1, 3, 1, 1)
    found = glass(image, [Told(integers=move)], 1)
    assert np.allclose(found[0, 0].ravel() * 9, expected)
    assert np.allclose(found[0, 1], 0.5 * found[0, 0])


def test_glass_blur_without_a_blur_loses_no_pixel() -> None:
    """A copy in the place of a swap would."""
    images = pictures(3, 3, 32, 32)
    found = glass(images, generators(3), 1)
    for before, after in zip(images, found, strict=True):
        assert np.array_equal(np.sort(before[0].ravel()), np.sort(after[0].ravel()))
        assert np.mean(before != after) > 0.5
    assert np.array_equal(found[:, :, 0], images[:, :, 0])  # the first row and column stay
    assert np.array_equal(found[..., 0], images[..., 0])


# --- snow ----------------------------------------------------------------------------------------------


def between(line: np.ndarray, place: float) -> np.ndarray:
    """An entry of a line at a place between two."""
    left = min(int(place), len(line) - 2) if len(line) > 1 else 0
    return line[left] if place == left else line[left] + (place - left) * (line[left + 1] - line[left])


def snow_by_loops(image: np.ndarray, source: np.random.Generator, severity: int) -> np.ndarray:
    """Snow on one image (C, H, W), pixel by pixel."""
    mean, deviation, factor, threshold, radius, fading, kept = SNOW[severity]
    sides = height, width = image.shape[1:]
    layer = source.normal(mean, deviation, sides)
    angle = math.radians(source.uniform(-135, -45))
    for _ in range(2):  # enlarge rows, turn, enlarge columns, turn back
        side = len(layer)
        part = math.ceil(side / factor)
        cut = layer[(side - part) // 2 :][:part]
        size = round(part * factor)
        large = np.array([between(cut, i * (part - 1) / (size - 1)) for i in range(size)])
        layer = large[(size - side) // 2 :][:side].T
    flakes = [[0.0 if value < threshold else min(value, 1.0) for value in row] for row in layer]
    weights = [math.exp(-(i**2) / (2 * fading**2)) for i in range(2 * radius + 1)]
    streaks = np.zeros(sides)
    for row, column in np.ndindex(*sides):
        for i, weight in enumerate(weights):
            y = row + math.ceil(i * math.sin(angle) - 0.5)
            x = column + math.ceil(i * math.cos(angle) - 0.5)
            streaks[row, column] += (
                weight / sum(weights) * flakes[min(max(y, 0), height - 1)][min(max(x, 0), width - 1)]
            )
    found = np.zeros_like(image)
    for row, column in np.ndindex(*sides):
        colour = image[:, row, column]
        gray = colour[0] if len(colour) == 1 else 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
        white = streaks[row, column] + streaks[height - 1 - row, width - 1 - column]
        found[:, row, column] = kept * colour + (1 - kept) * np.maximum(colour, 1.5 * gray + 0.5) + white
    return found


@every_severity
@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 17, 20)])
def test_snow_is_that_of_loops(severity: int, shape: tuple[int, ...]) -> None:
    images = pictures(2, *shape)
    expected = [snow_by_loops(*pair, severity) for pair in zip(images, generators(2), strict=True)]
    assert np.allclose(snow(images, generators(2), severity), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("drawn", "flake"), [(0.7, 0.7), (1.4, 1.0), (0.5, 0.5), (0.499, 0.0)])
def test_a_flake_becomes_a_streak_down_and_its_mirror_image_one_up(drawn: float, flake: float) -> None:
    """By hand, at severity 2: half a Gaussian of width 4 over 20 pixels; gray 0.2 becomes 0.9 · 0.2 + 0.1 · 0.8."""
    layer = np.zeros((1, 31, 31))
    layer[0, 3, 5] = drawn
    found = snow(np.full((1, 1, 31, 31), 0.2), [Told(normal=layer[0], uniform=-90.0)], 2)[0, 0] - 0.26
    weights = np.exp(-(np.arange(21) ** 2) / 32)
    expected = np.zeros((31, 31))
    expected[3:24, 5] = flake * weights / weights.sum()
    assert np.allclose(found, expected + np.rot90(expected, 2), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("pixel", "expected"), [((0, 0, 0), (0.05,) * 3), ((1, 1, 1), (1.1,) * 3), ((1, 0, 0), (1.0, 0.09485, 0.09485))]
)
def test_without_flakes_snow_brightens(pixel: tuple[int, ...], expected: tuple[float, ...]) -> None:
    """By hand: 0.9 x + 0.1 max(x, 1.5 gray + 0.5); red has a gray of 0.299."""
    image = np.broadcast_to(np.reshape(pixel, (1, 3, 1, 1)), (1, 3, 12, 12)).astype(float)
    found = snow(image, [Told(normal=np.full((12, 12), 0.49), uniform=-60.0)], 2)
    assert np.allclose(found[0, :, 4, 7], expected)


def test_images_smaller_than_a_streak_are_refused() -> None:
    told = r'Argument `noise.kind` must be another than "snow" for images of 8 x 9 pixels, .* streaks of 10 pixels'
    with pytest.raises(ValueError, match=told):
        snow(pictures(1, 1, 9, 8), generators(1), 3)


# --- images with noise ---------------------------------------------------------------------------------


def photographs(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bytes, labels and places."""
    rng = np.random.default_rng(7)
    return rng.integers(0, 256, (n, 3, 16, 16), dtype=np.uint8), rng.integers(0, 3, n), rng.permutation(100 * n)[:n]


@every_kind
def test_bytes_are_rounded_and_cut(kind: str) -> None:
    pixels, labels, places = photographs(4)
    found = add_noise(pixels, labels, places, Noise(kind=kind, severity=5, seed=3))
    rngs = [generator(3, "noise", kind, int(place)) for place in places]
    real = {"gauss": gauss, "glass": glass, "snow": snow}[kind](pixels / 255, rngs, 5)
    assert (real > 1).any() or kind == "glass"
    assert found.dtype == np.uint8
    assert np.abs(found / 255 - np.clip(real, 0, 1)).max() <= 0.5 / 255 + 1e-12
    assert np.mean(found != pixels) > 0.5


@every_kind
def test_the_same_image_has_the_same_noise_in_any_company(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, labels, places = photographs(7)
    noise = Noise(kind=kind, severity=5)
    usual = add_noise(pixels, labels, places, noise)
    order = np.array([4, 0, 6, 2])
    assert np.array_equal(add_noise(pixels[order], labels[order], places[order], noise), usual[order])
    monkeypatch.setattr(adding, "CHUNK", 3)
    assert np.array_equal(add_noise(pixels, labels, places, noise), usual)
    for other in (Noise(kind=kind, severity=5, seed=1), Noise(kind=kind, severity=4)):
        assert not np.array_equal(add_noise(pixels, labels, places, other), usual)
    assert not np.array_equal(add_noise(pixels, labels, places + 1, noise), usual)
    assert np.array_equal(pixels, photographs(7)[0])  # what came in stays


DIGEST = """
import hashlib
import numpy as np
from deepnet.data.noise import Noise, add_noise
pixels = np.arange(3 * 3 * 16 * 16, dtype=np.uint8).reshape(3, 3, 16, 16)
noises = [Noise(kind=kind, fraction=0.7) for kind in ("gauss", "glass", "snow")]
found = [add_noise(pixels, np.zeros(3), np.arange(3), noise).tobytes() for noise in noises]
print(hashlib.sha256(b"".join(found)).hexdigest())
"""


def test_another_process_makes_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    exec(DIGEST, {})
    environment = os.environ | {"PYTHONHASHSEED": "5"}
    said = subprocess.run([sys.executable, "-c", DIGEST], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert said.stdout == capsys.readouterr().out != ""


def test_a_fraction_of_each_class_has_noise() -> None:
    """As many as asked for, a smaller fraction among those of a larger one, with the noise that they have anyway."""
    n = 90
    pixels, places = np.full((n, 1, 4, 4), 128, np.uint8), np.arange(n)
    labels = np.repeat([0, 1, 2], [10, 30, 50])[np.random.default_rng(0).permutation(n)]
    every = add_noise(pixels, labels, places, Noise(kind="gauss"))
    sets = []
    for fraction in (0.1, 0.3, 0.7, 1.0):
        found = add_noise(pixels, labels, places, Noise(kind="gauss", fraction=fraction))
        noisy = (found != pixels).any((1, 2, 3))
        assert np.array_equal(found[noisy], every[noisy])
        assert np.bincount(labels[noisy]).tolist() == [round(fraction * size) for size in (10, 30, 50)]
        sets.append(set(np.flatnonzero(noisy)))
    assert all(less < more for less, more in pairwise(sets))
    other = add_noise(pixels, labels, places, Noise(kind="gauss", fraction=0.3, seed=1))
    assert set(np.flatnonzero((other != pixels).any((1, 2, 3)))) != sets[1]


def test_without_noise_images_are_copied() -> None:
    pixels, labels, places = photographs(2)
    found = add_noise(pixels, labels, places, Noise())
    assert np.array_equal(found, pixels)
    assert found is not pixels


@pytest.mark.parametrize(
    ("name", "fields"),
    [("kind", {"kind": "fog"}), ("severity", {"kind": "snow", "severity": 6}),
     ("severity", {"kind": "snow", "severity": 0}), ("severity", {"kind": "snow", "severity": 2.5}),
     ("seed", {"kind": "snow", "seed": -1}),
     ("fraction", {"kind": "snow", "fraction": 0.0}), ("fraction", {"kind": "snow", "fraction": 1.5}),
     ("severity", {"severity": 4}), ("seed", {"seed": 1}), ("fraction", {"fraction": 0.5})],
)  # fmt: skip
def test_bad_noise_is_named(name: str, fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        Noise(**fields)
