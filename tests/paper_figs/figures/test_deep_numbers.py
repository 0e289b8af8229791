"""Bars, bands, aims and captions of the deep figures, against the published numbers they were drawn from."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer

from deepnet.publishing import Published
from paper_figs import Results
from paper_figs.figures import deep_alpha, deep_ledger, deep_membership, deep_relearning, deep_tow
from paper_figs.workshop.deep_data import forget_sets, forget_words, interval_note, main_groups, published
from paper_figs.workshop.ledger_picture import draw_rows
from paper_figs.workshop.style import house_style
from tests.deepnet.made_up_publication import ALPHAS, made_up_ledger, write_publication

SCALE = "made-up"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_publication(folder / SCALE)
    return folder


@pytest.fixture
def results(data: Path) -> Results:
    return Results("quick", folder=data / "results", data=data, preset=SCALE)


@pytest.fixture(scope="module")
def found(data: Path) -> Published:
    return Published(data / SCALE)


def test_lines_of_dots_are_the_retrained_models(results: Results, found: Published) -> None:
    with house_style():
        made, _ = deep_tow.draw(results)
    groups = [group for group in main_groups(found) if group.method == "retrain"]
    columns = ("tow_other_seeds", "retain_accuracy", "forget_accuracy", "test_accuracy")
    for axes, column in zip(made.axes, columns, strict=True):
        scale = 100.0 if "accuracy" in column else 1.0
        aims = [line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]]
        assert sorted(aims) == pytest.approx(sorted(scale * group.means[column].value for group in groups))
        level = [line for line in axes.lines if len(set(line.get_ydata())) == 1 < len(line.get_xdata())]
        who = ("neggrad", "sgd", "low")
        group = next(g for g in main_groups(found) if (g.method, g.optimizer, g.forget_set) == who)
        mean = group.means["tow" if column.startswith("tow") else column]
        ends = np.clip([scale * mean.low, scale * mean.high], 0.0, scale)
        assert any(list(line.get_xdata()) == pytest.approx(ends) for line in level)


def test_the_aim_of_klom_is_its_floor(results: Results) -> None:
    with house_style():
        made, _ = deep_membership.draw(results)
    aims = [{line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]} for axes in made.axes]
    assert aims == [{0.0}, {0.0}, {1.5}]


def test_bars_over_alpha_are_the_published_intervals(results: Results, found: Published) -> None:
    with house_style():
        made, _ = deep_alpha.draw(results)
    columns = {"tow": 1.0, "retain_accuracy": 100.0, "forget_accuracy": 100.0, "test_accuracy": 100.0}
    for axes, (column, scale) in zip(made.axes, columns.items(), strict=True):
        drawn = [each for each in axes.containers if isinstance(each, ErrorbarContainer)]
        for one, how in zip(drawn, ("sgd", "sam-0.1", "asam-0.5"), strict=True):
            alike = {g.variant: g.means[column] for g in found.study("alpha") if g.optimizer == how}
            expected = [np.clip([alike[each].low, alike[each].high], 0.0, 1.0) * scale for each in ALPHAS]
            ends = [segment[:, 1] for segment in one.lines[2][0].get_segments()]
            np.testing.assert_allclose(ends, expected)


def test_bands_of_relearning_are_the_published_intervals(results: Results, found: Published) -> None:
    with house_style():
        made, _ = deep_relearning.draw(results)
    panels = {axes.get_title(): axes for axes in made.axes if axes.get_visible()}
    curves = [c for c in found.curves if c.pretrain == "sgd" and c.forget_set == "high"]
    for title, axes in panels.items():
        shown = [c for c in curves if c.title == title or c.method in ("retrain", "pretrained")]
        assert len(axes.collections) == len(axes.lines) == len(shown)
        for curve, band, line in zip(shown, axes.collections, axes.lines, strict=True):
            np.testing.assert_allclose(line.get_data(), (curve.steps, 100.0 * np.array(curve.accuracy)))
            ends = np.array([curve.low, curve.high], dtype=float)
            if np.isfinite(ends).all():
                corners = band.get_paths()[0].vertices[:, 1]
                expected = np.clip(100.0 * ends, 0.0, 100.0)
                assert (corners.min(), corners.max()) == pytest.approx((expected.min(), expected.max()))


def test_sources_tell_the_models_and_seeds_behind_a_figure(results: Results) -> None:
    found = published(results, "groups.csv", "main", "alpha")
    source, about = results.used[-1], found.provenance["studies"]
    assert source.n_runs == about["main"]["models"] + about["alpha"]["models"]
    assert source.seeds.startswith("0, 1, 2; ")
    assert source.name == f"confirmation study {SCALE}, main, alpha"
    assert source.version == "0.1.0"
    published(results, "landscapes.jsonl", "gallery")
    assert (results.used[-1].n_runs, results.used[-1].seeds[:2]) == (11, "0;")


def test_words_of_groups(found: Published) -> None:
    groups = main_groups(found)
    assert forget_sets(groups) == ["high", "low"]
    words = [forget_words(name) for name in ("high", "low", "mid", "random", "class-3")]
    assert words == ["most memorized", "least memorized", "medium memorized", "random", "class-3"]
    assert interval_note(groups).startswith("Means over 3 seeds with Student's 95 % intervals")
    assert {group.pretrain for group in groups} == {"sgd"}


def test_ledgers_are_drawn_to_scale() -> None:
    """An effect of 0.3 ± 0.1 in [0.1, 0.5] is from -0.5 to 0.5; at least 0.2, its control's end at 1.2, from -1.0."""
    control = {"predicted": "≥ 1.2", "verdict": "refuted"}
    rows = [
        {"name": "a", "number": 1, "effect": 0.3, "interval": [0.2, 0.4], "predicted": "in [0.1, 0.5]"},
        {"name": "b", "number": 2, "effect": 0.5, "interval": [0.2, 0.9], "predicted": "≥ 0.2"},
        {"name": "c", "number": 2, "effect": 0.1, "interval": [-0.3, 0.2], "predicted": "≤ 0.2"},
    ]
    with house_style():
        axes = draw_rows([row | {"control": control, "verdict": "supported"} for row in rows]).axes[0]
    lines = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2 and line.get_lw() == 1.1]
    np.testing.assert_allclose(lines, [[-0.5, 0.5], [-1.0, -0.3], [0.5, 1.0]], atol=1e-12)
    dots = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    np.testing.assert_allclose(dots, [0.0, -0.7, 0.9], atol=1e-12)
    regions = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    np.testing.assert_allclose(regions, [(-1.0, 1.0), (-1.0, 30.0), (-30.0, 1.0)])


VERDICTS = ("supported", "inconclusive", "not testable", "not run")


@pytest.mark.parametrize("deep", [False, True], ids=["ledger", "deep ledger"])
def test_a_row_without_a_number_is_drawn_as_none(deep: bool, tmp_path: Path) -> None:
    """A diamond at 0 would say that it was measured, and as 0."""
    measured = made_up_ledger()[0]
    blank = {"effect": None, "interval": None}
    rows = [measured, *(measured | blank | {"verdict": verdict} for verdict in VERDICTS[1:])]
    write_publication(tmp_path / SCALE)
    (tmp_path / SCALE / "ledger.json").write_text(json.dumps(rows), encoding="utf-8")
    results = Results("quick", folder=tmp_path / "results", data=tmp_path, preset=SCALE)
    with house_style():
        made = deep_ledger.draw(results)[0] if deep else draw_rows(rows)
    marks = [line.get_marker() for line in made.axes[0].lines if len(line.get_xdata()) == 1]
    assert marks == ["o", "|", "|", "_"]
    assert [text.get_text() for text in made.legends[0].get_texts()] == [*VERDICTS, "predicted"]
