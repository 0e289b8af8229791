"""Every figure and table of the theory, from few replicates: it builds, it is the same twice, nothing overlaps."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, wraps
from pathlib import Path

import matplotlib.font_manager
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy import stats
from scipy.stats import norm

from paper_figs import Results, Sheet, Table, all_sheets
from paper_figs.figures import (
    alpha_fraction_map,
    boundary_exponents,
    deactivation,
    error_decay,
    phase_maps,
)
from paper_figs.tables import lemma31_table
from paper_figs.workshop.style import WIDTH, house_style
from paper_figs.workshop.tabular import latex
from simulate.boundaries.maps import phase_map
from simulate.house.drawing.saving import FORMATS
from simulate.house.version import __version__
from tests.latex import set_on_pages
from tests.paper_figs.layout import misplaced
from tests.paper_figs.small_results import REPLICATES, fewer, small_results
from tests.places import ROOT
from tests.theory.cases import FALSE_EFFECT, NO_EFFECT, claim
from tests.theory.made_up import few_resamples
from theory import claims as registry
from theory.claims import sgd_boundary
from theory.experiments.forgetting.retrained import interaction
from theory.experiments.training import sgd
from theory.ledger import Region

THEORY = [sheet for sheet in all_sheets() if not sheet.name.startswith("deep_")]
SPREAD = [
    claim("a-supported-one"), FALSE_EFFECT, NO_EFFECT, claim("far-off", 7, effect=900.0),
    claim("half-line", 8, supported=Region(low=0.5)), claim("undecided", 9, supported=Region.around(1.0, 0.001)),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _cheap_claims_and_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "all_claims", lambda: tuple(SPREAD))
    few_resamples(monkeypatch)


@dataclass(frozen=True)
class Built:
    """A sheet built twice, each time by new results that read the same folder."""

    product: Figure | Table
    files: list[Path]
    again: list[Path]


@pytest.fixture(scope="session")
def build(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sheet], Built]:
    """Builds a sheet, once a session."""

    @cache
    def built(sheet: Sheet) -> Built:
        products = []

        @wraps(sheet.draw)
        def draw(results: Results):
            product, caption = sheet.draw(results)
            products.append(product)  # the question is written above it later
            return product, caption

        folder = tmp_path_factory.mktemp("figures")
        files = [replace(sheet, draw=draw).make(small_results(kept), ["pdf"], folder / word) for word in "ab"]
        return Built(products[0], *files)

    return built


def test_all_are_there() -> None:
    assert [sheet.name for sheet in THEORY if sheet.kind == "figure"][:10] == [
        "phase_maps", "boundary_exponents", "error_decay", "trajectories", "deactivation", "alpha_thresholds",
        "alpha_fraction_map", "sharpness", "ledger", "verdicts",
    ]  # fmt: skip
    assert [sheet.name for sheet in THEORY if sheet.kind == "table"][:2] == ["ledger_table", "lemma31_table"]
    places = [(sheet.kind, sheet.number) for sheet in all_sheets()]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("sheet", THEORY, ids=lambda sheet: sheet.name)
def test_builds_the_same_twice(sheet: Sheet, build: Callable[[Sheet], Built]) -> None:
    built = build(sheet)
    kind = "pdf" if sheet.kind == "figure" else "tex"
    assert [path.name for path in built.files] == [f"{sheet.name}.{kind}", f"{sheet.name}.md"]
    assert [path.read_bytes() for path in built.files] == [path.read_bytes() for path in built.again]
    assert set(built.files[0].parent.iterdir()) == set(built.files)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_has_the_same_bytes(kind: str, results: Results, tmp_path: Path) -> None:
    sheet = alpha_fraction_map.main
    files = [sheet.make(results, [kind], tmp_path / folder)[0].read_bytes() for folder in "ab"]
    assert files[0] == files[1]
    for word in (b"CreationDate", b"dc:date", b"tIME"):
        assert word not in files[0]


def test_fonts_are_embedded_as_text(build: Callable[[Sheet], Built]) -> None:
    content = build(alpha_fraction_map.main).files[0].read_bytes()
    assert b"/Subtype /CIDFontType2" in content  # type 42: outlines of the font itself
    assert b"/Type3" not in content


@pytest.mark.parametrize("sheet", [each for each in THEORY if each.kind == "figure"], ids=lambda sheet: sheet.name)
def test_texts_keep_to_their_place(sheet: Sheet, build: Callable[[Sheet], Built]) -> None:
    figure = build(sheet).product
    with house_style():
        assert figure.get_figwidth() == WIDTH
        assert misplaced(figure) == []
    sizes = [text.get_fontsize() for text in figure.findobj(Text)]
    assert min(sizes) >= (6.0 if sheet.name == "ledger" else 7.0)
    assert max(sizes) <= 10.0


def test_misplaced_texts_are_found() -> None:
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.text(0.5, 0.5, "one")
    axes.text(0.52, 0.5, "other")
    axes.text(0.5, 3.0, "above")
    axes.plot([0, 1], label="line")
    figure.legend(loc="center")
    found = misplaced(figure)
    assert any("'one' and 'other'" in each for each in found)
    assert "off the page: 'above'" in found
    assert "a legend lies on axes" in found


@pytest.mark.parametrize("sheet", THEORY, ids=lambda sheet: sheet.name)
def test_caption_says_where_everything_came_from(sheet: Sheet, build: Callable[[Sheet], Built], kept: Path) -> None:
    text = build(sheet).files[-1].read_text(encoding="utf-8")
    assert text.startswith(f"# {sheet.title}\n")
    assert f"Version {__version__}." in text
    if sheet.name == "verdicts":  # of the published ledger, whatever the budget
        assert "$ python -m paper_figs verdicts\n" in text
        assert "(`docs/ledger.json`, version" in text
        return
    assert f"$ python -m paper_figs {sheet.name} --budget quick\n" in text
    assert "Budget: quick" in text
    sources = re.findall(
        r"\*\*(.+)\*\* \(`(paper_figs/quick/.+)`, version .+\)\. ([\d,]+) trainings\. Seeds: .+\.", text
    )
    assert sources
    for _, path, runs in sources:
        assert (kept.parent / path).exists()
        assert int(runs.replace(",", "")) > 0
    assert len(text.split("## Data")[0]) > 300


def test_captions_are_those_of_the_budget(kept: Path, tmp_path: Path) -> None:
    text = lemma31_table.main.make(small_results(kept, "full"), ["png"], tmp_path)[-1].read_text(encoding="utf-8")
    assert "$ python -m paper_figs lemma31_table\n" in text
    assert "Budget: full" in text
    assert "paper_figs/full/" in text


def test_the_table_of_the_lemma_fits_on_its_page(build: Callable[[Sheet], Built], tmp_path: Path) -> None:
    made = build(lemma31_table.main)
    assert isinstance(made.product, Table)
    body = latex(made.product, caption="τ = m √n/(P σ_p √d)", label="x")
    assert set_on_pages(body, tmp_path, ("amsmath", "array", "booktabs", "longtable")) == []


# What is drawn is what was measured:


def test_map_shows_the_means_of_the_runs(results: Results, build: Callable[[Sheet], Built]) -> None:
    figure = build(alpha_fraction_map.main).product
    data = results.experiment(interaction)
    assert data.sizes["seed"] == REPLICATES
    error = data["test_error"].transpose("alpha", "fraction", "seed").values
    expected = [
        f"{mean:.2f} ±{deviation:.2f}"
        for mean, deviation in zip(error.mean(-1).flat, stats.sem(error, axis=-1).flat, strict=True)
    ]
    assert [text.get_text() for text in figure.axes[0].texts] == expected
    assert figure.axes[0].collections[0].get_clim() == (0.1, 0.5)  # what differs within the noise looks alike


def test_phase_maps_show_the_maps_of_the_simulator(results: Results, build: Callable[[Sheet], Built]) -> None:
    figure = build(phase_maps.main).product
    data = phase_map(fewer(quick=phase_maps.grid(results), full=None))
    for axes, name in zip(figure.axes, ("SGD", "SAM"), strict=False):
        expected = data["test_error"].sel(optimizer=name).mean("seed").transpose("signal", "d").values
        assert np.array_equal(axes.collections[0].get_array(), expected)


def test_exponent_is_that_of_the_ledger(results: Results, build: Callable[[Sheet], Built]) -> None:
    (claim_of_d,) = (each for each in sgd_boundary.CLAIMS if each.name == "sgd-boundary-d")
    effect = claim_of_d.measure(results.lab).effect
    legend = build(boundary_exponents.main).product.legends[0]
    low, high = effect.interval()
    assert f"{effect.value:.3f} [{low:.3f}, {high:.3f}]" in legend.get_texts()[0].get_text()


def test_decades_are_logarithms_of_the_error(results: Results) -> None:
    lines = results.experiment(sgd.decay)
    found = error_decay.decades(lines)
    data = lines.data["d"].isel(d=0, place=0)
    error = np.exp(data["log_clean_error"].values)
    assert np.allclose(10.0 ** -found[:, 0], error, rtol=1e-9)
    assert found.max() > 30.0


def test_law_is_drawn_without_a_constant(build: Callable[[Sheet], Built]) -> None:
    axes = build(deactivation.main).product.axes[0]
    x, y = axes.lines[-1].get_data()
    assert np.allclose(y, 2 * norm.cdf(x) - 1)


@pytest.mark.parametrize("sheet", all_sheets(), ids=lambda sheet: sheet.name)
def test_figures_ask_and_tables_do_not(sheet: Sheet) -> None:
    assert (sheet.kind == "figure") == sheet.asks.endswith("?")
    assert len(sheet.asks) <= 100


@pytest.mark.parametrize("sheet", [each for each in THEORY if each.kind == "figure"], ids=lambda sheet: sheet.name)
def test_the_question_stands_above_and_is_answered(sheet: Sheet, build: Callable[[Sheet], Built]) -> None:
    built = build(sheet)
    title = built.product._suptitle  # type: ignore[union-attr]
    assert title.get_text().replace("\n", " ") == sheet.asks
    asked, _, rest = built.files[-1].read_text(encoding="utf-8").split("\n\n")[1].partition("** ")
    assert asked == f"**{sheet.asks}"
    assert re.search(r"\d", rest), "An answer has its numbers and their condition."


def test_every_sheet_is_in_the_documentation() -> None:
    lines = (ROOT / "docs/figures.md").read_text(encoding="utf-8").splitlines()
    for sheet in all_sheets():
        assert any(f"`{sheet.name}`" in line and line.startswith("|") for line in lines), sheet.name


def test_house_font_comes_with_matplotlib() -> None:
    with house_style():
        path = matplotlib.font_manager.findfont(matplotlib.font_manager.FontProperties())
    assert Path(path).resolve().is_relative_to(Path(matplotlib.get_data_path()).resolve())
