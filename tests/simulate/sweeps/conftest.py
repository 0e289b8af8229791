"""The small sweep in memory and in a store, made once, and copies of the store to go on with or to spoil."""

import shutil
from pathlib import Path

import pytest
import xarray

from tests.simulate.small_sweep import small_sweep


@pytest.fixture(scope="session")
def whole() -> xarray.Dataset:
    """The small sweep, in memory."""
    return small_sweep()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its store of nine chunks; not to be written to."""
    out = tmp_path_factory.mktemp("finished") / "x.zarr"
    small_sweep(out=out, chunk=5)
    return out


@pytest.fixture
def stored(finished: Path, tmp_path: Path) -> Path:
    """A copy of that store: to make one anew takes longer."""
    return Path(shutil.copytree(finished, tmp_path / "x.zarr"))
