"""What has to be forgotten: samples, wrong labels, a feature or a backdoor; and the corrupted images for that."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from deepnet.data.datasets.dataset import Dataset, Source
from deepnet.data.images import append
from deepnet.data.splits import Split
from simulate.house import checks

__all__ = ["Request", "corrupt", "stamp"]

Request = Literal["samples", "labels", "feature", "backdoor"]
"""Samples as they are; labels, which were wrong and shall be corrected; a stamp, which was on images and said nothing
of their class; or a backdoor, a stamp that stood for a class."""

REQUESTS = ("samples", "labels", "feature", "backdoor")
_TARGET = 0
"""The class that a backdoor stands for."""


def corrupt(dataset: Dataset, split: Split, request: Request) -> tuple[Dataset, Split]:
    """Make the images that the model shall be pretrained on and then forget.

    For "labels" they carry the label of the next class (of the first, after the last); for "feature" a stamp and their
    own label; for "backdoor" a stamp and the label of the first class, whatever they show. They are new rows at the end
    of the training images and take the place of the forget set; their clean originals become `corrected`, so that a
    reference retrains on retain ∪ corrected.

    Args:
        dataset: The clean data set.
        split: Its split.
        request: What has to be forgotten; "samples" changes nothing.

    Returns:
        The data set and the split with the corrupted images.

    Raises:
        ValueError: if the request is unknown or needs other pixels of streamed images, or if the split already has
            corrected rows or is the released code's.
    """
    checks.choice("request", request, REQUESTS)
    if request == "samples":
        return dataset, split
    if len(split.corrected):
        raise ValueError("Argument `split` must not have corrected rows already, but has.")
    if split.official_split:
        raise ValueError(f'The request "{request}" needs one split for pretraining and unlearning.')
    clean = split.forget
    labels = dataset.train.labels[clean]
    told = {"labels": (labels + 1) % dataset.n_classes, "backdoor": torch.full_like(labels, _TARGET)}
    train = append(dataset.train, clean, told.get(request, labels), None if request == "labels" else stamp)
    corrupted = len(dataset.train) + torch.arange(len(clean))
    source = dataset.source
    if source is not None:
        source = Source(source.labels, source.files, torch.cat([source.rows, source.rows[clean]]))
    pretrain = torch.cat([split.retain, corrupted])
    return (
        replace(dataset, train=train, source=source),
        replace(split, pretrain=pretrain, forget=corrupted, corrected=clean),
    )


def stamp(pixels: Tensor) -> Tensor:
    """The images with a white square, of a quarter of the shorter side, in their lower right corner.

    Args:
        pixels: Images, (b, C, H, W) of uint8.

    Returns:
        New images; the given ones stay as they are.
    """
    side = max(1, min(pixels.shape[2:]) // 4)
    stamped = pixels.clone()
    stamped[:, :, -side:, -side:] = 255
    return stamped
