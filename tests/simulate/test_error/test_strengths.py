"""Test errors of images that differ in the strength of their noise: against closed forms, quadrature and counting."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from simulate.problems.tails import LogNormal, Strength, StudentT, TwoScales
from simulate.test_error import strengths
from simulate.test_error.generalize import GAUSSIAN, TestError, direction_normals, test_error
from tests.oracles import circle_quadrature, monte_carlo

LOG_10 = math.log(10.0)
LAWS = {
    "t, 2.2": StudentT(2.2), "t, 5": StudentT(5.0), "t, 40": StudentT(40.0),
    "log-normal, 0.3": LogNormal(0.3), "log-normal, 1.5": LogNormal(1.5), "two scales": TwoScales(0.05, 8.0),
}  # fmt: skip
MILD = (LAWS["t, 40"], LAWS["t, 5"], LAWS["log-normal, 0.3"])
"""Laws that so few draws do not tell from Gaussian noise."""

every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


def estimate(margins, gram, law: Strength | None, *, n=512, seed=0, patches=1) -> TestError:
    normals, uniforms = direction_normals(np.random.default_rng(seed), n, patches * len(gram))
    table = None if law is None else np.array(law.table)
    settings = {"multiplicity": 1.0, "patches": patches, "label_flip": 0.0, "strengths": table}
    return test_error(margins, gram, normals=normals, uniforms=uniforms, **settings)


def random_gram(m: int, rank: int, seed: int) -> np.ndarray:
    w = np.random.default_rng((seed, m, rank)).standard_normal((2 * m, rank))
    return w @ w.T / rank


def log_mean_over(law: Strength, log_value) -> float:
    """log E exp(log_value(s)), by SciPy's quadrature over the variable in which the law is defined."""
    if isinstance(law, TwoScales):
        least = (1.0 - law.fraction + law.fraction * law.factor**2) ** -0.5
        parts = [(law.fraction, law.factor * least), (1.0 - law.fraction, least)]
        return float(np.logaddexp.reduce([math.log(p) + log_value(s) for p, s in parts]))
    if isinstance(law, StudentT):
        nu = law.degrees_of_freedom

        def log_integrand(u: float) -> float:  # u = log χ²
            return stats.chi2.logpdf(math.exp(u), nu) + u + log_value(math.sqrt((nu - 2.0) * math.exp(-u)))
    else:

        def log_integrand(u: float) -> float:  # a standard normal
            return stats.norm.logpdf(u) + log_value(math.exp(law.spread * u - law.spread**2))

    grid = np.arange(-300.0, 10.0) if isinstance(law, StudentT) else np.arange(-40.0, 40.0)
    values = np.array([log_integrand(u) for u in grid])
    peak, top = grid[values.argmax()], values.max()
    reach = grid[values > top - 40.0]
    ends = reach.min() - 1.0, reach.max() + 1.0
    area, _ = integrate.quad(
        lambda u: math.exp(log_integrand(u) - top), *ends, points=[peak], epsabs=0.0, epsrel=1e-8, limit=200
    )
    return float(math.log(area) + top)


# --- against other ways -----------------------------------------------------------------------------------


@pytest.mark.parametrize("nu", [2.05, 3.0, 5.0, 12.0, 40.0])
@pytest.mark.parametrize("distance", [1e-3, 0.7, 6.0, 1e4, 1e40])
def test_one_active_neuron_has_the_tail_of_students_t(nu, distance):
    gram = np.diag([4.0, 0.0])  # only the label -1 can fail
    test = estimate([2.0 * distance] * 2, gram, StudentT(nu))
    x = distance * math.sqrt(nu / (nu - 2.0))
    expected = stats.t.logsf(x, nu) if x < 1e5 else _far_tail_of_t(x, nu)
    assert test.log_clean_error == pytest.approx(expected - math.log(2.0), abs=5e-7)
    assert test.effective_sample_size == pytest.approx(512)


def _far_tail_of_t(x: float, nu: float) -> float:
    """log P(t_ν > x) for x² far above ν: the first term of its series."""
    density = math.lgamma(0.5 * (nu + 1.0)) - math.lgamma(0.5 * nu) - 0.5 * math.log(math.pi)
    return density + (0.5 * nu - 1.0) * math.log(nu) - nu * math.log(x)


@every_law
@pytest.mark.parametrize("distance", [0.7, 6.0, 300.0])
def test_one_active_neuron_is_the_mean_over_strengths(law, distance):
    test = estimate([2.0 * distance] * 2, np.diag([4.0, 0.0]), law)
    expected = log_mean_over(law, lambda s: stats.norm.logsf(distance / s)) - math.log(2.0)
    assert test.log_clean_error == pytest.approx(expected, abs=5e-7)


@every_law
@pytest.mark.parametrize("distance", [-0.4, 0.6, 20.0])
def test_two_neurons_agree_with_quadrature(law, distance, monkeypatch):
    monkeypatch.setattr(circle_quadrature, "PANELS", 24)
    gram = random_gram(1, 3, 1)
    margins = np.array([distance, 1.3 * distance])
    ours = estimate(margins, gram, law, n=2048)
    for margin, label, found in zip(margins, (1, -1), ours.clean_error_by_label, strict=True):
        expected = log_mean_over(law, lambda s, x=margin, j=label: circle_quadrature.log_error(x / s, gram, j))
        assert math.log(found) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(
    ("law", "target"), [(StudentT(40.0), -100), (StudentT(3.0), -100), (LogNormal(0.3), -100), (LogNormal(1.5), -60),
                        (TwoScales(1e-6, 5.0), -100)],
)  # fmt: skip
def test_tiny_errors_keep_their_digits(law, target, monkeypatch):
    monkeypatch.setattr(circle_quadrature, "PANELS", 24)
    gram, low, high = random_gram(1, 3, 2), 0.0, 100.0
    for _ in range(50):
        margin = math.exp(0.5 * (low + high))
        found = estimate([margin] * 2, gram, law, n=64).log_clean_error / LOG_10
        low, high = (0.5 * (low + high), high) if found > target else (low, 0.5 * (low + high))
    ours = estimate([margin] * 2, gram, law)
    by_label = [
        log_mean_over(law, lambda s, j=label: circle_quadrature.log_error(margin / s, gram, j)) for label in (1, -1)
    ]
    assert ours.log_clean_error == pytest.approx(np.logaddexp(*by_label) - math.log(2.0), abs=0.05)
    assert ours.log_clean_error / LOG_10 == pytest.approx(target, abs=1.0)
    assert ours.standard_error < 0.03 * ours.error


@every_law
@pytest.mark.parametrize(("m", "rank", "patches"), [(6, 20, 1), (3, 6, 3)])
def test_agreement_with_counting(m, rank, patches, law):
    gram, rng, n = random_gram(m, rank, 3), np.random.default_rng(5), 20_000
    noise = monte_carlo.noise_outputs(gram, 1.0, patches, n, rng) * law.draw(rng, n)
    margins = np.quantile(np.abs(noise), [0.4, 0.95])
    counted = np.array([(margins[0] + noise < 0).mean(), (margins[1] - noise < 0).mean()])
    ours = estimate(margins, gram, law, n=1024, patches=patches)
    spread = np.sqrt(counted * (1 - counted) / n)
    assert abs(ours.error - counted.mean()) < 4 * math.hypot(ours.standard_error, 0.5 * math.hypot(*spread))
    assert (abs(ours.clean_error_by_label - counted) < 4 * (spread + 2 * ours.standard_error)).all()
    gaussian = estimate(margins, gram, None, n=1024, patches=patches)
    assert abs(gaussian.clean_error_by_label[1] - counted[1]) > 4 * spread[1] or law in MILD


@pytest.mark.parametrize("patches", [1, 2])
def test_a_class_that_nearly_always_fails_is_counted_right(patches):
    """Many filters of the other class, tiny ones of its own: rounding once made a direction of nothing."""
    rng, n = np.random.default_rng(0), 20_000
    w = rng.standard_normal((60, 8))
    w[30:] *= 0.05
    gram = w @ w.T / 8
    for law, margin in ((None, 0.13), (StudentT(2.2), 0.06)):
        noise = monte_carlo.noise_outputs(gram, 1.0, patches, n, rng) * (1.0 if law is None else law.draw(rng, n))
        counted = (margin - noise < 0).mean()
        found = estimate([margin] * 2, gram, law, n=1000, patches=patches).clean_error_by_label[1]
        assert abs(found - counted) < 4 * math.sqrt(counted * (1 - counted) / n) + 4e-3


# --- precision and honesty ------------------------------------------------------------------------------


@pytest.mark.parametrize(("law", "margin"), [(StudentT(3.0), 5.0), (LogNormal(0.6), 3.0), (TwoScales(0.1, 4.0), 1.2)])
def test_standard_errors_of_strengths_cover(law, margin):
    gram = random_gram(5, 30, 5)
    truth = estimate([margin] * 2, gram, law, n=10_000, seed=99)
    tests = [estimate([margin] * 2, gram, law, n=128, seed=seed) for seed in range(30)]
    scores = np.array([(t.error - truth.error) / np.hypot(t.standard_error, truth.standard_error) for t in tests])
    assert abs(scores.mean()) < 0.6
    assert 0.5 < scores.std() < 1.6
    assert min(t.effective_sample_size for t in tests) > 25


@every_law
@pytest.mark.parametrize("k", [1, 30])
def test_the_nodes_integrate_what_falls_sharply(law, k):
    """F(t) = P(χ_k > t) in units of its own mean falls within a tenth of it where k = 30."""
    # Two orthogonal rows of which the second hinders: mean and deviation of h are those of χ_k.
    mean, deviation = stats.chi.mean(k), stats.chi.std(k)
    gram, helping = rows_of_mean_and_deviation(mean, deviation)
    for t in (0.3, 5.0, 1e3):
        thresholds, log_masses = strengths.strengths(np.array(law.table), t, 1.0, gram, helping, np.ones(1))
        found = np.logaddexp.reduce(log_masses + stats.chi.logsf(thresholds, k))
        expected = log_mean_over(law, lambda s, x=t: float(stats.chi.logsf(x / s, k)))
        assert found == pytest.approx(expected, abs=2e-6)


def rows_of_mean_and_deviation(mean: float, deviation: float) -> tuple[np.ndarray, np.ndarray]:
    """Gram matrix of equal, orthogonal helping rows whose h has about this mean over deviation, scaled to the mean."""
    rows = max(1, round((mean / deviation) ** 2 * (math.pi - 1.0)))
    length = mean * math.sqrt(2.0 * math.pi) / rows
    return length**2 * np.eye(rows), np.ones(rows, dtype=bool)


# --- invariances ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", [StudentT(1e6), LogNormal(1e-4), TwoScales(0.3, 1.0 + 1e-7)])
def test_laws_of_hardly_any_spread_are_gaussian(law):
    gram = random_gram(4, 20, 1)
    for margin in (0.3, 2.0):
        ours, gaussian = (estimate([margin] * 2, gram, each) for each in (law, None))
        assert ours.log_clean_error == pytest.approx(gaussian.log_clean_error, abs=0.05)
        assert ours.standard_error == pytest.approx(gaussian.standard_error, rel=0.3)


def test_gaussian_rows_of_a_mixed_batch_keep_their_bits():
    gram, margins = random_gram(3, 10, 1), np.array([[0.5, 0.8], [2.0, -0.1], [0.0, 3.0]])
    normals, uniforms = direction_normals(np.random.default_rng(0), 64, 6)
    settings = {"multiplicity": 1.0, "patches": 1, "label_flip": 0.0, "normals": normals, "uniforms": uniforms}
    alone = test_error(margins, gram, strengths=None, **settings)
    for law in LAWS.values():
        tables = np.array([GAUSSIAN, law.table, GAUSSIAN])
        mixed = test_error(margins, gram, strengths=tables, **settings)
        single = test_error(margins[1], gram, strengths=tables[1], **settings)
        for word, values in vars(mixed).items():
            np.testing.assert_array_equal(values[[0, 2]], getattr(alone, word)[[0, 2]])
            np.testing.assert_array_equal(values[1], getattr(single, word))


@every_law
def test_scaling_margin_and_noise_together_changes_nothing_for_any_law(law):
    gram, margins = random_gram(3, 10, 1), np.array([3.0, 2.0])
    expected = estimate(margins, gram, law).log_clean_error
    for scale in (1e-100, 7.0, 1e140):
        found = estimate(scale * margins, scale**2 * gram, law).log_clean_error
        assert found == pytest.approx(expected, rel=1e-9)


@every_law
def test_a_larger_margin_means_a_smaller_error_for_any_law(law):
    margins = np.concatenate([np.linspace(-3, 3, 13), np.geomspace(4, 1e4, 10)])
    test = estimate(np.stack([margins, margins], axis=-1), random_gram(4, 20, 2), law)
    assert (np.diff(test.log_clean_error) <= 0).all()
    assert test.error.max() <= 1.0
    assert test.error[6] == pytest.approx(estimate([0.0, 0.0], random_gram(4, 20, 2), None).error, rel=1e-9)


def test_impossible_errors_and_broken_networks_stay_what_they_are():
    gram = random_gram(2, 4, 0)
    for law in LAWS.values():
        assert estimate([1.0, 1.0], np.zeros((4, 4)), law).log_clean_error == -math.inf
        assert math.isnan(estimate([1.0, 1.0], gram * math.nan, law).error)
        assert estimate([1e308, 1e308], gram, law).error < 1e-100
