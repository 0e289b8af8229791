"""Claims measured in the laboratories of protocols: here, in processes of this machine, or on a Dask cluster.

A laboratory is made by a function of its protocol, so that this room knows nothing of what is in it. All claims that
are to be measured under a protocol share its laboratory, and with it the experiments that they have in common. What
comes of a claim depends on the claim and the protocol alone, and not on who measures it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import active_children, get_context
from typing import Any

from simulate.house.version import __version__
from theory.ledger.choice import Protocol
from theory.ledger.claim import Claim, Evidence

__all__ = ["Crew", "Found", "Laboratory", "Visit", "in_processes", "in_this_process", "on_cluster", "visits"]

Laboratory = Callable[[Protocol], Any]
"""Makes what claims are measured in. It travels to other processes."""


@dataclass(frozen=True)
class Visit:
    """What is to be measured under one protocol."""

    protocol: Protocol
    """The values that are not primary."""
    claims: tuple[Claim, ...]
    """What is measured, in this order."""
    version: str = __version__
    """Version whose numbers these are."""


@dataclass(frozen=True)
class Found:
    """What a claim's experiment gave under a protocol."""

    claim: str
    """Name of the claim."""
    protocol: Protocol
    """The values that are not primary."""
    evidence: Evidence
    """What verdicts are made of; without picture, details and words."""
    seconds: float
    """Time it took; what claims share is counted for the first of them."""


Crew = Callable[[Laboratory, Sequence[Visit]], Iterator[Found]]
"""Who measures; they hand over what is found as it comes, in whatever order."""


def visits(wanted: Sequence[tuple[Claim, Protocol]]) -> list[Visit]:
    """Put together what can share a laboratory, in the order in which protocols appear first."""
    grouped: dict[tuple[tuple[str, str, str], ...], dict[int, tuple[Claim, Protocol]]] = {}
    for number, (claim, protocol) in enumerate(wanted):
        signs = tuple(sorted((name, type(value).__name__, repr(value)) for name, value in protocol.items()))
        grouped.setdefault(signs, {})[number] = (claim, protocol)
    groups = [list(group.values()) for group in grouped.values()]
    return [Visit(group[0][1], tuple(claim for claim, _ in group)) for group in groups]


def in_this_process(laboratory: Laboratory, places: Sequence[Visit]) -> Iterator[Found]:
    """Measure one after another."""
    for visit in places:
        yield from _measured(laboratory, visit)


def in_processes(laboratory: Laboratory, places: Sequence[Visit], *, processes: int) -> Iterator[Found]:
    """Measure in new processes of this machine; claims and the laboratory are found there by their modules."""
    before = set(active_children())
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _leave_interrupts_to_the_first)
    try:
        for done in as_completed([pool.submit(_all_measured, laboratory, visit) for visit in places]):
            yield from done.result()
        pool.shutdown()
    except BaseException:  # a closed generator among them
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(active_children()) - before:
            child.terminate()
        raise


def on_cluster(laboratory: Laboratory, places: Sequence[Visit], *, client: Any) -> Iterator[Found]:
    """Measure on the workers of a Dask cluster; what a lost worker had begun is begun again on another one."""
    from distributed import as_completed as as_they_come  # dask, only when there is a client

    tasks = [client.submit(_all_measured, laboratory, visit, pure=False) for visit in places]
    try:
        for done in as_they_come(tasks):
            yield from done.result()
            done.release()
    finally:
        client.cancel(tasks)


def _leave_interrupts_to_the_first() -> None:
    """Ctrl-C reaches all processes of a terminal; the first one ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _all_measured(laboratory: Laboratory, visit: Visit) -> list[Found]:
    return list(_measured(laboratory, visit))


def _measured(laboratory: Laboratory, visit: Visit) -> Iterator[Found]:
    """Measure claims in one laboratory.

    Raises:
        RuntimeError: if this machine has another version than the one that asks.
    """
    if visit.version != __version__:
        raise RuntimeError(f"The atlas is one of sharpmu {visit.version}, but this worker has {__version__}.")
    lab = laboratory(visit.protocol)
    for claim in visit.claims:
        started = time.perf_counter()
        evidence = claim.measure(lab)
        yield Found(claim.name, visit.protocol, _bare(claim, evidence), time.perf_counter() - started)


def _bare(claim: Claim, evidence: Evidence) -> Evidence:
    """What verdicts are made of."""
    presupposed = {name: told for name, told in evidence.conditions.items() if name in claim.hypotheses}
    return replace(evidence, details={}, conditions=presupposed, endings={}, picture=None, remark="")
