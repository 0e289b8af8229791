"""`python -m deepnet`: what it prints, writes and refuses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from deepnet import report  # noqa: E402
from deepnet.cli import main  # noqa: E402
from deepnet.report import figures  # noqa: E402
from deepnet.report.figures import draw_all  # noqa: E402
from deepnet.studies import presets  # noqa: E402
from tests.deepnet.small_study import numbers, small_study  # noqa: E402
from tests.places import ROOT  # noqa: E402


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(presets.PRESETS, "small", small_study)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)  # which would last beyond the test


@pytest.fixture
def without_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """To draw it takes longer than the study."""
    monkeypatch.setattr(report, "write_report", lambda folder: None)


@pytest.fixture
def one_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports with their first picture only; `tests.deepnet.report` looks at all of them."""
    monkeypatch.setattr(figures, "draw_all", lambda sources: islice(draw_all(sources), 1))


@pytest.fixture(scope="module")
def study_folder(small_study_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    shutil.copytree(small_study_folder, folder / "small")
    return folder


@pytest.mark.usefixtures("one_picture")
def test_run_makes_rows_report_and_table(study_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--preset", "small", "--out", str(study_folder), "--device", "cpu"]) == 0
    out = capsys.readouterr().out
    assert "Sharp MinMax" in out
    assert str(study_folder / "small" / "results.jsonl") in out.replace("\n", "")
    assert (study_folder / "small" / "report" / "table.md").exists()


@pytest.mark.usefixtures("without_report")
def test_a_table_of_another_study_is_said_to_be_replaced(
    study_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its models and measurements stay, so that nothing is refused."""
    shutil.copytree(study_folder / "small", tmp_path / "small")
    line = ["run", "--preset", "small", "--out", str(tmp_path), "--device", "cpu"]
    before = numbers(tmp_path / "small")
    assert main([*line, "--methods", "finetune"]) == 0
    assert "The table was one of another study (1 difference; unlearners: " in capsys.readouterr().out
    assert len(numbers(tmp_path / "small")) < len(before)
    assert main(line) == 0
    assert numbers(tmp_path / "small") == before
    capsys.readouterr()
    assert main(line) == 0
    assert "another study" not in capsys.readouterr().out


@pytest.mark.usefixtures("without_report")
def test_options_change_the_study(tmp_path: Path) -> None:
    words = ["run", "--preset", "small", "--out", str(tmp_path), "--device", "cpu", "--methods", "finetune"]
    options = ["--study.seeds", "5", "--study.pretrain.epochs", "1", "--study.evaluation.shadow", "0"]
    assert main([*words, *options]) == 0
    rows = numbers(tmp_path / "small")
    assert {row["seed"] for row in rows} == {5}
    assert {row["method"] for row in rows} == {"pretrained", "retrain", "finetune"}
    assert all("mia" not in row for row in rows)
    assert json.loads((tmp_path / "small" / "study.json").read_text())["pretrain"]["epochs"] == 1


def test_dry_run_lists_and_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--preset", "small", "--out", str(tmp_path), "--dry-run"]) == 0
    assert "12 models" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_presets_lists_presets_and_quirks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets"]) == 0
    out = capsys.readouterr().out
    assert "cifar100-resnet50" in out
    assert "mask_polarity" in out


@pytest.mark.usefixtures("one_picture")
def test_report_is_made_again(study_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the rows alone: pictures are dear, and `run` has drawn them."""
    shutil.copy(study_folder / "small" / "results.jsonl", tmp_path)
    assert main(["report", str(tmp_path)]) == 0
    assert "table.tex" in capsys.readouterr().out.replace("\n", "")
    assert (tmp_path / "report" / "table.tex").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["fly"], "fly"),
        (["run", "--preset", "none"], "preset"),
        (["run", "--preset=none"], "preset"),
        (["run", "--preset", "small", "--methods", "magic"], "methods"),
        (["run", "--preset", "small", "--compat", "magic"], "compat"),
        (["run", "--preset", "small", "--compat", "official"], "`dataset`"),
        (["run", "--preset", "small", "--device", "abacus"], "device"),
        (["run", "--preset", "small", "--device", "cuda:63"], "device"),
        (["run", "--preset", "small", "--threads", "0"], "threads"),
        (["run", "--preset", "cifar10-resnet18"], "data"),
        (["report", "nowhere"], "nowhere"),
        (["search", "--preset", "none"], "preset"),
        (["search", "--preset", "cifar10-small"], "images"),
        (["matched", "--preset", "none"], "preset"),
        (["matched", "--preset", "photographs-resnet18"], "images"),
        (["matched", "--rehearse", "--replicates", "0"], "replicates"),
        (["matched", "--only", "magic", "--device", "cpu"], "only"),
    ],
)
def test_bad_words_are_named(
    words: list[str], named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert named in error
    assert "Traceback" not in error
    assert not list(tmp_path.rglob("*.jsonl"))


def test_bad_studies_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--preset", "small", "--study.seeds", "1", "1"]) == 2
    assert "`--study.seeds`" in capsys.readouterr().err


def test_matched_lists_its_arms(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matched", "--rehearse", "--dry-run"]) == 0
    assert "minmax-asam-after-sgd" in capsys.readouterr().out


def test_nothing_but_help_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["--help"]) == 0
    assert "judge" in capsys.readouterr().out


def launched(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """The small study in two processes that torchrun starts."""
    script = folder / "study.py"
    script.write_text(
        "import sys\nimport torch\ntorch.set_num_threads(1)\n"
        "from deepnet.studies import presets\nfrom deepnet.cli import main\n"
        "from tests.deepnet.small_study import small_study\npresets.PRESETS['small'] = small_study\n"
        "sys.exit(main(sys.argv[1:]))\n",
        encoding="utf-8",
    )
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run([*run, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_two_processes_share_out_the_runs(study_folder: Path, tmp_path: Path) -> None:
    done = launched(["run", "--preset", "small", "--out", str(tmp_path / "out"), "--device", "cpu"], tmp_path)
    assert done.returncode == 0, done.stderr
    found = [{**row, "hardware": None} for row in numbers(tmp_path / "out" / "small")]
    assert found == [{**row, "hardware": None} for row in numbers(study_folder / "small")]


@pytest.mark.slow
def test_two_processes_share_each_batch(study_folder: Path, tmp_path: Path) -> None:
    words = ["run", "--preset", "small", "--out", str(tmp_path / "out"), "--device", "cpu", "--share", "batches"]
    done = launched(words, tmp_path)
    assert done.returncode == 0, done.stderr
    for one, other in zip(numbers(tmp_path / "out" / "small"), numbers(study_folder / "small"), strict=True):
        assert one["retain_loss"] == pytest.approx(other["retain_loss"], abs=1e-3)
        assert one["test_accuracy"] == pytest.approx(other["test_accuracy"], abs=0.02)
