"""Figures of boundaries on made-up experiments: points, bars and laws are where the numbers put them."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import xarray
from scipy import stats

from paper_figs.figures import boundary_exponents, error_decay, phase_maps
from simulate.boundaries.boundary import fit_boundary
from simulate.boundaries.maps import PhaseMap
from tests.paper_figs.figures.made_up_experiments import SEEDS, MadeUp, bars, check_bars, drawn, student
from theory.experiments.training import sam, sgd
from theory.statistics import Estimate


def test_decades_and_what_one_costs() -> None:
    rng = np.random.default_rng(2)
    d, n = np.array([1e4, 1e4, 1e6]), np.array([20.0, 20.0, 80.0])
    place = np.array([2.0, 3.0, 4.0])
    depth = np.array([3.0, 9.0, 40.0]) * (1 + 0.02 * rng.standard_normal((SEEDS, 3)))
    table = xarray.Dataset({"log_clean_error": (("place", "seed"), -depth.T * np.log(10.0))})
    lines = SimpleNamespace(place=place, factors={"d": d, "n": n}, data={"d": table})
    made, caption = drawn(error_decay.draw, MadeUp({sgd.decay: lines}))
    left, right = (bars(axes) for axes in made.axes)
    expected = student(depth)
    for label, number, cells in (("d = 10,000, n = 20", 0, [0, 1]), ("d = 1,000,000, n = 80", 1, [2])):
        np.testing.assert_allclose(left[label][0], place[cells] ** 4 * 1.06 ** (number - 0.5))
        check_bars(left[label], expected[cells])
        x, y, ends = right[str(number)]
        np.testing.assert_allclose(x, place[cells] ** 4 * 1.06 ** (number - 0.5))
        mean, low, high = expected[cells].T
        np.testing.assert_allclose(y, place[cells] ** 4 / mean)
        np.testing.assert_allclose(ends[:, 1] - ends[:, 0], place[cells] ** 4 * (high - low) / mean**2)
    (law,) = [line for line in made.axes[0].lines if line.get_label() == "exponent 1, predicted"]
    x, y = law.get_data()
    assert y[1] / y[0] == pytest.approx(x[1] / x[0])
    assert y[0] / x[0] == pytest.approx(stats.gmean(expected[:, 0] / place**4))
    slopes = np.array([np.polyfit(4 * np.log(place), np.log(each), 1)[0] for each in depth])
    mean, low, high = student(slopes[:, None])[0]
    assert f"is {mean:.3f} [{low:.3f}, {high:.3f}] over all cells" in caption.answers
    (measured,) = [line for line in made.axes[0].lines if line.get_label() == f"exponent {slopes.mean():.2f}, measured"]
    x, y = np.log(measured.get_data())
    assert np.diff(y) / np.diff(x) == pytest.approx(slopes.mean())


def test_exponents_stand_at_their_boundaries() -> None:
    rng = np.random.default_rng(2)
    d = np.array([1e4, 1e6, 1e8])
    made_up = {
        sgd.small_weights: (0.25, 0.26), sgd.large_weights: (0.5, 0.47), sam.over_dimension: (0.0, 0.02),
    }  # fmt: skip
    shifts = 0.1 * rng.standard_normal((SEEDS, 3))

    def lines(exponent: float, pooled: tuple[str, ...]) -> SimpleNamespace:
        def critical(factor: str, level: float, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
            assert (factor, level) == ("d", 0.3)
            return d, d**exponent * np.exp((shifts if rows is None else shifts[rows]).mean(0))

        def exponents(chance: object, *factors: str) -> dict[str, Estimate]:
            assert factors == pooled
            return {"d": Estimate(exponent, 0.01, 9)}

        return SimpleNamespace(error=np.zeros((SEEDS, 1)), critical=critical, exponents=exponents)

    experiments = {
        which: lines(found, ("d", "n") if which is sgd.small_weights else ("d",))
        for which, (_, found) in made_up.items()
    }
    made, caption = drawn(boundary_exponents.draw, MadeUp(experiments))
    for words in (
        "SGD, small weights has 0.260 [0.237, 0.283], which holds the 1/4 of its theorem",
        "SGD, SAM's weights has 0.470 [0.447, 0.493], of which no theorem speaks",
        "SAM, then SGD has 0.020 [−0.003, 0.043], which holds the 0 of its theorem",
    ):
        assert words in caption.answers
    top, bottom = made.axes
    reach = 1.96 * shifts.std(0) / SEEDS**0.5
    dashes = [line for line in top.lines if line.get_ls() == "--"]
    for number, (law, found) in enumerate(made_up.values()):
        label, (x, y, ends) = list(bars(top).items())[number]
        low, high = found + 0.01 * stats.t.ppf(0.975, 9) * np.array([-1, 1])
        assert f"exponent {found:.3f} [{low:.3f}, {high:.3f}]".replace("-", "−") in label
        assert label.startswith(("SGD, small weights", "SGD, SAM's weights", "SAM, then SGD")[number])
        signal = d**found * np.exp(shifts.mean(0))
        np.testing.assert_allclose((x, y), (d, signal))
        np.testing.assert_allclose(np.log(ends / y[:, None]), reach[:, None] * [-1, 1], atol=0.35 * reach.max())
        predicted = dashes[number].get_ydata()
        np.testing.assert_allclose(np.diff(np.log(predicted)) / np.diff(np.log(d)), law, atol=1e-9)
        np.testing.assert_allclose(stats.gmean(predicted), stats.gmean(signal))
        _, ratio, ratio_ends = bars(bottom)[str(number)]
        np.testing.assert_allclose(ratio, signal / predicted)
        np.testing.assert_allclose(ratio_ends, ends / predicted[:, None])


def test_phase_maps_have_their_boundaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phase_maps, "fit_boundary", partial(fit_boundary, resamples=100))
    rng = np.random.default_rng(3)
    grid = PhaseMap(d=(10**3, 10**4, 10**5, 10**6), signal=tuple(2.0 ** np.arange(-3.0, 8.0)), replicates=6)
    shifts = 0.1 * rng.standard_normal((2, 6, 4))
    constants = np.log([[0.2], [1.5]]) + np.array([[0.27], [0.02]]) * np.log(grid.d)
    error = 0.3 - 0.01 * (np.log(grid.signal) - (constants[:, None] + shifts)[..., None])
    index = {"optimizer": ["SGD", "SAM"], "seed": range(6), "d": list(grid.d), "signal": list(grid.signal)}
    data = xarray.Dataset({"test_error": (tuple(index), error)}, coords=index)
    results = MadeUp({}, data)
    results.choose = lambda **budgets: grid  # type: ignore[method-assign]
    made, caption = drawn(phase_maps.draw, results)
    for number, (name, predicted) in enumerate((("SGD", 0.25), ("SAM", 0.0))):
        axes = made.axes[number]
        signal = constants[number] + shifts[number].mean(0)
        x, y, _ = bars(axes)["test error 0.3"]
        np.testing.assert_allclose((x, y), (np.log10(grid.d), signal / np.log(10)))
        slope = np.polyfit(np.log(grid.d), signal, 1)[0]
        for label, expected in (("fitted power of $d$", slope), ("predicted power, height fitted", predicted)):
            (line,) = [one for one in axes.lines if one.get_label() == label]
            assert np.diff(line.get_ydata()) / np.diff(line.get_xdata()) == pytest.approx(expected, abs=1e-9)
            assert np.mean(line.get_ydata()) == pytest.approx(np.mean(y))
        assert rf"{name}: $\propto d^{{\,{{{slope:.3f}}}}}$" in axes.get_title(loc="left")
        assert f"{name}: exponent {slope:.3f} [" in caption.shows
        assert f"by a factor of {1000**slope:.2g} (∝ d^{slope:.3f})".replace("^-", "^−") in caption.answers
        assert axes.collections[0].get_clim() == (grid.label_flip, 0.5)
