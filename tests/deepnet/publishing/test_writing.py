"""Publishing writes the same bytes, all or nothing, and replaces only what it published."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deepnet.publishing.reading import FILES
from deepnet.publishing.writing import check_publication, publish
from tests.deepnet.made_up_confirmation import CHOSEN, FEW, write_results
from tests.deepnet.publishing.published_rows import Usual, names_in


def test_the_same_results_give_the_same_bytes(usual: Usual, tmp_path: Path) -> None:
    first, second = usual.published.folder, publish(CHOSEN, usual.results, tmp_path / "again")
    assert names_in(first) == sorted(FILES)
    for name in FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert sum(path.stat().st_size for path in first.iterdir()) < 1.5e6


@pytest.mark.parametrize("older", [True, False])
def test_a_failure_leaves_what_was_there(
    digits: Path, target: Path, monkeypatch: pytest.MonkeyPatch, older: bool
) -> None:
    write_results(digits, studies=FEW)
    if older:
        publish(CHOSEN, digits, target)
        (target / "groups.csv").write_text("older")
    original = Path.write_text

    def full_disk(path: Path, text: str, **options: Any) -> int:
        if path.name == "contrasts.csv":
            raise OSError(28, "No space left on device")
        return original(path, text, **options)

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(OSError, match="No space left"):
        publish(CHOSEN, digits, target)
    assert names_in(target.parent) == (["digits"] if older else [])
    assert not older or (target / "groups.csv").read_text() == "older"


def test_a_folder_that_cannot_take_its_place_leaves_the_older_one(
    digits: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_results(digits, studies=FEW)
    publish(CHOSEN, digits, target)
    original = Path.rename

    def refusing(path: Path, to: Path) -> Path:
        if path.name.endswith(".fresh"):
            raise OSError(13, "Permission denied")
        return original(path, to)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(OSError, match="Permission denied"):
        publish(CHOSEN, digits, target)
    assert names_in(target.parent) == ["digits"]
    assert names_in(target) == sorted(FILES)


def test_other_peoples_files_are_not_replaced(digits: Path, target: Path) -> None:
    write_results(digits, studies=FEW)
    target.mkdir(parents=True)
    (target / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match=r"thesis\.tex was not published and would be lost"):
        publish(CHOSEN, digits, target)
    assert (target / "thesis.tex").exists()


def test_studies_that_were_published_are_replaced_only_when_told(digits: Path, target: Path) -> None:
    """Fewer seeds, or fewer studies, in the place of more."""
    write_results(digits, studies=FEW)
    publish(CHOSEN, digits, target)
    before = {name: (target / name).read_bytes() for name in FILES}
    publish(CHOSEN, digits, target)  # the same again
    fewer = replace(CHOSEN, base=replace(CHOSEN.base, seeds=(0,)))
    with pytest.raises(FileExistsError, match=r"alpha.seeds: \[0, 1, 2\] in the folder, \[0\] asked for"):
        check_publication(fewer, target)
    check_publication(fewer, target, overwrite=True)
    shutil.rmtree(digits / FEW[1])
    with pytest.raises(FileExistsError, match=rf"holds other studies.*: {FEW[1]}"):
        publish(CHOSEN, digits, target)
    assert {name: (target / name).read_bytes() for name in FILES} == before
    publish(CHOSEN, digits, target, overwrite=True)
    (target / "provenance.json").write_text("{")
    with pytest.raises(FileExistsError, match="is damaged"):
        publish(CHOSEN, digits, target)
