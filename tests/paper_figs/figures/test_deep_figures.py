"""The figures of deep networks, on a made-up published folder: what is drawn is what the folder says."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from deepnet.publishing import GroupRecord, Published
from deepnet.report.rows import RelearnCurve
from paper_figs import Caption, Results, Sheet, Table, all_sheets
from paper_figs.figures import (
    deep_alpha,
    deep_corrections,
    deep_cost,
    deep_entanglement,
    deep_landscapes,
    deep_ledger,
    deep_membership,
    deep_relearning,
    deep_tow,
)
from paper_figs.tables import deep_ledger_table
from paper_figs.workshop.deep_data import optimizer_legend
from paper_figs.workshop.style import house_style
from tests.deepnet.made_up_publication import ALPHAS, DIVERGED, made_up_studies, write_publication
from tests.paper_figs.layout import misplaced

SCALE = "made-up"
SHEETS = [sheet for sheet in all_sheets() if sheet.name.startswith("deep_")]
FIGURES = [sheet for sheet in SHEETS if sheet.kind == "figure"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_publication(folder / SCALE)
    return folder


@pytest.fixture(scope="module")
def found(data: Path) -> Published:
    return Published(data / SCALE)


def _results(data: Path, preset: str = SCALE) -> Results:
    return Results("quick", folder=data / "results", data=data, preset=preset)


@cache
def _drawn(sheet: Sheet, data: Path, preset: str = SCALE) -> tuple[Figure, Caption]:
    """A drawing that is only looked at."""
    with house_style():
        return sheet.draw(_results(data, preset))


def _dots(axes: Axes) -> list[float]:
    """Places of single markers, in any order."""
    return sorted(float(line.get_xdata()[0]) for line in axes.lines if len(line.get_xdata()) == 1)


def _means(groups: list[GroupRecord], metric: str, scale: float = 1.0) -> list[float]:
    return sorted(scale * v for group in groups if (v := group.means[metric].value) is not None)


def _main(found: Published) -> list[GroupRecord]:
    return list(found.study("main"))


def test_every_deep_figure_has_its_number() -> None:
    assert sorted(sheet.number for sheet in FIGURES) == list(range(10, 19))
    assert [sheet.name for sheet in SHEETS if sheet.kind == "table"] == ["deep_ledger_table"]


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_figures_are_the_same_bytes_and_say_where_they_come_from(sheet: Sheet, data: Path, tmp_path: Path) -> None:
    first, second = (sheet.make(_results(data), ("svg",), tmp_path / name) for name in ("one", "other"))
    assert [path.name for path in first] == [
        f"{sheet.name}.{'svg' if sheet.kind == 'figure' else 'tex'}",
        f"{sheet.name}.md",
    ]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    caption = first[-1].read_text(encoding="utf-8")
    for words in ("Scale: made up, no images.", f"--preset {SCALE}", "Seeds: ", "version 0.1.0", "SHA-256",
                  f"confirm --preset {SCALE} --publish"):  # fmt: skip
        assert words in caption


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_a_preset_that_is_not_there_is_refused(sheet: Sheet, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"is not there.*deepnet.*elsewhere"):
        sheet.draw(_results(tmp_path, "elsewhere"))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_studies_that_were_not_run_are_refused(sheet: Sheet, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    for path in (data / SCALE).iterdir():
        kept = path.read_text(encoding="utf-8") if path.name == "provenance.json" else ""
        head = (
            (data / SCALE / path.name).read_text(encoding="utf-8").partition("\n")[0] if path.suffix == ".csv" else ""
        )
        (folder / path.name).write_text(kept or head or ("[]" if path.name == "ledger.json" else ""), encoding="utf-8")
    with pytest.raises(ValueError, match=r"was not run there; run `python -m deepnet confirm"):
        sheet.draw(_results(tmp_path, "empty"))


@pytest.mark.parametrize("sheet", FIGURES, ids=lambda sheet: sheet.name)
def test_texts_lie_where_they_can_be_read(sheet: Sheet, data: Path) -> None:
    made, _ = _drawn(sheet, data)
    with house_style():
        assert misplaced(made) == []


def test_tow_and_accuracies_are_those_of_the_folder(data: Path, found: Published) -> None:
    made, caption = _drawn(deep_tow.main, data)
    groups = _main(found)
    unlearned = [group for group in groups if group.method != "retrain"]
    retrained = [group for group in groups if group.method == "retrain"]
    tow = sorted(_means(unlearned, "tow") + _means(retrained, "tow_other_seeds"))
    assert _dots(made.axes[0]) == pytest.approx(tow)
    for axes, metric in zip(made.axes[1:], ("retain", "forget", "test"), strict=True):
        assert _dots(axes) == pytest.approx(_means(groups, f"{metric}_accuracy", 100.0))
    level = [line for line in made.axes[2].lines if len(set(line.get_ydata())) == 1 < len(line.get_xdata())]
    bars = [x for line in level if list(x := line.get_xdata()) != [0, 1]]  # those go from edge to edge
    group = next(g for g in groups if (g.method, g.optimizer, g.forget_set) == ("neggrad", "sam-0.1", "high"))
    mean = group.means["forget_accuracy"]
    ends = np.clip([100.0 * (mean.low or 0.0), 100.0 * (mean.high or 0.0)], 0.0, 100.0)
    assert any(np.allclose(bar, ends) for bar in bars)
    assert len(bars) == sum(g.means["forget_accuracy"].low is not None for g in groups)
    assert "SCRUB, ASAM ρ=0.5 (high): 1 of 3" in caption.shows
    assert DIVERGED[0] == "scrub"


def test_radii_of_one_optimizer_share_an_entry_of_the_legend(found: Published) -> None:
    groups = [
        replace(g, optimizer="asam-1") if g.method == "scrub" and "asam" in g.optimizer else g for g in _main(found)
    ]
    assert optimizer_legend(groups) == {"SGD": "SGD", "SAM": "SAM ρ=0.1", "ASAM": "ASAM ρ=0.5, 1"}


def test_alpha_is_that_of_the_folder(data: Path, found: Published) -> None:
    made, _ = _drawn(deep_alpha.main, data)
    for axes, (metric, scale) in zip(
        made.axes,
        (("tow", 1.0), ("retain_accuracy", 100.0), ("forget_accuracy", 100.0), ("test_accuracy", 100.0)),
        strict=True,
    ):
        lines = [
            line.get_ydata() for line in axes.lines if len(line.get_xdata()) == len(ALPHAS) and line.get_ls() != "None"
        ]
        for line, optimizer in zip(lines, ("sgd", "sam-0.1", "asam-0.5"), strict=True):
            alike = {g.variant: g for g in found.study("alpha") if g.optimizer == optimizer}
            expected = [scale * (alike[variant].means[metric].value or np.nan) for variant in ALPHAS]
            assert line == pytest.approx(expected)
    assert [tick.get_text() for tick in made.axes[2].get_xticklabels()] == ["0.97", "0.9", "0.8"]


def test_the_goal_of_alpha_is_the_retrained_models_beside_each_other(data: Path, found: Published) -> None:
    """A retrained model is at ToW 1 against itself, which no other can reach: the line is that of other seeds."""
    made, _ = _drawn(deep_alpha.main, data)
    goal = next(group for group in found.study("alpha") if group.method == "retrain")
    columns = (
        ("tow_other_seeds", 1.0),
        ("retain_accuracy", 100.0),
        ("forget_accuracy", 100.0),
        ("test_accuracy", 100.0),
    )
    for axes, (column, scale) in zip(made.axes, columns, strict=True):
        (height,) = {float(line.get_ydata()[0]) for line in axes.lines if list(line.get_xdata()) == [0, 1]}
        assert height == pytest.approx(scale * goal.means[column].value)
    assert goal.means["tow_other_seeds"].value != pytest.approx(1.0)


def test_membership_is_that_of_the_folder(data: Path, found: Published) -> None:
    made, caption = _drawn(deep_membership.main, data)
    groups = [group for group in _main(found) if group.method != "retrain"]
    for axes, (metric, scale) in zip(made.axes, (("mia_gap", 100.0), ("mia_auc_gap", 1.0), ("klom", 1.0)), strict=True):
        assert _dots(axes) == pytest.approx(_means(groups, metric, scale))
    floors = {float(x[0]) for line in made.axes[2].lines if len(x := line.get_xdata()) == 2 and x[0] == x[1]}
    assert floors == {1.5}
    assert "(3 a group)" in caption.shows


def test_cost_is_that_of_the_folder(data: Path, found: Published, tmp_path: Path) -> None:
    made, caption = _drawn(deep_cost.main, data)
    groups = [g for g in _main(found) if g.method != "pretrained" and g.forget_set == "high"]
    assert _dots(made.axes[0]) == pytest.approx(_means(groups, "seconds_ratio"))
    assert _dots(made.axes[1]) == pytest.approx(_means(groups, "images_per_second", 1e-3))
    assert "Peak memory was not measured" in caption.shows
    write_publication(tmp_path / SCALE, memory=True, diverged=False)
    made, caption = _drawn(deep_cost.main, tmp_path)
    assert len(made.axes) == 3
    assert set(np.round(_dots(made.axes[1]), 1)) == {1.0, 1.9}
    assert "not measured" not in caption.shows


def test_relearning_is_that_of_the_folder(data: Path, found: Published) -> None:
    made, _ = _drawn(deep_relearning.main, data)
    shown = {axes.get_title(): axes for axes in made.axes if axes.get_visible()}
    assert list(shown) == ["Fine-tuning", "NegGrad", "Sharp MinMax", "SCRUB"]
    lines = [line.get_ydata() for line in shown["NegGrad"].lines]
    rows = [row for row in made_up_studies()["main"] if row.forget_set == "high"]
    for method, optimizer in (("neggrad", "sam-0.1"), ("retrain", "sgd")):
        curves = [row.relearn_curve for row in rows if (row.method, row.optimizer) == (method, optimizer)]
        known = [curve.accuracy for curve in curves if isinstance(curve, RelearnCurve)]
        assert any(np.allclose(line, 100.0 * np.mean(known, axis=0), atol=0.1) for line in lines)
    assert len(lines) == 5  # three optimizers, retrained, pretrained


def test_corrections_are_those_of_the_folder(data: Path, found: Published) -> None:
    made, caption = _drawn(deep_corrections.main, data)
    (axes,) = made.axes
    cells = {(text.get_position()[1], round(text.get_position()[0] - 0.42)): text.get_text() for text in axes.texts}
    assert [cells[row, column] for row in range(3) for column in range(3)] == [
        "0.12", "0.12", "−0.34", "−0.34", "−0.34", "−0.34", "0.01", "0.01", "−0.34",
    ]  # fmt: skip
    heads = [tick.get_text() for tick in axes.get_xticklabels()]
    assert heads == ["corrected", "mask leaks", "AdamW"]
    frames = {(round(p.get_x() + 0.47), round(p.get_y() + 0.45)) for p in axes.patches if not p.get_fill()}
    assert frames == {(2, 0), (2, 2)}  # AdamW turns the first, and decides the third
    assert "In 4 of 6 cells the verdict is that of the corrected code; in 1 it is turned round." in caption.shows


def test_landscapes_are_those_of_the_folder(data: Path, found: Published) -> None:
    made, _ = _drawn(deep_landscapes.main, data)
    panels = [
        axes for axes in made.axes if axes.get_visible() and any(isinstance(c, QuadMesh) for c in axes.collections)
    ]
    meshes = [next(c for c in axes.collections if isinstance(c, QuadMesh)) for axes in panels]
    assert len([mesh for mesh in meshes if mesh.get_array().size == 49]) == len(found.surfaces) == 16
    assert len({(mesh.norm.vmin, mesh.norm.vmax) for mesh in meshes if mesh.get_array().size == 49}) == 1
    first = next(s for s in found.surfaces if (s.method, s.part, s.pretrain) == ("pretrained", "retain", "sgd"))
    assert np.allclose(np.ravel(meshes[0].get_array()), np.array(first.loss, dtype=float).T.ravel())
    assert [axes.get_title().replace("\n", " ").strip() for axes in panels[:6]] == [
        "Pretrained SGD", "Retraining", "NegGrad SGD", "NegGrad ASAM ρ=0.5", "Sharp MinMax SGD",
        "Sharp MinMax ASAM ρ=0.5",
    ]  # fmt: skip


def test_surfaces_on_different_coordinates_are_refused(data: Path, tmp_path: Path) -> None:
    write_publication(tmp_path / SCALE)
    path = tmp_path / SCALE / "landscapes.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines[1]["a"] = [2 * value for value in lines[1]["a"]]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with pytest.raises(ValueError, match="surfaces on different coordinates"):
        _drawn(deep_landscapes.main, tmp_path)


def test_movements_are_those_of_the_folder(data: Path, found: Published) -> None:
    made, _ = _drawn(deep_entanglement.main, data)
    assert _dots(made.axes[0]) == pytest.approx(_means(_main(found), "entanglement"))
    maps = made.axes[1:]
    plain = [movement for movement in found.movements if movement.pretrain == "sgd"]
    assert [axes.get_title().split("\n")[0] for axes in maps] == [movement.title for movement in plain]
    for axes, movement in zip(maps, plain, strict=True):
        (arrows,) = [c for c in axes.collections if isinstance(c, LineCollection)]
        gone = np.array(movement.forgotten, dtype=bool)
        expected = np.stack([np.array(movement.before)[gone], np.array(movement.after)[gone]], axis=1)
        assert np.allclose(np.array(arrows.get_segments()), expected)
        named = {handle.get_color(): handle.get_label() for handle in made.findobj(Legend)[-1].legend_handles}
        dots = {named[line.get_color()]: np.transpose(line.get_data()) for line in axes.lines}
        assert np.allclose(dots["forgotten sample, before"], expected[:, 0])
        assert np.allclose(dots["forgotten sample, after"], expected[:, 1])
        assert np.allclose(dots["retained sample, after"], np.array(movement.after)[~gone])


def test_entanglement_is_drawn_without_maps_too(data: Path, tmp_path: Path) -> None:
    write_publication(tmp_path / SCALE)
    (tmp_path / SCALE / "feature_maps.jsonl").write_text("")
    made, caption = _drawn(deep_entanglement.main, tmp_path)
    assert len(made.axes) == 1
    assert "No maps of features were measured" in caption.shows


def test_the_ledger_lies_where_its_verdicts_say(data: Path, found: Published) -> None:
    made, caption = _drawn(deep_ledger.main, data)
    assert "1 supported, 1 refuted, 1 inconclusive, 1 not testable" in caption.shows
    assert [deep_ledger.margin(row) for row in found.ledger] == [2.0, -2.0, pytest.approx(1 / 3), None]
    drawn = [float(line.get_xdata()[0]) for line in made.axes[0].lines if len(line.get_xdata()) == 1]
    assert drawn == pytest.approx([2.0, -2.0, 1 / 3, 0.0])
    table, _ = _drawn(deep_ledger_table.main, data)
    assert isinstance(table, Table)
    assert [row[2:4] for row in table.rows[:2]] == [("supported", "0.2"), ("refuted", "−0.2")]


def test_margins_of_regions_with_two_ends() -> None:
    row = {"effect": 0.0, "interval": [-0.1, 0.1], "predicted": "in [-0.05, 0.05]"}
    assert deep_ledger.margin(row) == 0.5
    assert deep_ledger.margin(row | {"effect": 0.3, "interval": [0.2, 0.4]}) == pytest.approx(-2.5)
    assert deep_ledger.margin(row | {"interval": [0.0, 0.0]}) == np.inf


def test_controls_that_stand_are_told(found: Published) -> None:
    rows = [dict(row) for row in found.ledger]
    rows[0]["control"] = {**rows[0]["control"], "verdict": "inconclusive"}
    assert "The verdicts of the others deserve no trust: claim-1." in deep_ledger.told(rows)
    assert "deserve no trust" not in deep_ledger.told(found.ledger)


def test_drawing_needs_no_torch(data: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from paper_figs import Results, find_sheets\n"
        f"results = Results('quick', folder={str(tmp_path)!r}, data={str(data)!r}, preset={SCALE!r})\n"
        "[sheet.draw(results) for sheet in find_sheets(['deep_corrections'])]\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
