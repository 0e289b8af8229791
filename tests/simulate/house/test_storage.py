"""Datasets on disk."""

from pathlib import Path

import numpy as np
import pytest
import xarray

from simulate import SGD, Loss, Phase, Problem, run
from simulate.house.storage import load, save

DATA = xarray.Dataset({"x": ("step", np.arange(3.0))}, coords={"step": [0, 1, 2], "phase": ("step", ["a", "a", "bc"])})


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    xarray.testing.assert_equal(load(save(DATA, tmp_path / "deep" / "er" / "x.zarr")), DATA)


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(DATA, tmp_path / "x.zarr")

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(xarray.Dataset, "to_zarr", fail)
    with pytest.raises(OSError, match="no space"):
        save(DATA.rename(x="y"), tmp_path / "x.zarr", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]
    assert list(load(tmp_path / "x.zarr")) == ["x"]


def test_loading_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`path`"):
        load(tmp_path)


def test_a_result_goes_to_disk_with_its_configuration(tmp_path: Path) -> None:
    result = run(Problem(n=10, m=2), [Phase("train", Loss(), SGD(lr=0.001), steps=5)], seed=3)
    stored = load(save(result.to_dataset(), tmp_path / "run.zarr"))
    np.testing.assert_array_equal(stored["final_zeta"], result.zeta)
    assert stored.attrs["seed"] == 3
    assert '"d": 20000' in stored.attrs["problem"]
    assert stored.attrs["status"] == "max_steps"


def test_an_older_dataset_survives_a_failing_last_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(DATA, tmp_path / "x.zarr")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == "fresh":
            raise OSError("no space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="no space"):
        save(DATA.rename(x="y"), tmp_path / "x.zarr", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]
    assert list(load(tmp_path / "x.zarr")) == ["x"]
