"""The figures of deep networks, on made-up published scales: what is drawn is what the rows say."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepnet.ledger.comparing import MARGIN
from deepnet.publishing import Published
from paper_figs import Caption, Results, Sheet, Table, all_sheets
from paper_figs.figures import (
    deep_accuracies,
    deep_alpha,
    deep_cost,
    deep_ledger,
    deep_relearning,
    deep_tow,
)
from paper_figs.tables import deep_accuracies_table, deep_ledger_table
from paper_figs.workshop.deep_data import Scale, main_arms, scales, usual_arms, variant_arms
from paper_figs.workshop.deep_dots import Panel, dots_figure, method_words
from paper_figs.workshop.ledger_lines import short_title
from paper_figs.workshop.style import house_style
from tests.deepnet.made_up_matched import diverged
from tests.deepnet.made_up_scales import CLAIMS, FEW, SMALL, WHOLE, made_up_rows, publish_scale
from tests.paper_figs.layout import misplaced
from tests.places import ROOT
from theory.ledger.wording import with_minus
from theory.statistics import Estimate

SHEETS = [sheet for sheet in all_sheets() if sheet.deep]
TABLES = ["deep_ledger_table", "deep_accuracies_table"]
FIGURES = [sheet for sheet in SHEETS if sheet.kind == "figure"]


def _results(data: Path, preset: str | None = None) -> Results:
    return Results("quick", folder=data / "results", data=data, preset=preset)


@cache
def _drawn(sheet: Sheet, data: Path, preset: str | None = None) -> tuple[Figure, Caption]:
    """A drawing that is only looked at."""
    return sheet.drawn(_results(data, preset))


def _dots(axes: Axes) -> list[float]:
    """Places of single markers, from the top."""
    found = [line for line in axes.lines if len(line.get_xdata()) == 1]
    return [float(line.get_xdata()[0]) for line in sorted(found, key=lambda line: line.get_ydata()[0])]


def test_every_deep_figure_has_its_number() -> None:
    assert sorted(sheet.number for sheet in FIGURES) == [*range(10, 16), 17, 18]
    assert [sheet.name for sheet in SHEETS if sheet.kind == "table"] == TABLES


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_figures_are_the_same_bytes_and_say_where_they_come_from(sheet: Sheet, data: Path, tmp_path: Path) -> None:
    first, second = (sheet.make(_results(data, WHOLE), ("svg",), tmp_path / name) for name in ("one", "other"))
    assert [path.suffix for path in first] == [".svg" if sheet.kind == "figure" else ".tex", ".md"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    caption = first[-1].read_text(encoding="utf-8")
    for words in (f"--preset {WHOLE}", "Seeds: 0 to 2;", "SHA-256", f"matched --preset {WHOLE}", "--publish"):
        assert words in caption


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_scales_that_are_not_there_are_refused(sheet: Sheet, data: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"is not there.*python -m deepnet judge"):
        sheet.draw(_results(tmp_path))
    with pytest.raises(ValueError, match=r"Argument `preset` must name a scale .*\(made-up, small\), but is 'nowhere'"):
        sheet.draw(_results(data, "nowhere"))


@pytest.mark.parametrize("sheet", FIGURES, ids=lambda sheet: sheet.name)
def test_texts_lie_where_they_can_be_read(sheet: Sheet, data: Path) -> None:
    made, _ = _drawn(sheet, data)
    with house_style():
        assert misplaced(made) == []


@pytest.mark.parametrize("sheet", FIGURES, ids=lambda sheet: sheet.name)
def test_texts_can_be_read_with_all_scales_that_are_published(sheet: Sheet) -> None:
    made, _ = _drawn(sheet, ROOT / "paper_figs/data")
    with house_style():
        assert misplaced(made) == []


def test_arms_are_those_of_the_usual_forget_set_without_controls(whole: Scale, data: Path) -> None:
    assert "neggrad-asam-after-sgd" in main_arms(whole)
    assert not {name for name in main_arms(whole) if "alpha" in name or "random" in name or "control" in name}
    assert main_arms(Scale(Published(data / SMALL))) == list(FEW)


def test_tow_and_accuracies_are_those_of_the_rows(data: Path, whole: Scale) -> None:
    made, caption = _drawn(deep_accuracies.main, data, WHOLE)
    columns = {"tow": 1.0, "retain_accuracy": 100.0, "forget_accuracy": 100.0, "test_accuracy": 100.0}
    for panels, some in ((made.axes[4:], variant_arms(whole)), (made.axes[:4], usual_arms(whole))):
        methods = [*map(method_words, some)]
        arms = [arm for _, arm in sorted(zip(map(methods.index, methods), some, strict=True), key=lambda one: one[0])]
        for axes, (column, unit) in zip(panels, columns.items(), strict=True):
            expected = [unit * whole.estimate(arm, column).value for arm in arms]  # type: ignore[union-attr]
            assert _dots(axes) == pytest.approx(expected)
    assert _dots(made.axes[1])[arms.index("neggrad-asam-after-sgd")] == pytest.approx(88.0, abs=0.3)
    levels = {float(line.get_xdata()[0]) for line in made.axes[1].lines if list(line.get_ydata()) == [0, 1]}
    assert [*levels] == pytest.approx([98.0] * len(levels))
    assert "made up, no images, 3 replicates" in caption.shows


def test_arms_whose_runs_do_not_all_get_there_are_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(scale: str, **chosen: object) -> list[dict[str, object]]:
        rows = made_up_rows(scale, **chosen)  # type: ignore[arg-type]
        return [diverged(row) if row.get("arm") == FEW[1] and row["replicate"] == 2 else row for row in rows]

    monkeypatch.setattr("tests.deepnet.made_up_scales.made_up_rows", lost)
    publish_scale(tmp_path, tmp_path / ".results" / SMALL, SMALL, arms=FEW)
    made, _ = _drawn(deep_accuracies.main, tmp_path)
    assert [text.get_text() for text in made.axes[0].texts if text.get_text() == "†"] == ["†"]
    assert _dots(made.axes[0])[1] == pytest.approx(2 / 3 * 0.9, abs=0.02)


def test_alpha_is_that_of_the_rows(data: Path, whole: Scale) -> None:
    made, caption = _drawn(deep_alpha.main, data)
    assert [axes.get_title(loc="left") for axes in made.axes] == [
        "(a) ToW", "(b) paired difference", "(c) accuracy lost",
    ]  # fmt: skip
    for axes, column, unit in zip(made.axes[::2], ("tow", "damage"), (1.0, 100.0), strict=True):
        found = deep_alpha.over_alpha(whole, column)
        assert list(found["SGD"]) == [0.99, 0.95, 0.9, 0.8, 0.5]
        lines = {line.get_label(): line for line in axes.lines}
        expected = [unit * each.value for each in found["SGD"].values()]
        drawn = [line.get_ydata() for line in axes.lines if len(line.get_xdata()) == 5 and line.get_ls() != "None"]
        assert any(np.allclose(line, expected) for line in drawn)
        assert ("ceiling" in lines) == (column == "tow")
    assert found["SGD"][0.8].value > found["SGD"][0.9].value + 0.05
    assert "small:" not in caption.shows


def test_differences_in_tow_are_paired(data: Path, whole: Scale) -> None:
    made, caption = _drawn(deep_tow.main, data, WHOLE)
    found = deep_tow.changes(main_arms(whole))
    assert {(each.kind, each.words, each.arm, each.other) for each in found} >= {
        ("ASAM instead of SGD", "NegGrad, after SGD", "neggrad-asam-after-sgd", "neggrad-sgd-after-sgd"),
        ("pretrained with ASAM instead of SGD", "SCRUB, SGD", "scrub-sgd-after-asam", "scrub-sgd-after-sgd"),
        ("Sharp MinMax instead of NegGrad", "ASAM, after SGD", "minmax-asam-after-sgd", "neggrad-asam-after-sgd"),
    }
    kinds = list(dict.fromkeys(each.kind for each in found))
    drawn = sorted(found, key=lambda each: kinds.index(each.kind))
    means = {arm: whole.estimate(arm, "tow").value for arm in main_arms(whole)}  # type: ignore[union-attr]
    expected = [means[each.arm] - means[each.other] for each in drawn]
    assert _dots(made.axes[0]) == pytest.approx(expected)
    bars = [line for line in made.axes[0].lines if len(line.get_xdata()) == 2 and np.ptp(line.get_ydata()) == 0]
    assert len(bars) == len(found)
    closer = deep_tow.difference(whole, found[0])
    assert closer is not None
    assert closer.standard_error < whole.estimate(found[0].arm, "tow").standard_error + 1e-9  # type: ignore[union-attr]
    lost = next(each for each in drawn if each.words == "NegGrad, after SGD")
    assert f"{lost.kind} ({lost.words} {means[lost.arm] - means[lost.other]:+.3f}".replace("-", "−") in caption.answers


def test_differences_too_small_to_matter_are_not_called_closer_or_further() -> None:
    """Of digits: Sharp MinMax with ASAM is 0.007 below NegGrad, and its interval, which is seen to be below 0, too."""
    _, caption = _drawn(deep_tow.main, ROOT / "paper_figs/data")
    (digits,) = [scale for scale in scales(Results("quick")) if scale.name == "digits"]
    told = caption.answers.partition("At the scale photographs")[0]
    found = [(change, deep_tow.difference(digits, change)) for change in deep_tow.changes(usual_arms(digits))]
    small = [
        (change, known) for change, known in found
        if known is not None and max(map(abs, known.interval())) < MARGIN
    ]  # fmt: skip
    assert any(known.interval()[1] < 0.0 for _, known in small)
    for change, known in small:
        assert f"{change.words} {with_minus(f'{known.value:+.3f}')}" not in told
    assert f"{len(small)} changes are seen to be smaller than 0.02" in told


def test_the_difference_over_alpha_is_that_of_pairs(data: Path, whole: Scale) -> None:
    made, caption = _drawn(deep_alpha.main, data)
    found = deep_alpha.over_sgd(whole)["ASAM"]
    plain = deep_alpha.over_alpha(whole, "tow")
    expected = {alpha: known.value - plain["SGD"][alpha].value for alpha, known in plain["ASAM"].items()}
    assert {alpha: known.value for alpha, known in found.items()} == pytest.approx(expected)
    (drawn,) = [each.lines[0].get_ydata() for each in made.axes[1].containers]
    assert list(drawn) == pytest.approx([expected[alpha] for alpha in found])
    assert "with SGD at" in caption.answers


@pytest.mark.parametrize(
    "sheet", [sheet for sheet in FIGURES if sheet.name != "deep_ledger"], ids=lambda sheet: sheet.name
)
def test_published_scales_have_few_marks_a_panel(sheet: Sheet) -> None:
    made, _ = sheet.drawn(Results("quick"))
    for axes in made.axes:
        assert len([line for line in axes.lines if len(line.get_xdata()) == 1]) <= 22


def test_the_level_that_is_close_is_the_ledgers() -> None:
    from deepnet.ledger.claims.alpha_range import CLOSE

    assert CLOSE.primary == deep_alpha.CLOSE


def test_relearning_is_that_of_the_rows(data: Path, whole: Scale) -> None:
    made, caption = _drawn(deep_relearning.main, data, SMALL)
    assert "of 3 arms learn the forget set again faster" in caption.answers
    assert "30 to 60 %" in caption.answers
    assert _dots(made.axes[0]) == pytest.approx([60.0, 60.0, 30.0], abs=0.3)
    assert _dots(made.axes[1]) == pytest.approx([0.5, 0.5, 0.7], abs=3e-3)


def test_cost_is_that_of_the_rows(data: Path) -> None:
    made, caption = _drawn(deep_cost.main, data, SMALL)
    lost, _, steps, seconds = (_dots(axes) for axes in made.axes)
    assert lost == pytest.approx([2.0, 12.0, 2.0], abs=0.3)
    assert steps == pytest.approx([50.0] * 3)
    assert seconds == pytest.approx([5.0] * 3)
    assert "abacus (threads 1)" in caption.shows
    lowest, highest = min(lost), max(lost)
    assert f"retain lost (%) from {lowest:.2g} (" in caption.answers
    assert f") to {highest:.3g} (" in caption.answers


@pytest.mark.parametrize("spread", [0.5, 2.0, 4.5])
def test_numbers_of_any_range_have_marks_that_can_be_read(spread: float, whole: Scale) -> None:
    """With three replicates an interval of seconds goes from a few to many thousands."""
    dots = Panel(label="seconds", measure=lambda scale, arm: Estimate(np.log(200.0), spread / 2, 1e9), log=True)
    with house_style():
        made = dots_figure([(whole, FEW)], [dots] * 4)
        assert misplaced(made) == []
        made.canvas.draw()
        low, high = made.axes[0].get_xlim()
        marks = [place for place in made.axes[0].get_xticks() if low <= place <= high]
    assert 2 <= len(marks) <= 6


def test_the_ledger_has_a_column_a_scale(data: Path) -> None:
    made, caption = _drawn(deep_ledger.main, data)
    assert [axes.get_title() for axes in made.axes] == [WHOLE, SMALL]
    rows = json.loads((data / WHOLE / "ledger.json").read_text(encoding="utf-8"))
    names = [tick.get_text().replace("\n", " ") for tick in made.axes[0].get_yticklabels()]
    assert names == [*(short_title(row["title"]) for row in rows), "the paper's claims"]
    assert [row["name"] for row in rows] == list(CLAIMS)
    for axes, scale in zip(made.axes, (WHOLE, SMALL), strict=True):
        rows = json.loads((data / scale / "ledger.json").read_text(encoding="utf-8"))
        markers = [line for line in axes.lines if len(line.get_xdata()) == 1]
        inside = [deep_ledger.in_margins(row) for row in rows]
        assert [float(np.ravel(line.get_xdata())[0]) for line in markers] == pytest.approx(
            [float(np.clip(found[0], -37.2, 37.2)) for found in inside if found is not None]
        )
        assert [text.get_text() for text in axes.texts] == [
            row["verdict"] for row, found in zip(rows, inside, strict=True) if found is None
        ]
    assert "made-up, 3 replicates:" in caption.shows
    assert "not run" in caption.shows


def test_verdicts_that_deserve_no_trust_are_hollow() -> None:
    made, caption = _drawn(deep_ledger.main, ROOT / "paper_figs/data")
    hollow = [line for axes in made.axes for line in axes.lines if line.get_markerfacecolor() == "white"]
    decided = {"supported", "refuted", "no effect of interest"}
    failed = [
        (scale.name, row["name"]) for scale in scales(Results("quick")) for row in scale.published.ledger
        if row["verdict"] in decided and row["control"]["verdict"] in ("inconclusive", "supported")
    ]  # fmt: skip
    assert ("digits-feature", "planted-faster-rate") in failed
    assert len(hollow) == len(failed)
    assert "Hollow: decided" in caption.shows


def test_the_table_has_a_column_a_scale_and_a_summary(data: Path) -> None:
    made, _ = deep_ledger_table.main.draw(_results(data))
    assert isinstance(made, Table)
    assert made.heads == ("#", "claim", "whose", WHOLE, SMALL, "together")
    assert [row[0] for row in made.rows] == ["1", "6", "9"]
    assert made.rows[0][3].startswith("refuted: −0.1 [")
    assert (made.rows[0][-1], made.rows[1][-1]) == ("refuted", "one scale only")
    assert made.rows[1][4] == "not run"


def test_the_table_of_accuracies_tells_those_of_the_rows(data: Path, whole: Scale) -> None:
    made, _ = deep_accuracies_table.main.draw(_results(data))
    assert isinstance(made, Table)
    assert made.heads == ("#", "arms", WHOLE, SMALL)
    cells = {row[1]: row[2:] for row in made.rows}
    known = [numbers["forget_accuracy"] for numbers in whole.findings.pretrained[whole.forget, "sgd"].values()]
    assert cells["pretrained with SGD"][0].split(" / ")[1] == f"{100 * np.mean(known):.1f}"
    assert cells["pretrained with SGD"][0].startswith(f"{len(known)}: ")
    rows = [row for row in json.loads((data / WHOLE / "ledger.json").read_text("utf-8")) if row["number"] == 1]
    retain = [told["effect"] for words, told in rows[0]["details"].items() if words.startswith("retain accuracy, ")]
    first = cells["NegGrad with ASAM after SGD, against NegGrad with SGD after SGD"][0]
    assert [f"{100 * value:.1f}" for value in retain] == re.findall(r"(?:: |against )([\d.]+) / ", first)


def test_deep_figures_need_no_torch(data: Path, tmp_path: Path) -> None:
    names = [sheet.draw.__module__ for sheet in SHEETS]
    code = (
        "import sys\nfrom importlib import import_module\nfrom paper_figs import Results\n"
        f"results = Results('quick', folder={str(tmp_path)!r}, data={str(data)!r})\n"
        f"for name in {names!r}:\n    import_module(name).main.draw(results)\n"
        "print([name for name in ('torch', 'dask', 'cupy') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
