"""Estimated scores beside published ones: against scipy, made-up rankings, and from the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

torch = pytest.importorskip("torch")

from deepnet.cli import main  # noqa: E402
from deepnet.cli.scores import as_record  # noqa: E402
from deepnet.studies.agreement import _rank_correlation, agreement, reliability  # noqa: E402
from deepnet.studies.memorization import memorization_scores  # noqa: E402
from deepnet.studies.scales import SCALES, scale  # noqa: E402


def votes(truth: np.ndarray, models: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Models that know what they have seen, and guess the rest with probability 1 - truth."""
    seen = rng.random((models, len(truth))) < 0.7
    return seen, seen | (rng.random(seen.shape) > truth)


def test_equals_the_correlation_of_ranks() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(300)
    seen, right = votes(truth, 60, rng)
    noisy = truth + rng.normal(0, 0.3, 300)
    found = agreement(seen, right, noisy, np.random.default_rng(1))
    expected = np.corrcoef(rankdata(memorization_scores(seen, right)), rankdata(noisy))[0, 1]
    assert found.correlation.value == pytest.approx(expected, rel=1e-12)
    assert found.correlation.standard_error == pytest.approx((1 - expected**2) / 300**0.5, rel=0.4)
    reach = 1.96 / 299**0.5  # of the correlation of independent ranks
    assert found.chance == pytest.approx((-reach, reach), abs=0.03)
    assert (found.images, found.models) == (300, 60)


def test_images_without_a_score_are_left_out() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(100)
    seen, right = votes(truth, 30, rng)
    seen[:, 3] = True  # never left out, so it has no estimate
    gaps = truth.copy()
    gaps[:10] = np.nan
    assert agreement(seen, right, gaps, rng).images == 90
    truth[3] = 1e9
    assert agreement(seen, right, truth, rng).images == 99


def test_reliability_predicts_the_correlation_of_two_estimates() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(2000)
    one, other = votes(truth, 40, rng), votes(truth, 40, rng)
    between = np.corrcoef(*(rankdata(memorization_scores(*each)) for each in (one, other)))[0, 1]
    assert reliability(*one) == pytest.approx(between, abs=0.03)


def test_bad_scores_are_refused() -> None:
    seen, right = votes(np.linspace(0, 1, 10), 8, np.random.default_rng(0))
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"Argument `published` must hold a score for each of 10 images, but holds 9"):
        agreement(seen, right, np.zeros(9), rng)
    with pytest.raises(ValueError, match=r"Argument `published` must share at least 3 images .* shares 0"):
        agreement(seen, right, np.full(10, np.nan), rng)


def test_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = scale("digits")
    small = replace(usual, data=replace(usual.data, subset=60), pretrain=replace(usual.pretrain, epochs=1))
    monkeypatch.setitem(SCALES, "digits", lambda images, scores: small)
    published = tmp_path / "published.npy"
    np.save(published, np.linspace(0, 1, 1438))  # as many as the complete training set has
    words = ["scores", "--preset", "digits", "--models", "6", "--scores", str(published), "--out", str(tmp_path)]
    assert main(words) == 0
    record = json.loads((tmp_path / "digits" / "scores.json").read_text())
    assert record["models"] == 6
    assert -1 <= record["correlation"]["value"] <= 1
    assert "Rank correlation of estimated and published scores" in capsys.readouterr().out
    assert main([*words[:-3], str(tmp_path / "none.npy"), *words[-2:]]) == 2
    assert "none.npy does not exist" in capsys.readouterr().err


def test_the_record_names_no_folder_of_this_machine() -> None:
    seen, right = votes(np.linspace(0, 1, 30), 20, np.random.default_rng(0))
    found = agreement(seen, right, np.linspace(0, 1, 30), np.random.default_rng(0))
    study = scale("cifar10-small", Path("somewhere/images"))
    record = as_record(study, found, Path("somewhere/scores.npz"))
    assert record["published"] == "scores.npz"
    assert "somewhere" not in json.dumps(record)


def test_scores_that_differ_by_rounding_have_one_rank() -> None:
    exact, rounded = np.array([0.4, 0.4, 0.4, 0.0, 1.0]), np.array([0.6 - 0.2, 0.4, 0.8 - 0.4, 0.0, 1.0])
    assert rounded[0] != rounded[1]
    other = np.array([3.0, 2.0, 1.0, 4.0, 5.0])
    assert _rank_correlation(rounded, other) == _rank_correlation(exact, other)
    assert np.isnan(_rank_correlation(rounded[:3], other[:3]))
    assert _rank_correlation(exact + 1e-6 * np.eye(5)[0], other) > _rank_correlation(exact, other)
