"""Each published form of score files, in the order of the images; files of any other form are refused by name."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deepnet.data.scores import load_scores, original_order, write_scores  # noqa: E402
from tests.deepnet import photographs  # noqa: E402

N = 12
ORIGINAL = np.array([1, 0, 2, 1, 1, 0, 2, 2, 0, 1, 0, 2])
"""Classes in the order of the data set's authors."""
MEMORIZED = np.random.default_rng(0).random(N)
FOLDER = np.repeat([0, 1, 2], 4)
FILES = tuple(f"{'abc'[cls]}/{k:04}.jpg" for cls in range(3) for k in range(4))
"""The same images as folders number them."""
IN_FOLDER = np.concatenate([MEMORIZED[cls == ORIGINAL] for cls in range(3)])


def labels(array: np.ndarray = ORIGINAL) -> torch.Tensor:
    return torch.from_numpy(array)


@pytest.mark.parametrize(
    "arrays",
    [
        {"tr_mem": MEMORIZED, "tr_labels": ORIGINAL, "tt_labels": np.arange(3), "infl_matrix_class0": np.ones((2, 2))},
        {"memorization": MEMORIZED, "influence": np.ones((2, 2))},
        {"scores": 1 - MEMORIZED, "labels": ORIGINAL},
        {"scores": MEMORIZED},
    ],
)
def test_every_published_form_is_read(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "scores.npz", **arrays)
    np.testing.assert_allclose(load_scores(tmp_path / "scores.npz", labels()), MEMORIZED, rtol=0, atol=1e-15)


def test_a_lone_array_is_taken_as_it_is(tmp_path: Path) -> None:
    np.save(tmp_path / "scores.npy", MEMORIZED.astype(np.float32))
    found = load_scores(tmp_path / "scores.npy", labels(FOLDER), FILES)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, MEMORIZED.astype(np.float32))


@pytest.mark.parametrize("first", [0, 1])
def test_numbered_folders_are_matched_class_by_class(tmp_path: Path, first: int) -> None:
    np.savez(tmp_path / "scores.npz", scores=1 - MEMORIZED, labels=ORIGINAL)
    files = [f"{name.split('/')[0]}/{int(Path(name).stem) + first}.png" for name in FILES]
    found = load_scores(tmp_path / "scores.npz", labels(FOLDER), files)
    np.testing.assert_allclose(found, IN_FOLDER, rtol=0, atol=1e-15)


def test_files_are_matched_by_name(tmp_path: Path) -> None:
    names = np.array([f"n{cls}_{k}.JPEG".encode() for k, cls in enumerate(ORIGINAL)])
    shuffled = np.random.default_rng(1).permutation(N)
    np.savez(
        tmp_path / "index.npz", tr_mem=MEMORIZED[shuffled], tr_labels=ORIGINAL[shuffled], tr_filenames=names[shuffled]
    )
    files = [f"n{cls}/n{cls}_{k}.JPEG" for k, cls in enumerate(ORIGINAL)]
    np.testing.assert_array_equal(load_scores(tmp_path / "index.npz", labels(), files), MEMORIZED)
    some = [9, 2, 4]  # of a folder that holds fewer
    found = load_scores(tmp_path / "index.npz", labels(ORIGINAL[some]), [files[k] for k in some])
    np.testing.assert_array_equal(found, MEMORIZED[some])
    with pytest.raises(ValueError, match=r"index\.npz has no score for 2 images, the first of them x/y\.JPEG"):
        load_scores(tmp_path / "index.npz", labels(ORIGINAL[:3]), ["x/y.JPEG", files[1], "x/z.JPEG"])
    with pytest.raises(ValueError, match=r"`tr_labels` of .*index\.npz disagree with those of 12 of 12 images"):
        load_scores(tmp_path / "index.npz", labels(ORIGINAL + 1), files)
    with pytest.raises(ValueError, match="come without names"):
        load_scores(tmp_path / "index.npz", labels())


def test_original_order_is_that_of_counting() -> None:
    rng = np.random.default_rng(3)
    original = rng.integers(0, 7, 500)
    folder = rng.permutation(original)
    order = original_order(original, folder)
    for row in range(500):
        before = int((folder[:row] == folder[row]).sum())
        assert order[row] == np.flatnonzero(original == folder[row])[before]
    with pytest.raises(ValueError, match="as often"):
        original_order(original, (folder + 1) % 6)


@pytest.mark.parametrize(
    ("message", "arrays", "files"),
    [
        (r"holds 11 scores, but there are 12", {"tr_mem": MEMORIZED[1:], "tr_labels": ORIGINAL[1:]}, None),
        (r"`tr_labels` .* must have shape \(12,\)", {"tr_mem": MEMORIZED, "tr_labels": ORIGINAL[1:]}, None),
        (
            r"`tr_labels` .* disagree with those of 2 of 12 images; the first, image 1, has 1 there and 0 in",
            {"tr_mem": MEMORIZED, "tr_labels": ORIGINAL[[0, 3, 2, 1, *range(4, 12)]]},
            None,
        ),
        (r"`labels` .* disagree", {"scores": MEMORIZED, "labels": FOLDER}, None),
        (r"`labels` .* disagree", {"scores": MEMORIZED, "labels": (ORIGINAL + 1) % 4}, FILES),
        (r"`labels` .* disagree", {"scores": MEMORIZED, "labels": FOLDER}, ("a/x.jpg", *FILES[1:])),
        (r"`labels` .* disagree", {"scores": MEMORIZED, "labels": FOLDER}, ("a/0.jpg", "a/7.jpg", *FILES[2:])),
        (r"cannot be matched to the images of a folder", {"memorization": MEMORIZED}, FILES),
        (r"must hold an array `tr_mem`, .* but holds `influence`", {"influence": MEMORIZED}, None),
        (r"must hold an array `tr_labels`", {"tr_mem": MEMORIZED, "tr_filenames": ORIGINAL}, FILES),
        (r"`scores` .* must be of real numbers and one axis", {"scores": np.ones((12, 2))}, None),
        (r"`scores` .* must be of real numbers and one axis", {"scores": np.array(["x"] * 12)}, None),
        (r"without pickled objects", {"scores": np.array([None] * 12)}, None),
    ],
)
def test_bad_files_are_named(tmp_path: Path, message: str, arrays: dict[str, np.ndarray], files: object) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=message) as error:
        load_scores(path, labels(), files)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no arrays", b"PK\x03\x04 a broken archive"])
def test_files_without_arrays_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.npz cannot be read"):
        load_scores(path, labels())


def test_written_scores_are_read_back_to_the_bit(tmp_path: Path) -> None:
    scores = np.array([*MEMORIZED[1:], np.nan])
    path = write_scores(tmp_path / "scores.csv", scores, ["made up"])
    assert path.read_text(encoding="utf-8").splitlines()[:2] == ["# made up", "score"]
    np.testing.assert_array_equal(load_scores(path, labels(FOLDER), FILES), scores)
    with pytest.raises(ValueError, match=r"scores\.csv holds 12 scores, but there are 11 training images"):
        load_scores(path, labels(ORIGINAL[1:]))


def test_text_of_spreadsheets_is_read(tmp_path: Path) -> None:
    path = tmp_path / "scores.CSV"
    path.write_bytes(b"\xef\xbb\xbfscore\r\n0.5\r\n nan\r\n\r\n")
    np.testing.assert_array_equal(load_scores(path, labels(ORIGINAL[:2])), [0.5, np.nan])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", r"scores\.csv must begin with the column's name, `score`, but has nothing"),
        (b"# a word\n0.5\n0.25\n", r"scores\.csv must begin with the column's name, `score`, but has '0\.5'"),
        (b"score\n0.5\nhigh\n", r"Line 3 of .*scores\.csv must be a number or nan, but is 'high'"),
        (b"# a word\nscore\ninf\n", r"Line 3 of .*scores\.csv must be a number or nan, but is 'inf'"),
        (b"score\n\xff\n", r"scores\.csv cannot be read as text"),
    ],
)
def test_text_that_is_no_column_of_scores_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "scores.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=told):
        load_scores(path, labels())


def test_pickled_scores_are_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "bad.npy", np.array([{}] * N), allow_pickle=True)
    with pytest.raises(ValueError, match=r"bad\.npy .* without pickled objects"):
        load_scores(tmp_path / "bad.npy", labels())


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.npz does not exist"):
        load_scores(tmp_path / "none.npz", labels())


def test_consistency_scores_of_cifar10_fit_its_folders() -> None:
    path = photographs.c_scores()
    files = [f"{name}/{k:04}.jpg" for name in photographs.CLASSES for k in range(5000)]
    folder = np.repeat(np.arange(10), 5000)
    found = load_scores(path, torch.from_numpy(folder), files)
    with np.load(path) as published:
        for cls in (0, 7):
            expected = 1 - published["scores"][published["labels"] == cls]
            np.testing.assert_array_equal(found[folder == cls], expected)
        np.testing.assert_array_equal(load_scores(path, torch.from_numpy(published["labels"])), 1 - published["scores"])
