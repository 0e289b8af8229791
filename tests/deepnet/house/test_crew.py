"""Processes that share out work: all of it is done once, by all of them, and they end together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from deepnet.cli.workforce import workforce  # noqa: E402
from deepnet.house import crew as module  # noqa: E402
from deepnet.house import parallel  # noqa: E402
from deepnet.house.crew import Crew, Need, size_of_crew  # noqa: E402
from deepnet.house.resources import free_memory, usable_cores  # noqa: E402
from tests.deepnet.house.notes import Notes, Watcher  # noqa: E402
from tests.deepnet.small_study import numbers, run_small, small_study  # noqa: E402
from tests.hearing import hearing  # noqa: E402
from tests.places import ROOT  # noqa: E402

NEED = Need(items=50, seconds=600.0, memory=1e9, threads_pay=False)
CPU = torch.device("cpu")
SET_THREADS = torch.set_num_threads


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)  # which would last beyond the test


def test_processes_share_out_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two items wait for each other, so two processes are at work; an error in one of them ends all."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    watch = Watcher()
    with Crew(2, 1) as crew:
        crew.do(Notes(tmp_path), ["wait1", "wait2", "a", "b", "c"], watch, first=3)
        told = {path.name: path.read_text().split() for path in tmp_path.iterdir()}
        assert sorted(told) == ["a", "b", "c", "wait1", "wait2"]
        assert len({who for who, _ in told.values()}) == 2
        assert str(os.getpid()) not in {who for who, _ in told.values()}
        assert {threads for _, threads in told.values()} == {"1"}
        assert "OMP_NUM_THREADS" not in os.environ
        for place in range(3, 8):
            mine = [(word, share) for word, at, share in watch.seen if at == place]
            assert mine == [("begin", 0.0), ("move", 0.5), ("end", 1.0)]
        with pytest.raises(ValueError, match="`item` must be right"):
            crew.do(Notes(tmp_path), ["d", "wrong", "e"], watch)
        assert crew._members == []


@pytest.mark.slow
def test_a_process_that_dies_is_told(tmp_path: Path) -> None:
    with Crew(2, 1) as crew, pytest.raises(ChildProcessError, match=r"ended with the status 7.*fewer `--processes`"):
        crew.do(Notes(tmp_path), ["a", "die", "b"], Watcher())


def test_alone_there_are_no_processes(tmp_path: Path) -> None:
    watch = Watcher()
    Crew().do(Notes(tmp_path), ["a", "b"], watch)
    assert {path.read_text().split()[0] for path in tmp_path.iterdir()} == {str(os.getpid())}
    assert [(word, place) for word, place, _ in watch.seen] == [
        ("begin", 0), ("move", 0), ("end", 0), ("begin", 1), ("move", 1), ("end", 1),
    ]  # fmt: skip


@pytest.mark.slow
def test_a_study_has_the_same_bits_by_one_process_and_by_two(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    SET_THREADS(1)
    run_small(tmp_path / "one")
    SET_THREADS(before)
    with Crew(2, 1) as crew:
        from deepnet.studies.running import run_study
        from deepnet.studies.stages import Execution

        run_study(small_study(), tmp_path / "two", Execution(), crew=crew)
        assert len(crew._members) == 2
    one, two = ([{**row, "hardware": None} for row in numbers(tmp_path / name)] for name in ("one", "two"))
    assert one == two


@pytest.mark.slow
@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGKILL])
def test_processes_end_together(word: int, tmp_path: Path) -> None:
    """Ctrl-C goes to the first process and to the others; `kill -9` to the first alone."""
    words = ["-m", "deepnet", "run", "--preset", "digits", "--out", str(tmp_path), "--processes", "2"]
    began = subprocess.Popen(
        hearing([sys.executable, *words]), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert began.stdout is not None
    line = ""
    while "1 of" not in line:
        line = began.stdout.readline()
        assert line, began.communicate()
    group = os.getpgid(began.pid)
    os.killpg(group, word) if word == signal.SIGINT else os.kill(began.pid, word)
    _, told = began.communicate(timeout=60)
    assert began.returncode == (130 if word == signal.SIGINT else -word)
    assert "Traceback" not in told
    for _ in range(100):
        if not _living(group):
            break
        time.sleep(0.1)
    assert _living(group) == []


def _living(group: int) -> list[str]:
    """Processes of a group that still run."""
    found = subprocess.run(["ps", "-eo", "pgid=,stat=,pid="], capture_output=True, text=True, check=True).stdout
    lines = [line.split() for line in found.splitlines()]
    return [pid for number, state, pid in lines if int(number) == group and "Z" not in state]


@pytest.mark.parametrize(
    ("changed", "asked", "found"),
    [
        ({}, (None, None), (4, 1)),
        ({"memory": 3e9}, (None, None), (2, 1)),  # 0.8 of 10 GB
        ({"memory": 3e9, "threads_pay": True}, (None, None), (2, 2)),
        ({"memory": 3e10}, (None, None), (1, 1)),
        ({"memory": 3e10, "threads_pay": True}, (None, None), (1, None)),
        ({"seconds": 5.0}, (None, None), (1, 1)),
        ({"items": 3}, (None, None), (3, 1)),
        ({}, (None, 2), (2, 2)),
        ({"memory": 3e10, "seconds": 1.0}, (8, None), (8, 1)),
        ({}, (8, 3), (8, 3)),
    ],
)
def test_as_many_processes_as_cores_and_memory_allow(
    changed: dict[str, float], asked: tuple[int | None, int | None], found: tuple[int, int | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "usable_cores", lambda: 4)
    monkeypatch.setattr(module, "free_memory", lambda: 10**10)
    assert size_of_crew(Need(**{**vars(NEED), **changed}), *asked) == found


def test_containers_limit_cores_and_memory(tmp_path: Path) -> None:
    told = tmp_path / "meminfo"
    told.write_text("MemTotal: 9000 kB\nMemAvailable:   3000 kB\n")
    assert free_memory(tmp_path / "none", told) == 3000 * 1024
    for name, text in {"memory.max": "2000000\n", "memory.current": "500000\n", "cpu.max": "100000 100000\n"}.items():
        (tmp_path / name).write_text(text)
    assert free_memory(tmp_path, told) == 1_500_000
    assert usable_cores(tmp_path) == 1
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert free_memory(tmp_path, told) == 3000 * 1024
    assert usable_cores(tmp_path) == usable_cores(tmp_path / "none") >= 1
    assert free_memory(tmp_path / "none", tmp_path / "none") is None


def test_precision_and_processes_are_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    with workforce(CPU, processes=None, threads=None) as crew:
        crew.settle(Need(items=1, seconds=1.0, memory=1.0, threads_pay=False, formats=("float32",)))
        crew.settle(NEED)
    assert capsys.readouterr().out == "On cpu: 1 process of 1 thread, products in float32.\n"
    with workforce(CPU, processes=2, threads=1) as crew:
        crew.settle(replace(NEED, formats=("float32", "float16")))
    told = capsys.readouterr().out
    assert "2 processes of 1 thread, products in float32 and float16, which CPUs only emulate" in told


def test_processes_are_not_mixed_with_those_of_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def joined(sharing: str, device: torch.device) -> Iterator[None]:
        yield

    monkeypatch.setattr(parallel, "processes", joined)
    monkeypatch.setattr(parallel, "shard", lambda: (0, 2))
    with (
        pytest.raises(ValueError, match="`processes` must be 1 under torchrun"),
        workforce(CPU, processes=2, threads=1),
    ):
        pass
    with workforce(CPU, processes=None, threads=1) as crew:
        assert crew.processes == 1
