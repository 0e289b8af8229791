"""Datasets kept under their configuration: the same question is answered from disk, another one is asked anew."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import xarray

from paper_figs.workshop.caption import Source
from simulate.house import storage
from simulate.house.terminal import console, progress_bar
from simulate.house.version import __version__

__all__ = ["Store"]

_IDENTITY, _CONTENT = "paper_figs_identity", "paper_figs_content"

Progress = Callable[[int], None]


class Store:
    """A folder of datasets.

    Args:
        folder: The folder.
        used: Where the source of every dataset that is asked for is noted.
    """

    def __init__(self, folder: Path, used: list[Source]) -> None:
        self.folder, self.used = folder, used

    def dataset(
        self, name: str, make: Callable[[Progress], xarray.Dataset], *, configuration: str, seeds: str, n_runs: int
    ) -> xarray.Dataset:
        """The dataset of a configuration, from disk if it is there, otherwise made and kept.

        A dataset is written whole, in one move, so that one that was interrupted is not there.

        Args:
            name: Its name.
            make: Makes it, and tells its argument how many trainings have just finished.
            configuration: All that it depends on, besides the version.
            seeds: Its seeds, in words.
            n_runs: Number of trainings.

        Returns:
            The dataset, as it was read from disk.

        Raises:
            ValueError: if what is on disk is damaged or of another configuration; the message says what to remove.
        """
        identity = hashlib.sha256(json.dumps([name, configuration, __version__]).encode()).hexdigest()
        words = re.sub(r"[^a-z0-9]+", "-", name.lower())[:100]  # a folder's name may not be much longer
        path = self.folder / f"{words}-{identity[:12]}.zarr"
        if not storage.is_there(path, name="folder"):
            with _announced(name, n_runs, path.parent) as progress:
                made = make(progress)
            storage.save(made.assign_attrs({_IDENTITY: identity, _CONTENT: _digest(made)}), path)
        self.used.append(
            Source(
                name=name,
                seeds=seeds,
                configuration=configuration,
                version=__version__,
                path="/".join(path.parts[-3:]) if path.is_absolute() else path.as_posix(),
                n_runs=n_runs,
            )
        )
        return _read(path, identity)


@contextmanager
def _announced(name: str, n_runs: int, folder: Path) -> Iterator[Progress]:
    """Say what is missing, then draw a bar while it is run."""
    console.print(f"{name}: not yet in {folder}, running {n_runs:,} trainings")
    with progress_bar() as bar:
        task = bar.add_task(name, total=n_runs)
        yield lambda count: bar.advance(task, count)


def _read(path: Path, identity: str) -> xarray.Dataset:
    again = "Remove it, and the same command makes it again."
    try:
        data = storage.load(path)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f"{path} cannot be read ({error}). {again}") from error
    if data.attrs.pop(_IDENTITY, None) != identity:
        raise ValueError(f"{path} holds another configuration. {again}")
    if data.attrs.pop(_CONTENT, None) != _digest(data):  # a chunk that is missing would be read as empty
        raise ValueError(f"{path} is damaged. {again}")
    return data


def _digest(data: xarray.Dataset) -> str:
    """What stands for all values of a dataset."""
    summary = hashlib.sha256()
    for name in sorted(map(str, data.variables)):
        values = data[name].values
        content = values.tobytes() if values.dtype.kind in "biuf" else "\0".join(map(str, values.flat)).encode()
        summary.update(f"{name} {values.shape} {len(content)} ".encode() + content)
    return summary.hexdigest()
