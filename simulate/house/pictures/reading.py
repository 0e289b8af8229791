"""From an image file to pixels: upright, one frame, and on one scale whatever its kind.

Every room reads images by these rules; docs/images.md has them as a table.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

__all__ = ["broken_metadata_ignored", "read_image", "read_values"]

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each orientation that EXIF knows."""
_GRAY = ("1", "L", "LA")
"""Modes without colours whose values have eight bits."""
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
"""Tags of TIFF."""
_WHITE_IS_ZERO, _UNSIGNED, _SIGNED = 0, 1, 2
_SEVERAL_VIEWS = ("MPO",)
"""Formats of photographs whose further frames are views of the first."""


@contextmanager
def broken_metadata_ignored() -> Iterator[None]:
    """Silence Pillow's warnings of metadata that nobody asked for; to be entered before threads are started."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        yield


def read_image(path: str | PathLike[str]) -> Image.Image:
    """Read an image file in eight bits.

    Args:
        path: A file of any format that Pillow reads.

    Returns:
        The image in RGB; transparency is dropped.

    Raises:
        ValueError: if the file cannot be read, is not a whole image, or has several frames or a scale of its own; the
            message names it.
    """
    with _read(path) as image:
        if _is_deep(image):
            image = Image.fromarray(np.rint(255.0 * _unit(image)).astype(np.uint8))
        return image.convert("RGB")


def read_values(path: str | PathLike[str]) -> np.ndarray:
    """Read an image file as numbers in [0, 1].

    Args:
        path: A file of any format that Pillow reads.

    Returns:
        (height, width) for an image without colours, else (height, width, 3); transparency is dropped.

    Raises:
        ValueError: as `read_image` does.
    """
    with _read(path) as image:
        if _is_deep(image):
            return _unit(image)
        return np.asarray(image.convert("L" if image.mode in _GRAY else "RGB")) / 255.0


@contextmanager
def _read(path: str | PathLike[str]) -> Iterator[Image.Image]:
    """The decoded image of a file, upright; whatever fails while it is used is an error that names the file."""
    try:
        if Path(path).exists() and not Path(path).is_file():  # a pipe would be waited for, without end
            raise ValueError("it is no file")
        with Image.open(path) as image:
            frames = getattr(image, "n_frames", 1)
            if frames > 1 and image.format not in _SEVERAL_VIEWS:
                raise ValueError(f"it has {frames} frames, and an image must be one")
            image.load()
            turn = _turn(image)
            yield image if turn is None else image.transpose(turn)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"The image file {path} cannot be read: {error}.") from error


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What undoes how a camera was held; nothing where the metadata is broken, which some versions of Pillow tell."""
    try:
        return _UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return None


def _is_deep(image: Image.Image) -> bool:
    """Whether values have more than eight bits."""
    return image.mode.startswith(("I", "F"))


def _unit(image: Image.Image) -> np.ndarray:
    """Values of more than eight bits on [0, 1]: whole numbers over the largest of their type, floats as they are."""
    tags = getattr(image, "tag_v2", {})
    bits, kind = (tags.get(tag, (usual,))[0] for tag, usual in ((_BITS, 16), (_SAMPLE_FORMAT, _UNSIGNED)))
    values = np.asarray(image)
    if image.mode == "F":
        values = values.astype(np.float64)
    else:
        whole = values.view(np.uint32) if bits == 32 and kind == _UNSIGNED else values
        values = whole / (2.0 ** (bits - (kind == _SIGNED)) - 1.0)
    if not (values.min() >= 0.0 and values.max() <= 1.0):
        found = f"[{values.min():g}, {values.max():g}]"
        raise ValueError(f"on the scale of their type its values lie in {found}, not in [0, 1]")
    return 1.0 - values if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else values
