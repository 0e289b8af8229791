"""A lesson as a student meets it: opened in JupyterLab, run from top to bottom, and a slider moved by its keys."""

import shutil
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks.lab import ROOT, running_lab
from tests.site.browser import wait_for

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("jupyterlab") is None, reason="needs the extra notebooks"),
    pytest.mark.skipif(
        not (shutil.which("chromium") and shutil.which("chromedriver")), reason="needs chromium and chromedriver"
    ),
]

LESSON = "lesson_1_signal_and_noise.ipynb"
PATIENCE = 240
"""Seconds that any one step may take on a busy machine."""

RUN_ALL = """
const done = arguments[0], app = window.jupyterapp;
(async () => {
  const panel = app.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await app.commands.execute('notebook:run-all-cells');
  await panel.context.save();
  const outputs = panel.context.model.toJSON().cells.flatMap(cell => cell.outputs ?? []);
  return {outputs};
})().then(done, error => done({failed: String(error)}));
"""
STATUS = "return window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status"
PICTURE = """
const done = arguments[0], image = document.querySelector('.jupyter-widgets.widget-image');
if (!image || !image.src) { done(null); return; }
fetch(image.src).then(r => r.arrayBuffer()).then(bytes => done(Array.from(new Uint8Array(bytes))), () => done(null));
"""
COUNT_PICTURES = """
window.sharpmuPictures = 0;
new MutationObserver(() => { window.sharpmuPictures += 1; })
  .observe(document.querySelector('.jupyter-widgets.widget-image'), {attributes: true, attributeFilter: ['src']});
"""

HIDDEN = """
const grid = document.querySelector('.widget-gridbox');
if (!grid) return null;
const area = grid.closest('.jp-OutputArea-output') ?? grid.parentElement, edge = area.getBoundingClientRect().right + 1;
const controls = Array.from(grid.children);
return {controls: controls.length,
  right: controls.filter(one => one.getBoundingClientRect().right > edge).map(one => one.textContent)};
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,1000"):
        options.add_argument(word)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    driver.set_script_timeout(PATIENCE)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def lesson(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What lesson 1 printed when all its cells had run; the browser stays on it."""
    folder, private = tmp_path_factory.mktemp("lessons"), tmp_path_factory.mktemp("lab")
    shutil.copy(ROOT / "notebooks" / LESSON, folder)
    with running_lab(folder, private) as address:
        browser.get(address.format(LESSON))
        wait_for(lambda: browser.execute_script("return !!window.jupyterapp?.shell?.currentWidget?.context"), PATIENCE)
        ran = browser.execute_async_script(RUN_ALL)
        wait_for(lambda: browser.execute_script(STATUS) == "idle", PATIENCE)
        yield ran
        browser.get("about:blank")


def picture(browser: Any) -> bytes:
    """The bytes of the picture that the page shows; empty if it shows none."""
    return bytes(browser.execute_async_script(PICTURE) or [])


def show_widget(browser: Any) -> Any:
    """Scroll to the explorer; returns the handle of its first slider."""
    browser.execute_script(
        "const notebook = window.jupyterapp.shell.currentWidget.content;"
        "const has = cell => JSON.stringify(cell.model.toJSON().outputs ?? '').includes('widget-view+json');"
        "return notebook.scrollToItem(notebook.widgets.findIndex(has), 'start');"
    )
    handle = wait_for(lambda: browser.find_elements("css selector", ".widget-slider .noUi-handle"), PATIENCE)[0]
    wait_for(lambda: picture(browser))
    return handle


def caption(browser: Any) -> str:
    return str(browser.find_element("css selector", ".jupyter-widgets.widget-html .widget-html-content").text)


def test_all_cells_run_without_an_error(lesson: dict[str, Any]) -> None:
    assert "failed" not in lesson, lesson
    kinds = [output["output_type"] for output in lesson["outputs"]]
    assert "error" not in kinds
    assert any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in lesson["outputs"])
    assert any("image/png" in output.get("data", {}) for output in lesson["outputs"])


def test_a_slider_moves_the_picture(browser: Any, lesson: dict[str, Any], tmp_path: Path) -> None:
    handle = show_widget(browser)
    before, said = picture(browser), caption(browser)
    assert before.startswith(b"\x89PNG")
    begun = time.monotonic()
    handle.send_keys(webdriver.Keys.ARROW_RIGHT)
    wait_for(lambda: picture(browser) not in (before, b""), seconds=30)
    print(f"key to picture: {1e3 * (time.monotonic() - begun):.0f} ms")
    wait_for(lambda: caption(browser) != said, seconds=30)
    browser.save_screenshot(str(tmp_path / "lesson.png"))
    print(f"screenshot: {tmp_path / 'lesson.png'}")


def test_one_key_press_is_one_picture(browser: Any, lesson: dict[str, Any]) -> None:
    handle = show_widget(browser)
    said = caption(browser)
    browser.execute_script(COUNT_PICTURES)
    handle.send_keys(webdriver.Keys.ARROW_RIGHT)
    wait_for(lambda: caption(browser) != said, seconds=30)
    time.sleep(1.0)  # what came late would be here
    assert browser.execute_script("return window.sharpmuPictures") == 1


@pytest.mark.parametrize("width", [800, 1400])
def test_all_controls_are_in_sight(browser: Any, lesson: dict[str, Any], width: int) -> None:
    """None of them lies to the right of what the output shows, and nothing is to be scrolled to the side."""
    browser.set_window_size(width, 1000)
    try:
        show_widget(browser)
        hidden = wait_for(lambda: browser.execute_script(HIDDEN), PATIENCE)
        assert (hidden["controls"] > 8, hidden["right"]) == (True, [])
    finally:
        browser.set_window_size(1400, 1000)


def test_dragging_ends_at_the_last_value_and_skips_what_is_out_of_date(browser: Any, lesson: dict[str, Any]) -> None:
    handle = show_widget(browser)
    browser.execute_script(COUNT_PICTURES)
    presses = 40
    webdriver.ActionChains(browser, duration=0).click(handle).send_keys(webdriver.Keys.HOME).perform()
    wait_for(lambda: caption(browser).startswith("d = 1000,"), seconds=30)
    for chunk in (webdriver.Keys.ARROW_RIGHT * 8, webdriver.Keys.ARROW_LEFT * 8, webdriver.Keys.ARROW_RIGHT * 24):
        handle.send_keys(chunk)
    wait_for(lambda: caption(browser).startswith("d = 1000000000,"), seconds=30)
    drawn = browser.execute_script("return window.sharpmuPictures")
    print(f"{drawn} pictures for {presses} key presses")
    assert 1 <= drawn < presses
