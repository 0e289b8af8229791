"""What is to be forgotten, in every way of saying it; what cannot be meant is refused in a sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepnet import classes
from deepnet.own.forgetting import rows_to_forget, split_of

LABELS = torch.tensor([2, 0, 1, 2, 0, 1, 2])
MASK = [False, True, False, True, False, False, False]


@pytest.mark.parametrize(
    ("forget", "rows"),
    [
        ([3, 1], [1, 3]),
        ((3, 1), [1, 3]),
        ({3, 1}, [1, 3]),
        (range(1, 4, 2), [1, 3]),
        (np.array([3, 1], dtype=np.uint8), [1, 3]),
        (torch.tensor([3, 1]), [1, 3]),
        (MASK, [1, 3]),
        (np.array(MASK), [1, 3]),
        (torch.tensor(MASK), [1, 3]),
        (2, [0, 3, 6]),
        (np.int64(2), [0, 3, 6]),
        (classes(0, 1), [1, 2, 4, 5]),
    ],
    ids=repr,
)
def test_rows(forget: Any, rows: list[int]) -> None:
    assert rows_to_forget(forget, LABELS).tolist() == rows
    split = split_of(forget, LABELS, 3)
    assert sorted([*split.retain.tolist(), *rows]) == split.pretrain.tolist() == list(range(7))


def test_files(tmp_path: Path) -> None:
    text, array = tmp_path / "rows.txt", tmp_path / "rows.npy"
    text.write_text("# of a request\n3, 1\n\n5  # the last\n", encoding="utf-8")
    np.save(array, np.array(MASK))
    assert rows_to_forget(text, LABELS).tolist() == rows_to_forget(str(text), LABELS).tolist() == [1, 3, 5]
    assert rows_to_forget(array, LABELS).tolist() == [1, 3]


@pytest.mark.parametrize(
    ("forget", "message"),
    [
        ([7], r"must hold indices in 0\.\.6, but holds 7\."),
        ([-1], r"must hold indices in 0\.\.6, but holds -1\."),
        ([3, 1, 3], "must hold each index once, but holds 3 repeatedly"),
        ([], "must name at least one sample, but names none"),
        ([False] * 7, "must name at least one sample"),
        (range(7), "must leave a sample to retain, but takes all 7"),
        (classes(0, 1, 2), "must leave a sample to retain"),
        (MASK[:6], r"must have an entry for each of 7 samples.*has 6"),
        (3, r"must name classes that have samples \(0 to 2\), but class 3 has none; sample 3 alone is \[3\]"),
        (-2, "must be a whole number of at least 0, but is -2"),
        (classes(0, 9), "but class 9 has none"),
        ([1.0], r"must be indices of samples, .*, but has entries of the type float64"),
        ([[1], [2]], "but has 2 axes"),
        ([[1], [2, 3]], "must be indices of samples"),
        (True, "must be indices of samples"),
        (None, "must be indices of samples"),
        ({1: 2}, "must be indices of samples"),
    ],
    ids=repr,
)
def test_what_cannot_be_meant(forget: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as told:
        rows_to_forget(forget, LABELS)
    assert str(told.value).count(". ") == 0


@pytest.mark.parametrize("labels", [(), (1, 1), ("a",), (0.5,)])
def test_classes_that_are_none(labels: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="`classes` must"):
        classes(*labels)


@pytest.mark.parametrize(("name", "content"), [("a.txt", b"1 two 3"), ("a.txt", b"\xff\xfe\x00"), ("a.npy", b"1 2")])
def test_files_of_something_else(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"`forget` must be the path of a file of whole numbers, but .*(two|none)"):
        rows_to_forget(tmp_path / name, LABELS)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        rows_to_forget(tmp_path / "nowhere.txt", LABELS)
