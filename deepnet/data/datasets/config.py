"""Which images a study uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deepnet.data.augment import Augment
from deepnet.data.noise import Noise
from deepnet.house.fields import of_type
from deepnet.house.identity import came_later
from simulate.house import checks

__all__ = ["DataConfig"]

NAMES = ("digits", "cifar10", "cifar100", "tiny-imagenet", "imagenet", "folder", "torchvision")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which images, where they are, and how many of them.

    Example:
        >>> DataConfig(name="cifar10", root="data", subset=5000).subset
        5000
    """

    name: Literal["digits", "cifar10", "cifar100", "tiny-imagenet", "imagenet", "folder", "torchvision"] = "digits"
    """The data set; "folder" is any folder of images with a sub-folder for each class, "torchvision" what `dataset`
    names."""
    root: str | None = None
    """Folder that holds the images. scikit-learn's digits need none."""
    image_size: int | None = None
    """Side in pixels of the squares that the images of a folder are brought to; None takes them as they are, and
    for ImageNet 224."""
    download: bool = False
    """Let torchvision download CIFAR, or its own data set, into `root` if it is not there."""
    test_fraction: float | None = None
    """Fraction of each class of a folder without test images that is set aside for testing; the same in every run."""
    subset: int | None = None
    """Training images to keep, equally many of each class as far as possible; None keeps all."""
    test_subset: int | None = None
    """The same for test images."""
    augment: Augment | None = None
    """Augmentation in training. None is the usual one: none for digits and torchvision's, which may be digits, crops
    of 4 pixels of padding and flips for all others (for images streamed from their files, crops of random size and
    flips, which this cannot change)."""
    noise: Noise = came_later(Noise())  # noqa: RUF009 (immutable)
    """Noise that training images carry, validation images among them; none is the usual one."""
    dataset: str = came_later("")
    """Name of a data set of torchvision with images to train and to test on, for example MNIST or SVHN."""
    workers: int | None = None
    """Processes or threads that decode files; None takes one for each core. No result depends on it."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is out of range or does not go with the data set; the message names it.
        """
        checks.choice("name", self.name, NAMES)
        checks.boolean("download", self.download)
        of_type("root", self.root, str, optional=True)
        of_type("augment", self.augment, Augment, optional=True)
        of_type("noise", self.noise, Noise)
        for name, least in (("image_size", 1), ("subset", 1), ("test_subset", 1), ("workers", 0)):
            if getattr(self, name) is not None:
                checks.integer(name, getattr(self, name), least=least)
        if (self.root is None) != (self.name == "digits"):
            requirement = "be left out" if self.name == "digits" else "name the folder of the images"
            checks.fail("root", f'{requirement} for "{self.name}"', self.root)
        of_type("dataset", self.dataset, str)
        if bool(self.dataset) != (self.name == "torchvision"):
            requirement = "name a data set" if self.name == "torchvision" else "be left out"
            checks.fail("dataset", f'{requirement} for "{self.name}"', self.dataset)
        if self.image_size is not None and self.name not in ("folder", "imagenet", "torchvision"):
            checks.fail("image_size", f'be left out for "{self.name}", which has its own', self.image_size)
        if self.download and self.name not in ("cifar10", "cifar100", "torchvision"):
            checks.fail("download", f'be False for "{self.name}", which cannot be downloaded', self.download)
        if self.test_fraction is not None:
            if self.name != "folder":
                checks.fail(
                    "test_fraction", f'be left out for "{self.name}", which has test images', self.test_fraction
                )
            checks.fraction("test_fraction", self.test_fraction, below=1.0)
            checks.real("test_fraction", self.test_fraction, positive=True)
