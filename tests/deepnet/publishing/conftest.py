"""What was published of made-up results of all studies, made once, and empty folders to publish from and to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.deepnet.publishing.published_rows import Usual


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Usual:
    """Results of all studies and what was published of them; not to be written to."""
    from deepnet.publishing import Published
    from deepnet.publishing.writing import publish
    from tests.deepnet.made_up_confirmation import CHOSEN, write_results
    from tests.deepnet.publishing.published_rows import Usual

    folder = tmp_path_factory.mktemp("usual")
    results = folder / "results" / "digits"
    results.mkdir(parents=True)
    rows = write_results(results)
    return Usual(results, rows, Published(publish(CHOSEN, results, folder / "data" / "digits")))


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """An empty folder for results."""
    folder = tmp_path / "results" / "digits"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where to publish; nothing is there yet."""
    return tmp_path / "data" / "digits"
