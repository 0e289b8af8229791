"""The whole site, built without a network: no warnings, all links lead somewhere, nothing is loaded from elsewhere."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.site.building import Page, pages_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pages(built: tuple[Path, subprocess.CompletedProcess[str]]) -> dict[Path, Page]:
    return dict(pages_of(built[0]))


def test_it_is_built_without_a_warning(built: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    site, done = built
    assert [line for line in done.stderr.splitlines() if "WARNING" in line or "ERROR" in line] == []
    assert done.returncode == 0, done.stderr[-2000:]
    assert (site / "index.html").read_bytes() == (site / "README.html").read_bytes()


def broken(pages: dict[Path, Page]) -> Iterator[tuple[Path, str]]:
    """Links and pictures inside of the site that lead nowhere."""
    for path, page in pages.items():
        for target in [*page.links, *page.loads]:
            parts = urlsplit(target)
            if parts.scheme or target in ("", "#"):
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = "" if "=" in parts.fragment else unquote(parts.fragment)  # the ledger's page reads a filter from it
            if not there.is_file() or (place and there in pages and place not in pages[there].ids):
                yield path, target


def test_every_link_leads_somewhere(pages: dict[Path, Page]) -> None:
    assert len(pages) > 60
    assert list(broken(pages)) == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page]) -> None:
    assert [(path, each) for path, page in pages.items() for each in page.loads if urlsplit(each).netloc] == []


def test_lessons_have_their_outputs(built: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    for path in sorted((built[0] / "notebooks").glob("lesson_*.html")):
        text = path.read_text(encoding="utf-8")
        assert text.count('class="output') >= 5, path
        assert "<math" in text, path
        assert "Traceback" not in text, path


def test_every_public_name_can_be_linked_to(built: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    from sphinx.util.inventory import InventoryFile

    import deepnet
    import paper_figs
    import simulate
    import theory

    known = InventoryFile.loads((built[0] / "objects.inv").read_bytes(), uri="").data
    names = {name for kind, of_kind in known.items() if kind.startswith("py:") for name in of_kind}
    public = {f"{room.__name__}.{name}" for room in (simulate, theory, deepnet, paper_figs) for name in room.__all__}
    assert public - names == set()


def test_broken_links_are_found(tmp_path: Path) -> None:
    there = tmp_path / "there.html"
    there.write_text('<p id="a"></p>')
    here = tmp_path / "here.html"
    here.write_text('<a href="there.html#a"></a><a href="there.html#b"></a><img src="none.png"><a href="http://x"></a>')
    assert [target for _, target in broken(dict(pages_of(tmp_path)))] == ["there.html#b", "none.png"]
