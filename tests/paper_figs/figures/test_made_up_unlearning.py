"""Figures of unlearning on made-up experiments: every line, bar and cell is where the numbers put it."""

from typing import Any

import numpy as np
import pytest
import xarray
from scipy import stats

from paper_figs.figures import alpha_fraction_map, alpha_thresholds, sharpness
from tests.paper_figs.figures.made_up_experiments import SEEDS, MadeUp, bars, check_bars, drawn, student
from theory.experiments.forgetting.retrained import interaction
from theory.experiments.unlearning import alpha_grid


def made_up_grid() -> xarray.Dataset:
    """Of α, optimizers and phases; SAM has a phase more. Every quantity has a level of its own."""
    rng = np.random.default_rng(0)
    names = ["SGD", "SAM"]
    index = {"pretraining": names, "optimizer": names, "alpha": [0.2, 0.6, 1.0], "seed": range(SEEDS)}
    shape = (2, 2, 3, SEEDS)
    steps = np.full((*shape, 3), 9.0)
    steps[0, ..., 2] = np.nan
    levels = 10.0 ** np.arange(2 * 3).reshape(2, 3)  # of each pretraining at the end of each phase
    columns: dict[str, Any] = {"phase_steps": ((*index, "phase"), steps)}
    for number, measure in enumerate(("hessian_eigenvalue", "sharpness")):
        values = np.exp(0.3 * rng.standard_normal((*shape, 3, 2)))
        values *= levels[:, None, None, None, :, None] * np.array([1.0, 3.0]) * 2.0**number
        columns[measure] = ((*index, "phase", "part"), values)
    columns["test_error"] = (tuple(index), rng.uniform(0.1, 0.4, shape))
    columns["status"] = (tuple(index), rng.choice(["converged", "converged", "max_steps"], shape))
    return xarray.Dataset(columns, coords=index | {"part": ["retain", "forget"]})


def test_sharpness_before_and_after() -> None:
    data = made_up_grid()
    made, _ = drawn(sharpness.draw, MadeUp({alpha_grid: data}))
    panels = iter(made.axes)
    for measure in ("hessian_eigenvalue", "sharpness"):
        for part in ("retain", "forget"):
            axes = next(panels)
            found = bars(axes)
            for name, last in (("SGD", 1), ("SAM", 2)):
                chosen = data[measure].sel(pretraining=name, optimizer="SGD", part=part)
                after = chosen.isel(phase=last).transpose("seed", "alpha").values
                x, y, ends = found[f"{name}-pretrained, after"]
                assert x.tolist() == [0.2, 0.6, 1.0]
                np.testing.assert_allclose(y, np.median(after, axis=0))
                draws = np.random.default_rng(9).integers(SEEDS, size=(4000, SEEDS))
                again = np.quantile(np.median(after[draws], axis=1), (0.025, 0.975), axis=0).T
                np.testing.assert_allclose(np.log(ends), np.log(again), atol=0.08)
                before = np.median(chosen.isel(phase=last - 1, alpha=0).values)
                (level,) = [line for line in axes.lines if line.get_label() == f"{name}-pretrained, before"]
                assert level.get_ydata()[0] == pytest.approx(before)


def test_errors_and_thresholds_over_alpha() -> None:
    rng = np.random.default_rng(1)
    grid = made_up_grid()
    index = {"fraction": [0.3, 0.6], "alpha": [0.2, 0.6, 1.0], "seed": range(SEEDS)}
    minmax = xarray.Dataset(
        {"test_error": (tuple(index), rng.uniform(0.1, 0.4, (2, 3, SEEDS))),
         "status": (tuple(index), rng.choice(["converged", "max_steps"], (2, 3, SEEDS)))}, coords=index,
    )  # fmt: skip
    sizes = {"pretraining": ["SGD", "SAM"], "n": [50, 200], "d": [20_000, 80_000], "alpha": [0.1, 0.5, 0.9]}
    centre = np.array([0.3, 0.5, 0.6, 0.8]).reshape(2, 2, 1, 1, 1)  # by pretraining and n: where 0.15 is crossed
    alpha = np.array(sizes["alpha"])[:, None]
    spread = 0.02 * rng.standard_normal((2, 2, 2, 1, SEEDS))
    needed = xarray.Dataset(
        {"test_error": ((*sizes, "seed"), 0.15 - 0.2 * (alpha - centre) + spread)},
        coords={**sizes, "seed": range(SEEDS)},
    )
    needed["status"] = xarray.full_like(needed["test_error"], "converged", dtype="U9")
    experiments = {alpha_grid: grid, interaction: minmax, alpha_thresholds.alpha_needed: needed}
    made, _ = drawn(alpha_thresholds.draw, MadeUp(experiments))
    left, right = made.axes
    found = bars(left)
    for before in ("SGD", "SAM"):
        for after in ("SGD", "SAM"):
            check_bars(
                found[f"{before}, then {after}"], student(matched(grid.sel(pretraining=before, optimizer=after)))
            )
    check_bars(found["SGD, then Sharp MinMax"], student(matched(minmax.sel(fraction=0.6))))
    assert [line.get_ydata()[0] for line in left.lines if line.get_ls() == ":"] == [pytest.approx(0.15)]
    for number, (name, n) in enumerate((name, n) for name in ("SGD", "SAM") for n in (50, 200)):
        x, y, ends = bars(right)[f"after {name}, $n={n}$"]
        np.testing.assert_allclose(x, {"SGD": 0.975, "SAM": 1.025}[name] * np.sqrt(np.array([20_000, 80_000]) / n))
        shift = spread[number // 2, number % 2, :, 0] / 0.2
        np.testing.assert_allclose(y, centre.ravel()[number] + shift.mean(1), atol=1e-9)
        reach = 1.96 * shift.std(1) / SEEDS**0.5
        np.testing.assert_allclose(ends, y[:, None] + reach[:, None] * [-1, 1], atol=0.35 * reach.max())


def matched(data: xarray.Dataset) -> np.ndarray:
    """A run that was not forgotten within its steps counts as guessing; (seed, alpha)."""
    error, status = (data[name].transpose("seed", "alpha").values for name in ("test_error", "status"))
    return np.where(status == "max_steps", 0.5, error)


def test_cells_that_are_not_at_matched_forgetting_are_grey() -> None:
    rng = np.random.default_rng(1)
    index = {"alpha": [0.2, 0.8], "fraction": [0.3, 0.6], "seed": range(10)}
    done, gave_up = "converged", "max_steps"
    gone = np.array([[[done] * 9 + [gave_up], [done] * 8 + [gave_up] * 2], [[done] * 10, [gave_up] * 10]])
    error = rng.uniform(0.1, 0.4, (2, 2, 10))
    data = xarray.Dataset({"test_error": (tuple(index), error), "status": (tuple(index), gone)}, coords=index)
    made, caption = drawn(alpha_fraction_map.draw, MadeUp({interaction: data}))
    maps = [axes.collections[0].get_array() for axes in made.axes[:2]]
    assert np.ma.getmaskarray(np.ma.masked_invalid(maps[0])).tolist() == [[False, True], [False, True]]
    np.testing.assert_allclose(maps[0][:, 0], error.mean(-1)[:, 0])
    np.testing.assert_allclose(maps[1], [[0.9, 0.8], [1.0, 0.0]])
    assert [tick.get_text() for tick in made.axes[0].get_xticklabels()] == ["0.3", "0.6"]
    assert [tick.get_text() for tick in made.axes[0].get_yticklabels()] == ["0.2", "0.8"]
    assert "the 2 of 4 cells" in caption.shows
    assert f"at most {stats.sem(error, axis=-1).max():.3f}." in caption.shows


def test_panels_of_sharpness_are_named() -> None:
    made, _ = drawn(sharpness.draw, MadeUp({alpha_grid: made_up_grid()}))
    titles = [axes.get_title(loc="left") for axes in made.axes]
    assert titles == ["(a) retain loss", "(b) forget loss", "(c) retain loss", "(d) forget loss"]
    words = ["largest Hessian\neigenvalue", "SAM's sharpness"]
    assert [made.axes[0].get_ylabel(), made.axes[2].get_ylabel()] == words
