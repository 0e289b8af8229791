"""The command line, on sheets that cost nothing."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from paper_figs import Caption, Results, Table, figure, registry, table
from paper_figs.cli import main


def _curve(results: Results) -> tuple[Figure, Caption]:
    made = Figure()
    made.subplots().plot([0, 1])
    return made, Caption(answers="It does.", shows="A line.", symbols={"x": "nothing"})


def _numbers(results: Results) -> tuple[Table, Caption]:
    return Table(heads=("a", "b"), rows=(("1", "2"),)), Caption(shows="Two numbers.")


def _missing(results: Results) -> tuple[Figure, Caption]:
    results.deep_files("nothing.csv")
    raise AssertionError("It is missing.")


@pytest.fixture(autouse=True)
def _sheets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sheets = []
    for number, (draw, name) in enumerate(((_curve, "curve"), (_missing, "missing"), (_numbers, "numbers"))):
        monkeypatch.setattr(draw, "__module__", f"paper_figs.{name}")
        monkeypatch.setitem(
            __import__("sys").modules, f"paper_figs.{name}", type("Module", (), {"__doc__": f"The {name}.\n"})
        )
        asked = {} if draw is _numbers else {"asks": "Does it rise?"}
        sheets.append((table if draw is _numbers else figure)(draw, number=number, **asked))
    monkeypatch.setattr(registry, "all_sheets", lambda: tuple(sheets))
    monkeypatch.chdir(tmp_path)


def test_draws_in_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["curve", "numbers", "--formats", "pdf", "png", "svg", "--out", "new/figures"]) == 0
    names = {path.name for path in (tmp_path / "new/figures").iterdir()}
    assert names == {"curve.pdf", "curve.png", "curve.svg", "curve.md", "numbers.tex", "numbers.md"}
    printed = capsys.readouterr().out
    assert all(name in printed for name in names)
    assert "| 1 | 2 |" in Path("new/figures/numbers.md").read_text()
    assert "# The curve\n\n**Does it rise?** It does.\n\nA line." in Path("new/figures/curve.md").read_text()
    assert "1 & 2" in Path("new/figures/numbers.tex").read_text()


def test_one_that_is_missing_stops_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["all", "--budget", "quick"]) == 2
    assert {path.name for path in (tmp_path / "results/figures").iterdir()} == {
        "curve.pdf", "curve.md", "numbers.tex", "numbers.md",
    }  # fmt: skip
    error = capsys.readouterr().err
    assert error.startswith("error: missing: ")
    assert "python -m deepnet" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Argument `names` must name a figure or a table"),
        (["kurve"], "Argument `names` must name figures or tables, or be all, but 'kurve' is none of them; the most"),
        (["curve", "--out", "taken"], "Argument `--out` must leave room for the file taken/curve.md"),
        (["curve", "--out", "file/below"], "Argument `--out` must be in a folder that can be written to"),
    ],
)
def test_bad_input_is_one_line_and_draws_nothing(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken/curve.md").mkdir(parents=True)
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {told}")
    assert error.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "words", [["curve", "--formats", "gif"], ["curve", "--bugdet", "quick"], ["list", "--budget", "quick"]]
)
def test_unknown_options_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert f"`{words[-2]}`" in capsys.readouterr().err


def test_list_has_every_name_and_title(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    for words in ("curve", "missing", "numbers", "The curve", "table"):
        assert words in printed


def test_a_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tueplots", None)
    assert main(["curve"]) == 2
    assert 'pip install -e ".[figures]"' in capsys.readouterr().err


def test_interruption_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "all_sheets", interrupt)
    assert main(["curve"]) == 130


def test_a_failed_save_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["curve", "--formats", "png"]) == 0
    before = Path("results/figures/curve.png").read_bytes()

    def broken(self: Figure, path: Path, **options: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("the disk is full")

    monkeypatch.setattr(Figure, "savefig", broken)
    assert main(["curve", "--formats", "png"]) == 2
    assert Path("results/figures/curve.png").read_bytes() == before
    assert {path.name for path in Path("results/figures").iterdir()} == {"curve.png", "curve.md"}


def test_sheets_are_functions_too(tmp_path: Path) -> None:
    (sheet,) = registry.find_sheets(["curve"])
    assert sheet("quick", ("svg", "png"), tmp_path / "here") == tmp_path / "here/curve.svg"
    with pytest.raises(ValueError, match="Argument `formats` must be"):
        sheet(formats=("gif",))
    with pytest.raises(ValueError, match="names none"):
        sheet(formats=())
