"""What the site is made of is whole: pages, names, commands, pictures. Nothing is built here."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from simulate.house.drawing.palette import COLORS, VERDICTS
from tests.places import ROOT

SITE = ROOT / "docs/site"
PACKAGES = ("simulate", "theory", "deepnet", "paper_figs")
MARKS = ("the deep ledger", "raw accuracies", "every method on digits", "its end", "their end")
"""Comments that tests of documents know; the site fills all others."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The site's own modules can be imported, and leave nothing behind."""
    pytest.importorskip("sphinx", reason="needs the extra docs")
    monkeypatch.syspath_prepend(SITE)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("conf", "extensions", "gallery")]:
        del sys.modules[name]


def entries() -> list[str]:
    """Every page in the table of contents, as often as it is there."""
    contents = tomllib.loads((SITE / "contents.toml").read_text(encoding="utf-8"))
    named = [entry.rpartition("<")[2].removesuffix(">") for below in contents.values() for entry in below]
    return [page for name in named for page in (found(name) if "*" in name else [name])]


def found(pattern: str) -> list[str]:
    """What Sphinx finds for a pattern, the page apart that it stands below."""
    paths = {path.relative_to(ROOT).with_suffix("") for path in ROOT.glob(pattern) if path.suffix in (".md", ".ipynb")}
    return sorted(path.as_posix() for path in paths if path.name != "README")


def sources() -> list[Path]:
    return [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("notebooks/**/*.md"),
        *ROOT.glob("notebooks/*.ipynb"),
    ]


def test_every_page_is_in_a_table_of_contents_once() -> None:
    pages = {path.relative_to(ROOT).with_suffix("").as_posix() for path in sources()} - {"README"}
    pages = {page for page in pages if not page.startswith("docs/gallery/") or page.endswith("README")}
    assert set(entries()) - {"paper_figs/data/README"} == pages
    assert [page for page, times in Counter(entries()).items() if times > 1] == []


def test_the_configuration_can_be_imported(site: None) -> None:
    conf = import_module("conf")
    own = [name for name in conf.extensions if name.startswith("extensions.")]
    assert len(own) >= 7
    assert all(callable(import_module(name).setup) for name in own)
    assert {path.stem for path in (SITE / "extensions").glob("*.py")} - {"__init__", "filling"} == {
        name.removeprefix("extensions.") for name in own
    }


def test_every_comment_is_filled_by_an_extension(site: None) -> None:
    """A comment with a misspelt beginning would leave nothing on the page."""
    texts = [path.read_text(encoding="utf-8") for path in (SITE / "extensions").glob("*.py")]
    known = [words for text in texts for words in re.findall(r'fill\(app, "(.+?)"', text)]
    told = [
        comment
        for path in sources()
        if path.suffix == ".md"
        for comment in re.findall(r"(?m)^<!-- (.+?) -->$", path.read_text(encoding="utf-8"))
    ]
    assert [comment for comment in told if comment not in MARKS and not comment.startswith(tuple(known))] == []
    assert {words for words in known if not any(comment.startswith(words) for comment in told)} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_reference(package: str, site: None) -> None:
    if package == "deepnet":
        pytest.importorskip("torch", reason="needs the extra deepnet")
    names: ModuleType = import_module("extensions.names")
    page = (ROOT / f"docs/reference/{package}.md").read_text(encoding="utf-8")
    places = [place for place in names.PLACES if place.partition(".")[0] == package]
    assert re.findall(r"(?m)^<!-- names of (.+) -->$", page) == places
    told = "\n".join(map(names.told, places))
    shown = set(re.findall(r"(?m)^\.\. (?:auto\w+|py:data):: (?:[\w.]+\.)?(\w+)$", told))
    assert {name for place in places for name in import_module(place).__all__} == shown
    assert re.findall(r"\.\. py:data:: .+\n\n\n", told) == []  # a constant of which nothing is said


@pytest.mark.parametrize("package", PACKAGES)
def test_every_option_is_in_the_reference(package: str, site: None) -> None:
    commands: ModuleType = import_module("extensions.commands")
    assert package in commands.DOORS
    assert f"<!-- commands of {package} -->" in (ROOT / f"docs/reference/commands_{package}.md").read_text("utf-8")
    told = commands.told(package)
    for name, made in import_module(f"{package}.cli").DOOR.commands.items():
        assert f"## `python -m {package} {name}`" in told
        assert [option.flag for option in made().options([]) if f"`{option.flag}" not in told] == []


def test_links_named_by_a_file_get_the_title_of_the_page(site: None) -> None:
    told = import_module("extensions.titles").with_titles
    assert told("[docs/a.md](docs/a.md#b), [a](a.md), [c.py](c.py)") == "[](docs/a.md#b), [a](a.md), [c.py](c.py)"


def test_every_statement_is_a_formula(site: None) -> None:
    from theory import CONDITIONS, STATEMENTS

    formulas: ModuleType = import_module("extensions.formulas")
    told = formulas.statements()
    assert told.count("$$\n") // 2 == len(CONDITIONS) + sum(len(one.parts) for one in STATEMENTS.values())
    assert "<mfrac>" in formulas.mathml(STATEMENTS["snr"].latex)


def test_the_gallery_is_of_the_code_that_is_there(site: None) -> None:
    from paper_figs import all_sheets

    gallery: ModuleType = import_module("gallery")
    made = json.loads((gallery.GALLERY / "made.json").read_text(encoding="utf-8"))
    assert made == {sheet.name: gallery.digest(sheet) for sheet in all_sheets()}, "run: make gallery"
    for sheet in all_sheets():
        page = (gallery.GALLERY / f"{sheet.name}.md").read_text(encoding="utf-8")
        assert page.startswith(f"# {sheet.title}\n")
        assert f"$ python -m paper_figs {sheet.name}" in page
        assert (gallery.GALLERY / f"{sheet.name}.png").is_file() == (sheet.kind == "figure")


def test_ledgers_in_the_gallery_have_every_claim() -> None:
    """Their code does not change when a claim is added, so that the word of the test above does not either."""
    from theory import claims

    count = len(claims.all_claims())
    for name in ("ledger", "ledger_table"):
        assert f"\n{count} claims: " in (ROOT / f"docs/gallery/{name}.md").read_text(encoding="utf-8"), "make gallery"


@pytest.mark.parametrize(
    ("name", "colors"),
    [("deep_accuracies", COLORS), ("deep_cost", COLORS), ("deep_relearning", COLORS), ("deep_ledger", VERDICTS),
     ("ledger", VERDICTS), ("verdicts", VERDICTS)],
)  # fmt: skip
def test_pictures_of_the_gallery_have_the_colours_of_the_palette(name: str, colors: dict[str, str]) -> None:
    """SAM's orange and the refuted one had been mixed with other colours when pictures were made small."""
    image = pytest.importorskip("PIL.Image", reason="needs Pillow")
    picture = image.open(ROOT / f"docs/gallery/{name}.png").convert("RGB")
    there = np.array([color for _, color in picture.getcolors(picture.width * picture.height)])
    for word in ("SGD", "SAM", "ASAM") if colors is COLORS else ("supported", "refuted", "inconclusive"):
        asked = [int(colors[word][at : at + 2], 16) for at in (1, 3, 5)]
        assert np.abs(there - asked).max(axis=1).min() <= 2, word


def test_executions_are_kept_for_cells_and_code(site: None, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    lessons: ModuleType = import_module("extensions.lessons")
    monkeypatch.setattr(lessons, "code", lambda *packages: "as it is")
    lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 2")])
    key = lessons.key_of(lesson)
    assert lessons.key_of(other) != key
    monkeypatch.setattr(lessons, "code", lambda *packages: "changed")
    assert lessons.key_of(lesson) != key


def test_sliders_become_the_picture_that_they_move(site: None) -> None:
    nbformat = pytest.importorskip("nbformat")
    lessons: ModuleType = import_module("extensions.lessons")
    view = nbformat.v4.new_output("display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": "box"}})
    lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("explore()", outputs=[view])])
    state = {
        "box": {"model_name": "VBoxModel", "state": {"children": ["IPY_MODEL_image"]}},
        "image": {"model_name": "ImageModel", "state": {}, "buffers": [{"path": ["value"], "data": "iVBORw0="}]},
    }
    lesson.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": state}}
    shown = lessons.shown(lessons.without_widgets(lesson))
    assert shown.cells[0].outputs[0].data == {"image/png": "iVBORw0="}
    assert "make lab" in shown.cells[1].source
