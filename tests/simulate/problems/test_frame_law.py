"""The exact frame has the law of draws in R^d, and tests that say so would notice a wrong one."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Literal

import numpy as np
import pytest
from scipy import stats

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, Record, run
from simulate.problems import frame
from simulate.runs.ensemble import Cell, run_ensemble

PROBLEMS = {
    "copied": Problem(d=40, n=6, m=3, signal=2.0, sigma_p=0.7, sigma_0=0.1),
    "isotropic": Problem(d=200, n=12, m=4, signal=3.0, sigma_0=0.01, noise="isotropic", label_flip=0.1),
    "independent": Problem(d=60, n=5, m=2, P=4, signal=1.0, sigma_p=0.5, sigma_0=0.2, patches="independent"),
    "isotropic, independent": Problem(d=30, n=4, m=2, P=3, noise="isotropic", patches="independent"),
    "smallest d": Problem(d=13, n=6, m=3, signal=2.0, sigma_0=0.1, noise="isotropic"),
}
Space = Literal["frame", "ambient"]
REPLICATES = 400
LEVEL = 0.01
every_problem = pytest.mark.parametrize("name", PROBLEMS)


# What is compared


def features(instance: Instance, problem: Problem) -> dict[str, float]:
    """Numbers that the inner products of an instance decide, in units that make them of order one."""
    geometry, d = instance.geometry, problem.d
    start = geometry.start.reshape(2 * problem.m, -1)
    gram = np.block([[geometry.gram, start.T], [start, geometry.filters]])
    noises = len(geometry.gram) - 1
    unit = np.repeat([problem.signal / d**0.5, problem.sigma_p, problem.sigma_0], [1, noises, 2 * problem.m])
    gram = gram / np.outer(unit, unit) / d
    eigenvalues = np.linalg.eigvalsh(gram)
    last = noises  # of the noise vectors; the first filter comes next
    return {
        "first noise squared": gram[1, 1],
        "last noise squared": gram[last, last],
        "first on second noise": gram[1, 2],
        "first on last noise": gram[1, last],
        "last noise on signal": gram[last, 0],
        "largest product of noises": np.abs(np.triu(gram[1 : last + 1, 1 : last + 1], 1)).max(),
        "first filter on signal": gram[last + 1, 0],
        "last filter on first noise": gram[-1, 1],
        "last filter on last noise": gram[-1, last],
        "first filter squared": gram[last + 1, last + 1],
        "last filter squared": gram[-1, -1],
        "first on last filter": gram[last + 1, -1],
        "all squared": np.trace(gram),
        "smallest eigenvalue": eigenvalues[0],
        "largest eigenvalue": eigenvalues[-1],
        "volume": np.log(np.diag(np.linalg.cholesky(gram))).sum(),
    }


@cache
def draws_in_space(name: str, first_seed: int) -> dict[str, np.ndarray]:
    """Draws in R^d of a problem, which many frames are compared with."""
    return sample_of_draws(PROBLEMS[name], "ambient", first_seed)


def sample_of_draws(problem: Problem, space: Space, first_seed: int, count: int = REPLICATES) -> dict[str, np.ndarray]:
    seeds = range(first_seed, first_seed + count)
    rows = [features(Instance.draw(problem, seed, space=space), problem) for seed in seeds]
    return {word: np.array([row[word] for row in rows]) for word in rows[0]}


def sample_of_runs(problem: Problem, engine: str, first_seed: int, count: int = REPLICATES) -> dict[str, np.ndarray]:
    """What short trainings end at: "numba" draws its data in the frame and "dense" in R^d."""
    phases = (
        Phase("pretrain", Loss(), SAM(lr=0.1, tau=0.1), steps=20),
        Phase("unlearn", NegGrad(alpha=0.6), SGD(lr=0.1), steps=5),
    )
    cells = [Cell(replace(problem, forget=0.34), phases, seed) for seed in range(first_seed, first_seed + count)]
    ends = run_ensemble(cells, engine=engine, test_directions=32)
    words = ("kappa_mean", "zeta_mean_retain", "zeta_mean_forget", "train_loss", "test_error")
    return {word: ends[word].values for word in words}


def smallest_p_value(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    """The smallest p-value of two-sample Kolmogorov-Smirnov tests of all numbers, by Bonferroni times their count."""
    p_values = [stats.ks_2samp(one[word], other[word], method="asymp").pvalue for word in one]
    return min(1.0, min(p_values) * len(p_values))


# The law


@every_problem
def test_frame_has_the_law_of_the_space(name: str) -> None:
    # Seeds of the two draws differ: they share the stream of labels, and samples must be independent.
    found = smallest_p_value(sample_of_draws(PROBLEMS[name], "frame", 0), draws_in_space(name, 10_000))
    assert found > LEVEL / len(PROBLEMS)


@every_problem
def test_runs_in_the_frame_have_the_law_of_runs_in_the_space(name: str) -> None:
    problem = PROBLEMS[name]
    frames, spaces = sample_of_runs(problem, "numba", 0, 250), sample_of_runs(problem, "dense", 10_000, 250)
    assert smallest_p_value(frames, spaces) > LEVEL / len(PROBLEMS)


@pytest.mark.slow
@every_problem
def test_frame_has_the_law_of_the_space_closely(name: str) -> None:
    problem, count = PROBLEMS[name], 20_000
    frames, spaces = sample_of_draws(problem, "frame", 0, count), sample_of_draws(problem, "ambient", 10**6, count)
    assert smallest_p_value(frames, spaces) > LEVEL / len(PROBLEMS)


@pytest.mark.slow
@every_problem
def test_runs_in_the_frame_have_the_law_of_runs_in_the_space_closely(name: str) -> None:
    problem, count = PROBLEMS[name], 4000
    frames, spaces = sample_of_runs(problem, "numba", 0, count), sample_of_runs(problem, "dense", 10**6, count)
    assert smallest_p_value(frames, spaces) > LEVEL / len(PROBLEMS)


# The power of these tests: frames drawn here, right and wrong


def frame_by(diagonal: Callable, loudness: float = 1.0) -> Callable[[Problem, int], np.ndarray]:
    """A rival of `frame.draw_frame` with its own diagonal (generator, problem, place) and noise scale."""

    def draw(problem: Problem, seed: int) -> np.ndarray:
        rng = np.random.default_rng([seed, 77])
        size, filters = problem.frame_size, 2 * problem.m
        rows = np.tril(rng.normal(size=(size, size)), -1)
        np.fill_diagonal(rows, diagonal(rng, problem, np.arange(size)))
        rows[0] = problem.signal * np.eye(size)[0]
        rows[1:-filters] *= loudness * problem.sigma_p
        if problem.noise == "orthogonal":
            rows[1:-filters, 0] = 0.0
        rows[-filters:] *= problem.sigma_0
        return rows

    return draw


def falling(rng: np.random.Generator, problem: Problem, place: np.ndarray) -> np.ndarray:
    return np.sqrt(rng.chisquare(problem.d - place))


def constant(rng: np.random.Generator, problem: Problem, place: np.ndarray) -> np.ndarray:
    return np.sqrt(rng.chisquare(problem.d, size=len(place)))


def too_low(rng: np.random.Generator, problem: Problem, place: np.ndarray) -> np.ndarray:
    return np.sqrt(rng.chisquare(np.maximum(problem.d - 2 * place, 1)))


def rigid(rng: np.random.Generator, problem: Problem, place: np.ndarray) -> np.ndarray:
    return np.sqrt(problem.d - place)


RIGHT = frame_by(falling)
WRONG = {
    "constant degrees of freedom": frame_by(constant),
    "degrees of freedom that fall too fast": frame_by(too_low),
    "norms that do not fluctuate": frame_by(rigid),
    "noise five percent too loud": frame_by(falling, loudness=1.05),
    "noise five percent too quiet": frame_by(falling, loudness=0.95),
}
BATCHES = 3


def rejections(draw: Callable, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many of a few independent comparisons in d = 40 reject a frame."""
    monkeypatch.setattr(frame, "draw_frame", draw)
    problem, count = PROBLEMS["copied"], 0
    for batch in range(BATCHES):
        spaces = draws_in_space("copied", 20_000 + 1000 * batch)
        count += smallest_p_value(sample_of_draws(problem, "frame", 1000 * batch), spaces) < LEVEL / len(PROBLEMS)
    return count


def test_right_frame_of_this_file_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rejections(RIGHT, monkeypatch) == 0


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_frame_is_rejected(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rejections(WRONG[fault], monkeypatch) == BATCHES


@pytest.mark.parametrize(
    ("fault", "name"), [("constant degrees of freedom", "smallest d"), ("noise five percent too loud", "isotropic")]
)
def test_runs_in_a_wrong_frame_are_rejected(fault: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spaces = sample_of_runs(PROBLEMS[name], "dense", 30_000)
    monkeypatch.setattr(frame, "draw_frame", WRONG[fault])
    assert smallest_p_value(sample_of_runs(PROBLEMS[name], "numba", 0), spaces) < LEVEL / len(PROBLEMS)


# The frame in detail


def rows_of(instance: Instance) -> np.ndarray:
    """φ, noise vectors and filters, one below the other."""
    return np.concatenate([instance.span, instance.w0.reshape(2 * instance.m, -1)])


@pytest.mark.parametrize("space", ["frame", "ambient"])
@every_problem
def test_noise_is_orthogonal_where_it_should_be(name: str, space: Space) -> None:
    problem = PROBLEMS[name]
    along = np.abs(Instance.draw(problem, 5, space=space).geometry.gram[0, 1:])
    assert np.all(along == 0) if problem.noise == "orthogonal" else np.all(along > 0)


@every_problem
def test_signal_has_its_strength(name: str) -> None:
    for instance in (Instance.draw(PROBLEMS[name], 2), Instance.draw(PROBLEMS[name], 2, space="ambient")):
        assert np.linalg.norm(instance.phi) == PROBLEMS[name].signal


@every_problem
def test_frame_is_as_small_as_promised(name: str) -> None:
    rows = rows_of(Instance.draw(PROBLEMS[name], 1))
    size = PROBLEMS[name].frame_size
    assert rows.shape == (size, size)
    assert np.all(np.triu(rows, 1) == 0)
    assert np.linalg.matrix_rank(rows / np.linalg.norm(rows, axis=1, keepdims=True)) == size


def test_space_that_is_too_small_for_the_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="`d` must be at least 13"):
        Instance.draw(replace(PROBLEMS["smallest d"], d=12))
    assert Instance.draw(replace(PROBLEMS["smallest d"], d=12), space="ambient").phi.shape == (12,)


def test_enormous_dimension_is_free() -> None:
    problem = Problem(d=10**9, n=20, m=5, sigma_p=0.1, sigma_0=1e-5)
    result = run(problem, [Phase("train", Loss(), SGD(lr=1e-4), steps=300)], seed=3)
    norms = np.linalg.norm(rows_of(result.instance), axis=1)
    np.testing.assert_allclose(norms[1:21], 0.1 * 10**4.5, rtol=2e-4)  # four deviations of 1/√(2d), and more
    np.testing.assert_allclose(norms[21:], 1e-5 * 10**4.5, rtol=2e-4)
    assert np.isfinite(result.kappa).all()
    assert np.isfinite(result.zeta).all()
    assert result.train_loss < 0.05


@pytest.mark.parametrize("d", [14, 90, 10**9])
def test_draws_that_differ_in_dimension_share_their_normals(d: int) -> None:
    problem = PROBLEMS["smallest d"]
    one, other = (rows_of(Instance.draw(replace(problem, d=size), seed=6)) for size in (problem.d, d))
    np.testing.assert_array_equal(np.tril(other, -1), np.tril(one, -1))
    assert np.all(np.diag(other)[1:] != np.diag(one)[1:])


def test_draws_that_differ_in_scales_share_signs() -> None:
    problem = PROBLEMS["copied"]
    louder = replace(problem, sigma_p=2.0, sigma_0=3.0, signal=4.0)
    one, other = (rows_of(Instance.draw(p, seed=6)) for p in (problem, louder))
    np.testing.assert_array_equal(np.sign(other), np.sign(one))


def test_other_seed_other_draw() -> None:
    one, other = (rows_of(Instance.draw(PROBLEMS["copied"], seed)) for seed in (6, 7))
    assert np.mean(np.sign(one) != np.sign(other)) > 0.15


# The QR reduction of given arrays


def given_arrays(seed: int, d: int, patches: int | None) -> dict:
    rng = np.random.default_rng(seed)
    n, noise = 8, () if patches is None else (patches,)
    y_true = np.where(rng.random(n) < 0.5, 1, -1)
    return {
        "phi": rng.normal(size=d) * 0.3,
        "xi": rng.normal(size=(n, *noise, d)) * 0.4 + 0.05,
        "y": np.where(rng.random(n) < 0.2, -y_true, y_true),
        "y_true": y_true,
        "w0": rng.normal(size=(2, 3, d)) * 0.2,
        "forget": rng.permutation(n) < 3,
        "P": 3,
        "test_xi": rng.normal(size=(500, *noise, d)),
        "test_y": np.where(rng.random(500) < 0.5, 1, -1),
    }


@pytest.mark.parametrize("patches", [None, 2])
@pytest.mark.parametrize("d", [5, 15, 24, 300])  # fewer dimensions than vectors, and more
@pytest.mark.parametrize("seed", range(2))
def test_reduction_keeps_the_trajectory(seed: int, d: int, patches: int | None) -> None:
    phases = [
        Phase("pretrain", Loss(), SAM(lr=0.1, tau=0.2), steps=30),
        Phase("unlearn", NegGrad(alpha=0.6), SGD(lr=0.1, batch=2), steps=10),
    ]
    record = Record(every=5, observe=("coefficients_full", "loss"))
    arrays = given_arrays(seed, d, patches)
    frames, space = (
        run(Instance.from_arrays(**arrays, space=kind), phases, record=record) for kind in ("frame", "ambient")
    )
    assert frames.instance.phi.size == min(d, 1 + 8 * (patches or 1) + 6)
    for word in ("kappa", "zeta", "loss"):
        expected = space.trace[word].values
        np.testing.assert_allclose(frames.trace[word], expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    assert frames.test_error == space.test_error
    assert 0.2 < space.test_error < 0.8
