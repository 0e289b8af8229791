"""`python -m simulate verify`, on a small grid: what it prints and leaves."""

import sys
from pathlib import Path

import pytest

from simulate.cli import main
from simulate.house.storage import load
from simulate.problems.images import digits

GRID = ["--grid.d", "500", "2000", "--grid.signal", "0.5", "2", "8", "--grid.replicates", "2", "--grid.n", "10"]
FILES = {"maps.zarr", "maps.png", "digits_SGD.zarr", "digits_SAM.zarr", "digits.png"}


def test_both_parts_are_printed_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", *GRID, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert all(str(tmp_path / name) in printed for name in ("maps.zarr", "maps.png", "digits.png"))
    below = printed.partition("Digits 3 against 8")[2]
    row = next(line for line in below.splitlines() if "SAM" in line)
    kept = load(tmp_path / "digits_SAM.zarr")
    assert f"{float(kept['forget_accuracy']):.3f}" in row
    assert f"{float(kept['retain_accuracy']):.3f}" in row
    for name in "SGD", "SAM":
        ended = load(tmp_path / f"digits_{name}.zarr")
        assert float(ended["forget_accuracy"]) <= 0.8  # its stopping rule, not the last of its steps
        assert ended.attrs["status"] == "converged"


@pytest.mark.parametrize("name", sorted(FILES - {"maps.png", "digits.png"}))
def test_what_is_there_is_refused_before_anything_runs(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("mine")
    assert main(["verify", *GRID, "--out", str(tmp_path)]) == 2
    assert str(tmp_path / name) in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_without_scikit_learn_digits_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ValueError, match=r'pip install -e "\.\[images\]"'):
        digits()


def test_missing_digits_are_told_before_the_maps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert main(["verify", *GRID, "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: The digits come with scikit-learn, which is not installed: pip")
    assert list(tmp_path.iterdir()) == []
