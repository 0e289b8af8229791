"""A visitor walks through the site: every page at two sizes, light and dark, the search, and the keyboard alone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.site.browser import DESKTOP, PHONE, complaints, open_browser, resize, served, wait_for
from tests.site.building import pages_of

pytest.importorskip("selenium", reason="needs selenium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("chromium") and shutil.which("chromedriver")), reason="needs chromium and chromedriver"
    ),
]
LIGHT = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every(part => Number(part) > 128)"
ALONE = ("ledgers/", "explorable.html")
"""Pages that stand alone, and are as light as the system is."""
TOO_WIDE = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
HALF_LOADED = (
    "return [...document.images].filter(image => image.complete && !image.naturalWidth).map(image => image.src)"
)
FOCUS = "const one = document.activeElement; return [one.tagName, one.className, one.innerText, one.href ?? '']"


@pytest.fixture(scope="module")
def site(built: tuple[Path, subprocess.CompletedProcess[str]]) -> Path:
    folder, done = built
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as browser:
        yield browser


def press(browser: Any, *keys: str, holding: str | None = None) -> None:
    from selenium.webdriver import ActionChains

    chain = ActionChains(browser, duration=0)
    chain = chain if holding is None else chain.key_down(holding)
    chain = chain.send_keys(*keys)
    (chain if holding is None else chain.key_up(holding)).perform()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_page(size: tuple[int, int], mode: str, address: str, browser: Any, site: Path) -> None:
    """It loads without a complaint, fits, has its pictures, and is as light as it was asked to be."""
    resize(browser, size)
    browser.get(address)
    browser.execute_script(
        "localStorage.setItem('mode', arguments[0]); localStorage.setItem('theme', arguments[0])", mode
    )
    complaints(browser)
    wrong = {}
    for path, _ in pages_of(site):
        name = path.relative_to(site).as_posix()
        browser.get(f"{address}/{name}")
        found = [*complaints(browser), *browser.execute_script(HALF_LOADED)]
        if (over := browser.execute_script(TOO_WIDE)) > 0:
            found.append(f"{over} pixels too wide")
        if not name.startswith(ALONE) and browser.execute_script(LIGHT) != (mode == "light"):
            found.append(f"not {mode}")
        if found:
            wrong[name] = found
    assert wrong == {}


def test_the_search_finds_a_method(address: str, browser: Any) -> None:
    resize(browser, DESKTOP)
    browser.get(f"{address}/search.html?q=SharpMinMax")
    found = wait_for(
        lambda: [link.get_attribute("href") for link in browser.find_elements("css selector", "#search-results li a")]
    )
    wait_for(lambda: "finished" in browser.find_element("css selector", "#search-results").text)
    found = [link.get_attribute("href") for link in browser.find_elements("css selector", "#search-results li a")]
    assert any("docs/reference/simulate.html" in link for link in found)
    assert any("docs/reference/deepnet.html" in link for link in found)
    assert any("notebooks/lesson_5_sharp_minmax.html" in link for link in found)
    assert complaints(browser) == []


def test_the_keyboard_alone(address: str, browser: Any) -> None:
    """Past the navigation, to a colour, and to a page by searching."""
    from selenium.webdriver import Keys

    resize(browser, DESKTOP)
    browser.get(f"{address}/docs/theory.html")
    press(browser, Keys.TAB)
    assert "Skip to main content" in browser.execute_script(FOCUS)[2]
    press(browser, Keys.ENTER)
    assert browser.current_url.endswith("#main-content")
    press(browser, "k", holding=Keys.CONTROL)
    wait_for(lambda: browser.execute_script(FOCUS)[0] == "INPUT")
    press(browser, "SharpMinMax", Keys.ENTER)
    wait_for(lambda: "search.html?q=SharpMinMax" in browser.current_url)
    wait_for(lambda: browser.find_elements("css selector", "#search-results li a"))
    for _ in range(60):
        press(browser, Keys.TAB)
        if "highlight=" in (target := browser.execute_script(FOCUS)[3]) or "/docs/" in target:
            break
    press(browser, Keys.ENTER)
    wait_for(lambda: "search.html" not in browser.current_url)


def test_what_has_focus_can_be_seen(address: str, browser: Any) -> None:
    from selenium.webdriver import Keys

    resize(browser, DESKTOP)
    browser.get(f"{address}/docs/how_to.html")
    for _ in range(12):
        press(browser, Keys.TAB)
        outline = browser.execute_script(
            "const one = getComputedStyle(document.activeElement);"
            "return one.outlineStyle !== 'none' || one.boxShadow !== 'none'"
        )
        assert outline, browser.execute_script(FOCUS)
