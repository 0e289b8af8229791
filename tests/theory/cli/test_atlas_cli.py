"""`python -m theory atlas`, on made-up claims, and what the other commands take from an atlas."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.theory.cases import claim
from tests.theory.cli.test_theory_cli import have, never
from tests.theory.ledger.atlas.made_up import by_nothing, by_stop, over_choices
from theory import claims as registry
from theory.cli import atlas as command
from theory.cli import main
from theory.cli.sources import code_behind
from theory.ledger import Region
from theory.ledger.atlas import entries_from, sentence

CLOSED = claim("closed", 3)
BY_STOP = over_choices("by-stop", by_stop, number=1)
BY_NOTHING = over_choices("by-nothing", by_nothing, number=2)


@pytest.fixture(autouse=True)
def _three(monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, BY_STOP, BY_NOTHING, CLOSED)
    monkeypatch.setattr(registry, "holds", dict)


def run(out: Path, *words: str, protocols: int = 20) -> int:
    return main(["atlas", *words, "--protocols", str(protocols), "--out", str(out)])


def test_it_writes_the_atlas_and_says_where_claims_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "new") == 0
    there = {path.name for path in (tmp_path / "new").iterdir()}
    assert there == {"atlas.json", "atlas.html", "maps", "measured", "made_by.json"}
    assert {path.name for path in (tmp_path / "new/maps").iterdir()} == {"by-stop.svg", "by-nothing.svg"}
    entries = entries_from((tmp_path / "new/atlas.json").read_text(encoding="utf-8"))
    assert [entry.name for entry in entries] == ["by-stop", "by-nothing"]
    printed = capsys.readouterr().out
    for entry in entries:
        assert f"{entry.name}: {sentence(entry)}" in printed
    for text in ("2 claims, at most 20 protocols each, and maps.", "40 experiments, 2 of them there already", "about"):
        assert text in printed


def test_it_goes_on_grows_and_leaves_other_results_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kept() -> set[Path]:
        return set((tmp_path / "measured").rglob("*.json"))

    assert run(tmp_path, "by-stop", protocols=8) == 0
    first, few = (tmp_path / "atlas.json").read_bytes(), kept()
    monkeypatch.setattr(command, "Lab", never)  # all is there
    assert run(tmp_path, "by-stop", protocols=8) == 0
    assert (tmp_path / "atlas.json").read_bytes() == first
    monkeypatch.undo()
    have(monkeypatch, BY_STOP, BY_NOTHING, CLOSED)
    assert run(tmp_path, protocols=12) == 2
    assert (tmp_path / "atlas.json").read_bytes() == first
    assert run(tmp_path, "--overwrite", protocols=12) == 0
    assert few < kept()


def test_pages_of_some_claims_have_their_own_folder_and_what_is_measured_is_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["atlas", "by-stop", "--protocols", "2"]) == main(["atlas", "by-nothing", "--protocols", "2"]) == 0
    pages = {path.as_posix() for path in Path("results").rglob("atlas.html")}
    assert pages == {f"results/atlas_of/{name}/atlas.html" for name in ("by-stop", "by-nothing")}
    monkeypatch.setattr(command, "Lab", never)  # all is there
    assert main(["atlas", "--protocols", "2"]) == 0
    assert Path("results/atlas/atlas.html").is_file()


def test_seed_and_code_decide_what_is_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def files(*words: str) -> int:
        assert run(tmp_path, "by-stop", "--overwrite", *words, protocols=2) == 0
        return len(list((tmp_path / "measured").rglob("*.json")))

    few = files()
    assert files() == few
    assert files("--seed", "1") == 2 * few
    monkeypatch.setattr(command, "code_behind", lambda measure: "other")
    assert files() == 3 * few


def test_a_failed_control_under_the_primary_protocol_is_status_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    careless = replace(BY_STOP, control=replace(BY_STOP.control, region=Region.around(0.0, 0.1)))
    have(monkeypatch, careless)
    assert run(tmp_path, protocols=3) == 1
    assert "deserves no trust: by-stop." in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["closed"], "`claims` must name claims that leave something open, but closed does not."),
        (["no-such-claim"], "`claims`"),
        (["--protocols", "0"], "`--protocols`"),
        (["--processes", "0"], "`--processes`"),
        (["--seed", "-1"], "`--seed`"),
        (["--images", "nowhere"], "`--images`"),
        (["--out", "file"], "`--out`"),
        (["--scheduler", "post://here"], "`--scheduler`"),
    ],
)
@pytest.mark.filterwarnings("ignore")  # dask's own
def test_bad_input_is_one_line_before_anything_runs(
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "--scheduler" in words:
        pytest.importorskip("distributed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "Lab", never)
    Path("file").write_text("mine")
    assert main(["atlas", *words]) == 2
    printed = capsys.readouterr().err
    assert told in printed
    assert len(printed.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.4, "1 second"), (59.0, "59 seconds"), (119.0, "2 minutes"), (3000.0, "50 minutes"), (9000.0, "2.5 hours")],
)
def test_durations_are_told_as_people_do(seconds: float, told: str) -> None:
    assert command._duration(seconds) == told


def test_code_counts_and_its_words_do_not(tmp_path: Path) -> None:
    def word(text: str) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.py"
        path.write_text(text, encoding="utf-8")
        scope = SimpleNamespace()
        exec(compile(text, str(path), "exec"), vars(scope))
        measure: Callable[[object], object] = scope.measure
        return code_behind(measure)

    plain = "def measure(lab):\n    return 1\n"
    told = '"""Words."""\n\ndef measure(lab):\n    """More."""\n    return (1)  # comment\n'
    assert word(plain) == word(told)
    assert word(plain) != word(plain.replace("1", "2"))
    assert code_behind(BY_STOP.measure) == code_behind(BY_NOTHING.measure) != word(plain)


def test_other_commands_tell_where_a_claim_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "Holds in 1 of 2 protocols, fails in 1."
    monkeypatch.setattr(registry, "holds", lambda: {"by-stop": told})
    assert main(["show", "by-stop"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"holds {told}" in printed
    assert "end of unlearning: the loss of the retrained network (or accuracy ½, five passes). It is fair." in printed
    monkeypatch.setattr("theory.cli.running.Lab", lambda *words, **named: command.Lab())
    have(monkeypatch, claim("by-stop", choices=BY_STOP.choices))
    assert main(["verify", "--out", str(tmp_path)]) == 0
    (row,) = json.loads((tmp_path / "ledger.json").read_text(encoding="utf-8"))
    assert row["holds"] == told
    page = (tmp_path / "ledger.html").read_text(encoding="utf-8")
    assert told in page
    assert "It is fair." in page
