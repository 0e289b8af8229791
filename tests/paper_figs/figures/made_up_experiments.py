"""Results that are made up, and what figures drew of them: bars with their ends, and Student's intervals of scipy."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from scipy import stats

from paper_figs.workshop.style import house_style

SEEDS = 24


class MadeUp:
    """Results that are given."""

    def __init__(self, experiments: Mapping[Callable[..., Any], Any], dataset: xarray.Dataset | None = None) -> None:
        self._experiments, self._dataset = experiments, dataset
        self.lab = SimpleNamespace(rng=lambda *name: np.random.default_rng(1))

    def experiment(self, which: Callable[..., Any]) -> Any:
        return self._experiments[which]

    def dataset(self, name: str, make: object, **about: Any) -> Any:
        return self._dataset

    def choose(self, *, quick: Any, full: Any) -> Any:
        return quick


def drawn(draw: Callable[..., Any], results: MadeUp) -> tuple[Any, Any]:
    with house_style():
        return draw(results)


def bars(axes: Axes) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """x, y and ends (N, 2) of each error bar of some axes, by its label; unnamed ones by their number."""
    found = {}
    for number, one in enumerate(each for each in axes.containers if isinstance(each, ErrorbarContainer)):
        line, _, (segments,) = one.lines
        label = one.get_label()
        ends = np.array([segment[:, 1] for segment in segments.get_segments()])
        found[str(number) if label.startswith("_") else label] = (line.get_xdata(), line.get_ydata(), ends)
    return found


def student(values: np.ndarray) -> np.ndarray:
    """Means (N,) over the first axis, and the ends of Student's intervals; (N, 3)."""
    reach = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    mean = values.mean(0)
    return np.stack([mean, mean - reach, mean + reach], axis=1)


def check_bars(found: tuple[np.ndarray, np.ndarray, np.ndarray], expected: np.ndarray) -> None:
    """Require middles and ends of bars."""
    np.testing.assert_allclose(np.column_stack([found[1], found[2]]), expected, rtol=1e-9, atol=1e-12)
