"""What `make links` says, of a site on this machine and of one that nobody serves."""

from __future__ import annotations

import runpy
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.places import ROOT

LINKS = runpy.run_path(str(ROOT / "docs/site/links.py"))
NOBODY = "http://127.0.0.1:9/page"


class _Site(BaseHTTPRequestHandler):
    """Pages /here and /read, the second for those alone who want to read it."""

    def do_HEAD(self) -> None:
        self._answer({"/here": 200, "/read": 405}.get(self.path, 404))

    def do_GET(self) -> None:
        self._answer({"/here": 200, "/read": 200}.get(self.path, 404))

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_links_that_lead_nowhere_are_told_with_their_files(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = {f"{site}/here": ["a.md"], f"{site}/read": ["a.md"], f"{site}/gone": ["a.md", "b.md"], NOBODY: ["c.md"]}
    assert LINKS["check"](found) == 1
    gone, silent, count = capsys.readouterr().out.splitlines()
    assert gone == f"{site}/gone: 404 Not Found; in a.md, b.md"
    assert silent.startswith(f"{NOBODY}: no answer (")
    assert count == "2 of 4 links to other sites lead somewhere."
    assert LINKS["check"]({f"{site}/here": ["a.md"]}) == 0


def test_no_network_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    assert LINKS["check"]({NOBODY: ["c.md"]}) == 1
    assert capsys.readouterr().out.endswith("There seems to be no network: no site answers, and nothing was learned.\n")


def test_addresses_are_those_of_other_sites(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "A.md").write_text(
        "[a](https://a.org/x#part), (https://b.org/y_z). http://127.0.0.1:8 [here](docs/b.md)"
    )
    (tmp_path / "docs/b.md").write_text('<a href="https://a.org/x">, `http://c.org`, http://www.w3.org/2000/svg')
    assert LINKS["addresses"](tmp_path) == {
        "http://c.org": ["docs/b.md"],
        "https://a.org/x": ["A.md", "docs/b.md"],
        "https://b.org/y_z": ["A.md"],
    }
    assert "https://arxiv.org/abs/2506.13715" in LINKS["addresses"]()
