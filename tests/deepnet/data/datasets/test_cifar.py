"""CIFAR in the files of its authors, and as an image folder."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from deepnet.data.augment import Augment
from deepnet.data.datasets import DataConfig, load
from tests.deepnet import photographs
from tests.deepnet.data.datasets.pixels import pixels_of


def cifar_files(root: Path, name: str) -> tuple[np.ndarray, list[int]]:
    """A little CIFAR in the files of its authors: training pixels (n, 32, 32, 3) and labels."""
    rng = np.random.default_rng(0)
    ten = name == "cifar10"
    folder = root / ("cifar-10-batches-py" if ten else "cifar-100-python")
    folder.mkdir(parents=True)
    key, meta = ("labels", "label_names") if ten else ("fine_labels", "fine_label_names")
    names = [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"] if ten else ["train", "test"]
    pixels, labels = [], []
    for part in names:
        data, classes = rng.integers(0, 256, (4, 3072), dtype=np.uint8), rng.integers(0, 3, 4).tolist()
        (folder / part).write_bytes(pickle.dumps({"data": data, key: classes}))
        if not part.startswith("test"):
            pixels.append(data.reshape(-1, 3, 32, 32))
            labels += classes
    content = pickle.dumps({meta: ["a", "b", "c"]})
    (folder / ("batches.meta" if ten else "meta")).write_bytes(content)
    return np.concatenate(pixels), labels


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_is_read_from_its_own_files(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, labels = cifar_files(tmp_path, name)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    dataset = load(DataConfig(name=name, root=str(tmp_path)))
    assert np.array_equal(dataset.train.pixels.numpy(), pixels)
    assert dataset.train.labels.tolist() == labels
    assert (dataset.class_names, len(dataset.test)) == (("a", "b", "c"), 4)
    assert dataset.train.augment == Augment(pad=4, flip=True)
    assert dataset.mean == {"cifar10": (0.4914, 0.4822, 0.4465), "cifar100": (0.5071, 0.4866, 0.4409)}[name]


def test_warnings_of_torchvision_do_not_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cifar_files(tmp_path, "cifar10")

    def noisy(*_: object) -> bool:
        warnings.warn_explicit("old file", UserWarning, "cifar.py", 1, module="torchvision.datasets.cifar")
        return True

    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", noisy)
    load(DataConfig(name="cifar10", root=str(tmp_path)))  # a warning would be an error


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_missing_or_broken_cifar_says_how_to_get_it(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match=rf"{tmp_path} .*{name}.*download=True") as error:
            load(DataConfig(name=name, root=str(tmp_path)))
        assert "train/<class>/" in str(error.value)
        if not any(tmp_path.iterdir()):
            cifar_files(tmp_path, name)  # of other content, and so of other checksums


def test_cifar_as_an_image_folder(tmp_path: Path) -> None:
    root = photographs.cifar10(tmp_path, per_class=6)
    dataset = load(DataConfig(name="cifar10", root=str(root), subset=50, test_subset=20))
    assert dataset.class_names == photographs.CLASSES
    assert dataset.train.shape == (3, 32, 32)
    assert torch.bincount(dataset.train.labels).tolist() == [5] * 10
    assert dataset.mean == (0.4914, 0.4822, 0.4465)
    measured = dataset.train.pixels.double().mean((0, 2, 3)) / 255
    assert float((measured - torch.tensor(dataset.mean, dtype=torch.float64)).abs().max()) < 0.1
    file = dataset.source.files[dataset.source.rows[7]]
    assert np.array_equal(dataset.train.pixels[7].numpy(), pixels_of(root / "train" / file))


@pytest.mark.slow
def test_scores_fit_all_of_cifar(tmp_path: Path) -> None:
    scores_path, root = photographs.c_scores(), photographs.cifar10(tmp_path, per_class=5000)
    dataset = load(DataConfig(name="cifar10", root=str(root)))
    scores = dataset.scores(str(scores_path))
    assert (len(dataset.train), len(dataset.test)) == (50_000, 10_000)
    measured = dataset.train.pixels.double().mean((0, 2, 3)) / 255
    np.testing.assert_allclose(measured, dataset.mean, atol=2e-3)
    with np.load(scores_path) as published:
        frogs = 1 - published["scores"][published["labels"] == 6]
    np.testing.assert_array_equal(scores[dataset.train.labels.numpy() == 6], frogs)
