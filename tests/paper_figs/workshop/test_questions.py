"""The question above a figure: wrapped within the page, above all panels, asked of every figure and answered."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from paper_figs import Caption, Results, Sheet, figure
from paper_figs.workshop.caption import by_sign, caption_text
from paper_figs.workshop.style import WIDTH, ask, house_style, new_figure, wrapped
from tests.paper_figs.layout import misplaced
from theory.statistics import Estimate

pytest.importorskip("tueplots", reason="needs the extra figures")

LONG = "Does a question that is a good deal longer than a line of the page still stand above the panels as a whole?"


@pytest.mark.parametrize(("question", "lines"), [("Why?", 1), (LONG, 2)])
def test_a_question_stands_above_the_panels(question: str, lines: int) -> None:
    with house_style():
        made = new_figure(2.0)
        axes = made.subplots()
        axes.set_title("a panel")
        made.draw_without_rendering()
        before = axes.get_position().height * made.get_figheight()
        ask(made, question)
        assert misplaced(made) == []
        assert (made.get_figwidth(), made.get_figheight()) == (WIDTH, pytest.approx(2.06 + 0.1875 * lines))
        assert axes.get_position().height * made.get_figheight() == pytest.approx(before, abs=0.05)
        title = made._suptitle  # type: ignore[attr-defined]
        assert title.get_text().count("\n") == lines - 1
        assert title.get_text().replace("\n", " ") == question
        assert title.get_window_extent().y0 > axes.title.get_window_extent().y1


def test_words_are_wrapped_at_blanks_alone() -> None:
    with house_style():
        lines = wrapped("one two three incomprehensibilities $x^{2}$", 0.6, size=8.0)
    assert lines == ["one two", "three", "incomprehensibilities", "$x^{2}$"]


def _curve(results: Results) -> tuple[Figure, Caption]:
    return Figure(), Caption(shows="A line.")


@pytest.mark.parametrize("asks", ["", "It falls.", 7])
def test_a_figure_without_a_question_is_refused(asks: object) -> None:
    with pytest.raises(ValueError, match="Argument `asks` must be the question that the figure answers"):
        figure(_curve, number=1, asks=asks)  # type: ignore[arg-type]
    assert Sheet(kind="table", number=1, draw=_curve).asks == ""


def test_a_question_without_an_answer_is_refused(tmp_path: Path) -> None:
    sheet = figure(_curve, number=1, asks="Does it fall?")
    with pytest.raises(ValueError, match=r"Argument `answers` must answer what test_questions asks, 'Does it fall\?'"):
        sheet.make(Results("quick", folder=tmp_path), ("svg",), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_answer_follows_the_question() -> None:
    caption = Caption(answers="It does, at d = 7.", shows="A line.")
    told = caption_text("A title", caption, [], asks="Does it?", command="x", budget=None, version="1")
    assert told.startswith("# A title\n\n**Does it?** It does, at d = 7.\n\nA line.\n\n")
    plain = caption_text("A title", Caption(shows="A table."), [], command="x", budget=None, version="1")
    assert plain.startswith("# A title\n\nA table.\n\n")


@pytest.mark.parametrize(("value", "word"), [(0.5, "more"), (-0.5, "less"), (0.1, "as much")])
def test_a_sign_is_told_where_the_interval_shows_it(value: float, word: str) -> None:
    assert by_sign(Estimate(value, 0.1, 50), positive="more", negative="less", neither="as much") == word
