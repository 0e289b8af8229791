"""What sweeps, runs and stores hold is read and written by xarray, NetCDF, zarr and pandas, without a warning."""

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray

from simulate import run
from simulate.house.storage import load, save
from tests.simulate.small_sweep import PHASES, PROBLEM, assert_same_bits, small_sweep

Made = dict[str, Callable[[], xarray.Dataset]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("stores")
    swept = small_sweep(out=folder / "sweep.zarr", chunk=45)
    result = run(PROBLEM, PHASES, test_directions=16).to_dataset()
    saved = save(result, folder / "run.zarr")
    again = save(small_sweep(), folder / "copy.zarr")
    return {
        "sweep": lambda: swept,
        "sweep in memory": small_sweep,
        "result": lambda: result,
        "loaded run": lambda: load(saved),
        "loaded sweep": lambda: load(folder / "sweep.zarr"),
        "opened sweep": lambda: xarray.open_zarr(folder / "sweep.zarr"),
        "opened without dask": lambda: xarray.open_dataset(folder / "sweep.zarr", engine="zarr"),
        "opened run": lambda: xarray.open_dataset(saved, engine="zarr"),
        "saved sweep": lambda: xarray.open_zarr(again),
    }


NAMES = [
    "sweep", "sweep in memory", "result", "loaded run", "loaded sweep", "opened sweep", "opened without dask",
    "opened run", "saved sweep",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_other_tools_take_it(name: str, made: Made, tmp_path: Path) -> None:
    data = made[name]()
    assert data.to_netcdf(tmp_path / "x.nc", engine="scipy") is None
    with xarray.open_dataset(tmp_path / "x.nc") as back:
        assert {*back.variables} == {*data.variables}
        xarray.testing.assert_allclose(
            back["test_error" if "test_error" in back else "loss"],
            data["test_error" if "test_error" in data else "loss"],
        )
    data.to_zarr(tmp_path / "x.zarr", zarr_format=2)
    with xarray.open_zarr(tmp_path / "x.zarr") as back:
        assert_same_bits(back, data)
    assert len(data[["kappa_mean"]].to_dataframe()) == data["kappa_mean"].size
    assert all(isinstance(value, str | int | float) for value in data.attrs.values())


@pytest.mark.filterwarnings("ignore")  # xarray's and zarr's own, of texts in format 3 and of its consolidated metadata
@pytest.mark.parametrize("name", ["sweep", "opened sweep", "loaded run", "opened run"])
def test_format_3_takes_it_too(name: str, made: Made, tmp_path: Path) -> None:
    data = made[name]()
    data.to_zarr(tmp_path / "x.zarr", zarr_format=3)
    with xarray.open_zarr(tmp_path / "x.zarr") as back:
        assert_same_bits(back, data)


@pytest.mark.parametrize("finished", [True, False])
def test_metadata_in_one_file_are_those_of_the_others(finished: bool, tmp_path: Path) -> None:
    """And they are mended if they are not: who reads them does not read the others."""
    out = tmp_path / "x.zarr"

    def stop(done: int, _: int) -> None:
        if done and not finished:
            raise KeyboardInterrupt

    try:
        small_sweep(out=out, chunk=45, progress=stop)
    except KeyboardInterrupt:
        assert not finished
    with xarray.open_zarr(out) as opened, xarray.open_zarr(out, consolidated=False) as read:
        assert opened.attrs == read.attrs
        assert ("sharpmu_version" in opened.attrs) == finished
    (out / ".zmetadata").write_text("{")
    small_sweep(out=out)
    with xarray.open_zarr(out) as opened:
        assert "sharpmu_version" in opened.attrs
