"""Test errors where the noise vectors of an image differ in scale: rare ones by quadrature, others by Monte Carlo."""

import numpy as np
import pytest
from scipy import integrate
from scipy.special import log_ndtr

from simulate.problems.tails import StudentT
from simulate.test_error.generalize import direction_normals, test_error
from tests.oracles.monte_carlo import error_by_label

test_error.__test__ = False
SCALES = ((0.4, 2.0), (3.0, 1.0), (0.2, 1.0, 1.5))


def estimate(margins, gram, scales, *, draws=2048, seed=1, law=None, power=1, leak=0.0):
    rows = (4 if leak else 2) * (len(gram) // 2) * len(scales)
    normals, uniforms = direction_normals(np.random.default_rng(seed), draws, rows)
    table = None if law is None else np.array(law.table)
    return test_error(
        np.asarray(margins), gram, multiplicity=1.0, patches=len(scales), label_flip=0.0, normals=normals,
        uniforms=uniforms, strengths=table, patch_scales=np.asarray(scales), power=power, leak=leak,
    )  # fmt: skip


def log_tail(threshold: float, scales: tuple[float, float], power: int) -> float:
    """log P(Σ_p (s_p x_p)_+^q > t) of two standard normals x, by quadrature in units of the largest integrand."""
    first, second = scales

    def log_integrand(x: np.ndarray) -> np.ndarray:
        rest = threshold - np.maximum(first * x, 0.0) ** power
        least = np.maximum(rest, 0.0) ** (1.0 / power) / second
        return -0.5 * x**2 - 0.5 * np.log(2.0 * np.pi) + np.where(rest > 0.0, log_ndtr(-least), 0.0)

    top = threshold ** (1.0 / power) / first  # from here on the first vector is enough by itself
    grid = np.linspace(-10.0, top, 200_001)
    unit = max(log_integrand(grid).max(), log_ndtr(-top))
    inside = integrate.simpson(np.exp(log_integrand(grid) - unit), x=grid)
    return float(unit + np.log(inside + np.exp(log_ndtr(-top) - unit)))


@pytest.mark.parametrize("power", [1, 2, 3])
@pytest.mark.parametrize("scales", [(0.4, 2.0), (3.0, 1.0), (1.0, 1.0)])
def test_one_helping_neuron_errs_as_quadrature_says(scales, power):
    """A network of one filter a sign, of which one is still: h is a sum over patches; the other label never errs."""
    gram = np.diag([0.0, 1.0])
    for radius in (0.5, 2.0, 5.0, 20.0, 60.0):
        threshold = (radius * max(scales)) ** power
        found = estimate([threshold, threshold], gram, scales, power=power)
        expected = log_tail(threshold, scales, power)
        log_error = float(found.log_clean_error) + np.log(2.0)  # of one label; the other has none
        spread = float(found.standard_error / found.error) if found.error > 0 else 0.05
        assert log_error == pytest.approx(expected, abs=max(5.0 * spread, 0.02))
        assert found.effective_sample_size > 50


@pytest.mark.parametrize(
    ("power", "leak", "law"), [(1, 0.0, None), (1, 0.2, None), (1, 0.0, StudentT(5.0)), (2, 0.0, None)]
)
@pytest.mark.parametrize("scales", SCALES)
def test_errors_are_those_of_monte_carlo(scales, power, leak, law):
    rng = np.random.default_rng(7)
    w = rng.normal(size=(4, 9))
    gram, margins = w @ w.T / 9.0, np.array([0.4, 0.9])
    found = estimate(margins, gram, scales, law=law, power=power, leak=leak)
    n = 40_000
    counted, spread = error_by_label(
        margins, gram, 1.0, len(scales), n, rng, power=power, leak=leak, law=law, scales=scales
    )
    width = np.hypot(0.5 * np.hypot(*spread), found.standard_error)
    assert abs(found.error - counted.mean()) < 4.5 * width
    assert width < 0.02


def test_scales_of_one_change_no_bit_and_only_their_shape_is_asked_for():
    w = np.random.default_rng(3).normal(size=(4, 9))
    one, other = (estimate([0.3, 0.5], w @ w.T, scales) for scales in ((1.0, 1.0), (2.0, 2.0)))
    normals, uniforms = direction_normals(np.random.default_rng(1), 2048, 8)
    plain = test_error(
        np.array([0.3, 0.5]), w @ w.T, multiplicity=1.0, patches=2, label_flip=0.0, normals=normals, uniforms=uniforms,
        strengths=None,
    )  # fmt: skip
    assert float(one.error).hex() == float(plain.error).hex()
    assert estimate([0.6, 1.0], w @ w.T, (2.0, 2.0)).error == pytest.approx(float(one.error), rel=1e-12)
    assert other.error != one.error
    with pytest.raises(ValueError, match="`patch_scales`"):
        estimate([0.3, 0.5], w @ w.T, (1.0, -2.0))
