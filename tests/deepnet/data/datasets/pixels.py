"""What an image file holds, as data sets keep it."""

from pathlib import Path

import numpy as np
from PIL import Image


def pixels_of(path: Path) -> np.ndarray:
    """The colours of an image file, (3, height, width) of uint8."""
    return np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)
