"""Results that every test of this room shares: few replicates, run once a session."""

from pathlib import Path

import pytest

from tests.paper_figs.small_results import small_results


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which the results of the session are kept."""
    return tmp_path_factory.mktemp("results") / "paper_figs"


@pytest.fixture
def results(kept: Path):
    """Small results in that folder."""
    return small_results(kept)
