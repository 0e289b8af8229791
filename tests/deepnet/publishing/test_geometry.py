"""Published surfaces and feature maps are those that hang in the gallery."""

from pathlib import Path

import numpy as np
import pytest

from deepnet.publishing import Published
from deepnet.publishing.writing import publish
from deepnet.studies.measuring.gallery import hang
from tests.deepnet.made_up_confirmation import CHOSEN, write_results


def test_geometry_is_that_of_the_rows(digits: Path, target: Path) -> None:
    rows = write_results(digits)["gallery"]
    rng = np.random.default_rng(0)
    arrays = {
        "landscape_a": np.linspace(-1, 1, 5), "landscape_b": np.linspace(-1, 1, 5),
        "landscape_retain": rng.uniform(size=(5, 5)), "landscape_forget": np.full((5, 5), np.inf),
        "map_before": rng.normal(size=(8, 2)), "map_after": rng.normal(size=(8, 2)),
        "map_labels": np.arange(8), "map_forgotten": np.arange(8) > 3,
    }  # fmt: skip
    hang(digits / "gallery", rows[-1], arrays)
    hang(digits / "gallery", rows[-1] | {"method": "scrub"}, arrays)  # left there by an older study
    found = Published(publish(CHOSEN, digits, target))
    assert [(each.part, each.method, each.seed) for each in found.surfaces] == [
        ("forget", rows[-1]["method"], 0), ("retain", rows[-1]["method"], 0),
    ]  # fmt: skip
    assert np.array(found.surfaces[1].loss) == pytest.approx(arrays["landscape_retain"], rel=1e-3)
    assert found.surfaces[0].loss[0][0] is None
    (movement,) = found.movements
    assert np.array(movement.after) == pytest.approx(arrays["map_after"], rel=1e-3)
    assert movement.forgotten == [0] * 4 + [1] * 4
