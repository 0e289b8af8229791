"""The pooled model finds exponents that were put in, with an uncertainty that is about right."""

import numpy as np
import pytest
from scipy.special import expit, ndtr

from theory.experiments.surface import ErrorSurface, boundary_exponents

FLIP = 0.1
TRUE = {"d": 0.25, "n": -0.25}


def lines() -> dict[str, np.ndarray]:
    """Two lines of cells that cross, with signals around the boundary."""
    cells = [(d, 20.0) for d in (1e4, 1e6, 1e8)] + [(1e6, n) for n in (40.0, 160.0)]
    table = np.array([(place * (d / n) ** 0.25, d, n) for d, n in cells for place in np.geomspace(0.4, 2.5, 8)])
    return dict(zip(("signal", "d", "n"), table.T, strict=True))


def errors(factors: dict[str, np.ndarray], link: object = ndtr) -> np.ndarray:
    """Test errors that depend on n ‖φ‖⁴ / d alone."""
    depth = factors["n"] * factors["signal"] ** 4 / factors["d"]
    return FLIP + (1.0 - 2.0 * FLIP) * link(-np.sqrt(depth))  # type: ignore[operator]


def noisy(rng: np.random.Generator, replicates: int = 16) -> np.ndarray:
    """Errors (replicates, C) that share a part between the cells of a replicate."""
    clean = errors(lines())
    shared = 0.02 * rng.standard_normal((replicates, 1))
    return clean * (1.0 + shared) + 0.02 * rng.standard_normal((replicates, len(clean)))


def test_exponents_without_noise_are_exact() -> None:
    surface = ErrorSurface.fit(lines(), errors(lines()), FLIP)
    assert surface.exponents == pytest.approx({"signal": 2.0, "d": -0.5, "n": 0.5}, abs=1e-6)
    assert surface.intercept == pytest.approx(0.0, abs=1e-5)
    assert {name: surface.boundary(name) for name in TRUE} == pytest.approx(TRUE, abs=1e-6)


def test_another_shape_gives_the_same_ratios() -> None:
    surface = ErrorSurface.fit(lines(), errors(lines(), expit), FLIP)
    assert {name: surface.boundary(name) for name in TRUE} == pytest.approx(TRUE, abs=5e-3)
    assert abs(surface.exponents["signal"] - 2.0) > 0.05  # so it is the ratios that are found, not the exponents


def test_noise_is_covered_and_other_exponents_are_not() -> None:
    missed = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        found = boundary_exponents(lines(), noisy(rng), FLIP, rng)
        assert set(found) == set(TRUE)
        for name, true in TRUE.items():
            low, high = found[name].interval()
            missed += not low <= true <= high
            assert high - low < 0.1
            assert not low <= 2.0 * true <= high
    assert missed <= 4  # of 24, of which one or two are to be expected


def test_the_same_generator_gives_the_same_estimates() -> None:
    data = noisy(np.random.default_rng(0))
    one, other = (boundary_exponents(lines(), data, FLIP, np.random.default_rng(1)) for _ in range(2))
    assert one == other


def test_bad_input_is_refused() -> None:
    factors, error = lines(), errors(lines())
    with pytest.raises(ValueError, match="`error`"):
        ErrorSurface.fit(factors, np.where(np.arange(len(error)) == 3, np.nan, error), FLIP)
    with pytest.raises(ValueError, match="more than 3 cells"):
        ErrorSurface.fit({name: values[:3] for name, values in factors.items()}, error[:3], FLIP)
