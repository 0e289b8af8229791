"""Ask the network whether links to other sites lead somewhere: `make links`.

Every page, every source and what is built of them are read for addresses; links within the project are checked by the
tests, which need no network.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[2]
PLACES = (
    "*.md", "*.cff", "docs/**/*.md", "docs/**/*.txt", "notebooks/**/*.md", "notebooks/**/*.ipynb",
    *(f"{package}/**/*.{kind}" for package in ("simulate", "theory", "deepnet", "paper_figs", "sharpmu", "docs")
      for kind in ("py", "html", "js")),
)  # fmt: skip
"""Where addresses stand."""
PATIENCE = 20.0
"""Seconds within which a site has to answer."""
_ADDRESS = re.compile(r"https?://[\w%&*+./:?=@#~-]*[\w/]")
_NO_LINKS = ("www.w3.org", "127.0.0.1", "localhost")
"""Hosts in names of formats, and this machine."""


def addresses(root: Path = ROOT) -> dict[str, list[str]]:
    """Addresses of other sites, and the files that each stands in."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in (path for place in PLACES for path in root.glob(place)):
        for address in _ADDRESS.findall(path.read_text(encoding="utf-8")):
            if address.split("/")[2].partition(":")[0] not in _NO_LINKS:
                found[address.partition("#")[0]].add(path.relative_to(root).as_posix())
    return {address: sorted(found[address]) for address in sorted(found)}


def complaint(address: str, patience: float = PATIENCE) -> str:
    """Why an address leads nowhere; empty if it leads somewhere."""
    for method in ("HEAD", "GET"):  # some sites answer only those who want to read
        try:
            with urlopen(Request(address, method=method, headers={"User-Agent": "Mozilla/5.0"}), timeout=patience):
                return ""
        except HTTPError as error:
            told = f"{error.code} {error.reason}"
        except (URLError, OSError) as error:
            return f"no answer ({getattr(error, 'reason', error)})"
    return told


def check(found: Mapping[str, Iterable[str]], patience: float = PATIENCE) -> int:
    """Ask for every address, print those that lead nowhere, and return an exit status."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        told = dict(zip(found, pool.map(lambda address: complaint(address, patience), found), strict=True))
    wrong = {address: words for address, words in told.items() if words}
    for address, words in wrong.items():
        print(f"{address}: {words}; in {', '.join(found[address])}")
    if found and all(words.startswith("no answer") for words in told.values()):
        print("There seems to be no network: no site answers, and nothing was learned.")
    else:
        print(f"{len(found) - len(wrong)} of {len(found)} links to other sites lead somewhere.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(check(addresses()))
