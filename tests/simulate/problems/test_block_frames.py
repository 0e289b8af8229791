"""Frames of blocks have the law of noise in R^d whose coordinates differ in variance; so have runs and test errors."""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, SharpMinMax, power_law, run
from simulate.problems import frame
from simulate.runs.ensemble import Cell, run_ensemble
from tests.simulate.engine_runs import ENGINES, reconstructed_weights, relative_error
from tests.simulate.problems.test_frame_law import (
    BATCHES,
    LEVEL,
    features,
    sample_of_draws,
    sample_of_runs,
    smallest_p_value,
)  # fmt: skip

SMALL = Problem(
    d=60, n=6, m=3, P=3, signal=2.0, sigma_p=0.7, sigma_0=0.1, patches="independent", eigenvalues=(9.0, 1.0, 0.25),
    multiplicities=(2, 25, 33),
)  # fmt: skip
PROBLEMS = {
    "signal in the last block": SMALL,
    "signal in a narrow block": replace(SMALL, patches="copied", signal_block=0),
    "not projected": replace(SMALL, noise="isotropic", signal_block=1),
    "leaning": replace(SMALL, lean_block=0, lean_angle=30.0),
    "leaning, not projected": replace(SMALL, noise="isotropic", lean_block=0, lean_angle=30.0, tails="two-scales",
                                      noisy_fraction=0.2, noisy_factor=4.0),
}  # fmt: skip
every_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
PHASES = (
    Phase("pretrain", Loss(), SAM(lr=0.05, tau=0.1), steps=25),
    Phase("unlearn", NegGrad(alpha=0.7), SharpMinMax(lr=0.02, tau=0.1), steps=15),
)


# --- the law --------------------------------------------------------------------------------------------


@every_problem
def test_frames_of_blocks_have_the_law_of_the_space(problem):
    frames, spaces = sample_of_draws(problem, "frame", 0), sample_of_draws(problem, "ambient", 10_000)
    assert smallest_p_value(frames, spaces) > LEVEL / len(PROBLEMS)


@pytest.mark.parametrize("name", ["signal in a narrow block", "leaning, not projected"])
def test_runs_in_frames_of_blocks_have_the_law_of_runs_in_the_space(name):
    frames, spaces = (
        sample_of_runs(PROBLEMS[name], engine, first, 150) for engine, first in (("numba", 0), ("dense", 10_000))
    )
    assert smallest_p_value(frames, spaces) > LEVEL / len(PROBLEMS)


def rival(problem, seed, *, deviations=np.sqrt, louder_filters=False, freedom=None, signal_block=2, constant=False):
    """A frame made here, block by block, with a fault or without."""
    rng, size, filters = np.random.default_rng([seed, 77]), problem.frame_size, 2 * problem.m
    triangles = []
    for block, (value, d) in enumerate(zip(problem.blocks.eigenvalues, problem.blocks.multiplicities, strict=True)):
        width = min(size, d)
        rows = np.tril(rng.normal(size=(size, width)), -1)
        places = np.arange(width)
        np.fill_diagonal(rows, np.sqrt(rng.chisquare((freedom or d) - (0 if constant else places))))
        rows[0] = problem.signal * np.eye(width)[0] if block == signal_block else 0.0
        scale = deviations(value)
        rows[1:-filters] *= problem.sigma_p * scale
        rows[-filters:] *= problem.sigma_0 * (scale if louder_filters else 1.0)
        triangles.append(rows)
    return np.concatenate(triangles, axis=1)


COUNT = 200
NOT_PROJECTED = replace(SMALL, noise="isotropic")
WRONG = {
    "equal variances": partial(rival, deviations=lambda _: 1.0),
    "variances for deviations": partial(rival, deviations=lambda value: value),
    "filters of the noise's covariance": partial(rival, louder_filters=True),
    "degrees of freedom of all blocks": partial(rival, freedom=60),
    "degrees of freedom that do not fall": partial(rival, constant=True),
    "signal in another block": partial(rival, signal_block=0),
}


@cache
def draws_in_the_space(batch):
    """Draws that many rivals are compared with."""
    return sample_of_draws(NOT_PROJECTED, "ambient", 20_000 + 1000 * batch, COUNT)


def rejections(draw, monkeypatch):
    """How many of a few independent comparisons reject a frame."""
    monkeypatch.setattr(frame, "draw_frame", draw)
    found = [
        smallest_p_value(sample_of_draws(NOT_PROJECTED, "frame", 1000 * batch, COUNT), draws_in_the_space(batch))
        for batch in range(BATCHES)
    ]
    return sum(p_value < LEVEL / len(PROBLEMS) for p_value in found)


def test_right_frame_of_blocks_is_accepted(monkeypatch):
    assert rejections(rival, monkeypatch) == 0


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_frame_of_blocks_is_rejected(fault, monkeypatch):
    assert rejections(WRONG[fault], monkeypatch) == BATCHES


# --- equal variances, and enormous dimensions -----------------------------------------------------------


PLAIN = Problem(d=200, n=12, m=3, signal=3.0, sigma_p=0.5, sigma_0=0.1, forget=0.25)


@pytest.mark.parametrize("space", ["frame", "ambient"])
@pytest.mark.parametrize("noise", ["orthogonal", "isotropic"])
def test_one_block_of_eigenvalue_one_is_the_problem_without_blocks(space, noise):
    plain = replace(PLAIN, noise=noise)
    one, other = (
        Instance.draw(p, 4, space=space) for p in (plain, replace(plain, eigenvalues=(1,), multiplicities=()))
    )
    for word in ("phi", "xi", "w0", "y", "forget"):
        np.testing.assert_array_equal(getattr(other, word), getattr(one, word))
    for word in ("kappa", "zeta"):
        results = [run(each, PHASES, test_directions=64) for each in (one, other)]
        np.testing.assert_array_equal(getattr(results[0], word), getattr(results[1], word))
    assert results[1].test.log_clean_error == pytest.approx(results[0].test.log_clean_error, rel=1e-9)


def test_blocks_of_equal_eigenvalues_have_the_isotropic_law():
    split = replace(SMALL, noise="isotropic", eigenvalues=(4.0, 4.0, 4.0), signal_block=1)
    plain = replace(split.without_blocks, sigma_p=1.4)
    drawn = [features(Instance.draw(split, seed), plain) for seed in range(10_000, 10_200)]
    found = {word: np.array([each[word] for each in drawn]) for word in drawn[0]}
    assert smallest_p_value(sample_of_draws(plain, "frame", 0, 200), found) > LEVEL
    ends = sample_of_runs(plain, "numba", 0, 150), sample_of_runs(split, "numba", 10_000, 150)
    assert smallest_p_value(*ends) > LEVEL


@pytest.mark.parametrize("d", [10**3, 10**9])
def test_frames_of_blocks_are_as_small_in_any_dimension(d):
    eigenvalues, multiplicities = power_law(d, 1.0, blocks=4)
    problem = replace(PLAIN, d=d, eigenvalues=eigenvalues, multiplicities=multiplicities, sigma_p=1e-3, sigma_0=1e-6)
    result = run(problem, PHASES, test_directions=16)
    size = problem.frame_size
    assert result.instance.xi.shape == (12, 1, sum(min(size, each) for each in multiplicities))
    norms = np.linalg.norm(result.instance.xi, axis=-1)
    assert np.abs(norms / (1e-3 * d**0.5) - 1.0).max() < 0.5
    assert np.isfinite(result.zeta).all()
    assert np.isfinite(result.test.log_clean_error)


@pytest.mark.parametrize("lean", [{}, {"lean_block": 0, "lean_angle": 30.0}])
@pytest.mark.parametrize("space", ["frame", "ambient"])
def test_signal_lies_where_it_is_said(lean, space):
    problem = replace(SMALL, signal_block=1, **lean)
    instance = Instance.draw(problem, 2, space=space)
    widths = problem.blocks.widths(problem.frame_size if space == "frame" else None)
    parts = np.add.reduceat(instance.phi**2, np.cumsum([0, *widths[:-1]])) / 4.0
    np.testing.assert_allclose(parts, [0.25, 0.75, 0.0] if lean else [0.0, 1.0, 0.0], atol=1e-15)
    np.testing.assert_allclose(instance.geometry.gram[0, 1:], 0.0, atol=1e-14)


@pytest.mark.parametrize("lean", [{}, {"lean_block": 0, "lean_angle": 30.0}])
@pytest.mark.parametrize("space", ["frame", "ambient"])
def test_projection_takes_the_noise_along_the_signal_and_nothing_else(lean, space):
    projected, whole = (
        Instance.draw(replace(SMALL, noise=noise, **lean), 2, space=space) for noise in ("orthogonal", "isotropic")
    )
    direction = whole.phi / 2.0
    expected = whole.xi - (whole.xi @ direction)[..., None] * direction
    np.testing.assert_allclose(projected.xi, expected, atol=1e-14)
    assert np.abs(whole.xi - expected).max() > 0.1


# --- the engines and the end ----------------------------------------------------------------------------


@every_problem
def test_engines_agree_on_noise_by_blocks(problem):
    instance = Instance.draw(problem, 2, space="ambient")
    results = [run(instance, PHASES, engine=engine, test_directions=64) for engine in ENGINES]
    for each in results[1:]:
        assert relative_error(reconstructed_weights(each), results[0].state.weights) < 1e-10
        assert each.test_error == pytest.approx(results[0].test_error, rel=1e-9)


@every_problem
@pytest.mark.parametrize("space", ["frame", "ambient"])
def test_noise_sees_the_projected_covariance(problem, space):
    instance = Instance.draw(problem, 3, space=space)
    sizes = problem.blocks.widths(problem.frame_size if space == "frame" else None)
    covariance = np.diag(np.repeat(problem.blocks.eigenvalues, sizes))
    direction = instance.phi / np.linalg.norm(instance.phi)
    off = np.eye(len(direction)) - (np.outer(direction, direction) if problem.noise == "orthogonal" else 0.0)
    w = instance.w0.reshape(6, -1)
    seen = instance.seen_by_noise(w)
    np.testing.assert_allclose(seen @ seen.T, w @ off @ covariance @ off @ w.T, rtol=1e-12, atol=1e-14)


@every_problem
def test_test_errors_of_blocks_are_those_of_fresh_noise(problem):
    problem = replace(problem, signal=1.0, patches="copied")
    result = run(problem, [Phase("fit", Loss(), SGD(lr=0.1), steps=40)], seed=1, engine="dense", test_directions=4096)
    w, rng, n = result.state.weights, np.random.default_rng(3), 20_000
    noise = rng.standard_normal((n, problem.d)) * problem.sigma_p
    noise *= np.sqrt(np.repeat(problem.blocks.eigenvalues, problem.blocks.multiplicities))
    if problem.strength is not None:
        noise *= problem.strength.draw(rng, n)[:, None]
    if problem.noise == "orthogonal":
        direction = result.instance.phi / problem.signal
        noise -= np.outer(noise @ direction, direction)
    y = np.where(rng.random(n) < 0.5, 1, -1)
    seen = np.maximum(y * (w @ result.instance.phi)[..., None], 0.0) + 2 * np.maximum(w @ noise.T, 0.0)
    wrong = (y * (seen[0].sum(axis=0) - seen[1].sum(axis=0)) < 0).mean()
    spread = np.hypot(np.sqrt(wrong * (1 - wrong) / n), result.test.standard_error)
    assert abs(result.test_error - wrong) < 4 * spread
    assert 0.01 < wrong < 0.49


def test_chunks_with_and_without_blocks_give_each_run_its_own_numbers():
    phases = (Phase("fit", Loss(), SGD(lr=0.05), steps=10),)
    split = replace(PLAIN, eigenvalues=(9.0, 0.5), multiplicities=(5,))
    problems = [PLAIN, split, replace(split, d=10**6), replace(split, lean_block=0, lean_angle=5.0), PLAIN]
    cells = [Cell(problem, phases, seed) for seed, problem in enumerate(problems)]
    together = run_ensemble(cells, engine="numpy", test_directions=32)  # all in one chunk
    for seed, (problem, error) in enumerate(zip(problems, together["test_error"].values, strict=True)):
        assert run(problem, phases, seed=seed, engine="numpy", test_directions=32).test_error == error
