"""The page's script, in an engine of JavaScript: what a filter lets through, and what addresses show."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import theory.page

quickjs = pytest.importorskip("quickjs", reason="needs quickjs-ng")

SCRIPTS = Path(theory.page.__path__[0])
FILTER, PAGE = ((SCRIPTS / name).read_text(encoding="utf-8") for name in ("filter.js", "page.js"))
DOCUMENT = Path(__file__).with_name("made_up_document.js").read_text(encoding="utf-8")

Run = Callable[[str], Any]


@pytest.fixture
def page() -> Run:
    """A page that was just opened, which runs a line and returns its value."""
    context = quickjs.Context()
    context.eval(DOCUMENT + FILTER + PAGE)
    run: Run = context.eval
    return run


# --- filters -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "left"),
    [
        ("#", "a b c d"),
        ("#verdict=refuted", "a b"),
        ("#verdict=refuted&family=paper", "a"),
        ("#family=paper", "a c d"),
        ("#verdict=outside-the-hypotheses", "c"),
        ("#verdict=no-such", ""),
        ("#word=sgd", "c d"),
        ("#word=FORGETS%20sgd", "c"),  # all words, in any order, whatever their case
        ("#word=σ_0%20-2", "b"),  # as it is written in claims, though it is set as an index with a minus sign
        ("#word=max_leak", "c"),
        ("#word=%E0%A4%A", ""),  # damaged
        ("#else=1", "a b c d"),
    ],
)
def test_a_link_shows_what_its_filter_lets_through(page: Run, link: str, left: str) -> None:
    page(f"go({link!r})")
    assert page("left()") == page("listed()") == left
    count = len(left.split())
    assert page("count.textContent") == ("4 claims" if count == 4 else f"{count} of 4 claims")


def test_fields_filter_and_the_address_follows(page: Run) -> None:
    page("type('word', ' σ_0 & more ')")
    assert page("location.hash") == "#word=%CF%83_0%20%26%20more"
    page("type('word', 'SAM'); type('family', 'ours')")
    assert (page("left()"), page("location.hash")) == ("b", "#family=ours&word=SAM")
    page("go(location.hash)")
    assert (page("left()"), page("fields.map(field => field.value).join()")) == ("b", ",ours,SAM")
    page("type('word', ''); type('family', '')")
    assert (page("left()"), page("location.hash")) == ("a b c d", "#")


def test_a_filter_comes_back_out_of_its_link(page: Run) -> None:
    page("const given = {verdict: 'not-run', family: 'open', word: 'a=b & c#d 50%'}")
    assert page("JSON.stringify(filterOf(hashOf(given))) === JSON.stringify(given)")


# --- links to claims -----------------------------------------------------------------------------------


def test_a_link_to_a_claim_unfolds_it_and_keeps_the_filter_that_shows_it(page: Run) -> None:
    page("go('#verdict=refuted'); go('#b')")
    assert (page("left()"), page("unfolded()"), page("sections[1].scrolled")) == ("a b", "b", 1)
    page("go('#d')")  # which the filter hides
    assert (page("left()"), page("unfolded()")) == ("a b c d", "b d")
    assert page("fields[0].value") == ""


def test_a_link_to_a_condition_unfolds_all_of_them(page: Run) -> None:
    page("go('#condition_x')")
    assert page("byName.condition_x.section.querySelector('details').open") is True
    page("go('#page_marks'); go('#nowhere'); go('#%E0%A4%A')")
    assert page("left()") == "a b c d"


def test_a_permalink_is_copied(page: Run) -> None:
    page("permalink.send('click')")
    assert page("copied.join()") == "file:///page#a"
    assert page("permalink.dataset.copied") == "copied"
    page("navigator.clipboard = undefined; permalink.send('click')")  # where browsers have none


# --- contents ------------------------------------------------------------------------------------------


def test_contents_are_open_on_wide_screens_and_a_drop_down_on_narrow_ones(page: Run) -> None:
    assert page("byName.page_contents.open") is True
    assert page("byName.page_filter.hidden") is False
    page("width.matches = false; width.send('change')")
    assert page("byName.page_contents.open") is False
    page("byName.page_contents.open = true; byName.page_contents.querySelector('ol').send('click')")
    assert page("byName.page_contents.open") is False


def test_all_is_unfolded_for_the_printer(page: Run) -> None:
    page("windows.beforeprint()")
    assert page("unfolded()") == "a b c d"


def test_a_page_without_claims_needs_nothing() -> None:
    context = quickjs.Context()
    empty = "const document = { querySelectorAll: () => [], getElementById: () => null };"
    context.eval(empty + FILTER + PAGE)
