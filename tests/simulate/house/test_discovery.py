"""Modules are found by their place, and names told apart."""

import sys
from pathlib import Path

import pytest

from simulate.house.discovery import check_told_apart, found_on_use, modules_of, most_like


def test_every_module_of_a_folder_is_found_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shelf" / "inner").mkdir(parents=True)
    for name in ("__init__", "b", "a10", "a", "inner/__init__"):
        (tmp_path / "shelf" / f"{name}.py").write_text(f"MADE = {name!r}\n")
    (tmp_path / "shelf" / "notes.txt").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = modules_of("shelf", [str(tmp_path / "shelf")])
    assert [module.MADE for module in found] == ["a", "a10", "b", "inner/__init__"]


def test_names_that_occur_twice_are_named_once_each() -> None:
    check_told_apart("thing", ["a", "b"])
    with pytest.raises(ValueError, match=r"^Argument `name` must be different for every thing, but a, c is not\.$"):
        check_told_apart("thing", ["c", "a", "b", "c", "a", "a"])


def test_the_most_similar_names_come_first() -> None:
    assert most_like("sgd", ["cat", "sdg", "sgd-late"]) == "the most similar ones are sdg, sgd-late, cat"
    assert most_like("x", ["aa", "bb", "cc", "dd"]).count(",") == 2


def test_a_public_name_says_which_extra_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of others that is missing; a module of our own that is missing is a fault of ours."""
    (tmp_path / "pantry").mkdir()
    for name, text in (("__init__", ""), ("needy", "import heavy_package.part"), ("broken", "import pantry.absent")):
        (tmp_path / "pantry" / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    homes = {"Needy": "needy", "Broken": "broken"}
    told = r'^pantry needs the package heavy_package, which is not installed: pip install -e "\.\[figures\]"$'
    with pytest.raises(ModuleNotFoundError, match=told):
        found_on_use("pantry", homes, extra="figures")("Needy")
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'pantry.absent'$"):
        found_on_use("pantry", homes, extra="figures")("Broken")
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'heavy_package'$"):
        found_on_use("pantry", homes)("Needy")
