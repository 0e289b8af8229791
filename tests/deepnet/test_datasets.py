"""Every data set in the layout its users have it in; every gap in a layout is named."""

import pickle
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402

from deepnet.augment import NO_AUGMENTATION, Augment  # noqa: E402
from deepnet.datasets import DataConfig, load  # noqa: E402
from deepnet.images import DeviceImages, StreamedImages  # noqa: E402
from tests.deepnet import photographs  # noqa: E402
from tests.deepnet.photographs import image_folder  # noqa: E402


def pixels_of(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)


# --- digits


def test_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    dataset = load(DataConfig())
    assert (len(dataset.train), len(dataset.test), dataset.n_classes) == (1438, 359, 10)
    assert dataset.train.shape == (1, 8, 8)
    assert dataset.train.augment == NO_AUGMENTATION
    found = [
        (tuple(p.flatten().tolist()), int(y))
        for part in (dataset.train, dataset.test)
        for p, y in zip(part.pixels, part.labels, strict=True)
    ]
    expected = [(tuple(np.rint(row * 255 / 16).astype(int)), int(y)) for row, y in zip(images, labels, strict=True)]
    assert sorted(found) == sorted(expected)
    share = np.bincount(dataset.test.labels) / np.bincount(labels)
    assert np.abs(share - 0.2).max() < 0.01


def test_measured_statistics_are_those_of_the_pixels() -> None:
    dataset = load(DataConfig(subset=100))
    pixels = dataset.train.pixels.double() / 255
    np.testing.assert_allclose(dataset.mean, [pixels.mean()], rtol=1e-12)
    np.testing.assert_allclose(dataset.std, [pixels.std(correction=0)], rtol=1e-12)


# --- subsets


def test_subsets_are_balanced_and_nested() -> None:
    rows = [load(DataConfig(subset=n, test_subset=30)).source.rows for n in (33, 200, 1438)]
    labels = load(DataConfig()).train.labels
    assert [len(r) for r in rows] == [33, 200, 1438]
    assert set(rows[0].tolist()) < set(rows[1].tolist()) < set(rows[2].tolist())
    assert sorted(torch.bincount(labels[rows[0]]).tolist()) == [3] * 7 + [4] * 3
    assert torch.bincount(labels[rows[1]]).tolist() == [20] * 10
    small = load(DataConfig(subset=33, test_subset=30))
    assert torch.equal(small.train.pixels, load(DataConfig()).train.pixels[rows[0]])
    assert torch.bincount(small.test.labels).tolist() == [3] * 10


@pytest.mark.parametrize("name", ["subset", "test_subset"])
def test_subsets_are_not_larger_than_the_set(name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be at most"):
        load(DataConfig(**{name: 10_000}))


def test_scores_follow_a_subset(tmp_path: Path) -> None:
    np.save(tmp_path / "scores.npy", np.arange(1438.0))
    dataset = load(DataConfig(subset=50))
    np.testing.assert_array_equal(dataset.scores(str(tmp_path / "scores.npy")), dataset.source.rows.numpy())


# --- folders of images


def test_folders_are_read_class_by_class_and_by_number(tmp_path: Path) -> None:
    root = image_folder(tmp_path, train=12, test=2)
    dataset = load(DataConfig(name="folder", root=str(root), workers=2))
    assert dataset.class_names == ("cat", "dog")
    expected = [root / "train" / name / f"{k}.png" for name in ("cat", "dog") for k in range(12)]
    assert dataset.source.files == tuple(f"{path.parent.name}/{path.name}" for path in expected)
    for row, path in enumerate(expected):
        assert np.array_equal(dataset.train.pixels[row].numpy(), pixels_of(path))
    assert dataset.train.labels.tolist() == [0] * 12 + [1] * 12
    assert dataset.train.augment == Augment()
    assert (len(dataset.test), dataset.test.shape) == (4, (3, 8, 8))


def test_an_augmentation_of_ones_own(tmp_path: Path) -> None:
    root = image_folder(tmp_path, train=1, val=1)
    augment = Augment(pad=2, random="randaugment")
    assert load(DataConfig(name="folder", root=str(root), augment=augment)).train.augment == augment


def test_images_are_brought_to_one_size(tmp_path: Path) -> None:
    root = image_folder(tmp_path, size=(10, 14), train=2, test=1)
    Image.fromarray(photographs.draw(6, 5, 7)).save(root / "train" / "dog" / "9.png")
    dataset = load(DataConfig(name="folder", root=str(root), image_size=6))
    assert dataset.train.shape == (3, 6, 6)
    expected = Image.open(root / "train" / "cat" / "0.png").resize((8, 6), Image.Resampling.BILINEAR).crop((1, 0, 7, 6))
    assert np.array_equal(dataset.train.pixels[0].numpy(), np.asarray(expected).transpose(2, 0, 1))
    with pytest.raises(ValueError, match=r"9\.png has 5 x 6 pixels and .* has 14 x 10: give `image_size`"):
        load(DataConfig(name="folder", root=str(root)))


@pytest.mark.parametrize("inside", [False, True])
def test_test_images_are_set_aside_alike_in_every_run(tmp_path: Path, inside: bool) -> None:
    root = image_folder(tmp_path, train=10)
    config = DataConfig(name="folder", root=str(root if inside else root / "train"), test_fraction=0.2)
    one, other = load(config), load(config)
    assert torch.equal(one.test.pixels, other.test.pixels)
    assert torch.bincount(one.test.labels).tolist() == [2, 2]
    everything = {p.numpy().tobytes() for part in (one.train, one.test) for p in part.pixels}
    assert len(everything) == 20


def test_large_folders_are_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = image_folder(tmp_path, size=(20, 20), train=3, test=1)
    monkeypatch.setattr("deepnet.datasets.loading.MAX_DECODED_BYTES", 8 * 3 * 16 * 16)
    config = {"name": "folder", "root": str(root), "workers": 0}
    assert isinstance(load(DataConfig(**config, image_size=16)).train, DeviceImages)
    dataset = load(DataConfig(**config, image_size=17))
    assert isinstance(dataset.train, StreamedImages)
    assert (dataset.train.shape, len(dataset.test)) == ((3, 17, 17), 2)
    with pytest.raises(ValueError, match="give `image_size`"):
        load(DataConfig(**config))
    with pytest.raises(ValueError, match="`augment`"):
        load(DataConfig(**config, image_size=17, augment=Augment()))


def test_imagenet_is_streamed(tmp_path: Path) -> None:
    root = image_folder(tmp_path, size=(300, 260), classes=("n01", "n02", "n03"), train=2, val=1)
    dataset = load(DataConfig(name="imagenet", root=str(root), workers=0, subset=3))
    assert isinstance(dataset.train, StreamedImages)
    assert (dataset.train.shape, dataset.train.resize, dataset.n_classes) == ((3, 224, 224), 256, 3)
    assert dataset.train.labels.tolist() == [0, 1, 2]
    assert dataset.mean == (0.485, 0.456, 0.406)
    (batch,) = dataset.test.batches([(torch.tensor([2]), None)])
    assert batch.shape == (1, 3, 224, 224)


# --- Tiny-ImageNet


def tiny_imagenet(root: Path) -> Path:
    """The layout in which it is distributed: boxes beside the images, and one folder of validation images."""
    image_folder(root, classes=("n01", "n02"), size=(64, 64), train=2, val=2)
    for name in ("n01", "n02"):
        (root / "train" / name / "images").mkdir()
        for path in list((root / "train" / name).glob("*.png")):
            path.rename(path.parent / "images" / path.name)
        (root / "train" / name / f"{name}_boxes.txt").write_text("0.png\t0\t0\t62\t62\n")
    (root / "val" / "images").mkdir()
    for number, (name, k) in enumerate([("n02", 0), ("n01", 1), ("n01", 0), ("n02", 1)]):
        (root / "val" / name / f"{k}.png").rename(root / "val" / "images" / f"val_{number}.png")
    for name in ("n01", "n02"):
        (root / "val" / name).rmdir()
    lines = [f"val_{number}.png\t{name}\t0\t0\t62\t62\n" for number, name in enumerate(["n02", "n01", "n01", "n02"])]
    (root / "val" / "val_annotations.txt").write_text("".join(lines))
    return root


def test_tiny_imagenet_as_it_is_distributed(tmp_path: Path) -> None:
    root = tiny_imagenet(tmp_path)
    dataset = load(DataConfig(name="tiny-imagenet", root=str(root)))
    assert dataset.train.shape == (3, 64, 64)
    assert dataset.test.labels.tolist() == [0, 0, 1, 1]
    for row, number in enumerate([1, 2, 0, 3]):
        path = root / "val" / "images" / f"val_{number}.png"
        assert np.array_equal(dataset.test.pixels[row].numpy(), pixels_of(path))


def test_tiny_imagenet_in_class_folders(tmp_path: Path) -> None:
    image_folder(tmp_path, classes=("n01", "n02"), size=(64, 64), train=2, val=1)
    assert load(DataConfig(name="tiny-imagenet", root=str(tmp_path))).test.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("val_9.png\tn01\n", r"Line 5 of .*val_annotations\.txt names no image"),
        ("val_0.png\tn03\n", r"Line 5 of .*val_annotations\.txt names no image"),
        ("val_0.png\n", r"Line 5 of .*val_annotations\.txt names no image"),
    ],
)
def test_bad_annotations_are_named(tmp_path: Path, line: str, message: str) -> None:
    root = tiny_imagenet(tmp_path)
    with (root / "val" / "val_annotations.txt").open("a") as file:
        file.write(line)
    with pytest.raises(ValueError, match=message):
        load(DataConfig(name="tiny-imagenet", root=str(root)))


def test_annotations_name_every_class(tmp_path: Path) -> None:
    root = tiny_imagenet(tmp_path)
    (root / "val" / "val_annotations.txt").write_text("val_0.png\tn02\n")
    with pytest.raises(ValueError, match='names no image of the class "n01"'):
        load(DataConfig(name="tiny-imagenet", root=str(root)))


# --- CIFAR


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


# --- what may be wrong


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


@pytest.mark.parametrize(
    ("message", "gone"),
    [
        (r"test has no folder for the class \"dog\"", ["test/dog"]),
        (r"test has a folder for the class \"dog\", which the training", ["train/dog"]),
        (r"class folder .*train/dog holds no image", ["train/dog/0.png", "train/dog/1.png"]),
        (r"class folder .*test/cat holds no image", ["test/cat/0.png"]),
        (r"image folder .*train holds no sub-folder", ["train/cat", "train/dog"]),
        (r"must have folders train and test, or `test_fraction`", ["test"]),
    ],
)
def test_gaps_in_folders_are_named(tmp_path: Path, message: str, gone: list[str]) -> None:
    root = image_folder(tmp_path, train=2, test=1)
    for name in gone:
        remove(root / name)
    with pytest.raises(ValueError, match=message):
        load(DataConfig(name="folder", root=str(root)))


@pytest.mark.parametrize("name", ["folder", "cifar10", "tiny-imagenet", "imagenet"])
def test_a_missing_root_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{tmp_path}/none .*does not exist"):
        load(DataConfig(name=name, root=str(tmp_path / "none")))


@pytest.mark.parametrize("name", ["tiny-imagenet", "imagenet"])
@pytest.mark.parametrize("gone", ["train", "val"])
def test_a_missing_half_is_named(tmp_path: Path, name: str, gone: str) -> None:
    root = image_folder(tmp_path, train=1, val=1)
    remove(root / gone)
    with pytest.raises(FileNotFoundError, match=rf"image folder {root}/{gone} does not exist"):
        load(DataConfig(name=name, root=str(root)))


@pytest.mark.parametrize("content", ["truncated", "empty", "text"])
def test_bad_images_are_named(tmp_path: Path, content: str) -> None:
    root = image_folder(tmp_path, train=3, test=1)
    bad = root / "train" / "dog" / "1.jpg"
    Image.fromarray(photographs.draw(8, 8, 5)).save(bad)
    bad.write_bytes({"truncated": bad.read_bytes()[:-40], "empty": b"", "text": b"no image"}[content])
    with pytest.raises(ValueError, match=r"The image file .*dog/1\.jpg cannot be read"):
        load(DataConfig(name="folder", root=str(root)))


def test_a_test_fraction_beside_test_images_is_refused(tmp_path: Path) -> None:
    root = image_folder(tmp_path, train=2, val=1)
    with pytest.raises(ValueError, match=r"`test_fraction` must be left out, since .*val"):
        load(DataConfig(name="folder", root=str(root), test_fraction=0.1))


def test_a_test_fraction_of_nothing_is_refused(tmp_path: Path) -> None:
    root = image_folder(tmp_path, train=2)
    with pytest.raises(ValueError, match=r"`test_fraction` must leave an image"):
        load(DataConfig(name="folder", root=str(root), test_fraction=0.1))


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
