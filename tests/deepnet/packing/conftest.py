"""One study that is run and packed once for all tests of packing, and a copy of its parts to spoil."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.deepnet.packing.parts import SIZE


@pytest.fixture(scope="session")
def study(small_study_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small study, with an empty file in it; not to be written to."""
    folder = Path(shutil.copytree(small_study_folder, tmp_path_factory.mktemp("packing") / "small"))
    (folder / "empty.txt").touch()
    return folder


@pytest.fixture(scope="session")
def packed(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The parts of that study; not to be written to."""
    from deepnet.packing import pack

    out = tmp_path_factory.mktemp("packed") / "parts"
    pack(study, out, part_size=SIZE)
    return out


@pytest.fixture
def parcel(packed: Path, tmp_path: Path) -> Path:
    """A copy of those parts, to spoil."""
    return Path(shutil.copytree(packed, tmp_path / "parcel"))
