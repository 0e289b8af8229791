"""A scale as a folder of text files: what is written, what is carried over, what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from deepnet.cli.judge import JudgeCommand
from deepnet.ledger import claims
from deepnet.ledger.findings import Findings
from deepnet.ledger.pages import holding
from deepnet.ledger.scales import judge
from deepnet.matched.records import read_rows, write_rows
from deepnet.matched.watched.trajectory import rounded
from deepnet.publishing import Published, published_scales
from deepnet.publishing.provenance import provenance_of
from deepnet.publishing.reading import FILES
from simulate.house.terminal import console
from tests.deepnet.made_up_scales import CLAIMS, FEW, made_up_rows, publish_scale, write_results
from tests.places import ROOT
from theory.ledger.atlas.publishing import entries_from

TRACKED = published_scales(ROOT / "paper_figs/data")


def told(folder: Path) -> dict[str, object]:
    return json.loads((folder / "provenance.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    return publish_scale(folder / "data", folder / "results", "small", arms=FEW)


def test_a_folder_holds_what_was_run_and_judged(published: Path) -> None:
    assert sorted(path.name for path in published.iterdir()) == sorted(set(FILES) - {"noise.csv"})
    assert (published / "scores.csv").read_text(encoding="utf-8") == "score\n0.5\n"
    found = Published(published)
    assert found.rows == made_up_rows("small", arms=FEW)
    assert found.findings.scale == "small"
    assert [row["name"] for row in found.ledger] == list(CLAIMS)
    assert published_scales(published.parent) == [found]


def test_provenance_says_what_was_made_where_and_how_long_it_took(published: Path) -> None:
    found = told(published)
    assert (found["scale"], found["about"], found["threads"]) == ("small", "made up, no images", 1)
    assert found["replicates"] == [0, 1, 2]
    assert found["hardware"] == {"device": "abacus", "cores": 2}
    assert found["seconds"] == {"unlearning": 90.0}
    assert found["seconds_by_arm"] == dict.fromkeys(FEW, 30.0)
    assert found["rows"] == {"pretrained": 12, "retrained": 18, "trajectory": 9}
    assert found["commands"] == [
        f"python -m deepnet matched --preset small --images DIR --scores FILE --replicates 3 --only {' '.join(FEW)}",
        "python -m deepnet judge results/matched/small --publish paper_figs/data",
    ]
    assert "somebody" not in json.dumps(found)


def test_each_network_counts_once_in_the_seconds(tmp_path: Path) -> None:
    """A pretrained one is measured on both forget sets; one is retrained without each, and once more."""
    folder = write_results(tmp_path, "small", arms=FEW)
    rows = [row | ({"seconds": 2.0} if row["kind"] != "trajectory" else {}) for row in made_up_rows("small", arms=FEW)]
    write_rows(folder / "search.jsonl", [row | {"replicate": 1000} for row in rows])
    found = provenance_of(folder, Findings.of(rows))
    assert found["seconds"] == {
        "pretraining": 3 * 2 * 2.0,
        "retraining": 3 * 6 * 2.0,
        "unlearning": 90.0,
        "search": 90.0,
    }


def test_the_commits_are_those_of_the_rows(published: Path, tmp_path: Path) -> None:
    assert told(published)["commits"] == []  # which nobody wrote down
    folder = write_results(tmp_path, "small", arms=FEW)
    study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    (folder / "study.json").write_text(json.dumps(study | {"commits": ["abc", "def, with changes"]}), encoding="utf-8")
    found = provenance_of(folder, Findings.of(made_up_rows("small", arms=FEW)))
    assert found["commits"] == ["abc", "def, with changes"]


def test_commits_of_rows_that_were_published_before_are_kept(published: Path, tmp_path: Path) -> None:
    earlier = shutil.copytree(published, tmp_path / "data")
    (earlier / "provenance.json").write_text(
        json.dumps(told(published) | {"commits": ["first", "abc"]}), encoding="utf-8"
    )
    folder = write_results(tmp_path, "small", arms=FEW)
    study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    (folder / "study.json").write_text(json.dumps(study | {"commits": ["abc", "last"]}), encoding="utf-8")
    found = provenance_of(folder, Findings.of(made_up_rows("small", arms=FEW)), earlier)
    assert found["commits"] == ["first", "abc", "last"]
    assert provenance_of(folder, Findings.of(made_up_rows("small", arms=FEW)), tmp_path / "none")["commits"] == [
        "abc",
        "last",
    ]
    unnoted = provenance_of(folder, Findings.of(made_up_rows("small", arms=FEW)), published)
    assert unnoted["commits"] == ["unknown", "abc", "last"]
    assert provenance_of(published, Findings.of(made_up_rows("small", arms=FEW)), published)["commits"] == []
    anew = [row | {"key": f"{row['key']}-anew"} for row in made_up_rows("small", arms=FEW)]
    assert provenance_of(folder, Findings.of(anew), earlier)["commits"] == ["abc", "last"]


def test_seconds_of_a_search_that_was_published_before_are_kept(published: Path, tmp_path: Path) -> None:
    earlier, rows = shutil.copytree(published, tmp_path / "data"), made_up_rows("small", arms=FEW)
    sought = told(published)["seconds"] | {"search": 12.5}
    (earlier / "provenance.json").write_text(json.dumps(told(published) | {"seconds": sought}), encoding="utf-8")
    folder = write_results(tmp_path, "small", arms=FEW)
    assert provenance_of(folder, Findings.of(rows), earlier)["seconds"]["search"] == 12.5
    write_rows(folder / "search.jsonl", [row | {"replicate": 1000} for row in rows])
    assert provenance_of(folder, Findings.of(rows), earlier)["seconds"]["search"] == 90.0


def test_arms_with_other_numbers_of_replicates_have_their_own_command(tmp_path: Path) -> None:
    folder = write_results(tmp_path, "small", arms=FEW)
    rows = [row for row in made_up_rows("small", arms=FEW) if row.get("arm") != FEW[1] or row["replicate"] == 0]
    more, fewer, _ = provenance_of(folder, Findings.of(rows))["commands"]
    assert more.endswith(f" --replicates 3 --only {FEW[0]} {FEW[2]}")
    assert fewer.endswith(f" --replicates 1 --only {FEW[1]}")


@pytest.mark.parametrize(
    ("root", "scores", "hardware", "options"),
    [
        (None, "estimated", {}, ""),
        (None, "/home/somebody/scores.csv", {}, " --scores FILE"),
        ("/home/somebody/images", "/home/somebody/scores.npz", {}, " --images DIR --scores FILE"),
        ("/home/somebody/images", None, {"channels_last": True}, " --images DIR --channels-last"),
    ],
)
def test_commands_have_the_options_that_were_needed(
    tmp_path: Path, root: str | None, scores: str | None, hardware: dict[str, bool], options: str
) -> None:
    folder = write_results(tmp_path, "small", arms=FEW)
    about = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    about["study"] |= {"data": {"root": root}, "forget": [{"kind": "high", "scores": scores}]}
    about["hardware"] |= hardware
    (folder / "study.json").write_text(json.dumps(about), encoding="utf-8")
    made, _ = provenance_of(folder, Findings.of(made_up_rows("small", arms=FEW)))["commands"]
    assert made.startswith(f"python -m deepnet matched --preset small{options} --replicates 3")


def test_a_folder_is_judged_anew_to_the_same_bytes(published: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in published.iterdir()}
    entries = entries_from(before["atlas.json"].decode())
    findings = Published(published).findings
    again = judge({"small": findings.rows}, holds=holding({"small": entries}))
    kept = provenance_of(published, findings)
    assert kept == told(published)
    rows = {row.name: row for row in again.ledgers["small"].rows}
    for record in Published(published).ledger:
        assert (rows[record["name"]].verdict, rows[record["name"]].effect) == (record["verdict"], record["effect"])


def test_published_rows_are_not_lost_unless_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = claims.find_claims(CLAIMS)
    monkeypatch.setattr(claims, "find_claims", lambda names: chosen)  # all claims are judged elsewhere
    publish_scale(tmp_path / "data", tmp_path / "results", "small", arms=FEW)
    write_results(tmp_path / "fewer", "small", arms=FEW[:1])
    command = JudgeCommand(folders=(tmp_path / "fewer",), out=tmp_path / "out", publish=tmp_path / "data")
    with pytest.raises(FileExistsError, match=r"holds 6 rows that .* has not, and that would be lost; .*`overwrite`"):
        command()
    assert not (tmp_path / "out").exists()
    write_results(tmp_path / "more", "small", arms=FEW, replicates=range(4))
    with console.capture() as heard:
        JudgeCommand(folders=(tmp_path / "more",), out=tmp_path / "out", publish=tmp_path / "data", protocols=1)()
    assert "data/small/rows.jsonl" in heard.get().replace("\n", "")
    assert told(tmp_path / "data/small")["replicates"] == [0, 1, 2, 3]
    assert len(read_rows(tmp_path / "data/small/rows.jsonl")) == 4 * (10 + len(FEW))


def test_nothing_less_than_all_claims_is_published(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "results", "small", arms=FEW)
    chosen = {"folders": (folder,), "out": tmp_path / "out", "publish": tmp_path / "data"}
    with pytest.raises(ValueError, match="Arguments `publish` and `claims` must not be given both"):
        JudgeCommand(**chosen, claims=CLAIMS)()  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Argument `protocols` must be at least 1 with `publish`"):
        JudgeCommand(**chosen, protocols=0)()  # type: ignore[arg-type]
    assert not (tmp_path / "data").exists()


def test_a_folder_without_its_record_is_refused(tmp_path: Path) -> None:
    folder = write_results(tmp_path, "small", arms=FEW)
    findings = Findings.of(made_up_rows("small", arms=FEW))
    (folder / "study.json").write_text('{"study": {}}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"study\.json is damaged"):
        provenance_of(folder, findings)
    (folder / "study.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"study\.json is missing, which says what the rows were made with"):
        provenance_of(folder, findings)


def test_missing_and_damaged_files_are_told_with_the_command(tmp_path: Path) -> None:
    found = Published(tmp_path / "digits")
    for part in ("rows", "findings", "provenance", "ledger"):
        with pytest.raises(FileNotFoundError, match="is missing: run `python -m deepnet judge results/matched/digits"):
            getattr(found, part)
    found.folder.mkdir()
    for name in ("rows.jsonl", "provenance.json", "ledger.json"):
        (found.folder / name).write_text("{", encoding="utf-8")
    for part in ("rows", "findings", "provenance", "ledger"):
        with pytest.raises(ValueError, match=r"is damaged .*: run `python -m deepnet judge"):
            getattr(Published(found.folder), part)


@pytest.mark.parametrize("scale", TRACKED, ids=lambda scale: scale.folder.name)
def test_the_tracked_ledger_is_what_the_tracked_rows_say(scale: Published) -> None:
    """Of some claims: the others go the same way."""
    name = scale.folder.name
    records = {record["name"]: record for record in scale.ledger}
    chosen = claims.find_claims(["1", "7", "11", "13"])
    for row in judge({name: scale.rows}, claims=chosen).ledgers[name].rows:
        published = records[row.name]
        assert (row.verdict, row.effect, row.interval) == (
            published["verdict"], published["effect"], published["interval"],
        )  # fmt: skip
        assert (row.confidence, list(row.details)) == (published["confidence"], list(published["details"]))
    assert scale.provenance["replicates"] == list(scale.findings.replicates)
    assert scale.provenance["scale"] == name


@pytest.mark.parametrize("scale", TRACKED, ids=lambda scale: scale.folder.name)
def test_arms_start_from_the_networks_and_forget_the_images_that_they_are_held_against(scale: Published) -> None:
    """Rows come from several machines; with other last bits or another forget set the loss would be another."""
    pretrained = scale.findings.pretrained
    for arm, rows in scale.findings.arms.items():
        for replicate, row in rows.items():
            start = pretrained[row["forget"], row["pretraining"]][replicate]["forget_loss"]
            assert row["trajectory"]["forget_loss"][0] == rounded(start, 4), (arm, replicate)
