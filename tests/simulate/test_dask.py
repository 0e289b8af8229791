"""Sweeps on a Dask cluster of real worker processes: the same bits, also when a worker dies."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from simulate import SGD, Loss, Phase, sweep
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
    monkeypatch.setattr("simulate.workers.Job.__init__.__defaults__", ("9.9",))
    with pytest.raises(RuntimeError, match=r"one of sharpmu 9.9, but this worker has"):
        small_sweep(client=client)


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
