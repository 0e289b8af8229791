"""Made-up scales, published once for all figures of deep networks."""

from pathlib import Path

import pytest

from deepnet.publishing import Published
from paper_figs.workshop.deep_data import Scale
from tests.deepnet.made_up_scales import FEW, SMALL, WHOLE, publish_scale


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    publish_scale(folder, folder / ".results" / WHOLE, WHOLE)
    publish_scale(folder, folder / ".results" / SMALL, SMALL, arms=FEW)
    return folder


@pytest.fixture(scope="session")
def whole(data: Path) -> Scale:
    return Scale(Published(data / WHOLE))
