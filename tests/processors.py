"""The same tests and verdicts under the kernels of other processors, in one table.

OpenBLAS picks its kernels by the processor, and numba compiles for it; both can be told to take it for another one.

    python -m tests.processors tests/simulate tests/theory
    python -m tests.processors --only Haswell "generic numba" -- -x -q tests/simulate
    python -m tests.processors --verdicts

What follows is given to pytest (nothing: the default suite); `--verdicts` runs the quick ledger of the theory instead,
under each setting, and compares its verdicts with those of the first.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.places import ROOT

__all__ = ["SETTINGS", "environment"]

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "as it is": {},
    "Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "SkylakeX": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "Zen": {"OPENBLAS_CORETYPE": "Zen"},
    "Prescott": {"OPENBLAS_CORETYPE": "Prescott"},
    "1 BLAS thread": {"OPENBLAS_NUM_THREADS": "1"},
    "2 BLAS threads": {"OPENBLAS_NUM_THREADS": "2"},
    "generic numba": {"NUMBA_CPU_NAME": "generic"},
}
"""What is set for a whole command, by the word for it."""


def environment(setting: str) -> dict[str, str]:
    """The environment of this process, with a setting."""
    return {**os.environ, **SETTINGS[setting]}


def main(words: Sequence[str] | None = None) -> int:
    """Run and print; 0 if nothing failed and no verdict differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.processors", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(SETTINGS), metavar="SETTING", help=", ".join(SETTINGS))
    parser.add_argument("--verdicts", action="store_true", help="the quick ledger's verdicts in place of tests")
    parser.add_argument("--claims", nargs="+", metavar="WORD", help="of the ledger, only these claims")
    parser.add_argument("tests", nargs="*", help="arguments of pytest")
    given = parser.parse_args(words)
    chosen = given.only or list(SETTINGS)
    print(f"{'setting':16s}{'passed':>8s}{'failed':>8s}{'seconds':>9s}", flush=True)
    failed = _verdicts(chosen, given.claims) if given.verdicts else _tests(chosen, given.tests)
    return int(failed > 0)


def _tests(chosen: Sequence[str], arguments: Sequence[str]) -> int:
    """A row for each setting; the names of what failed stand under it."""
    total = 0
    for setting in chosen:
        code, output, seconds = _run(setting, ["-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments])
        counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", output)}
        failed = counts.get("failed", 0) + counts.get("error", 0) or int(code != 0)
        _row(setting, counts.get("passed", 0), failed, seconds)
        print("".join(f"  {line}\n" for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))), end="")
        total += failed
    return total


def _verdicts(chosen: Sequence[str], claims: Sequence[str] | None) -> int:
    """A row for each setting; "failed" are the claims whose verdict, or whose control's, is not that of the first."""
    first: dict[str, tuple[str, str]] | None = None
    total = 0
    for setting in chosen:
        with tempfile.TemporaryDirectory() as folder:
            words = ["-m", "theory", "verify", "--budget", "quick", "--out", folder]
            _, output, seconds = _run(setting, words + (["--claims", *claims] if claims else []))
            written = Path(folder) / "ledger.json"
            if not written.exists():
                print(output)
                return total + 1
            rows = json.loads(written.read_text(encoding="utf-8"))
        found = {row["name"]: (row["verdict"], row["control"]["verdict"]) for row in rows}
        first = first or found
        turned = [name for name in found if found[name] != first.get(name)]
        _row(setting, len(found) - len(turned), len(turned), seconds)
        print("".join(f"  {name}: {found[name]}, was {first.get(name)}\n" for name in turned), end="", flush=True)
        total += len(turned)
    return total


def _run(setting: str, words: Sequence[str]) -> tuple[int, str, float]:
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=environment(setting), capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr, time.perf_counter() - begun


def _row(setting: str, passed: int, failed: int, seconds: float) -> None:
    print(f"{setting:16s}{passed:8d}{failed:8d}{seconds:9.0f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
