"""The four front doors, as a user opens them: in a process of their own, from another folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

COMMANDS = {
    "simulate": ("run", "sweep", "map", "verify", "explore"),
    "theory": ("verify", "list", "show", "atlas", "margins", "stability"),
    "deepnet": ("run", "report", "matched", "judge", "search", "unlearn"),
    "paper_figs": ("all", "list"),
}


def knock(room: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", room, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("room", COMMANDS)
def test_help_names_the_commands(room: str, tmp_path: Path) -> None:
    done = knock(room, "--help", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert not [command for command in COMMANDS[room] if command not in done.stdout]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("room", [room for room in COMMANDS if room != "paper_figs"])  # it imports all its figures
def test_what_is_no_command_is_told_and_ends_with_two(room: str, tmp_path: Path) -> None:
    done = knock(room, "dance", folder=tmp_path)
    assert done.returncode == 2
    assert "dance" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
