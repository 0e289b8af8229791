"""Blocks of steps of several loops, run in turn, timed by the device's own clock; no failure stops another loop."""

from __future__ import annotations

import gc
import signal
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol

import torch

from tests.benchmarks.deepnet_options import Variant

__all__ = ["Loop", "Stopwatch", "Timing", "interleave", "matrix_rate", "time_limit"]


class Loop(Protocol):
    """Something that can run a block of steps."""

    def block(self, number: int) -> float:
        """Run the block of this number; returns the seconds of its timed steps."""


@dataclass
class Stopwatch:
    """Moments on the device's clock: events on CUDA devices, the wall clock elsewhere."""

    device: torch.device
    moments: list[Any] = field(default_factory=list)

    def mark(self) -> None:
        """Note the moment at which everything asked for so far is done."""
        if self.device.type == "cuda":
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            self.moments.append(event)
        else:
            self.moments.append(time.perf_counter())

    @property
    def seconds(self) -> float:
        """From the first moment to the last."""
        first, last = self.moments[0], self.moments[-1]
        if self.device.type == "cuda":
            last.synchronize()
            return float(first.elapsed_time(last)) / 1e3
        return float(last - first)


@dataclass
class Timing:
    """What was measured of a variant."""

    variant: Variant
    images: int
    """Images of the timed steps of a block."""
    seconds: list[float] = field(default_factory=list)
    """Of the timed steps of each block."""
    peak: int | None = None
    """Most memory of the device that a block held, in bytes; None off CUDA."""
    failure: str | None = None
    """Why it was given up."""
    loop: Loop | None = None
    spent: float = 0.0
    """Seconds in all, with what is not timed."""

    @property
    def rate(self) -> float:
        """Images a second, median over blocks."""
        return self.images / statistics.median(self.seconds)

    @property
    def rates(self) -> tuple[float, float]:
        """The slowest and the fastest block, in images a second."""
        return self.images / max(self.seconds), self.images / min(self.seconds)


def interleave(
    timings: Sequence[Timing],
    make: Callable[[Variant], Loop],
    device: torch.device,
    *,
    rounds: int,
    limit: float,
    after_block: Callable[[Timing], None] = lambda timing: None,
) -> None:
    """Fill timings: in each round every variant that has not failed runs one block.

    Args:
        timings: One for each variant; filled in place.
        make: Makes a variant's loop, when its first block is due.
        device: Where they run.
        rounds: Number of rounds, after one that is not counted.
        limit: Seconds that a variant may take in all.
        after_block: Called with a timing when a block of it is done, or it was given up, to keep what there is.
    """
    for number in range(-1, rounds):
        for timing in timings:
            if timing.failure is None:
                _block(timing, make, device, number, limit)
                after_block(timing)
    for timing in timings:
        timing.loop = None
    _free(device)


def _block(timing: Timing, make: Callable[[Variant], Loop], device: torch.device, number: int, limit: float) -> None:
    began = time.perf_counter()
    try:
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        with time_limit(limit - timing.spent):
            if timing.loop is None:
                timing.loop = make(timing.variant)
            spent = timing.loop.block(number + 1)
        if number >= 0:
            timing.seconds.append(spent)
        if device.type == "cuda":
            timing.peak = max(timing.peak or 0, torch.cuda.max_memory_allocated(device))
    except Exception as error:  # whatever it is, it is this variant's alone, and its row says so
        lines = str(error).strip().splitlines()
        timing.failure = f"{type(error).__name__}: {lines[0] if lines else ''}"[:200]
        timing.loop = None
    timing.spent += time.perf_counter() - began
    _free(device)


def _free(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        try:
            torch.cuda.empty_cache()
        except RuntimeError:  # a device that has failed says so at every call; its rows do already
            return


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End what runs in it after so many seconds.

    Raises:
        TimeoutError: when the time is up. Code outside of Python is ended when it comes back.
    """

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeoutError("the time limit of a variant was reached")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), 10.0)  # again, should a compiler swallow the first
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def matrix_rate(device: torch.device, dtype: torch.dtype, repeats: int = 12) -> float:
    """Operations a second of a large product of random matrices; a multiplication with addition counts as two."""
    n = 8192 if device.type == "cuda" else 1024
    left, right = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    times = []
    for _ in range(repeats):
        watch = Stopwatch(device)
        watch.mark()
        for _ in range(4):
            torch.mm(left, right)
        watch.mark()
        times.append(watch.seconds / 4)
    return 2 * n**3 / statistics.median(times[2:])
