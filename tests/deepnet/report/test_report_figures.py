"""Figures: they are there, the same bytes every time, and a sentence stands for what cannot be drawn."""

import re
from collections.abc import Iterator
from itertools import combinations, islice
from pathlib import Path

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pytest

from deepnet.report import blocks, read_results, summarise, write_report
from deepnet.report import figures as pictures
from deepnet.report.figures import Drawing, Skipped, Sources, draw_all
from deepnet.report.figures.style import COLORS, FULL, house_style, line_of, marker_of
from deepnet.report.naming import METHODS
from tests.deepnet.report_rows import made_up_row, made_up_rows, write_pictures, write_rows

SHOWN = ("retrain", "pretrained", "finetune", "neggrad", "ascent", "selection", "influence")


def study(folder: Path, seeds: tuple[int, ...] = (0, 1, 2)) -> Path:
    """A study with a few methods, and pictures of two of them."""
    rows = [row for row in made_up_rows(seeds, pretrains=("sgd",)) if row["method"] in SHOWN]
    write_rows(folder, rows)
    chosen = [row for row in rows if row["method"] in ("retrain", "pretrained", "neggrad")]
    single = [row for row in rows if row["method"] == "finetune" and row["optimizer"] == "sgd"]
    write_pictures(folder, [*chosen, *single])
    return folder


def drawn(folder: Path) -> list[Drawing | Skipped]:
    results = read_results(folder)
    return list(draw_all(Sources(results=results, blocks=blocks(summarise(results.rows)))))


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> list[Drawing | Skipped]:
    return drawn(study(tmp_path_factory.mktemp("study")))


EXPECTED = [
    "tug-of-war-high-samples-sgd", "membership-high-samples-sgd", "relearning-high-samples-sgd",
    "klom-entanglement-high-samples-sgd", "feature-map-high-samples-sgd-neggrad", "feature-map-high-samples-sgd-others",
    "landscape-high-samples-forget-neggrad", "landscape-high-samples-forget-others",
    "landscape-high-samples-retain-neggrad", "landscape-high-samples-retain-others", "cost-high-samples-sgd",
]  # fmt: skip


def test_every_figure_is_drawn(figures: list[Drawing | Skipped]) -> None:
    names = [each.name for each in figures if isinstance(each, Drawing)]
    assert sorted(names) == sorted(EXPECTED)
    assert not [each for each in figures if isinstance(each, Skipped)]


def test_figures_fit_a_page_and_their_letters_can_be_read(figures: list[Drawing | Skipped]) -> None:
    for each in figures:
        assert isinstance(each, Drawing)
        width, height = each.figure.get_size_inches()
        assert width <= FULL
        assert height <= 9.0
        texts = each.figure.findobj(mpl.text.Text)
        assert min(text.get_fontsize() for text in texts if text.get_text().strip()) >= 6.5, each.name


def labels(figure: mpl.figure.Figure) -> Iterator[mpl.text.Text]:
    """Titles and labels of axes, and the legend."""
    for axes in figure.axes:
        yield from (axes.title, axes.xaxis.label, axes.yaxis.label)
    for legend in figure.legends:
        yield from legend.get_texts()


def test_no_texts_overlap(figures: list[Drawing | Skipped]) -> None:
    for each in figures:
        assert isinstance(each, Drawing)
        with house_style():
            each.figure.draw_without_rendering()
            boxes = [
                (t.get_text(), t.get_window_extent()) for t in labels(each.figure) if t.get_text() and t.get_visible()
            ]
        frame = each.figure.bbox
        for text, box in boxes:
            assert box.x0 >= frame.x0 - 1, (each.name, text)
            assert box.x1 <= frame.x1 + 1, (each.name, text)
            assert box.y1 <= frame.y1 + 1, (each.name, text)
        for (one, box), (other, beside) in combinations(boxes, 2):
            assert not box.overlaps(beside), (each.name, one, other)


def test_dots_are_the_numbers(figures: list[Drawing | Skipped], tmp_path: Path) -> None:
    figure = next(each.figure for each in figures if isinstance(each, Drawing) and each.name.startswith("tug"))
    (block,) = blocks(summarise(read_results(study(tmp_path)).rows))
    expected = sorted(e.means["tow"].value for e in block.methods if e.means["tow"].value is not None)
    lines = [line for line in figure.axes[0].lines if line.get_marker() in "osD" and line.get_markersize() > 3]
    assert sorted(float(line.get_xdata()[0]) for line in lines) == pytest.approx(expected)
    hollow = [line for line in lines if line.get_markerfacecolor() == "white"]
    assert len(hollow) == 1  # gradient ascent with SGD lost a run
    assert {text.get_text() for text in figure.axes[3].texts} == {"×1/3", "×3/3"}


def test_surfaces_share_one_scale_and_are_the_right_way_round(figures: list[Drawing | Skipped]) -> None:
    name = "landscape-high-samples-forget-neggrad"
    figure = next(each.figure for each in figures if isinstance(each, Drawing) and each.name == name)
    meshes = [mesh for axes in figure.axes for mesh in axes.collections if hasattr(mesh, "get_coordinates")]
    surfaces = [mesh for mesh in meshes if mesh.get_array().size == 121]
    assert len(surfaces) == 4  # before, SGD, SAM, ASAM
    assert len({(mesh.norm.vmin, mesh.norm.vmax) for mesh in surfaces}) == 1
    loss = np.asarray(surfaces[0].get_array()).reshape(11, 11)
    assert loss[5, 10] > loss[10, 5]  # steeper along the first direction, which runs to the right


def test_every_method_has_a_colour_of_its_own() -> None:
    assert set(COLORS) == set(METHODS)
    assert len(set(COLORS.values())) == len(COLORS)
    optimizers = ["sgd", "sam-0.05", "sam-0.1", "asam-0.5", "asam-1", "adamw"]
    assert len({marker_of(each, optimizers) for each in optimizers}) == len(optimizers)
    assert len({line_of(each, optimizers) for each in optimizers}) == len(optimizers)
    assert line_of("asam-1", ("sgd", "asam-1")) == ":"


def test_report_is_complete_and_the_same_bytes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [made_up_row(method, "sgd", seed=seed) for method in SHOWN[:4] for seed in (0, 1)]
    write_rows(tmp_path, rows)
    write_pictures(tmp_path, [row for row in rows if row["method"] in ("pretrained", "neggrad")], points=5)
    written = write_report(tmp_path)
    first = {path: path.read_bytes() for path in written}
    assert {path.parent for path in written} == {tmp_path / "report"}
    names = {path.name for path in written}
    assert names >= {"table.md", "table.tex", "tests.md", "figures.md"}
    assert names >= {
        f"{name}.{suffix}" for name in EXPECTED if "neggrad" not in name for suffix in ("png", "pdf", "md")
    }
    monkeypatch.setattr(pictures, "draw_all", lambda sources: islice(draw_all(sources), 0, None, 3))
    with mpl.rc_context({"font.size": 20.0, "axes.grid": True}):
        again = write_report(tmp_path)
    assert len(again) >= 12  # each third figure, all pages
    assert {path: path.read_bytes() for path in again if path.name != "figures.md"}.items() <= first.items()
    assert b"CreationDate" not in first[tmp_path / "report/tug-of-war-high-samples-sgd.pdf"]
    image = matplotlib.image.imread(tmp_path / "report/tug-of-war-high-samples-sgd.png")
    assert image.shape[1] == round(300 * FULL)
    assert 0.02 < float((image[..., :3].min(axis=2) < 0.9).mean()) < 0.5


def test_caption_says_where_numbers_come_from(tmp_path: Path) -> None:
    rows = [made_up_row("neggrad", "sgd", seed=seed, compat=["mask_polarity"]) for seed in (0, 3)]
    write_rows(tmp_path, rows, tail='{"stu')
    written = write_report(tmp_path)
    caption = (tmp_path / "report/tug-of-war-high-samples-sgd.md").read_text(encoding="utf-8")
    assert "Study made-up_study; 2 runs; seeds 0, 3; split seeds 0." in caption
    assert re.search(r"Configurations [0-9a-f]{16} \(2 in all\)\.", caption)
    assert "Versions: sharpmu 0.1.0, torch 2.11." in caption
    assert "mask_polarity" in caption
    page = (tmp_path / "report/figures.md").read_text(encoding="utf-8")
    assert "- feature-maps: There are no maps of features in the folder `feature_maps`." in page
    assert "- landscapes: There are no loss surfaces in the folder `landscapes`." in page
    for name in ("figures.md", "table.md", "tests.md"):
        assert "was cut off" in (tmp_path / "report" / name).read_text(encoding="utf-8")
    assert all(path.exists() for path in written)


def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    write_rows(tmp_path, [made_up_row("influence", "asam-1", seed=seed) for seed in range(3)])
    found = drawn(tmp_path)
    assert all(isinstance(each, Skipped) and each.reason.endswith(".") for each in found)
    assert len(found) == 7


def test_damaged_arrays_are_named(tmp_path: Path) -> None:
    write_rows(tmp_path, [made_up_row("neggrad", "sgd")])
    path = tmp_path / "landscapes" / "broken.npz"
    path.parent.mkdir()
    path.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(ValueError, match=r"broken\.npz: not the arrays of a figure"):
        drawn(tmp_path)
    np.savez(path, about=np.array("{}"), a=np.arange(3), b=np.arange(3), loss=np.ones((3, 3)))
    with pytest.raises(ValueError, match=r"broken\.npz: .*about\.method"):
        drawn(tmp_path)


def test_surfaces_on_other_coordinates_are_not_laid_side_by_side(tmp_path: Path) -> None:
    row = made_up_row("neggrad", "sgd")
    write_rows(tmp_path, [row])
    write_pictures(tmp_path, [row])
    write_pictures(tmp_path, [made_up_row("neggrad", "asam-1")], points=5)
    reasons = [each.reason for each in drawn(tmp_path) if isinstance(each, Skipped)]
    assert reasons == ["The surfaces were not computed on the same coordinates."] * 2


def test_scale_of_colours_spans_the_losses_and_leaves_out_what_is_not_finite(tmp_path: Path) -> None:
    row = made_up_row("neggrad", "sgd")
    write_rows(tmp_path, [row])
    write_pictures(tmp_path, [row])
    path = next((tmp_path / "landscapes").glob("*-forget.npz"))
    with np.load(path) as file:
        arrays = dict(file)
    arrays["loss"] = 2.2 + 0.1 * np.arange(121.0).reshape(11, 11) / 120.0
    arrays["loss"][0, 0] = np.nan
    np.savez(path, **arrays)
    figure = next(e.figure for e in drawn(tmp_path) if isinstance(e, Drawing) and "forget" in e.name)
    mesh = next(mesh for mesh in figure.axes[0].collections if hasattr(mesh, "get_coordinates"))
    assert (mesh.norm.vmin, mesh.norm.vmax) == pytest.approx((2.2 + 0.1 / 120.0, 2.3))
    assert np.ma.count_masked(mesh.get_array()) == 1
