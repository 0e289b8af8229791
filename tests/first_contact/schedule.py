"""Parts one after the other, each a process of its own with a limit, so that no hang and no crash loses the others.

Nothing here needs more than Python: packages may be missing until the carried ones are unpacked.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Part", "Report", "run_parts"]

GRACE = 3.0
"""Seconds before its limit at which a part is asked to stop, as by Ctrl-C; at its limit it is ended."""
LEAST = 4.0
"""Seconds under which no part is begun."""
LOOK = 0.2
"""Seconds between looks at a part that runs."""
GATHER = 5.0
"""Seconds between gatherings of what it has found so far."""
MOST_LOG = 60_000
"""Characters of the output of a part that are kept."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of the first contact."""

    name: str
    command: Sequence[str] = ()
    """What to run."""
    seconds: float = float("inf")
    """At most; the last part may have all that is left."""
    skipped: str = ""
    """Why it is not run at all."""
    after: str = ""
    """Name of a part without whose work it makes no sense."""
    environment: Mapping[str, str] = field(default_factory=dict)
    fine: Sequence[int] = (0,)
    """Exit statuses of a part that has done its work."""
    gather: Callable[[], Any] = lambda: None
    """What it has found so far, as JSON can hold it, for the report; a part may keep a file of its own instead."""


class Report:
    """`contact.json` and `log.txt` in a folder, kept up to date."""

    def __init__(self, out: Path, about: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.out, self.clock, self.began = out, clock, clock()
        self.told: dict[str, Any] = {**about, "parts": []}
        (out / "log.txt").write_text("", encoding="utf-8")
        self.save()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self.began

    def say(self, text: str) -> None:
        """A line for the log and for who watches."""
        self.write(f"[{self.elapsed:6.1f}] {text}\n")

    def write(self, text: str) -> None:
        """Something for the log and for who watches, as it is."""
        print(text, end="", flush=True)
        with (self.out / "log.txt").open("a", encoding="utf-8") as log:
            log.write(text)

    def part(self, record: dict[str, Any]) -> None:
        """A new or a changed record of a part."""
        if not any(record is each for each in self.told["parts"]):
            self.told["parts"].append(record)
        self.save()

    def save(self) -> None:
        """Write everything told so far, whole or not at all."""
        self.told["elapsed"] = round(self.elapsed, 1)
        partial = self.out / ".contact.json.partial"
        partial.write_text(json.dumps(self.told, indent=1) + "\n", encoding="utf-8")
        partial.replace(self.out / "contact.json")


def run_parts(parts: Sequence[Part], total: float, report: Report, work: Path) -> None:
    """Run parts in their order until the time is spent; whatever happens is in the report.

    Args:
        parts: What to run.
        total: Seconds from the beginning of the report on.
        report: Where it is told.
        work: Folder in which the parts run.
    """
    work.mkdir(parents=True, exist_ok=True)
    for part in parts:
        left = total - report.elapsed
        record: dict[str, Any] = {"name": part.name, "began": round(report.elapsed, 1)}
        before = next((each["outcome"] for each in report.told["parts"] if each["name"] == part.after), "done")
        if part.skipped or before != "done":
            record["outcome"] = f"skipped: {part.skipped or f'the part {part.after} was not done'}"
        elif left < LEAST:
            record["outcome"] = f"not begun: {max(left, 0.0):.1f} s are left"
        else:
            limit = min(part.seconds, left)
            record |= {"command": " ".join(part.command[1:]), "limit": round(limit, 1), "outcome": "running"}
            report.say(f"{part.name}: at most {limit:.0f} s: {record['command']}")
            report.part(record)
            _run(part, limit, record, report, work)
        report.say(f"{part.name}: {record['outcome']}")
        report.part(record)


def _run(part: Part, limit: float, record: dict[str, Any], report: Report, work: Path) -> None:
    """Run a part to its end or its limit."""
    began, output = report.clock(), work / f"{part.name}.log"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **part.environment}
    try:
        with output.open("wb") as sink, _hearing_interrupts():
            process = subprocess.Popen(
                list(part.command), cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=sink,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        record["outcome"] = f"crashed: {error}"
        return
    copied = _Copied(output, report)
    try:
        status = _watched(process, part, began + limit, record, report, copied)
    finally:
        _end(process, signal.SIGKILL)  # and whatever it has started
    copied.more()
    record |= {"seconds": round(report.clock() - began, 1), "status": status}
    if record["outcome"] == "running":
        tail = "" if status in part.fine else f": {copied.last}"
        record["outcome"] = "done" if status in part.fine else f"crashed with status {status}{tail}"[:600]
    _gather(part, record)


@contextmanager
def _hearing_interrupts() -> Iterator[None]:
    """Within it processes are started that SIGINT reaches, though it is ignored here, as by what runs behind a `&`."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a handler is not inherited, but to ignore is
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _watched(
    process: subprocess.Popen, part: Part, end: float, record: dict[str, Any], report: Report, copied: _Copied
) -> int | None:
    """Wait for a process, asking it to stop shortly before the end; returns its status, None where it would not die."""
    grace = min(GRACE, (end - report.clock()) / 5)
    gathered = report.clock()
    while (status := process.poll()) is None and report.clock() < end:
        if report.clock() >= end - grace and record["outcome"] == "running":
            record["outcome"] = "cut: its time was over"
            _end(process, signal.SIGINT)
        if report.clock() - gathered >= GATHER:
            _gather(part, record)
            report.part(record)
            gathered = report.clock()
        copied.more()
        time.sleep(min(LOOK, max(end - report.clock(), 0.0)))
    if status is None:
        record["outcome"] = "cut: its time was over, and it did not stop when asked to"
        _end(process, signal.SIGKILL)
        try:
            status = process.wait(timeout=GRACE)
        except subprocess.TimeoutExpired:  # such as one that waits for a device which does not answer
            record["outcome"] += ", nor when it was ended"
    return status


def _end(process: subprocess.Popen, how: signal.Signals) -> None:
    """Signal a process and all that it has started."""
    try:
        os.killpg(process.pid, how)
    except (ProcessLookupError, PermissionError):
        return


def _gather(part: Part, record: dict[str, Any]) -> None:
    """What there is so far; a file that is being written is read the next time."""
    try:
        found = part.gather()
    except Exception as error:  # a part's results never stop the others
        record["gathering"] = f"{type(error).__name__}: {error}"[:300]
        return
    if found is not None:
        record["found"] = found


class _Copied:
    """The output of a part, as it comes, into the log: its beginning, and its last line."""

    def __init__(self, source: Path, report: Report) -> None:
        self.source, self.report, self.read, self.last = source, report, 0, ""

    def more(self) -> None:
        """Copy what is new."""
        with self.source.open("rb") as file:
            file.seek(self.read)
            new = file.read()
        self.read += len(new)
        text = new.decode("utf-8", errors="replace")
        if lines := [line.strip() for line in text.splitlines() if line.strip()]:
            self.last = lines[-1][:400]
        room = MOST_LOG - (self.read - len(new))
        if text and room > 0:
            shown = text[:room] + ("" if len(text) <= room else "\n... and more, which is left out\n")
            self.report.write(shown)
