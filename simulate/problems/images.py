"""Two classes of real images, split into signal and noise."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulate.house import checks
from simulate.house.extras import installed_by
from simulate.problems.streams import stream

__all__ = ["digits", "signal_and_noise"]


def signal_and_noise(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    classes: tuple[int, int],
    m: int = 10,
    sigma_0: float = 1e-3,
    forget: float = 0.1,
    test: float = 0.3,
    P: int = 2,
    space: str = "frame",
    seed: int = 0,
) -> dict[str, Any]:
    """Read two classes of images as signal plus noise.

    The signal φ is half the difference of the two class means over the training images; the noise of an image is
    what remains after the midpoint of the means and its own signal ±φ are taken away. Held-out images are split
    the same way and give the test error.

    Args:
        images: Images, (N, height, width) or (N, height, width, channels) or (N, pixels), of any real dtype.
        labels: Class of each image, (N,).
        classes: The class called +1 and the class called -1.
        m: Number of filters for each sign.
        sigma_0: Standard deviation of each initial weight.
        forget: Fraction of the training images in the forget set.
        test: Fraction of the images of the two classes that is held out.
        P: Number of patches; the noise is copied to P - 1 of them.
        space: "frame" or "ambient"; see `Instance.from_arrays`.
        seed: Seed of the split, the forget set and the initial weights.

    Returns:
        The arguments of `Instance.from_arrays`; images are scaled to a largest absolute pixel of 1.

    Raises:
        ValueError: if an argument is out of range or a class has fewer than two images.

    Example:
        >>> images = np.random.default_rng(0).random((40, 8, 8))
        >>> found = signal_and_noise(images, np.arange(40) % 2, classes=(1, 0), m=2)
        >>> found["xi"].shape, found["test_xi"].shape
        ((28, 64), (12, 64))
    """
    checks.fraction("forget", forget)
    checks.fraction("test", test, below=1.0)
    checks.integer("m", m, least=1)
    checks.real("sigma_0", sigma_0, positive=True)
    pixels, y = _two_classes(_array("images", images), _array("labels", labels), classes)
    draw = stream(seed, "images")
    order = draw.permutation(len(y))
    n_test = round(test * len(y))
    held_out, train = order[:n_test], order[n_test:]
    means = [_class_mean(pixels[train], y[train], sign, classes) for sign in (1, -1)]
    midpoint, phi = (means[0] + means[1]) / 2, (means[0] - means[1]) / 2
    noise = pixels - midpoint - y[:, None] * phi
    _check_varied(phi, noise)
    in_forget = np.zeros(len(train), dtype=bool)
    in_forget[draw.permutation(len(train))[: round(forget * len(train))]] = True
    return {
        "phi": phi,
        "xi": noise[train],
        "y": y[train],
        "w0": sigma_0 * draw.standard_normal((2, m, len(phi))),
        "forget": in_forget,
        "P": P,
        "test_xi": noise[held_out] if n_test else None,
        "test_y": y[held_out] if n_test else None,
        "space": space,
        "seed": seed,
    }


def _check_varied(phi: np.ndarray, noise: np.ndarray) -> None:
    """Require a signal, and noise in every image; means are exact up to rounding of sums of pixels of at most 1."""
    rounding = len(noise) * np.finfo(float).eps
    if np.abs(phi).max(initial=0.0) <= rounding:
        raise ValueError("Argument `images` must have two classes of different means, but the means are equal.")
    if (np.abs(noise).max(axis=1, initial=0.0) <= rounding).any():
        raise ValueError("Argument `images` must differ within each class, but one is the mean of its class.")


def digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's 1,797 handwritten digits, which come with its installation.

    Returns:
        Images (1797, 8, 8) and their labels (1797,).

    Raises:
        ValueError: if scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ValueError(
            f"The digits come with scikit-learn, which is not installed: {installed_by('images')}."
        ) from None
    data = load_digits()
    return data.images, data.target


def _two_classes(images: np.ndarray, labels: np.ndarray, classes: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Flattened, scaled images of the two classes and their labels ±1."""
    if images.ndim < 2:
        raise ValueError(f"Argument `images` must have at least 2 axes, but has shape {images.shape}.")
    checks.shape("labels", labels, (len(images),))
    pair = checks.listed("classes", "be two different classes", classes)
    if len(pair) != 2 or any(np.ndim(each) for each in pair) or pair[0] == pair[1]:
        checks.fail("classes", "be two different classes", classes)
    chosen = (labels == pair[0]) | (labels == pair[1])
    pixels = checks.real_array("images", images.reshape(len(images), -1)[chosen])
    largest = np.abs(pixels).max(initial=0.0)
    return pixels / (largest or 1.0), np.where(labels[chosen] == pair[0], 1, -1)


def _array(name: str, values: object) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError:  # rows of different lengths
        raise ValueError(f"Argument `{name}` must be an array, but is not.") from None


def _class_mean(pixels: np.ndarray, y: np.ndarray, sign: int, classes: tuple[int, int]) -> np.ndarray:
    if np.count_nonzero(y == sign) < 2:
        name = classes[0] if sign == 1 else classes[1]
        raise ValueError(f"Argument `classes` must name classes with two training images at least, but {name} has not.")
    return pixels[y == sign].mean(axis=0)
