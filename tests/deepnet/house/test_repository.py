"""The commit that is running, with a word on changes."""

import subprocess
from pathlib import Path

from deepnet.house.repository import commit


def git(folder: Path, *words: str) -> str:
    own = ("-c", "user.name=n", "-c", "user.email=e")
    return subprocess.run(["git", *own, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_a_commit_and_changes(tmp_path: Path) -> None:
    assert commit(tmp_path) is None  # no repository
    git(tmp_path, "init", "-q")
    assert commit(tmp_path) is None  # no commit
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "one")
    found = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "untracked").write_text("results")
    assert commit(tmp_path) == found
    (tmp_path / "file").write_text("two")
    assert commit(tmp_path) == f"{found}, with changes"
