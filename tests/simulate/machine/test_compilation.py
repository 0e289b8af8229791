"""The cache of compiled kernels follows their sources, wherever it lies, and is done without where it cannot lie."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simulate.machine.compilation import SOURCES, cache_folder, fingerprint
from tests.places import ROOT

PROBE = """
import numpy as np
from simulate.dynamics.kernels import _move_coefficients
c, z = np.zeros((2, 2)), np.ones((2, 2))
_move_coefficients(c, z, np.zeros(1), 2.0, 3.0, np.ones(2, dtype=bool), 1.0)
print(abs(c[0, 0]))
"""
"""Calls a kernel into which one of another file, `patterns.signal_coefficient`, was compiled."""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with the sources of kernels."""
    for name in SOURCES:
        path = tmp_path / "package" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("old")
    return tmp_path / "package"


def test_all_modules_with_kernels_are_sources() -> None:
    room = ROOT / "simulate"
    users = [
        path for path in room.rglob("*.py") if re.search(r"(kernel|intrinsic)\ndef ", path.read_text(encoding="utf-8"))
    ]
    assert sorted(path.relative_to(room).with_suffix("").as_posix() for path in users) == sorted(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_a_change_of_any_kernel_is_another_folder(package: Path, name: str) -> None:
    before = fingerprint(package)
    (package / f"{name}.py").write_text("new")
    assert fingerprint(package) != before


def test_code_does_not_slip_from_one_source_to_the_next(package: Path) -> None:
    before = fingerprint(package)
    (package / f"{SOURCES[0]}.py").write_text("oldo")
    (package / f"{SOURCES[1]}.py").write_text("ld")
    assert fingerprint(package) != before


def test_old_code_beside_the_sources_is_removed(package: Path) -> None:
    stale = cache_folder(package)
    assert stale is not None
    assert stale.parent == package / "__pycache__"
    (stale / "compiled").write_text("x")
    (package / f"{SOURCES[0]}.py").write_text("new")
    cache_folder.cache_clear()
    fresh = cache_folder(package)
    assert fresh is not None
    assert fresh.exists()
    assert not stale.exists()


def test_the_folder_that_is_named_is_taken(package: Path, tmp_path: Path) -> None:
    found = cache_folder(package, str(tmp_path / "named"))
    assert found == tmp_path / "named" / "sharpmu" / f"kernels-{fingerprint(package)}"
    assert not (package / "__pycache__").exists()


def test_the_cache_of_the_user_is_next(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package / "__pycache__").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = cache_folder(package)
    assert found is not None
    assert found.parent == tmp_path / "cache" / "sharpmu"


def test_where_nothing_can_be_written_nothing_is_kept_and_a_warning_says_so(package: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="set NUMBA_CACHE_DIR"):
        assert cache_folder(package, str(tmp_path / "file")) is None


@pytest.mark.parametrize("named", [False, True])
def test_an_edited_kernel_is_compiled_anew(named: bool, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "simulate", tmp_path / "simulate", ignore=shutil.ignore_patterns("__pycache__"))
    where = {"NUMBA_CACHE_DIR": str(tmp_path / "kept")} if named else {}
    environment = {**{k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}, **where}

    def probe() -> str:
        done = subprocess.run(
            [sys.executable, "-c", PROBE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert probe() == "2.0"
    source = tmp_path / "simulate" / "dynamics" / "patterns.py"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("return plus if", "return 5.0 if"), encoding="utf-8")
    assert probe() == "5.0"
