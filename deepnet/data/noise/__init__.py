"""Noise on training images: what it is, how strong, and the images that have it."""

from deepnet.data.noise.adding import add_noise
from deepnet.data.noise.config import Noise

__all__ = ["Noise", "add_noise"]
