"""Test errors of leaky ReLU and of powers of ReLU: against counting, closed forms and quadrature."""

import math

import numpy as np
import pytest
from scipy import integrate, special, stats

from simulate.problems.tails import Strength, StudentT, TwoScales
from simulate.test_error.generalize import GAUSSIAN, TestError, direction_normals, test_error
from simulate.test_error.homogeneous import Rows, log_radial_tail
from tests.oracles import monte_carlo
from tests.simulate.test_error.test_strengths import LAWS, log_mean_over, random_gram

NETWORKS = ({"leak": 0.2}, {"power": 2}, {"power": 3})
every_network = pytest.mark.parametrize("network", NETWORKS, ids=["leaky", "square", "cube"])


def estimate(margins, gram, law: Strength | None = None, *, n=1024, seed=0, patches=1, **network) -> TestError:
    rows = len(gram) * (2 if network.get("leak") else 1)
    normals, uniforms = direction_normals(np.random.default_rng(seed), n, patches * rows)
    settings = {"multiplicity": 1.5, "patches": patches, "label_flip": 0.0}
    table = None if law is None else np.array(law.table)
    return test_error(margins, gram, normals=normals, uniforms=uniforms, strengths=table, **settings, **network)


@every_network
@pytest.mark.parametrize("law", [None, StudentT(5.0), TwoScales(0.1, 4.0)], ids=["Gaussian", "t", "two scales"])
@pytest.mark.parametrize(("m", "patches"), [(1, 1), (3, 1), (2, 2), pytest.param(10, 1, marks=pytest.mark.slow)])
def test_errors_are_those_that_are_counted(m, patches, law, network):
    gram = random_gram(m, 30, 5)
    for margins in (np.array([0.8, 1.4]), np.array([3.0, 2.0]), np.array([-0.4, 1.0])):
        test = estimate(margins, gram, law, patches=patches, **network)
        rng = np.random.default_rng(1)
        counted, its_error = monte_carlo.error_by_label(margins, gram, 1.5, patches, 40_000, rng, law=law, **network)
        by_count = max(float(np.hypot(*its_error)) / 2, math.sqrt(float(test.error) / 80_000))  # none may be counted
        deviation = math.hypot(float(test.standard_error), by_count)
        assert abs(float(test.error) - counted.mean()) < 4.0 * deviation
        wrong = counted.mean() + 8.0 * deviation  # so far off would be noticed
        assert abs(float(test.error) - wrong) > 4.0 * deviation


@pytest.mark.parametrize("power", [2, 3])
@pytest.mark.parametrize("distance", [0.3, 3.0, 30.0, 1e3])
def test_one_active_neuron_has_a_normal_tail(power, distance):
    """With m = 1 and one neuron P(x^q > t) is that of a normal, in logs at any depth; only the label -1 can fail."""
    gram = np.diag([4.0, 0.0])
    margin = 1.5 * (2.0 * distance) ** power
    test = estimate([margin, margin], gram, power=power)
    expected = special.log_ndtr(-distance) - math.log(2.0)
    spread = float(test.standard_error / test.error) if float(test.error) > 0.0 else 0.1
    assert float(test.log_clean_error) == pytest.approx(expected, abs=5.0 * spread)
    assert float(test.effective_sample_size) > 300.0


@pytest.mark.parametrize("power", [2, 3])
def test_two_neurons_are_a_quadrature(power):
    """x_+^q + y_+^q > t for two independent normals, down to e^-400."""
    for t in (0.5, 30.0, 900.0) if power == 2 else (0.5, 100.0, 20_000.0):
        gram = np.diag([1.0, 1.0, 0.0, 0.0])
        test = estimate([t * 0.75, t * 0.75], gram, n=4096, power=power)

        def log_integrand(x: float, t: float = t) -> float:
            left = max(t - max(x, 0.0) ** power, 0.0) ** (1.0 / power)
            return stats.norm.logpdf(x) + (special.log_ndtr(-left) if left > 0.0 or x <= 0.0 else 0.0)

        edge = t ** (1.0 / power)
        top = max(log_integrand(x) for x in np.linspace(-8.0, edge + 3.0, 2001))
        area = sum(
            integrate.quad(lambda x, top=top: math.exp(log_integrand(x) - top), *ends, epsabs=0.0, epsrel=1e-8)[0]
            for ends in ((-12.0, 0.0), (0.0, edge), (edge, edge + 10.0))
        )
        spread = float(test.standard_error / test.error) if float(test.error) > 0.0 else 0.1
        assert float(test.log_clean_error) == pytest.approx(top + math.log(area / 2.0), abs=5.0 * spread)


def test_one_leaky_neuron_has_two_tails():
    """max(x, leak x) < -t on one side for the label +1, and > t on the other for the label -1, at any depth."""
    gram = np.diag([1.0, 0.0])
    for distance in (0.5, 5.0, 500.0):
        test = estimate([1.5 * distance] * 2, gram, n=64, leak=0.25)
        expected = np.logaddexp(special.log_ndtr(-distance), special.log_ndtr(-distance / 0.25)) - math.log(2.0)
        assert float(test.log_clean_error) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("dimensions", [12, pytest.param(2, marks=pytest.mark.slow)])
def test_radial_tails_are_quadratures(law, dimensions):
    """log P(s r > ρ) by SciPy's quadrature over s."""
    for radius in (0.5, 60.0):
        tail, rest = log_radial_tail(np.log([radius]), dimensions, np.array(law.table))
        expected = log_mean_over(law, lambda s, radius=radius: float(_log_chi_tail(radius / s, dimensions)))
        assert tail[0] == pytest.approx(expected, abs=1e-5)
        assert rest[0] == pytest.approx(np.log(-np.expm1(expected)), abs=1e-5)


def _log_chi_tail(radius: float, dimensions: int) -> float:
    x = 0.5 * radius**2
    terms = [i * math.log(x) - math.lgamma(i + 1) for i in range(dimensions // 2)] if x > 0.0 else [0.0]
    return -x + float(special.logsumexp(terms))


@pytest.mark.parametrize("radius", [1e-40, 0.3, 7.0, 33.0, 40.0, 1e4, 1e100])
def test_the_tail_of_a_length_at_any_depth(radius):
    tail, rest = log_radial_tail(np.log([radius]), 6, np.array(GAUSSIAN))
    assert tail[0] == pytest.approx(_log_chi_tail(radius, 6), rel=1e-12, abs=1e-15)
    if radius < 1e-3:
        assert rest[0] == pytest.approx(6 * math.log(radius) - math.log(48.0), rel=1e-12)


def test_ties_nothing_and_nan():
    gram, nothing = random_gram(2, 30, 1), np.zeros((4, 4))
    for network in ({"power": 2}, {"power": 3}):
        assert float(estimate([0.0, 0.0], nothing, **network).error) == pytest.approx(0.5)
        assert float(estimate([1.0, 1.0], nothing, **network).error) == 0.0
        assert float(estimate([-1.0, -1.0], nothing, **network).error) == 1.0
        assert np.isnan(estimate([np.nan, 1.0], gram, **network).error)
        counted, _ = monte_carlo.error_by_label(np.zeros(2), gram, 1.5, 1, 50_000, np.random.default_rng(0), **network)
        assert float(estimate([0.0, 0.0], gram, **network).error) == pytest.approx(counted.mean(), abs=0.03)


@pytest.mark.parametrize("power", [2, 3])
def test_gradient_and_bend_are_derivatives(power):
    rng = np.random.default_rng(0)
    rows = Rows(rng.standard_normal((4, 4)), np.ones(4), power, np.array([0.5, 1.3]))  # of two patches
    z, step = rng.standard_normal((2, 4)), 1e-6
    shifted = [(z + step * e.reshape(2, 4), z - step * e.reshape(2, 4)) for e in np.eye(8)]
    slopes = [(rows.value(up) - rows.value(down)) / (2 * step) for up, down in shifted]
    bends = [((rows.gradient(up) - rows.gradient(down)) / (2 * step)).ravel() for up, down in shifted]
    np.testing.assert_allclose(rows.gradient(z).ravel(), slopes, rtol=1e-6)
    np.testing.assert_allclose(rows.bend(z), bends, atol=1e-5)


def test_standard_errors_cover():
    """Forty estimates of 256 directions: their errors are of the size that they tell, with no bias."""
    gram, margins = random_gram(3, 30, 5), np.array([4.0, 3.0])
    reference = estimate(margins, gram, n=50_000, seed=99, power=2)
    scores = []
    for seed in range(40):
        test = estimate(margins, gram, n=256, seed=seed, power=2)
        scores.append(float((test.error - reference.error) / test.standard_error))
    assert abs(np.mean(scores)) < 0.7
    assert 0.6 < np.std(scores) < 1.7
