"""The page to play with, played with: sliders by their keys, the map by touch, on a desktop and on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.site.browser import DESKTOP, PHONE, complaints, open_browser, resize, wait_for

pytest.importorskip("selenium", reason="needs selenium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("chromium") and shutil.which("chromedriver")), reason="needs chromium and chromedriver"
    ),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    from simulate.interactive.explorable import Grid, measure, page

    grid = Grid(d=(1000, 10**5, 10**7), n=(20,), signal=(2.0, 16.0), alpha=(0.5, 0.9), tau=(0.5, 2.0))
    series = measure(grid)
    path = tmp_path_factory.mktemp("explorable") / "page.html"
    path.write_text(page(grid, series), encoding="utf-8")
    return path, grid, series


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as browser:
        yield browser


def opened(browser: Any, path: Path, size: tuple[int, int], state: str = "") -> None:
    resize(browser, size)
    browser.get("about:blank")
    browser.get(f"{path.as_uri()}#{state}")
    wait_for(lambda: browser.execute_script("return document.body.dataset.ready"))


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_opens_from_a_file_and_fits(size: tuple[int, int], made: tuple[Path, Any, Any], browser: Any) -> None:
    opened(browser, made[0], size)
    assert complaints(browser) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0]
    assert len(browser.find_elements("css selector", "#panels svg")) == 6
    assert "steps of unlearning" in browser.find_element("id", "told").text


def test_every_run_is_found_under_its_sliders(made: tuple[Path, Any, Any], browser: Any) -> None:
    path, grid, series = made
    opened(browser, path, DESKTOP)
    for number, settings in list(enumerate(grid.settings()))[::7]:
        where = {
            **{name: getattr(grid, name).index(getattr(settings, name)) for name in ("d", "n", "signal", "alpha")},
            "optimizer": ("SGD", "SAM", "SharpMinMax").index(settings.optimizer),
            "tau": 0 if settings.optimizer == "SGD" else grid.tau.index(settings.tau),
        }
        got = browser.execute_script(
            "return curve(arguments[0], 'kappa').map(x => Number.isFinite(x) ? x : null)", where
        )
        kept = series.values[number, 1]
        expected = [None if value == -32768 else value * series.scales[1] for value in kept.tolist()]
        assert [value is None for value in got] == [value is None for value in expected]
        np.testing.assert_allclose(
            [value for value in got if value is not None], [value for value in expected if value is not None], rtol=1e-6
        )


def test_keys_move_a_slider_and_the_address_remembers(made: tuple[Path, Any, Any], browser: Any) -> None:
    from selenium.webdriver import Keys

    opened(browser, made[0], DESKTOP, "d=0&signal=1&optimizer=1")
    before = browser.find_element("id", "told").text
    browser.find_element("id", "d").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert browser.find_element("css selector", "output[for=d]").text == "10⁷"
    assert browser.find_element("id", "told").text != before
    assert "d=2" in browser.current_url
    assert "optimizer=1" in browser.current_url
    assert not browser.find_element("id", "tau").get_property("disabled")
    browser.find_element("css selector", "input[name=optimizer][value='0']").click()
    assert browser.find_element("id", "tau").get_property("disabled")


def test_a_touch_on_the_map_moves_the_sliders(made: tuple[Path, Any, Any], browser: Any) -> None:
    opened(browser, made[0], PHONE, "d=2&signal=0")
    rows = browser.find_elements("css selector", "#map rect")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", rows[0])
    browser.execute_script(
        "const box = arguments[0].getBoundingClientRect();"
        "document.getElementById('map').dispatchEvent(new PointerEvent('pointerdown', {bubbles: true,"
        " clientX: box.left + box.width / 2, clientY: box.top + box.height / 2}));",
        rows[3],  # the lower left cell is the first of all; this is the first of the second row
    )
    assert browser.execute_script("return [at.d, at.signal]") == [0, 1]
