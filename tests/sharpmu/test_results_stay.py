"""What is on disk is what was asked for, or it stays: one rule at every door that writes; saved first, then printed."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simulate.house import terminal
from simulate.house.command_line import entrance
from tests.sharpmu.every_door import printed
from tests.simulate.house.command_line.test_entrance import shell
from tests.theory.cases import claim
from tests.theory.ledger.atlas.made_up import STOP
from theory import claims as registry
from theory.ledger.registry import named

SMALL = ["--problem.n", "8", "--problem.m", "2", "--problem.d", "300", "--test-directions", "16"]
GRID = ["--grid.d", "500", "--grid.signal", "0.5", "8", "--grid.replicates", "1", "--grid.n", "10"]
PHASE = ["--phases", "a, Loss(), SGD(lr=0.02), steps=3"]
SWEEP = 'phases = ["fit, Loss(), SGD(), steps=1"]\nseeds = 2\ntest_directions = 16\n[problem]\nd = 300\nn = 4\nm = 1\n'

Line = Callable[[Path, str], list[str]]


def run(folder: Path, setting: str) -> list[str]:
    return ["simulate", "run", *SMALL, *PHASE, "--seed", setting, "--out", str(folder / "r")]


def sweep(folder: Path, setting: str) -> list[str]:
    config = folder / "s.toml"
    config.write_text(SWEEP.replace("d = 300", f"d = 30{setting}"))
    return ["simulate", "sweep", "--config", str(config), "--out", str(folder / "r")]


def phase_map(folder: Path, setting: str) -> list[str]:
    return ["simulate", "map", *GRID, "--grid.seed", setting, "--out", str(folder / "m")]


def ledger(folder: Path, setting: str) -> list[str]:
    return ["theory", "verify", "--seed", setting, "--out", str(folder / "l")]


def stability(folder: Path, setting: str) -> list[str]:
    seeds = str(1 + int(setting))
    return ["theory", "stability", "--seeds", seeds, "--out", str(folder / "t.csv")]


def atlas(folder: Path, setting: str) -> list[str]:
    return ["theory", "atlas", "--protocols", "3", "--seed", setting, "--out", str(folder / "a")]


DOORS: dict[str, tuple[Line, str]] = {
    "run": (run, "seed: 1 in the folder, 2 asked for"),
    "sweep": (sweep, "problem.d: 301 in the folder, 302 asked for"),
    "map": (phase_map, "seed: 1 in the folder, 2 asked for"),
    "ledger": (ledger, "seed: 1 in the folder, 2 asked for"),
    "stability": (stability, "--seeds 2"),
    "atlas": (atlas, "seed: 1 in the folder, 2 asked for"),
}
"""A line of each door, and what it says of another setting."""


def contents(folder: Path) -> dict[str, bytes]:
    """All files but the configuration of the sweep, and the seconds, which are others each time."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in ("s.toml", "timings.json"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("name", DOORS)
def test_results_are_opened_or_left_alone(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line, difference = DOORS[name]
    with monkeypatch.context() as patched:  # nobody reads what is printed: it is on disk all the same
        patched.setattr(terminal.console, "print", gone)
        assert printed(line(tmp_path, "1"))[0] == 141
    made = contents(tmp_path)
    assert made
    status, out, err = printed(line(tmp_path, "1"))
    assert (status, err) == (0, "")
    assert out
    assert contents(tmp_path) == made
    status, out, err = printed(line(tmp_path, "2"))
    assert (status, out) == (2, "")
    assert difference in err
    assert "`--overwrite`" in err
    assert contents(tmp_path) == made
    assert printed([*line(tmp_path, "2"), "--overwrite"])[0] == 0
    assert contents(tmp_path) != made
    status, _, _ = printed(line(tmp_path, "2"))
    assert status == 0


def gone(*_: object, **__: object) -> None:
    raise BrokenPipeError


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """One claim that takes no time; and what leaves an output that broke is tried in processes of their own."""
    only = (claim("true-effect", choices=(STOP,)),)
    monkeypatch.setattr(registry, "all_claims", lambda: only)
    monkeypatch.setattr(registry, "find_claims", lambda names: named(only, names))
    monkeypatch.setattr(terminal, "_unread", lambda: 141)


@pytest.mark.parametrize(("first", "second"), [(sweep, run), (run, sweep)])
def test_a_door_knows_the_results_of_another(first: Line, second: Line, tmp_path: Path) -> None:
    assert printed(first(tmp_path, "1"))[0] == 0
    made = contents(tmp_path)
    status, _, err = printed(second(tmp_path, "1"))
    assert status == 2
    assert "simulate sweep" in err or "made by simulate run" in err
    assert contents(tmp_path) == made
    assert printed([*second(tmp_path, "1"), "--overwrite"])[0] == 0
    assert printed(second(tmp_path, "1"))[0] == 0


@pytest.mark.parametrize("line", [run, sweep])
@pytest.mark.parametrize("foreign", ["file", "folder", "damaged"])
def test_foreign_and_damaged_places_stay_whatever_is_said(foreign: str, line: Line, tmp_path: Path) -> None:
    place = tmp_path / "r"
    if foreign == "file":
        place.write_text("mine")
    else:
        place.mkdir()
        (place / (".zattrs" if foreign == "damaged" else "thesis.tex")).write_text('{"made_by": "{')
    made = contents(tmp_path)
    for words in ([], ["--overwrite"]):
        status, _, err = printed([*line(tmp_path, "1"), *words])
        assert status == 2
        assert ("is damaged" in err) == (foreign == "damaged")
        assert contents(tmp_path) == made


def test_a_picture_of_somebody_else_stays(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG holiday")
    status, _, err = printed(["simulate", "run", *SMALL, *PHASE, "--figure", str(tmp_path / "x.png")])
    assert status == 2
    assert "is not ours" in err
    assert (tmp_path / "x.png").read_bytes() == b"\x89PNG holiday"
    for _ in range(2):  # ours is drawn again
        assert printed(["simulate", "run", *SMALL, *PHASE, "--figure", str(tmp_path / "y.png")])[0] == 0


def test_files_of_a_ledger_without_a_record_are_not_known(tmp_path: Path) -> None:
    (tmp_path / "l").mkdir()
    (tmp_path / "l" / "ledger.json").write_text("[]")
    status, _, err = printed(ledger(tmp_path, "1"))
    assert status == 2
    assert "no made_by.json beside it says what made it" in err
    (tmp_path / "l" / "made_by.json").write_text("[" * 100_000)
    status, _, err = printed(ledger(tmp_path, "1"))
    assert status == 2
    assert "made_by.json is damaged" in err


# --- outputs that fail ---------------------------------------------------------------------------------------------

LINE = '"$PYTHON" -m simulate run --problem.n 8 --problem.m 2 --problem.d 300 --phases "a, Loss(), SGD(), steps=3"'


def finished(folder: Path) -> bool:
    """Whether the one store in a folder is whole."""
    (store,) = folder.iterdir()
    return "sharpmu_version" in json.loads((store / ".zattrs").read_text())


def test_what_a_terminal_cannot_show_is_spelled(tmp_path: Path) -> None:
    """In the C locale, and a file name that is no text."""
    setting = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = shell(f"{LINE} --out {tmp_path}/$'x\\xff.zarr'", **setting)
    assert (done.returncode, done.stderr) == (0, "")
    assert " +- " in done.stdout
    assert "kappa, mean over filters" in done.stdout
    assert done.stdout.isascii()
    assert finished(tmp_path)


@pytest.mark.parametrize(("reader", "statuses"), [("| head -1", {"141", "0"}), ("> /dev/full", {"2"})])
def test_a_result_is_saved_whoever_reads(reader: str, statuses: set[str], tmp_path: Path) -> None:
    if "full" in reader and not Path("/dev/full").exists():
        pytest.skip("a system without /dev/full")
    done = shell(f'{LINE} --out {tmp_path}/x.zarr {reader}; echo "${{PIPESTATUS[0]}}" >&2')
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] in statuses
    if "full" in reader:
        assert done.stderr.startswith("error: What is printed cannot be written (No space left on device).\n")
    assert finished(tmp_path)


def test_the_status_alone_tells_an_error_that_cannot_be_printed(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("a system without /dev/full")
    assert shell(f"{LINE} --seed x 2> /dev/full").returncode == 2


@pytest.mark.parametrize(
    ("text", "ascii_text"), [("0.1 ± 0.2", "0.1 +- 0.2"), ("κ ∝ d^¼", "kappa ~ d^14"), ("é 中 \udcff", "e ? ?")]
)
def test_signs_are_spelled_in_letters(text: str, ascii_text: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    before = sys.stdout
    try:
        sys.stdout = stream
        entrance._open_streams()
    finally:
        sys.stdout = before
    stream.write(text)
    stream.flush()
    assert stream.buffer.getvalue() == ascii_text.encode()
