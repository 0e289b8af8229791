"""The claims on a user's own images: they run on the folder that is given, and say so where none is."""

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from theory.claims import universality
from theory.experiments.images import NOISES, PLACES
from theory.experiments.lab import Lab

REPLICATES = 4
FOLDER_CLAIMS = [claim for claim in universality.CLAIMS if claim.name.startswith("universality-folder")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for name, brightness in ("cats", 0.3), ("dogs", 0.6):
        (made / name).mkdir()
        for number in range(220):
            picture = np.clip(brightness + 0.15 * rng.standard_normal((6, 6)), 0, 1)
            matplotlib.image.imsave(made / name / f"{number}.png", picture, cmap="gray", vmin=0, vmax=1)
    return made


def lab_of(folder: Path | None, monkeypatch: pytest.MonkeyPatch) -> Lab:
    lab = Lab(images=folder)
    monkeypatch.setattr(lab, "choose", lambda quick, full: REPLICATES)
    return lab


def test_both_claims_run_on_the_folder_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = lab_of(folder, monkeypatch)
    assert len(FOLDER_CLAIMS) == 2
    for claim in FOLDER_CLAIMS:
        evidence = claim.measure(lab)
        assert evidence.n_runs == 2 * len(PLACES) * len(NOISES) * REPLICATES
        dimension = evidence.details["effective dimension of the residuals"].value
        assert 25 < dimension <= 36  # white noise of 6 × 6 pixels, less what 440 images cannot tell
        assert [curve.label for curve in evidence.picture.curves] == list(NOISES)
        assert all(((curve.y >= 0) & (curve.y <= 1)).all() for curve in evidence.picture.curves)
    assert len(lab._shared) == 1


def test_without_a_folder_the_claim_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = FOLDER_CLAIMS[0].measure(lab_of(None, monkeypatch))
    assert (evidence.effect, evidence.n_runs) == (None, 0)
    assert "--images" in evidence.remark
