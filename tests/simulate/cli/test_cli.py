"""The command line, called in process."""

from pathlib import Path

import pytest

from simulate.cli import main
from simulate.cli.phrases import VOCABULARY, describe_vocabulary, parse_phase
from simulate.house.storage import load

SMALL = ["--problem.n", "10", "--problem.m", "2", "--problem.d", "500"]


def test_run_prints_a_summary_and_writes_what_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, figure = tmp_path / "run.zarr", tmp_path / "run.png"
    phases = ["pretrain, Loss(), SGD(lr=0.02), steps=20", "unlearn, NegGrad(alpha=0.6), SAM(lr=0.02, tau=0.1), steps=5"]
    assert main(["run", *SMALL, "--phases", *phases, "--seed", "4", "--out", str(out), "--figure", str(figure)]) == 0
    printed = capsys.readouterr().out
    assert "test error" in printed
    assert "max_steps" in printed
    assert load(out).attrs["seed"] == 4
    assert "opened" not in printed
    assert main(["run", *SMALL, "--phases", *phases, "--seed", "4", "--out", str(out)]) == 0
    assert f"Result: {out} (it was there, and has been opened)" in capsys.readouterr().out
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_nothing_is_written_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", *SMALL, "--phases", "train, Loss(), SGD(lr=0.02), steps=3"]) == 0
    assert not list(tmp_path.iterdir())


def test_map_writes_data_and_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = ["--grid.d", "500", "2000", "--grid.signal", "0.5", "2", "8", "--grid.replicates", "2", "--grid.n", "10"]
    assert main(["map", *grid, "--out", str(tmp_path / "map")]) == 0
    assert "SGD:" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "map").iterdir()} == {"maps.png", "maps.zarr"}
    error = load(tmp_path / "map" / "maps.zarr")["test_error"]
    assert dict(error.sizes) == {"optimizer": 2, "d": 2, "signal": 3, "seed": 2}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "--problem.d", "5"], "`--problem.d`"),
        (["run", "--engine", "abacus"], "`--engine`"),
        (["run", "--phases", "a, NegGrad(alpha=2)"], "`alpha`"),
        (["run", "--phases", "a, Loss(), Adam(lr=1)"], "Adam"),
        (["run", "--seed", "-1"], "`--seed`"),
        (["map", "--level", "0.9"], "`--level`"),
    ],
)
def test_bad_input_is_one_line_and_status_two(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    printed = capsys.readouterr()
    assert told in printed.err
    assert "Traceback" not in printed.err


def test_what_is_there_is_refused_before_anything_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "maps.zarr").write_text("mine")
    assert main(["map", "--out", str(tmp_path)]) == 2
    assert "`--out`" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["x.png", "x.png/inside.png"])
def test_a_figure_is_not_drawn_into_the_store(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--out", str(tmp_path / "x.png"), "--figure", str(tmp_path / place)]) == 2
    assert capsys.readouterr().err.startswith("error: Argument `--figure` must lie outside of the store")
    assert list(tmp_path.iterdir()) == []


def test_help_of_run_names_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    printed = capsys.readouterr().out
    for option in ("--problem.label-flip", "--record.observe", "stop_forget_below", "polarity", "mixing"):
        assert option in printed


def test_every_option_of_the_vocabulary_has_a_text() -> None:
    for line in filter(None, describe_vocabulary().splitlines()):
        name, _, text = line.partition(":")
        assert text.split("(default")[0].strip(), name


def test_vocabulary_holds_every_objective_and_optimizer() -> None:
    assert set(VOCABULARY) == {
        "BoundedNegGrad",
        "GradientDifference",
        "LabelNoise",
        "Loss",
        "NegGrad",
        "RandomLabel",
        "SGD",
        "SAM",
        "SharpMinMax",
    }
    assert parse_phase("x, NegGrad(), SharpMinMax()").optimizer == VOCABULARY["SharpMinMax"]()
