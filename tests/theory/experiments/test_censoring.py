"""Runs without a test error make an exponent unknown, and no ledger fail."""

import numpy as np

from theory.experiments.surface import boundary_exponents


def test_one_run_without_a_test_error_leaves_no_exponent() -> None:
    d, signal = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e3, 1e5, 4), np.geomspace(1, 30, 6)))
    error = 0.5 / (1.0 + (signal / d**0.25) ** 4)
    replicates = error + 1e-3 * np.random.default_rng(0).standard_normal((5, len(error)))
    factors, rng = {"signal": signal, "d": d}, np.random.default_rng(1)
    assert np.isfinite(boundary_exponents(factors, replicates, 0.0, rng)["d"].value)
    replicates[2, 3] = np.nan
    assert np.isnan(boundary_exponents(factors, replicates, 0.0, rng)["d"].value)
