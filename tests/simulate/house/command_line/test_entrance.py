"""How processes enter and leave: interrupted imports, closed and broken outputs, missing extras."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simulate.house.extras import installed_by
from tests.hearing import hearing
from tests.places import ROOT

PACKAGES = ["simulate", "theory", "deepnet", "paper_figs", "sharpmu"]
INTERRUPTING = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(5)\nraise SystemExit(99)\n"


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in the root of the project; PYTHON stands for the interpreter.

    It hears Ctrl-C even where these tests do not, as in the background of a shell.
    """
    named = {**os.environ, "PYTHON": sys.executable, "COLUMNS": "80", **environment}
    return subprocess.run(
        hearing(["bash", "-c", line]),
        cwd=ROOT, env=named, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "imported"),
    [
        ("simulate run", "numba"),
        ("theory list", "sympy"),
        ("deepnet presets", "torch"),
        ("paper_figs list", "matplotlib"),
        ("sharpmu simulate run", "numpy"),
        ("sharpmu theory margins", "rich"),
    ],
)
def test_ctrl_c_while_packages_are_imported_is_a_line(words: str, imported: str, tmp_path: Path) -> None:
    """A package that presses Ctrl-C when it is imported stands before the real one."""
    (tmp_path / f"{imported}.py").write_text(INTERRUPTING)
    done = shell(f'"$PYTHON" -m {words}', PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_ctrl_c_that_a_parent_had_ignored_stays_ignored(tmp_path: Path) -> None:
    (tmp_path / "sympy.py").write_text(INTERRUPTING.replace("time.sleep(5)\n", ""))
    done = shell("trap '' INT; \"$PYTHON\" -m theory list", PYTHONPATH=str(tmp_path))
    assert done.returncode == 99


def test_ctrl_c_in_a_command_says_how_to_go_on(tmp_path: Path) -> None:
    """Behind the imports it is an exception again, which the command may need to end in good order."""
    code = (
        "import os, signal\nfrom simulate.house.command_line.entrance import enter, interruptible\n"
        "from simulate.house.terminal import exit_status\n"
        "def command():\n    interruptible()\n    try:\n        os.kill(os.getpid(), signal.SIGINT)\n"
        "        signal.pause()\n    finally:\n        print('in order')\n"
        "enter(lambda: exit_status(command, interrupted='interrupted; again'))\n"
    )
    (tmp_path / "program.py").write_text(code)
    done = shell(f'"$PYTHON" {tmp_path}/program.py', PYTHONPATH=str(ROOT))
    assert (done.returncode, done.stdout, done.stderr) == (130, "in order\n", "interrupted; again\n")


@pytest.mark.parametrize(
    ("words", "status"),
    [("sharpmu >&-", 0), ("theory show 1 >&-", 0), ("simulate fly 2>&-", 2), ("sharpmu fly >&- 2>&-", 2)],
)
def test_a_closed_output_is_no_traceback(words: str, status: int) -> None:
    done = shell(f'"$PYTHON" -m {words}')
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_a_reader_that_leaves_is_no_complaint() -> None:
    done = shell('"$PYTHON" -m simulate run --help-all | true; echo "${PIPESTATUS[0]}"')
    assert done.stderr == ""
    assert done.stdout in ("141\n", "0\n")  # 0 if all was written before the reader left


def test_a_terminal_is_not_asked_of_what_is_closed() -> None:
    done = shell('"$PYTHON" -c "import sys; sys.stdout = None; import simulate.house.terminal"')
    assert (done.returncode, done.stderr) == (0, "")


def test_an_extra_is_installed_from_where_the_packages_lie(tmp_path: Path) -> None:
    assert installed_by("images") == 'pip install -e ".[images]"'
    assert installed_by("images", tmp_path) == 'pip install "sharpmu[images]"'
    assert installed_by("gpu", ROOT) == 'pip install -e ".[gpu12]" or -e ".[gpu13]"'
    assert installed_by("gpu", tmp_path) == 'pip install "sharpmu[gpu12]" or "sharpmu[gpu13]"'


def test_packages_installed_elsewhere_name_the_wheel(tmp_path: Path) -> None:
    for package in ("simulate", "deepnet", "sharpmu", "theory"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n")
    done = subprocess.run(
        [sys.executable, "-m", "sharpmu", "deepnet", "presets"],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "error: No module named 'torch': this needs the extra deepnet; "
        'install it by  pip install "sharpmu[deepnet]"\n'
    )


def test_one_place_says_how_to_install() -> None:
    """Nobody else in the packages writes the command."""
    found = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "pip install" in path.read_text(encoding="utf-8") or "sharpmu[" in path.read_text(encoding="utf-8")
    ]
    assert found == ["simulate/house/extras.py"]
