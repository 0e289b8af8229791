"""Labelled images to train and test on: which there are, and how they are read."""

from deepnet.data.datasets.config import DataConfig
from deepnet.data.datasets.dataset import Dataset, Source
from deepnet.data.datasets.loading import load

__all__ = ["DataConfig", "Dataset", "Source", "load"]
