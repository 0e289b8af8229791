"""Figures of unlearning on made-up experiments: every line, bar and cell is where the numbers put it."""

from typing import Any

import numpy as np
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
    made, caption = drawn(sharpness.draw, MadeUp({alpha_grid: data}))
    for axes, measure in zip(made.axes, ("hessian_eigenvalue", "sharpness"), strict=True):
        found = bars(axes)
        for part in ("retain", "forget"):
            for number, (name, last) in enumerate((("SGD", 1), ("SAM", 2))):
                chosen = data[measure].sel(pretraining=name, optimizer="SGD", part=part)
                ratio = chosen.isel(phase=last) / chosen.isel(phase=last - 1)
                x, y, ends = found[f"{name}, {part}"]
                np.testing.assert_allclose(x, np.array([0.2, 0.6, 1.0]) + 0.008 * (2 * number - 1))
                expected = student(np.log(ratio.transpose("seed", "alpha").values))
                np.testing.assert_allclose(np.log(np.column_stack([y, ends])), expected, rtol=1e-9)
    values = data["hessian_eigenvalue"].sel(pretraining="SGD", optimizer="SGD", part="forget", alpha=1.0)
    times = stats.gmean(values.isel(phase=1) / values.isel(phase=0))
    assert f"the forget loss is sharper at α = 0.2 (×8.1) and sharper at α = 1 (×{times:.2g})." in caption.answers


def test_shares_of_benign_networks() -> None:
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
    made, caption = drawn(alpha_thresholds.draw, MadeUp(experiments))
    left, right = made.axes
    found = bars(left)
    for before in ("SGD", "SAM"):
        for after in ("SGD", "SAM"):
            check_shares(found[f"{before}, then {after}"], benign(grid.sel(pretraining=before, optimizer=after)))
    check_shares(found["SGD, then Sharp MinMax"], benign(minmax.sel(fraction=0.6)))
    for name, n in ((name, n) for name in ("SGD", "SAM") for n in (50, 200)):
        x, y, ends = bars(right)[f"after {name}, $n={n}$"]
        np.testing.assert_allclose(x, {"SGD": 0.975, "SAM": 1.025}[name] * np.sqrt(np.array([20_000, 80_000]) / n))
        good = needed["test_error"].sel(pretraining=name, n=n, alpha=0.1).transpose("seed", "d").values <= 0.15
        check_shares((x, y, ends), good)
    assert "By SGD at α = 0.1, from one d and n to another: " in caption.answers


def benign(data: xarray.Dataset) -> np.ndarray:
    """Which runs were forgotten within their steps at a test error of at most 0.15; (seed, alpha)."""
    error, status = (data[name].transpose("seed", "alpha").values for name in ("test_error", "status"))
    return (status != "max_steps") & (error <= 0.15)


def check_shares(found: tuple[np.ndarray, np.ndarray, np.ndarray], good: np.ndarray) -> None:
    """Require shares of ones and Student's intervals, cut off at 0 and 1, wider where all are alike."""
    share = good.mean(0)
    shrunk = (good.sum(0) + 1) / (SEEDS + 2)
    error = np.maximum(stats.sem(good.astype(float)), np.sqrt(shrunk * (1 - shrunk) / SEEDS))
    reach = stats.t.ppf(0.975, SEEDS - 1) * error
    check_bars(found, np.stack([share, np.clip(share - reach, 0, 1), np.clip(share + reach, 0, 1)], axis=1))


def test_cells_that_are_not_at_matched_forgetting_are_grey() -> None:
    rng = np.random.default_rng(1)
    index = {"alpha": [0.2, 0.8], "fraction": [0.3, 0.6], "seed": range(10)}
    done, gave_up = "converged", "max_steps"
    gone = np.array([[[done] * 9 + [gave_up], [done] * 8 + [gave_up] * 2], [[done] * 10, [gave_up] * 10]])
    error = rng.uniform(0.1, 0.4, (2, 2, 10))
    data = xarray.Dataset({"test_error": (tuple(index), error), "status": (tuple(index), gone)}, coords=index)
    made, caption = drawn(alpha_fraction_map.draw, MadeUp({interaction: data}))
    shown = made.axes[0].collections[0].get_array()
    assert np.ma.getmaskarray(np.ma.masked_invalid(shown)).tolist() == [[False, True], [False, True]]
    np.testing.assert_allclose(shown[:, 0], error.mean(-1)[:, 0])
    words = [text.get_text() for text in made.axes[0].texts]
    assert words[1::2] == ["80 % forgot", "0 % forgot"]
    (gain,) = bars(made.axes[1]).values()
    check_bars(gain, student((error[0] - error[1])[:1].T))
    assert gain[0].tolist() == [0.3]
    assert caption.answers.startswith("That cannot be said")
    assert [tick.get_text() for tick in made.axes[0].get_xticklabels()] == ["0.3", "0.6"]
    assert [tick.get_text() for tick in made.axes[0].get_yticklabels()] == ["0.2", "0.8"]
    assert "the 2 of 4 cells" in caption.shows
    assert f"at most {stats.sem(error, axis=-1).max():.3f}." in caption.shows


def test_gains_of_a_larger_alpha_are_paired() -> None:
    rng = np.random.default_rng(3)
    index = {"alpha": [0.5, 0.9], "fraction": [0.3, 0.6], "seed": range(SEEDS)}
    networks = 0.2 * rng.uniform(size=(1, 1, SEEDS))  # what all runs of a seed share
    error = 0.2 + networks + np.array([[0.05, 0.02], [0.0, 0.0]])[..., None] + 1e-3 * rng.standard_normal((2, 2, SEEDS))
    data = xarray.Dataset({"test_error": (tuple(index), error)}, coords=index)
    data["status"] = xarray.full_like(data["test_error"], "converged", dtype="U9")
    made, caption = drawn(alpha_fraction_map.draw, MadeUp({interaction: data}))
    (gain,) = bars(made.axes[1]).values()
    check_bars(gain, student((error[0] - error[1]).T))
    assert caption.answers.startswith("It does")


def test_panels_of_sharpness_are_named() -> None:
    made, _ = drawn(sharpness.draw, MadeUp({alpha_grid: made_up_grid()}))
    titles = [axes.get_title(loc="left") for axes in made.axes]
    assert titles == ["(a) largest Hessian eigenvalue", "(b) SAM's sharpness"]
    assert {text.get_text() for text in made.axes[0].texts} == {"sharper", "flatter"}
