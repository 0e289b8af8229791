"""The site, built once for all tests of a process, and its pages read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from tests.places import ROOT

__all__ = ["Page", "build", "pages_of"]


def build(out: Path) -> subprocess.CompletedProcess[str]:
    """Build the site as `make docs` does; lessons that were executed before are taken from where they are kept."""
    words = ["--conf-dir", "docs/site", "--doctree-dir", str(out / "trees"), "--fresh-env", "--quiet", "--jobs", "2"]
    command = [sys.executable, "-m", "sphinx", *words, "--builder", "html", "--fail-on-warning", ".", str(out / "html")]
    alone = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}  # nobody answers there
    return subprocess.run(command, cwd=ROOT, env=os.environ | alone, capture_output=True, text=True, check=False)


class Page(HTMLParser):
    """What a page of HTML leads to, loads and can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids.update(found[name] for name in ("id", "name") if name in found)
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in ("img", "script", "source") and "src" in found:
            self.loads.append(found["src"])
        elif tag == "link" and re.search(r"stylesheet|icon|preload", found.get("rel", "")):
            self.loads.append(found["href"])


def pages_of(site: Path) -> Iterator[tuple[Path, Page]]:
    """Every page of a site, but for fragments of its theme."""
    for path in sorted(site.rglob("*.html")):
        if "_static" not in path.parts:
            yield path, Page(path.read_text(encoding="utf-8"))
