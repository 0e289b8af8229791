"""What figures of a report show is what the rows say: every curve, bar, line and dot, by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from scipy import stats

from deepnet.report import blocks, read_results, summarise
from deepnet.report.figures import Drawing, Sources
from deepnet.report.figures.cost import draw_cost
from deepnet.report.figures.movement import draw_movements
from deepnet.report.figures.relearning import draw_relearning
from deepnet.report.figures.scores import draw_distances, draw_membership, draw_tug_of_war
from tests.deepnet.report_rows import OPTIMIZERS, STEPS, made_up_rows, write_pictures, write_rows

SHOWN = ("retrain", "pretrained", "neggrad", "scrub")
ROWS = [row for row in made_up_rows(pretrains=("sgd",)) if row["method"] in SHOWN]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("study")
    write_rows(folder, ROWS)
    write_pictures(folder, [row for row in ROWS if row["method"] == "neggrad" and row["optimizer"] == "sgd"])
    results = read_results(folder)
    return Sources(results=results, blocks=blocks(summarise(results.rows)))


def drawn(draw: Callable[[Sources], Iterable[object]], sources: Sources) -> Figure:
    (made,) = draw(sources)
    assert isinstance(made, Drawing)
    return made.figure


def values(column: str, method: str, optimizer: str = "sgd") -> np.ndarray:
    """A column of a group over its seeds."""
    return np.array([row[column] for row in ROWS if (row["method"], row["optimizer"]) == (method, optimizer)])


def student(numbers: np.ndarray) -> tuple[float, float]:
    low, high = stats.t.interval(0.95, len(numbers) - 1, loc=numbers.mean(), scale=stats.sem(numbers))
    return float(low), float(high)


def bars(lines: Iterable[Any]) -> list[list[float]]:
    """Ends of the level lines of two points that are an interval of 95 %."""
    return [list(line.get_xdata()) for line in lines if len(line.get_xdata()) == 2 and line.get_lw() == 1.0]


@pytest.mark.parametrize(
    ("draw", "columns", "limits", "references"),
    [
        (draw_tug_of_war, ("tow", "retain_accuracy", "forget_accuracy", "test_accuracy"), (0.0, 1.0),
         ("tow_other_seeds", "retain_accuracy", "forget_accuracy", "test_accuracy")),
        (draw_membership, ("mia_gap", "mia_auc_gap", "mia_tpr"), (-np.inf, np.inf), (0.0, 0.0, "mia_tpr")),
        (draw_distances, ("klom", "entanglement"), (-np.inf, np.inf), (1.3, "entanglement")),
    ],
)  # fmt: skip
def test_dots_have_their_bars_and_references(
    draw: Any, columns: tuple[str, ...], limits: tuple[float, float], references: tuple[Any, ...], sources: Sources
) -> None:
    for axes, column, reference in zip(drawn(draw, sources).axes, columns, references, strict=True):
        scale = 100.0 if "(%)" in axes.get_xlabel() or "points" in axes.get_xlabel() else 1.0
        groups = [values(column, method, how) for method in ("neggrad", "scrub") for how in OPTIMIZERS]
        markers = [line for line in axes.lines if len(line.get_xdata()) == 1]
        assert sorted(line.get_xdata()[0] for line in markers) == pytest.approx(
            sorted(scale * g.mean() for g in groups)
        )
        ends = [] if column == "klom" else [np.clip(student(group), *limits) * scale for group in groups]
        if column == "mia_tpr":
            ends = [np.clip(each, 0.0, 100.0) for each in ends]
        assert np.ravel(sorted(bars(axes.lines))) == pytest.approx(np.ravel(sorted(list(each) for each in ends)))
        goal = values(reference, "retrain").mean() if isinstance(reference, str) else reference
        (line,) = [each for each in axes.lines if each.get_lw() == 0.9 and each.get_color() == "black"]
        assert line.get_xdata()[0] == pytest.approx(scale * goal)


def test_relearning_curves_are_means_beside_the_control(sources: Sources) -> None:
    figure = drawn(draw_relearning, sources)
    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_visible()}
    assert list(panels) == ["NegGrad", "SCRUB"]
    for title, method in (("NegGrad", "neggrad"), ("SCRUB", "scrub")):
        means = [line for line in panels[title].lines if line.get_lw() == 1.4]
        curves = [[each["accuracy"] for each in values("relearn_curve", method, how)] for how in OPTIMIZERS]
        control = values("relearn_curve", method)[0]["control"]
        expected = [control, *(np.mean(each, axis=0) for each in curves)]
        for line, accuracy in zip(means, expected, strict=True):
            np.testing.assert_allclose(line.get_data(), (STEPS, 100 * np.array(accuracy)))
        assert means[0].get_color() == "black"
        assert len({repr(line._unscaled_dash_pattern) for line in means[1:]}) == 3
        assert len([line for line in panels[title].lines if line.get_lw() == 0.5]) == 3 + 9


def test_cost_is_that_of_the_optimizer_of_its_panel(sources: Sources) -> None:
    figure = drawn(draw_cost, sources)
    assert [axes.get_title() for axes in figure.axes] == ["SGD", "SAM ρ=0.1", "ASAM ρ=1"]
    for axes, how in zip(figure.axes, OPTIMIZERS, strict=True):
        discs = {tuple(np.ravel(line.get_data())) for line in axes.lines if line.get_marker() == "o"}
        found = sorted(discs)
        expected = sorted(
            (values("seconds", m, how).mean(), values("tow", m, how).mean()) for m in ("neggrad", "scrub")
        )
        assert np.array(found) == pytest.approx(np.array(expected))
        bars = {line.get_xdata()[0]: line.get_ydata() for line in axes.lines if len(line.get_xdata()) == 2}
        for method in ("neggrad", "scrub"):
            seconds = next(x for x in bars if x == pytest.approx(values("seconds", method, how).mean()))
            assert bars[seconds] == pytest.approx(np.clip(student(values("tow", method, how)), 0.0, 1.0))
        (star,) = [line for line in axes.lines if line.get_marker() == "*"]
        retrained = values("seconds", "retrain").mean(), values("tow_other_seeds", "retrain").mean()
        assert tuple(np.ravel(star.get_data())) == pytest.approx(retrained)


def test_movements_run_from_before_to_after(sources: Sources) -> None:
    axes = drawn(draw_movements, sources).axes[0]
    with np.load(next((sources.folder / "feature_maps").glob("*.npz"))) as file:
        before, after, gone = file["before"], file["after"], file["forgotten"].astype(bool)
    retained, start, end = [line for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(np.transpose(retained.get_data()), after[~gone])
    np.testing.assert_allclose(np.transpose(start.get_data()), before[gone])
    np.testing.assert_allclose(np.transpose(end.get_data()), after[gone])
    (arrows,) = [each for each in axes.collections if isinstance(each, LineCollection)]
    np.testing.assert_allclose(arrows.get_segments(), np.stack([before[gone], after[gone]], axis=1))
