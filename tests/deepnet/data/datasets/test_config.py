"""Bad settings of a data set are named."""

import pytest

from deepnet.data.datasets import DataConfig


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("name", {"name": "svhn"}),
        ("root", {"name": "cifar10"}),
        ("root", {"name": "digits", "root": "x"}),
        ("image_size", {"name": "cifar10", "root": "x", "image_size": 32}),
        ("image_size", {"name": "folder", "root": "x", "image_size": 0}),
        ("download", {"name": "imagenet", "root": "x", "download": True}),
        ("download", {"name": "cifar10", "root": "x", "download": "yes"}),
        ("test_fraction", {"name": "cifar10", "root": "x", "test_fraction": 0.1}),
        ("test_fraction", {"name": "folder", "root": "x", "test_fraction": 1.0}),
        ("test_fraction", {"name": "folder", "root": "x", "test_fraction": 0.0}),
        ("subset", {"subset": 0}),
        ("test_subset", {"test_subset": 2.5}),
        ("workers", {"workers": -1}),
    ],
)
def test_bad_configurations_are_named(name: str, fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        DataConfig(**fields)
