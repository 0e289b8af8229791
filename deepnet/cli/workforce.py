"""Who computes for a command: the device, the processes and their threads, and what is said of them once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from deepnet.house import parallel
from deepnet.house.crew import Crew, Need
from deepnet.house.environment import local_processes
from deepnet.house.resources import usable_cores
from simulate.house import checks
from simulate.house.counting import counted
from simulate.house.terminal import console

__all__ = ["workforce"]


@contextmanager
def workforce(
    device: torch.device,
    *,
    processes: int | None,
    threads: int | None,
    share: parallel.Sharing = "runs",
) -> Iterator[Crew]:
    """The processes of a command: those that torchrun started, or those that this one starts when there is work.

    Args:
        device: Where they compute.
        processes: How many to start; None is as many as are good on a CPU, and 1 elsewhere or under torchrun.
        threads: CPU threads of each; None is as many as are good, beside a GPU as many as there are cores for each
            process of this machine.
        share: What processes of torchrun share.

    Raises:
        ValueError: if several are to be started where torchrun has started some, or to share batches.
    """
    with parallel.processes(share, device):
        if processes is not None:
            checks.integer("processes", processes, least=1)
        if processes not in (None, 1) and (share == "batches" or parallel.shard()[1] > 1):
            checks.fail("processes", "be 1 under torchrun, and where processes share each batch", processes)
        if threads is None and device.type == "cuda":  # the card does the steps; the cores are there for all else
            threads = max(1, usable_cores() // (local_processes() * (processes or 1)))
        alone = device.type != "cpu" or share == "batches" or parallel.shard()[1] > 1

        def announce(count: int, each: int, need: Need) -> None:
            if parallel.is_first():
                console.print(_told(device, count, each, need.formats))

        with Crew(1 if alone and processes is None else processes, threads, announce) as crew:
            yield crew


def _told(device: torch.device, processes: int, threads: int, formats: Sequence[str]) -> str:
    """In one line what computes, and in which number formats."""
    told = f"On {device}: {counted(processes, 'process', 'processes')} of {counted(threads, 'thread')}"
    told += f", products in {' and '.join(formats)}"
    if device.type == "cpu" and "float16" in formats:
        return f"{told}, which CPUs only emulate, tens of times slower than float32: see --precision."
    return f"{told}."
