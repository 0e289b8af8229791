"""Logs: a table always, TensorBoard where it is installed, and anything with the one method."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from deepnet.house import packages
from deepnet.house.logs import CsvLog, Logger, TensorBoardLog, check_names, loggers_of, made_loggers
from simulate.house.terminal import exit_status

HERE = __name__


class Heard:
    """Keeps what it is told."""

    def __init__(self, *about: object) -> None:
        self.about, self.told = about, []

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self.told.append((step, dict(values)))


def of_nothing(folder: Path, run: str) -> int:
    """Returns no log."""
    return 3


class Writer:
    """In the place of TensorBoard's."""

    def __init__(self, log_dir: str, purge_step: int) -> None:
        self.points: list[tuple[str, float, int]] = []
        self.flushed, self.place = 0, (log_dir, purge_step)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.points.append((name, value, step))

    def flush(self) -> None:
        self.flushed = len(self.points)


@pytest.fixture
def tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were installed."""
    pytest.importorskip("torch")
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setitem(packages._MODULES, packages.TENSORBOARD, "json")


@pytest.fixture
def no_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(packages._MODULES, packages.TENSORBOARD, "absent_package")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_row_is_in_the_file_at_once(tmp_path: Path) -> None:
    log = CsvLog(tmp_path / "a" / "history.csv")
    assert not log.path.exists()
    for step, values in [(0, {"loss": 0.1}), (4, {"loss": 1 / 3}), (9, {"loss": 2.0, "seconds": 1.5})]:
        log.log(step, values)
        found = rows_of(log.path)
        assert int(found[-1]["step"]) == step
        assert {name: float(found[-1][name]) for name in values} == values
    assert [row["seconds"] for row in found] == ["", "", "1.5"]
    assert [row["step"] for row in found] == ["0", "4", "9"]


def test_a_value_that_is_missing_is_empty(tmp_path: Path) -> None:
    log = CsvLog(tmp_path / "history.csv")
    log.log(0, {"a": 1.0, "b, c": 2.0})
    log.log(1, {"b, c": 3.0})
    assert rows_of(log.path) == [{"step": "0", "a": "1.0", "b, c": "2.0"}, {"step": "1", "a": "", "b, c": "3.0"}]


def test_a_table_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("mine")
    with pytest.raises(ValueError, match="Argument `log` must name a place without history"):
        loggers_of("log", tmp_path)
    assert path.read_text() == "mine"
    CsvLog(path, overwrite=True).log(1, {"loss": 2.0})
    assert rows_of(path) == [{"step": "1", "loss": "2.0"}]


def test_folders_loggers_and_several_of_them(tmp_path: Path) -> None:
    heard = Heard()
    assert loggers_of("log", None) == []
    assert loggers_of("log", heard) == [heard]
    table, other = loggers_of("log", [str(tmp_path), heard])
    assert isinstance(table, CsvLog)
    assert (table.path, other) == (tmp_path / "history.csv", heard)
    for wrong in (3, [None], Heard):
        with pytest.raises(ValueError, match=r"Argument `log` must be a folder, or an object with a method `log\("):
            loggers_of("log", wrong)


@pytest.mark.usefixtures("tensorboard")
def test_tensorboard_has_a_curve_for_each_name(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    log.log(3, {"loss": 0.5, "accuracy": 0.25})
    log.log(6, {"loss": 0.125})
    assert log._writer.points == [("loss", 0.5, 3), ("accuracy", 0.25, 3), ("loss", 0.125, 6)]
    assert log._writer.flushed == 3
    assert log._writer.place == (str(tmp_path), 0)  # what is there from step 0 on is drawn no more


@pytest.mark.usefixtures("no_tensorboard")
def test_without_tensorboard_the_package_is_named() -> None:
    for ask in (lambda: TensorBoardLog("anywhere"), lambda: check_names("log", ["tensorboard"])):
        with pytest.raises(ModuleNotFoundError, match=r"^A log for TensorBoard needs the package tensorboard, which"):
            ask()


@pytest.mark.usefixtures("no_tensorboard")
def test_a_study_names_the_extra_that_has_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Not that of PyTorch, which is there, and would bring it no nearer."""
    assert exit_status(lambda: check_names("log", ["tensorboard"]) or 0, extra="deepnet") == 2
    assert capsys.readouterr().err == (
        "error: A log for TensorBoard needs the package tensorboard, which is not installed: "
        'pip install -e ".[tensorboard]"\n'
    )


@pytest.mark.usefixtures("tensorboard")
def test_logs_by_name_have_the_words_of_their_run(tmp_path: Path) -> None:
    names = ["tensorboard", f"{HERE}:Heard"]
    check_names("log", names)
    board, heard = made_loggers(names, tmp_path, "a/b, seed 0, neggrad sgd")
    assert board._writer.place[0] == str(tmp_path / "tensorboard" / "a_b" / "seed 0" / "neggrad sgd")
    assert heard.about == (tmp_path, "a/b, seed 0, neggrad sgd")
    assert isinstance(heard, Logger)


@pytest.mark.parametrize(
    ("name", "message"),
    [("wandb", '"tensorboard", or functions as "package.module:function"'), (f"{HERE}:absent", "is none"),
     ("no_such_package:make", "is none")],
)  # fmt: skip
def test_what_names_no_log_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match="Argument `log` must") as refused:
        check_names("log", [name])
    assert message in str(refused.value)


def test_what_makes_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must name what returns an object with a method `log`, not a int"):
        made_loggers([f"{HERE}:of_nothing"], tmp_path, "run")


def test_a_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(ValueError, match="Argument `log` must be in a folder that can be written to"):
            loggers_of("log", place)


def unlearned(**options: Any) -> Any:
    pytest.importorskip("torch")
    from deepnet import unlearn
    from deepnet.methods import NegGrad
    from tests.deepnet.own.foreign import FORGET, table, trained

    return unlearn(
        trained("table")[0], table(), FORGET, NegGrad(alpha=0.7), epochs=2, lr=0.05, batch_size=32, **options
    )


def test_unlearning_is_written_down_epoch_by_epoch(tmp_path: Path) -> None:
    heard = Heard()
    result = unlearned(log=[tmp_path, heard])
    assert [step for step, _ in heard.told] == [seen.step for seen in result.history] == [0, 4, 8]
    for (_, values), seen, row in zip(heard.told, result.history, rows_of(tmp_path / "history.csv"), strict=True):
        assert values == {name: value for name, value in vars(seen).items() if name != "step" and value is not None}
        assert {name: float(row[name]) for name in values} == values
    with pytest.raises(ValueError, match="`log` must name a place without"):
        unlearned(log=tmp_path)


def test_a_terminal_that_nobody_reads_ends_no_unlearning(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from rich.console import Console

    from deepnet.own import showing
    from tests.deepnet.cli.test_progress import Unread

    monkeypatch.setattr(showing, "console", Console(file=Unread()))
    assert len(unlearned(progress=True).history) == 3
