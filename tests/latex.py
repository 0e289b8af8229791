"""LaTeX itself, where there is one: what the project writes for it is set in lines as long as ICLR's, 5.5 in."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

__all__ = ["COMPLAINTS", "set_on_pages"]

COMPLAINTS = re.compile(r"^(?:!|Overfull|Missing character|LaTeX Warning: (?!Label)).*", re.MULTILINE)
"""What the log says of a page that is wrong or ugly."""


def set_on_pages(body: str, folder: Path, packages: Sequence[str]) -> list[str]:
    """Set a text with pdflatex; a test that calls it is skipped where there is none.

    Args:
        body: What stands in the document.
        folder: Where to work.
        packages: Packages that the text needs.

    Returns:
        The complaints of the last run; none if all is well.
    """
    if shutil.which("pdflatex") is None:
        pytest.skip("needs pdflatex (on Debian texlive-latex-base, texlive-latex-recommended)")
    paper = r"\documentclass{article}\usepackage[textwidth=5.5in,textheight=9in]{geometry}"
    preamble = rf"{paper}\usepackage{{{','.join(packages)}}}"
    page = f"{preamble}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    (folder / "page.tex").write_text(page, encoding="utf-8")
    for _ in range(2):  # a long table has its widths in the second run
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "page.tex"], cwd=folder, capture_output=True, check=False
        )
    log = (folder / "page.log").read_text(encoding="utf-8", errors="replace")
    if any(f"`{package}.sty' not found" in log for package in (*packages, "geometry")):
        pytest.skip("needs the LaTeX packages " + ", ".join(packages))
    assert done.returncode == 0 or COMPLAINTS.search(log), log[-2000:]
    return COMPLAINTS.findall(log)
