"""The command line, called in process on claims that cost nothing."""

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from simulate.house.terminal import console
from tests.theory.cases import FAILED_CONTROL, FALSE_EFFECT, NO_EFFECT, claim, ledger
from theory import claims as registry
from theory.cli import main
from theory.cli.margins import _LETTERS
from theory.cli.stability import flips, stability_table
from theory.formulas.conditions import ARGUMENTS, CONDITIONS
from theory.ledger import Claim, family_sizes
from theory.ledger.registry import named
from theory.ledger.table import summary_table
from theory.ledger.wording import marks_line

TRUE_EFFECT = claim("true-effect")
FILES = {"ledger.json", "ledger.html", "timings.json", "made_by.json"}


def never(_: object) -> None:
    raise AssertionError("Nothing may run before the arguments are checked.")


def have(monkeypatch: pytest.MonkeyPatch, *claims: Claim) -> None:
    monkeypatch.setattr(registry, "all_claims", lambda: claims)
    monkeypatch.setattr(registry, "find_claims", lambda names: named(claims, names))


@pytest.fixture(autouse=True)
def _three(monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, TRUE_EFFECT, FALSE_EFFECT, NO_EFFECT)


def test_verify_writes_ledger_page_and_timings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "ledger"
    assert main(["verify", "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == FILES
    rows = json.loads((out / "ledger.json").read_text(encoding="utf-8"))
    assert [(row["name"], row["verdict"]) for row in rows] == [
        ("true-effect", "supported"),
        ("false-effect", "refuted"),
        ("no-effect", "not testable"),
    ]
    assert set(json.loads((out / "timings.json").read_text())) == {row["name"] for row in rows}
    printed = capsys.readouterr().out
    for text in ("true-effect", "ledger.json", "ledger.html", "timings.json", "1 supported, 1 refuted, 1 not testable"):
        assert text in printed


def test_reruns_write_the_same_bytes(tmp_path: Path) -> None:
    def written(seed: str, folder: str) -> list[bytes]:
        assert main(["verify", "--seed", seed, "--out", str(tmp_path / folder)]) == 0
        return [(tmp_path / folder / name).read_bytes() for name in ("ledger.json", "ledger.html")]

    assert written("3", "a") == written("3", "b") == written("3", "a")
    assert written("4", "c") != written("3", "b")


def test_a_real_claim_is_the_same_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    texts = []
    for folder in ("a", "b"):
        assert main(["verify", "--claims", "decomposition", "--out", str(tmp_path / folder)]) == 0
        texts.append((tmp_path / folder / "ledger.json").read_bytes())
    assert texts[0] == texts[1]
    (row,) = json.loads(texts[0])
    assert (row["verdict"], row["control"]["verdict"]) == ("supported", "refuted")
    assert f"{family_sizes(registry.all_claims())['ours']} claims of its family" in row["confidence"]


def test_chosen_claims_run_and_get_the_rows_of_all(tmp_path: Path) -> None:
    rows = []
    for words in (["--claims", "true-effect"], ["--claims", "1", "no-effect"], []):
        assert main(["verify", *words, "--out", str(tmp_path), "--overwrite"]) == 0
        rows.append(json.loads((tmp_path / "ledger.json").read_text(encoding="utf-8")))
    assert [len(each) for each in rows] == [1, 2, 3]
    assert rows[0][0] == rows[1][0] == rows[2][0]
    assert "all 2 claims of its family" in rows[0][0]["confidence"]


def test_some_of_the_claims_do_not_stand_in_the_way_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["--claims", "true-effect"], ["--claims", "no-effect", "1"], [], ["--claims", "true-effect"]):
        assert main(["verify", *words]) == 0
    folders = {path.parent.relative_to("results").as_posix() for path in Path("results").rglob("ledger.json")}
    assert folders == {"ledger", "ledger_of/true-effect", "ledger_of/1+no-effect"}


def test_a_failed_control_is_status_one_and_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    have(monkeypatch, TRUE_EFFECT, FAILED_CONTROL)
    assert main(["verify", "--out", str(tmp_path)]) == 1
    assert "failed-control" in capsys.readouterr().out.splitlines()[-1]
    assert {path.name for path in tmp_path.iterdir()} == FILES


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["verify", "--claims", "no-such-claim"], "`--claims`"),
        (["verify", "--claims", "99"], "`--claims`"),
        (["verify", "--seed", "-1"], "`--seed`"),
        (["verify", "--out", "file"], "`--out`"),
        (["verify", "--out", "file/below"], "`--out`"),
        (["verify", "--out", "taken"], "`--out`"),
        (["verify", "--images", "nowhere"], "`--images`"),
        (["verify", "--images", "file"], "`--images`"),
        (["show", "no-such-claim"], "`claims`"),
        (["stability", "--seeds", "0"], "`--seeds`"),
        (["stability", "--out", "taken"], "`--out`"),
        (["stability", "--claims", "no-such-claim"], "`--claims`"),
        (["margins", "--tau", "-1"], "`--tau`"),
        (["margins", "--lr", "-1"], "`--lr`"),
        (["margins", "--epsilon", "0"], "`--epsilon`"),
    ],
)
def test_bad_input_is_one_line_and_status_two_before_anything_runs(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    have(monkeypatch, claim("costly", measure=never))
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    Path("taken/ledger.json").mkdir(parents=True)
    assert main(words) == 2
    printed = capsys.readouterr().err
    assert told in printed
    assert len(printed.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["verify", "--budget", "huge"], "budget"),
        (["verify", "--bugdet", "full"], "bugdet"),
        (["margins", "--problem.d", "1"], "`--problem.d`"),
        (["prove"], "prove"),
        ([], "verify"),
    ],
)
def test_what_cannot_be_parsed_is_status_two(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert told in capsys.readouterr().err


def test_missing_digits_are_told_before_the_first_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    have(monkeypatch, claim("true-effect", measure=never), claim("universality-digits-sgd", measure=never))
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert main(["verify", "--out", str(tmp_path / "ledger")]) == 2
    assert capsys.readouterr().err.endswith('which is not installed: pip install -e ".[images]".\n')


def test_list_names_all_claims(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "effect" in line]
    assert [(line[0], line[1], line[-1]) for line in lines] == [
        ("1", "true-effect", "ours"),
        ("2", "false-effect", "question"),
        ("4", "no-effect", "ours"),
    ]


def test_show_tells_everything_but_the_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    have(monkeypatch, claim("costly", measure=never))
    assert main(["show", "costly"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    for text in ("Title of costly", "[M 70%]", r"\frac{1}{2}", "in [0.9, 1.1]", "It differs.", "20 throws.", "it is 0"):
        assert text in printed


def test_show_keeps_the_formula_on_one_line_and_explains_the_marks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "width", 60)
    formula = r"\frac{1}{2} \leq " + r"x + " * 40 + "x"
    have(monkeypatch, claim("long", statement=formula, experiment="At σ_0 = 10^-6, " + "word " * 40))
    assert main(["show", "long"]) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert [line for line in lines if len(line) > 60] == ["in LaTeX".ljust(15) + formula]
    assert "At σ₀ = 10⁻⁶, word" in printed
    assert " ".join(printed.split()).endswith(marks_line())


def test_a_narrow_table_keeps_names_and_intervals_whole() -> None:
    def last(width: int, *claims: Claim) -> list[str]:
        narrow = Console(width=width, file=io.StringIO(), record=True)
        narrow.print(summary_table(ledger(*claims)))
        return narrow.export_text().splitlines()[2].split()[-2:]

    long = claim("a-name-as-long-as-names-of-claims-get")
    assert last(80, long, FALSE_EFFECT) == ["effect", "interval"]
    assert last(100, long, FALSE_EFFECT) == last(80, FALSE_EFFECT) == ["predicted", "control"]


def test_help_names_what_it_asks_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in ("verify", "show", "margins"):
        assert main([command, "--help"]) == 0
    told = capsys.readouterr().out
    assert "NAME" in told
    assert "default: all claims" in " ".join(told.split())
    for word in ("(default: )", "{None}", "None)", "STR"):
        assert word not in told
    assert max(map(len, told.splitlines())) <= 80


def test_margins_are_written_as_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["margins", "--tau", "0.1", "--epsilon", "0.01"]) == 0
    printed = capsys.readouterr().out
    for text in (
        "d ≥ C · n ‖φ‖²/(P² σ_p²)",
        "‖φ‖ ≥ C · P d^¼ σ_p/n^¼",
        "√n/(P d σ_p) ≥ C · σ₀",
        "m ≥ C ",
        "+∞",
        "−0.60",
    ):
        assert text in printed
    assert "*" not in printed
    assert max(map(len, printed.splitlines())) <= 120
    told = " ".join(printed.split())
    assert "sgd_benign and sgd_harmful" in told
    assert all(f"{condition.source}" in told for condition in CONDITIONS.values())
    assert set(_LETTERS) <= set(ARGUMENTS)


def test_margins_have_signs_and_know_sam(capsys: pytest.CaptureFixture[str]) -> None:
    problem = ["--problem.d", "10000", "--problem.n", "10"]
    assert main(["margins", *problem]) == 0
    plain = capsys.readouterr().out
    assert main(["margins", *problem, "--tau", "0.1"]) == 0
    assert "dimension_samples │  +2.00" in plain
    assert "Of d = 10,000, n = 10, m = 10, P = 2, ‖φ‖ = 6, σ_p = 1, σ₀ = 0.001, p = 0, and SGD with η = 0.01." in plain
    assert "sam_radius_least" not in plain
    assert "sam_radius_least" in capsys.readouterr().out


# --- stability -----------------------------------------------------------------------------------------


def test_stability_counts_verdicts_over_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "docs" / "stability.csv"
    assert main(["stability", "--seeds", "3", "--claims", "1", "2", "--out", str(out)]) == 0
    comment, version, head, true, false = out.read_text().splitlines()
    assert comment == "# python -m theory stability --seeds 3 --claims 1 2"
    assert version.startswith("# sharpmu ")
    assert head.split(",")[:5] == ["name", "family", "supported", "refuted", "inconclusive"]
    assert true.split(",")[:7] == ["true-effect", "ours", "3", "0", "0", "0", "0"]
    assert false.split(",")[:7] == ["false-effect", "open", "0", "3", "0", "0", "0"]
    least, greatest = map(float, true.split(",")[7:9])
    assert 0.9 < least < greatest < 1.1
    assert true.split(",")[9:] == ["3", "no"]
    assert "none flips" in capsys.readouterr().out


def test_a_claim_that_flips_is_status_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fickle(lab: object) -> object:
        return claim("fickle", effect=1.0 + 2.0 * (lab.seed % 2)).measure(lab)  # type: ignore[attr-defined]

    have(monkeypatch, claim("fickle", measure=fickle), TRUE_EFFECT)
    assert main(["stability", "--seeds", "2", "--out", str(tmp_path / "table.csv")]) == 1
    assert "fickle" in capsys.readouterr().out
    assert (tmp_path / "table.csv").read_text().splitlines()[3].endswith(",2,yes")


def test_a_claim_without_effects_has_a_line() -> None:
    ledgers = [ledger(NO_EFFECT, seed=seed) for seed in range(2)]
    assert stability_table(ledgers).splitlines()[1] == "no-effect,ours,0,0,0,0,2,,,2,no"
    assert not flips([each.rows[0] for each in ledgers])
