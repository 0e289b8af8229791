"""Sweeps on a Dask cluster of real worker processes: the same bits, also when a worker dies."""

import os
import pickle
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numba
import pytest
import xarray

from simulate import SGD, Loss, Phase, sweep
from simulate.sweeps.grid import Block
from simulate.sweeps.workers import on_cluster
from tests.simulate.small_sweep import PROBLEM, assert_same_bits, small_sweep

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # dask's own, of ports and of ended processes


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_two_workers_give_the_bits_of_one_process(client, tmp_path: Path) -> None:
    whole = small_sweep()
    told: list[int] = []
    assert_same_bits(small_sweep(client=client, chunk=4, progress=lambda done, _: told.append(done)), whole)
    assert told == sorted(told)
    assert told[-1] == 45
    assert_same_bits(small_sweep(client=client, chunk=7, out=tmp_path / "x.zarr"), whole)
    assert len({*client.run(os.getpid).values()}) == 2


def test_errors_of_workers_arrive(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulate.sweeps.workers.Job.__init__.__defaults__", ("9.9",))
    with pytest.raises(RuntimeError, match=r"one of sharpmu 9.9, but this worker has"):
        small_sweep(client=client)


@dataclass(frozen=True)
class Witness:
    """A job that fails some times and counts how often it is asked, in a folder that all workers see."""

    folder: Path
    failures: int = 0
    error: type[Exception] = OSError
    ballast: bytes = b""

    def __call__(self, block: Block) -> xarray.Dataset:
        calls = len(list(self.folder.iterdir()))
        (self.folder / f"{block.number}-{calls}").touch()
        if calls < self.failures:
            raise self.error(f"failure {calls + 1}")
        return xarray.Dataset({"threads": numba.get_num_threads()})


def blocks(count: int) -> list[Block]:
    return [Block(number, (number,), (slice(number, number + 1),)) for number in range(count)]


def test_a_chunk_that_fails_is_tried_three_times_more(client, tmp_path: Path) -> None:
    for failures in (3, 4):
        folder = tmp_path / str(failures)
        folder.mkdir()
        computed = on_cluster(client, Witness(folder, failures), blocks(1))
        if failures == 3:
            assert [block.number for block, _ in computed] == [0]
        else:
            with pytest.raises(OSError, match="failure 4"):
                list(computed)
        assert len(list(folder.iterdir())) == 4


def test_what_is_wrong_with_an_argument_is_not_tried_again(client, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="failure 1"):
        list(on_cluster(client, Witness(tmp_path, 9, ValueError), blocks(1)))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_task_takes_one_thread(client, tmp_path: Path) -> None:
    assert max(client.run(numba.get_num_threads).values()) > 1, "or this test could not fail"
    assert [int(data["threads"]) for _, data in on_cluster(client, Witness(tmp_path), blocks(4))] == [1] * 4


def test_few_chunks_are_under_way(client, tmp_path: Path) -> None:
    done, drawn = 0, 0

    def counted():
        nonlocal drawn
        for block in blocks(40):
            drawn += 1
            assert drawn - done <= 2 * 2 + 1  # two for each of the two workers, and the one that is handed out
            yield block

    for _ in on_cluster(client, Witness(tmp_path), counted()):
        done += 1
    assert done == drawn == 40


def test_the_job_is_sent_once(client, tmp_path: Path) -> None:
    ballast = os.urandom(2**20)
    sent = [len(pickle.dumps(arguments)) for arguments in _submitted(client, Witness(tmp_path, ballast=ballast))]
    assert len(sent) == 11
    assert sum(size > 2**20 for size in sent) == 1


def _submitted(client, job: Witness) -> list[tuple]:
    """What is given to each task of ten blocks; what is on the cluster already as its name."""
    given: list[tuple] = []

    class Recorder:
        def submit(self, function, *arguments, **options):
            given.append(tuple(each.key if isinstance(each, distributed.Future) else each for each in arguments))
            return client.submit(function, *arguments, **options)

        def __getattr__(self, name: str):
            return getattr(client, name)

    assert len(list(on_cluster(Recorder(), job, blocks(10)))) == 10
    return given


@pytest.mark.parametrize("client", ["tcp://10.0.0.1:8786", object()])
def test_what_is_no_client_is_refused(client: object) -> None:
    with pytest.raises(ValueError, match=r"^Argument `client` must be a dask"):
        small_sweep(client=client)


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_changes_no_bit(client, tmp_path: Path) -> None:
    phases = [Phase("fit", Loss(), SGD(lr=1e-3), steps=20_000)]
    options = {"axes": {"d": [500, 1000, 2000]}, "seeds": range(20), "test_directions": 16, "chunk": 1}
    whole = sweep(PROBLEM, phases, **options)
    victim = next(iter(client.run(os.getpid).values()))
    killed: list[float] = []

    def kill_when_at_work(done: int, _: int) -> None:
        if done >= 10 and not killed:
            killed.append(time.monotonic())
            os.kill(victim, signal.SIGKILL)

    data = sweep(PROBLEM, phases, **options, client=client, out=tmp_path / "x.zarr", progress=kill_when_at_work)
    assert killed
    assert victim not in client.run(os.getpid).values()
    assert_same_bits(data, whole)
    assert threading.active_count() < 100
