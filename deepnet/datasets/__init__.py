"""Labelled images to train and test on: which there are, and how they are read."""

from deepnet.datasets.config import DataConfig
from deepnet.datasets.dataset import Dataset, Source
from deepnet.datasets.loading import load

__all__ = ["DataConfig", "Dataset", "Source", "load"]
