"""Batches against crops, flips and views made image by image; any number of workers gives the same."""

import contextlib
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402

from deepnet.data.augment import N_DRAWS, Augment  # noqa: E402
from deepnet.data.decoding import random_view  # noqa: E402
from deepnet.data.images import DeviceImages, StreamedImages, append  # noqa: E402
from tests.deepnet import photographs  # noqa: E402


def uniforms(n: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((n, N_DRAWS)))


def some_images(n: int = 12, augment: Augment | None = None, shape: tuple[int, ...] = (3, 7, 9)) -> DeviceImages:
    pixels = np.random.default_rng(1).integers(0, 256, (n, *shape), dtype=np.uint8)
    return DeviceImages(torch.from_numpy(pixels), torch.arange(n) % 3, augment or Augment())


def one_by_one(image: np.ndarray, draws: np.ndarray, augment: Augment) -> np.ndarray:
    """The obvious way, on one image (C, H, W)."""
    channels, height, width = image.shape
    pad = augment.pad
    padded = np.zeros((channels, height + 2 * pad, width + 2 * pad), dtype=np.uint8)
    padded[:, pad : pad + height, pad : pad + width] = image
    top, left = int(draws[0] * (2 * pad + 1)), int(draws[1] * (2 * pad + 1))
    cut = padded[:, top : top + height, left : left + width]
    return cut[:, :, ::-1] if augment.flip and draws[2] < 0.5 else cut


@pytest.mark.parametrize("pad", [0, 1, 4])
@pytest.mark.parametrize("flip", [True, False])
def test_crops_and_flips_are_those_of_each_image(pad: int, flip: bool) -> None:
    augment = Augment(pad=pad, flip=flip)
    images, draws = some_images(50, augment), uniforms(50)
    (batch,) = images.batches([(torch.arange(50), draws)])
    for k in range(50):
        expected = one_by_one(images.pixels[k].numpy(), draws[k].numpy(), augment)
        assert np.array_equal(batch[k].numpy(), expected)


def test_every_crop_is_as_likely() -> None:
    draws = uniforms(4000)
    images = torch.zeros(4000, 1, 3, 3, dtype=torch.uint8)
    images[:, :, 1, 1] = 1
    moved = Augment(pad=1, flip=False)(images, draws).flatten(1).double()
    counts = moved.sum(0)
    assert float(((counts - 4000 / 9) ** 2 / (4000 / 9)).sum()) < 26.1  # chi-squared of 8 degrees of freedom, 0.1 %


def test_the_largest_draw_stays_inside() -> None:
    draws = torch.full((1, N_DRAWS), float(np.nextafter(1, 0)), dtype=torch.float64)
    image = torch.arange(9, dtype=torch.uint8).reshape(1, 1, 3, 3) + 1
    assert Augment(pad=1)(image, draws).tolist() == [[[[5, 6, 0], [8, 9, 0], [0, 0, 0]]]]


def test_rand_augment_depends_on_an_images_own_draws_alone() -> None:
    augment = Augment(pad=2, random="randaugment")
    images, draws = some_images(12, augment, (3, 16, 16)), uniforms(12)
    state = torch.get_rng_state()
    (whole,) = images.batches([(torch.arange(12), draws)])
    rows = torch.tensor([7, 2])
    (part,) = images.batches([(rows, draws[rows])])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(part, whole[rows])
    plain = Augment(pad=2)(images.pixels, draws)
    assert (whole != plain).flatten(1).any(1).sum() > 6  # a few of its operations change nothing


def test_rand_augment_is_torchvisions(torchvision: ModuleType) -> None:
    images, draws = some_images(8, shape=(3, 16, 16)), uniforms(8)
    found = Augment(pad=0, flip=False, random="randaugment")(images.pixels, draws)
    for k in range(8):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(draws[k, 3] * 2**53))
            expected = torchvision.transforms.v2.RandAugment(num_ops=2, magnitude=15)(images.pixels[k])
        assert torch.equal(found[k], expected)


def test_without_draws_images_are_as_they_are() -> None:
    images = some_images()
    rows = torch.tensor([5, 0, 5])
    (batch,) = images.batches([(rows, None)])
    assert torch.equal(batch, images.pixels[rows])
    assert (len(images), images.shape, images.device.type) == (12, (3, 7, 9), "cpu")


# --- images in files


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pictures of many sizes, one of them grey and one with a palette."""
    folder = tmp_path_factory.mktemp("photographs")
    paths = []
    for k, size in enumerate([(40, 60), (60, 40), (33, 33), (200, 21), (30, 90), (50, 51)]):
        image = Image.fromarray(photographs.draw(*size, seed=k))
        image = {4: image.convert("L"), 5: image.convert("P")}.get(k, image)
        paths.append(folder / f"{k}.{'png' if k == 5 else 'jpg'}")
        image.save(paths[-1])
    return paths


def streamed(files: list[Path], workers: int = 0) -> StreamedImages:
    return StreamedImages(files, torch.arange(len(files)) % 2, size=16, resize=20, workers=workers)


def requests(n: int) -> list[tuple[torch.Tensor, torch.Tensor | None]]:
    rows = [torch.tensor([0, 3]), torch.tensor([5, 4, 1]), torch.tensor([2]), torch.arange(n), torch.tensor([3, 3])]
    return [(r, uniforms(len(r), k) if k % 2 else None) for k, r in enumerate(rows)]


def test_workers_change_nothing(files: list[Path]) -> None:
    none = list(streamed(files).batches(requests(len(files))))
    some = list(streamed(files, 2).batches(requests(len(files))))
    assert [batch.shape for batch in none] == [(len(r), 3, 16, 16) for r, _ in requests(len(files))]
    assert all(torch.equal(one, other) for one, other in zip(none, some, strict=True))


def test_global_random_numbers_are_left_alone(files: list[Path]) -> None:
    state = torch.get_rng_state()
    for workers in (0, 1):
        list(streamed(files, workers).batches(requests(len(files))))
    assert torch.equal(torch.get_rng_state(), state)


def test_workers_stop_when_an_endless_stream_is_left(files: list[Path]) -> None:
    def endless():
        while True:
            yield torch.tensor([0, 1]), None

    others = set(_children())  # of other tests, which may be ending just now
    batches = streamed(files, 1).batches(endless())
    assert next(batches).shape == (2, 3, 16, 16)
    workers = set(_children()) - others
    assert workers
    batches.close()
    del batches
    assert not workers & set(_children())


def _children() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task")
    if not tasks.is_dir():
        pytest.skip("needs /proc")
    found: list[int] = []
    for task in tasks.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread may end meanwhile
            found += map(int, (task / "children").read_text().split())
    return found


def test_views_for_testing_are_torchvisions(files: list[Path], torchvision: ModuleType) -> None:
    transforms = torchvision.transforms
    view = transforms.Compose([transforms.Resize(20), transforms.CenterCrop(16), transforms.PILToTensor()])
    (batch,) = streamed(files).batches([(torch.arange(len(files)), None)])
    for k, path in enumerate(files):
        assert torch.equal(batch[k], view(Image.open(path).convert("RGB")))


def test_random_views_are_resized_crops(files: list[Path], torchvision: ModuleType) -> None:
    """The box that a random view takes, recovered from pictures whose pixels are their own coordinates."""
    y, x = np.mgrid[0:120, 0:160]
    image = Image.fromarray(np.stack([x, y, 0 * x], axis=-1).astype(np.uint8))
    boxes = []
    for draws in uniforms(400).numpy():
        view = np.asarray(random_view(image, draws, size=32)).astype(float)
        assert (view[0, 0, 0] > view[0, -1, 0]) == (draws[2] < 0.5)
        width = np.ptp(view[..., 0]) * 32 / 31
        height = np.ptp(view[..., 1]) * 32 / 31
        boxes.append((width * height / (160 * 120), width / height))
    area, ratio = np.array(boxes).T
    assert 0.06 < area.min() < 0.12
    assert 0.9 < area.max() < 1.08
    assert 0.7 < ratio.min() < 0.78
    assert 1.28 < ratio.max() < 1.4
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        box = torchvision.transforms.RandomResizedCrop.get_params
        theirs = [box(image, (0.08, 1.0), (3 / 4, 4 / 3)) for _ in range(4000)]
    their_area = np.array([height * width for _, _, height, width in theirs]) / (160 * 120)
    error = np.sqrt(area.var() / len(area) + their_area.var() / len(their_area))
    assert abs(area.mean() - their_area.mean()) < 4 * error


def test_a_random_view_of_a_strip_is_its_middle(torchvision: ModuleType) -> None:
    image = Image.fromarray(photographs.draw(4, 400, 0))  # no area of 8 % and ratio 4/3 fits
    view = random_view(image, np.array([0.1, 0.2, 0.9, 0.3]), size=8)
    crop = torchvision.transforms.v2.functional.resized_crop
    middle = crop(image, 0, 197, 4, 5, [8, 8])  # as torchvision falls back: 4 * 4/3 is 5
    assert np.array_equal(np.asarray(view), np.asarray(middle))


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("fault", ["truncated", "no image", "missing"])
def test_bad_files_are_named(files: list[Path], tmp_path: Path, workers: int, fault: str) -> None:
    bad = tmp_path / "bad.jpg"
    content = {"truncated": files[0].read_bytes()[:-200], "no image": b"not an image"}
    if fault in content:
        bad.write_bytes(content[fault])
    batches = streamed([*files, bad], workers).batches([(torch.tensor([0]), None), (torch.tensor([6, 1]), None)])
    next(batches)
    with pytest.raises(ValueError, match=r"^The image file .*bad\.jpg cannot be read"):
        next(batches)


# --- appended rows


def test_appended_images_have_their_own_labels_and_pixels() -> None:
    images, rows = some_images(), torch.tensor([4, 1])
    more = append(images, rows, torch.tensor([2, 0]), lambda pixels: 255 - pixels)
    assert len(more) == 14
    assert torch.equal(more.pixels[:12], images.pixels)
    assert torch.equal(more.pixels[12:], 255 - images.pixels[rows])
    assert more.labels.tolist() == [*images.labels.tolist(), 2, 0]
    assert len(images) == 12
    assert more.augment == images.augment


def test_streamed_images_take_labels_and_no_pixels(files: list[Path]) -> None:
    images = streamed(files)
    more = append(images, torch.tensor([4, 1]), torch.tensor([7, 8]))
    batch, copies = more.batches([(torch.tensor([4, 1]), None), (torch.tensor([6, 7]), None)])
    assert torch.equal(batch, copies)
    assert more.labels.tolist()[-2:] == [7, 8]
    with pytest.raises(ValueError, match="keep their pixels"):
        append(images, torch.tensor([4, 1]), torch.tensor([7, 8]), lambda pixels: pixels)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("pixels", lambda: DeviceImages(torch.zeros(2, 3, 4, 4), torch.zeros(2, dtype=torch.int64))),
        ("pixels", lambda: DeviceImages(torch.zeros(2, 4, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64))),
        ("labels", lambda: DeviceImages(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(2))),
        ("labels", lambda: DeviceImages(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.arange(3))),
        ("labels", lambda: StreamedImages(["a.jpg"], torch.arange(2))),
        ("size", lambda: StreamedImages(["a.jpg"], torch.arange(1), size=0)),
        ("resize", lambda: StreamedImages(["a.jpg"], torch.arange(1), size=32, resize=31)),
        ("workers", lambda: StreamedImages(["a.jpg"], torch.arange(1), workers=-1)),
        ("rows", lambda: next(some_images().batches([(torch.tensor([12]), None)]))),
        ("rows", lambda: next(some_images().batches([(torch.tensor([-1]), None)]))),
        ("rows", lambda: next(some_images().batches([(torch.tensor([1.0]), None)]))),
        ("rows", lambda: next(StreamedImages(["a.jpg"], torch.arange(1)).batches([(torch.tensor([1]), None)]))),
        ("draws", lambda: next(some_images().batches([(torch.tensor([1]), uniforms(2))]))),
        ("rows", lambda: append(some_images(), torch.tensor([12]), torch.tensor([0]))),
        ("labels", lambda: append(some_images(), torch.tensor([1]), torch.tensor([0, 1]))),
        ("pad", lambda: Augment(pad=-1)),
        ("flip", lambda: Augment(flip=1)),
        ("random", lambda: Augment(random="auto")),
    ],
)
def test_bad_arguments_are_named(name: str, make: object) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        make()


def test_other_images_cannot_be_appended_to() -> None:
    class Others:
        labels = torch.arange(2)

        def __len__(self) -> int:
            return 2

    with pytest.raises(TypeError, match="Others"):
        append(Others(), torch.tensor([0]), torch.tensor([0]))
