"""The lock, constraints.txt, of what pip would install: nothing is installed for it.

`python -m tests.lock REPORT EXTRAS` reads what `pip install --dry-run --report` wrote and prints the file.
"""

import json
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["constraints"]

_HEAD = """# Versions that work together, for the core and the extras {extras}.
# 'make lock' writes this file; it was resolved with Python {python}.
"""


def constraints(report: Mapping[str, Any], extras: str, python: str) -> str:
    """The file: a version of each package, in the order of their names.

    Args:
        report: What pip wrote.
        extras: The extras that it was asked for, between commas.
        python: Version of the Python that it resolved for.
    """
    found = [(one["metadata"]["name"], one["metadata"]["version"]) for one in report["install"]]
    lines = [f"{name}=={version}\n" for name, version in sorted(found, key=_place) if name != "sharpmu"]
    return _HEAD.format(extras=extras, python=python) + "".join(lines)


def _place(package: tuple[str, str]) -> str:
    return re.sub(r"[-_.]+", "-", package[0]).lower()


if __name__ == "__main__":
    _, where, asked = sys.argv
    print(constraints(json.loads(Path(where).read_text(encoding="utf-8")), asked, platform.python_version()), end="")
