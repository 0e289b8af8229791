"""Pictures of claims: what is drawn is what the curves say."""

from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from simulate.house.drawing import palette
from simulate.house.drawing.palette import SERIES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Curve, Picture
from theory.ledger.drawing import draw, figure_svg, formula_svg

X = np.array([1.0, 10.0, 100.0])
MEASURED = Curve("SGD", X, np.array([1.0, 2.0, 4.0]), np.array([0.5, 1.5, np.nan]), np.array([1.25, 3.0, np.nan]))
LAW = Curve("law", X, X**0.5, style="line")
AGAIN = Curve("SGD", 2 * X, X, style="points")
JOINED = Curve("SAM", X, 3 * X, low=2 * X, style="both")


def drawn(*curves: Curve, **how: object) -> Figure:
    return draw(Picture("$x$", "what is measured", curves, **how), {"SGD": "red"})  # type: ignore[arg-type]


def bars(axes: Axes) -> list[list[list[float]]]:
    """Ends of the bars of each curve, those that are there."""
    found = [each for each in axes.containers if isinstance(each, ErrorbarContainer)]
    segments = [[segment for each in one.lines[2] for segment in each.get_segments()] for one in found]
    return [[segment[:, 1].tolist() for segment in each if len(segment)] for each in segments]


def test_points_have_their_places_and_bars() -> None:
    axes = drawn(MEASURED, LAW, AGAIN, JOINED).axes[0]
    lines = [each.lines[0] for each in axes.containers if isinstance(each, ErrorbarContainer)]
    for line, curve in zip(lines, (MEASURED, LAW, AGAIN, JOINED), strict=True):
        np.testing.assert_array_equal(line.get_data(), (curve.x, curve.y))
    assert np.array(bars(axes)[0]) == pytest.approx(np.array([[0.5, 1.25], [1.5, 3.0]]))  # the third is not known
    assert bars(axes)[1] == bars(axes)[2] == []
    assert np.array(bars(axes)[3]) == pytest.approx(np.stack([2 * X, 3 * X], 1))  # one end is known


def test_looks_tell_what_was_measured_from_what_was_predicted() -> None:
    axes = drawn(MEASURED, LAW, AGAIN, JOINED).axes[0]
    points, law, again, joined = [each.lines[0] for each in axes.containers if isinstance(each, ErrorbarContainer)]
    assert (points.get_color(), points.get_ls(), points.get_marker()) == ("red", "None", "o")
    assert (law.get_color(), law.get_ls(), law.get_marker()) == ("black", "--", "None")
    assert (again.get_color(), again.get_marker()) == ("red", "o")
    assert (joined.get_color(), joined.get_ls(), joined.get_marker()) == (SERIES[0], "-", "s")


def test_optimizers_have_their_own_look() -> None:
    labels = ("other", "SAM, small", "SGD, small", "SGD, large", "SGD, huge")
    curves = tuple(Curve(label, X, X, style="both") for label in labels)
    axes = draw(Picture("$x$", "y", curves), palette.OPTIMIZERS).axes[0]
    other, sam, *sgd = [each.lines[0] for each in axes.containers if isinstance(each, ErrorbarContainer)]
    assert (sam.get_color(), sam.get_marker(), sam.get_ls()) == (palette.OPTIMIZERS["SAM"], "s", "--")
    assert [line.get_marker() for line in sgd] == ["o", "o", "^"]
    assert [line.get_ls() for line in sgd] == ["-", "-", "-"]
    assert [line.get_markerfacecolor() for line in sgd] == [sgd[0].get_color(), "white", sgd[0].get_color()]
    assert other.get_marker() == "D"
    looks = [(line.get_color(), line.get_marker(), line.get_markerfacecolor()) for line in (other, sam, *sgd)]
    assert len(set(looks)) == len(labels)


def test_each_label_is_once_in_the_legend() -> None:
    figure = drawn(MEASURED, LAW, AGAIN, JOINED)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["SGD", "law", "SAM"]
    assert not drawn().legends


@pytest.mark.parametrize(("x_log", "y_log"), [(False, True), (True, False)])
def test_axes_are_those_that_are_asked_for(x_log: bool, y_log: bool) -> None:
    axes = drawn(LAW, x_log=x_log, y_log=y_log).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == tuple("log" if each else "linear" for each in (x_log, y_log))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$x$", "what is measured")


def test_words_stand_at_whole_numbers() -> None:
    axes = drawn(Curve("it", np.arange(3.0), np.ones(3)), ticks=("a", "b", "c")).axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", "b", "c"]
    assert axes.get_xticks().tolist() == [0, 1, 2]
    assert axes.get_xlim() == (-0.5, 2.5)


# --- looks and formulas ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_can_be_set(name: str) -> None:
    parts = STATEMENTS[name].latex.split(r",\quad ")
    assert len(parts) == len(STATEMENTS[name].parts)
    for part in parts:
        assert ElementTree.fromstring(formula_svg(part)).get("viewBox")


def test_a_formula_that_cannot_be_set_is_named() -> None:
    with pytest.raises(ValueError, match="`latex`"):
        formula_svg(r"\frac{1}")


def test_curves_of_one_label_share_look_and_legend() -> None:
    x = np.array([1.0, 2.0])
    curves = (
        Curve("SAM", x, x),
        Curve("law", x, x, style="line"),
        Curve("SAM", x, 2 * x),
        Curve("law", x, 2 * x, style="line"),
    )
    figure = draw(Picture("x", "y", curves), {"SGD": "#111111", "SAM": "#222222"})
    lines = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "--" or line.get_marker() == "s"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["SAM", "law"]
    assert [line.get_color() for line in lines] == ["#222222", "black", "#222222", "black"]


def test_curves_of_one_colour_differ_otherwise() -> None:
    x = np.array([1.0, 2.0])
    named = tuple(Curve(f"SGD {k}", x, x, style="both") for k in range(3))
    figure = draw(Picture("x", "y", (*named, Curve("other", x, x))), {"SGD": SERIES[0]})
    looks = [(line.get_color(), line.get_marker(), line.get_markerfacecolor()) for line in figure.axes[0].get_lines()]
    assert len(set(looks)) == 4
    assert [color == SERIES[0] for color, *_ in looks] == [True, True, True, False]


@pytest.mark.parametrize("log", [False, True])
def test_what_is_not_finite_is_left_out(log: bool) -> None:
    bad = np.array([np.nan, 1.0, np.inf, 0.0])
    curve = Curve("a", np.arange(4.0), bad, bad - 1.0, np.full(4, np.inf))
    assert figure_svg(draw(Picture("x", "y", (curve,), x_log=log, y_log=log, ticks=() if log else tuple("abcd"))))


def test_drawings_do_not_depend_on_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib

    picture = Picture("$x$", "y", (MEASURED, LAW))
    before = figure_svg(draw(picture))
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 20.0)
    monkeypatch.setitem(matplotlib.rcParams, "svg.fonttype", "none")
    assert figure_svg(draw(picture)) == before
