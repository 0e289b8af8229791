"""Processes of this machine that share out work, started and ended by the one that a user started.

The first process gives out the work, one item at a time to whoever is free, and shows how far it is; what is computed
of an item must depend on the item alone, so that nothing hangs on who computes it. torchrun is another way to several
processes, over several machines too: see `deepnet.house.parallel`.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Protocol

import torch

from deepnet.house.resources import free_memory, usable_cores
from simulate.house import checks

__all__ = ["Crew", "Need", "Watch", "Work", "size_of_crew"]

Work = Callable[[Any, Callable[[float], None]], None]
"""Does an item, and tells now and then which share of it is done. It travels to other processes: they keep the one
they got last as long as the next is equal to it, with whatever it has loaded."""
_WORTH = 15.0
"""Seconds of work below which it is done before other processes would have started."""
_SPARE = 0.8
"""Part of the free memory that may be filled."""
_BY_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Watch(Protocol):
    """Sees how far work is; items are told apart by their places."""

    def begin(self, place: int) -> None:
        """An item is begun."""

    def move(self, place: int, share: float) -> None:
        """A share of an item, in [0, 1], is done."""

    def end(self, place: int) -> None:
        """An item is done."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What work is about to need, roughly."""

    items: int
    """Number of items."""
    seconds: float
    """Time of one core in all."""
    memory: float
    """Bytes of one process."""
    threads_pay: bool
    """Whether an item is done faster by several threads."""
    formats: tuple[str, ...] = ()
    """Number formats of its products."""


class Crew:
    """Some processes; they are started when there is work for them, and ended by `close`."""

    def __init__(
        self,
        processes: int | None = 1,
        threads: int | None = None,
        announce: Callable[[int, int, Need], None] = lambda processes, threads, need: None,
    ) -> None:
        """Plan a crew.

        Args:
            processes: Their number; 1 is this process alone, None as many as `settle` finds good.
            threads: CPU threads of each; None leaves it to `settle`.
            announce: Told the numbers of processes and threads, and of what need, once they are settled.

        Raises:
            ValueError: if a number is not a whole one of at least 1.
        """
        for name, value in (("processes", processes), ("threads", threads)):
            if value is not None:
                checks.integer(name, value, least=1)
        self.processes, self.threads, self._announce = processes, threads, announce
        self._settled = False
        self._members: list[_Member] = []

    def settle(self, need: Need) -> None:
        """Decide how many processes and threads there are, once; later calls change nothing."""
        if self._settled:
            return
        self._settled = True
        self.processes, threads = size_of_crew(need, self.processes, self.threads)
        self.threads = threads
        if threads is not None:
            torch.set_num_threads(threads)
        self._announce(self.processes, torch.get_num_threads() if threads is None else threads, need)

    def do(self, work: Work, items: Sequence[Any], watch: Watch, first: int = 0) -> None:
        """Do work.

        Args:
            work: What is done.
            items: What it is done with.
            watch: Sees how far it is.
            first: Place of the first item.

        Raises:
            ChildProcessError: if a process ends before its time.
            Exception: what `work` raises; the other processes are then ended.
        """
        if (self.processes or 1) == 1 or len(items) < 2:
            for place, item in enumerate(items, first):
                watch.begin(place)
                work(item, lambda share, place=place: watch.move(place, share))  # type: ignore[misc]
                watch.end(place)
            return
        try:
            self._share_out(work, deque(enumerate(items, first)), watch)
        except BaseException:
            self.close()
            raise

    def _share_out(self, work: Work, waiting: deque[tuple[int, Any]], watch: Watch) -> None:
        while len(self._members) < min(self.processes or 1, len(waiting)):
            self._members.append(_Member(self.threads or 1))
        busy: dict[Connection, tuple[_Member, int]] = {}

        def give(member: _Member) -> None:
            if waiting:
                place, item = waiting.popleft()
                member.send((work, item))
                busy[member.pipe] = member, place
                watch.begin(place)

        for member in self._members:
            give(member)
        while busy:
            ready = wait(list(busy))
            for pipe in [pipe for pipe in busy if pipe in ready]:
                member, place = busy[pipe]
                word, told = member.receive()
                if word == "move":
                    watch.move(place, told)
                    continue
                del busy[pipe]
                if word == "failed":
                    error, trace = told
                    raise error from ChildProcessError(trace)
                watch.end(place)
                give(member)

    def close(self) -> None:
        """End the processes, whatever they are at."""
        for member in self._members:
            member.process.terminate()
        for member in self._members:
            member.process.join()
            member.pipe.close()
        self._members = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def size_of_crew(need: Need, processes: int | None, threads: int | None) -> tuple[int, int | None]:
    """How many processes of how many threads are best; a number that was asked for stays.

    One thread a process, and one process a core as far as memory goes: small steps gain little from threads. Threads
    take the cores that memory leaves over, where that pays.

    Returns:
        Both numbers; None threads leaves their number to torch.
    """
    cores = usable_cores()
    if processes is None:
        free = free_memory()
        fitting = cores if free is None else int(_SPARE * free / max(need.memory, 1.0))
        processes = max(1, min(cores // (threads or 1), fitting, need.items))
        if need.seconds < _WORTH:
            processes = 1
    if threads is None and not need.threads_pay:
        threads = 1
    elif threads is None and processes > 1:
        threads = max(1, cores // processes)
    return processes, threads


class _Member:
    """One of the processes, seen from the first."""

    def __init__(self, threads: int) -> None:
        context = get_context("spawn")  # a fork would inherit torch's threads in an unknown state
        self.pipe, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_serve, args=(theirs, threads))
        with _deaf_to_interruptions(), _usual_threads(threads):
            self.process.start()
        theirs.close()

    def send(self, message: Any) -> None:
        try:
            self.pipe.send(message)
        except OSError:
            self._complain()

    def receive(self) -> tuple[str, Any]:
        try:
            word, told = self.pipe.recv()
        except (EOFError, ConnectionError):
            self._complain()
        return word, told

    def _complain(self) -> None:
        self.process.join()
        raise ChildProcessError(
            f"A process of the study ended with the status {self.process.exitcode}, perhaps for want of memory: take "
            "fewer `--processes`. What is finished is kept."
        )


def _serve(pipe: Connection, threads: int) -> None:
    """What a process of the crew does, until there is nothing more."""
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work: Work | None = None
    while True:
        try:
            wanted, item = pipe.recv()
        except EOFError:
            return
        work = wanted if work is None or wanted != work else work
        try:
            work(item, lambda share: pipe.send(("move", share)))
        except Exception as error:
            pipe.send(("failed", (_portable(error), traceback.format_exc())))
        else:
            pipe.send(("end", None))


def _end_with_parent() -> None:
    """End at once when the first process is gone, be it by `kill -9`."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _portable(error: Exception) -> Exception:
    """An error that can be made again of its arguments, as a pipe does, or one that says as much."""
    try:
        same = type(error)(*error.args)
    except Exception:
        same = None
    return error if str(same) == str(error) else RuntimeError(f"{type(error).__name__}: {error}")


@contextmanager
def _deaf_to_interruptions() -> Iterator[None]:
    """Processes that are started here do not hear Ctrl-C, which goes to all: the first hears it and ends the others."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _usual_threads(threads: int) -> Iterator[None]:
    """Libraries of processes that are started here take so many threads, unless the environment says otherwise."""
    added = [name for name in _BY_LIBRARIES if name not in os.environ]
    os.environ.update(dict.fromkeys(added, str(threads)))
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
