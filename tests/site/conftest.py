"""The site, built once for the tests of a process."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.site.building import build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Its folder, and how Sphinx ended."""
    for needed in ("sphinx", "myst_nb", "torch", "ipykernel"):
        pytest.importorskip(needed, reason="needs the extras docs, notebooks and deepnet")
    out = tmp_path_factory.mktemp("site")
    return out / "html", build(out)
