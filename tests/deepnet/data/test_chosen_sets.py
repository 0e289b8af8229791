"""Forget sets of several classes, of superclasses, and of files of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from deepnet.data.indices import read_indices
from deepnet.data.splits import ForgetSet, make_split
from deepnet.data.superclasses import SUPERCLASSES, classes_of
from deepnet.house.identity import key_of
from deepnet.matched.running import MatchedWork
from deepnet.matched.study import Arm
from deepnet.methods import NegGrad
from tests.deepnet.matched.small_matched import small_matched

LABELS = torch.arange(200) % 10


def forgotten(forget: ForgetSet, labels: torch.Tensor = LABELS) -> tuple[set[int], set[int]]:
    """Rows that are forgotten, and rows that are set aside."""
    split = make_split(labels, forget, 3, val_fraction=0.2)
    return set(split.forget.tolist()), set(split.val.tolist())


def test_several_classes_are_all_that_is_learned_of_them() -> None:
    rows, val = forgotten(ForgetSet(kind="classes", classes=(2, 7)))
    assert rows == {row for row in range(200) if row % 10 in (2, 7)} - val
    half, _ = forgotten(ForgetSet(kind="classes", classes=(2, 7), fraction=0.5))
    assert half < rows
    assert len(half) == len(rows) // 2
    one, _ = forgotten(ForgetSet(kind="classes", classes=(2,)))
    assert one == forgotten(ForgetSet(kind="class", cls=2))[0]


def test_superclasses_are_those_of_cifar100() -> None:
    assert len(SUPERCLASSES) == 20
    names = sorted(name for each in SUPERCLASSES.values() for name in each)
    assert len(set(names)) == 100
    assert (names[0], names[53], names[99]) == ("apple", "orange", "worm")  # the numbers of torchvision
    assert sorted(number for name in SUPERCLASSES for number in classes_of(name)) == list(range(100))
    labels = torch.arange(500) % 100
    rows, val = forgotten(ForgetSet(kind="superclass", superclass="people"), labels)
    assert {row % 100 for row in rows} == {2, 11, 35, 46, 98}
    assert not rows & val


@pytest.mark.parametrize("suffix", ["txt", "npy", "mask"])
def test_a_file_names_rows(tmp_path: Path, suffix: str) -> None:
    wanted = {3, 17, 44, 45, 46, 120}
    path = tmp_path / f"mine.{'npy' if suffix != 'txt' else suffix}"
    if suffix == "txt":
        path.write_text("3, 17  # the first\n44 45\n46\n120")
    elif suffix == "npy":
        np.save(path, np.array(sorted(wanted)))
    else:
        np.save(path, np.isin(np.arange(200), sorted(wanted)))
    rows, val = forgotten(ForgetSet(kind="file", rows=str(path)))
    assert rows == wanted - val
    assert ForgetSet(kind="file", rows=str(path)).label == "file-mine"


def test_words_for_tables() -> None:
    assert ForgetSet(kind="classes", classes=(3, 5)).label == "classes-3-5"
    assert ForgetSet(kind="superclass", superclass="fish").label == "superclass-fish"
    assert ForgetSet(kind="class", cls=4).label == "class-4"
    assert ForgetSet().label == "random"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"kind": "classes"}, "classes"),
        ({"kind": "classes", "classes": (1, 1)}, "classes"),
        ({"kind": "classes", "classes": (-1,)}, "classes"),
        ({"kind": "random", "classes": (1,)}, "classes"),
        ({"kind": "superclass"}, "superclass"),
        ({"kind": "superclass", "superclass": "ghosts"}, "superclass"),
        ({"kind": "class", "cls": 1, "superclass": "fish"}, "superclass"),
        ({"kind": "file"}, "rows"),
        ({"kind": "high", "rows": "x"}, "rows"),
        ({"kind": "class"}, "cls"),
        ({"kind": "random", "cls": 0}, "cls"),
        ({"kind": "random", "cls": np.float64(0.5)}, "cls"),
        ({"kind": "random", "classes": np.array([1, 2])}, "classes"),
        ({"kind": "no"}, "kind"),
    ],
)
def test_fields_go_with_their_kind(fields: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        ForgetSet(**fields).wanted_classes  # noqa: B018


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 200", "0..199, but .* holds 200"),
        ("1 -2", "holds -2"),
        ("5 5", "repeats some"),
        ("1 two", 'holds "two"'),
        ("", "names none"),
    ],
)
def test_files_of_other_things_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "rows.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        forgotten(ForgetSet(kind="file", rows=str(path)))


def test_classes_that_are_not_there_are_named() -> None:
    with pytest.raises(ValueError, match="`classes` must be of the classes of the images, 0 to 9"):
        forgotten(ForgetSet(kind="classes", classes=(1, 30)))
    with pytest.raises(ValueError, match="`superclass` must be of the classes of the images"):
        forgotten(ForgetSet(kind="superclass", superclass="fish"))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="file of indices"):
        read_indices(tmp_path / "none.txt")
    np.save(tmp_path / "flat.npy", np.zeros((2, 2)))
    with pytest.raises(ValueError, match="mask of 200 images"):
        forgotten(ForgetSet(kind="file", rows=str(tmp_path / "flat.npy")))


def test_results_hang_on_what_a_file_says_and_not_on_where_it_lies(tmp_path: Path) -> None:
    for folder, text in (("a", "1 2 3"), ("b", "1 2 3"), ("c", "1 2 4")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rows.txt").write_text(text)
    keys = []
    for folder in "abc":
        forget = ForgetSet(kind="file", rows=str(tmp_path / folder / "rows.txt"))
        study = small_matched(forget=(forget,), arms=(Arm(name="x", method=NegGrad(), forget="file-rows"),))
        keys.append(key_of(MatchedWork(study, tmp_path, "rows.jsonl").replicate(0).forgotten(forget)))
    assert keys[0] == keys[1] != keys[2]


def test_older_forget_sets_keep_their_keys() -> None:
    told = {"kind": "random", "size": None, "fraction": 0.05, "cls": None, "scores": None}
    assert key_of(ForgetSet(fraction=0.05)) == key_of(told)
