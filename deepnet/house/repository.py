"""Which commit of this project is running."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["commit"]

_ROOT = Path(__file__).resolve().parents[2]


def commit(root: Path = _ROOT) -> str | None:
    """The commit that is checked out, with a word if tracked files differ from it; None where there is no repository.

    Args:
        root: Where the project lies.
    """
    if not (root / ".git").exists():
        return None
    try:
        found = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):  # no git here, or no commit yet
        return None
    return f"{found}, with changes" if changed else found


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()
