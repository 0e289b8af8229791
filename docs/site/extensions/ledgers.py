"""The two ledgers and their atlases: pages of their own beside the others, and a table of every row of the theory's."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

from sphinx.util.logging import getLogger

from extensions.filling import fill

__all__ = ["FOLDER", "setup", "table"]

ROOT = Path(__file__).parents[3]
FOLDER = "ledgers"
"""Where the pages lie on the site: theory/ledger.html, theory/atlas.html, and the same of each scale."""


def table(_: str = "") -> str:
    """Every row of the published ledger of the theory as Markdown, with a link to its section."""
    from theory.ledger.book import ledger_from
    from theory.ledger.wording import OWNERS, in_html, interval, number, with_minus

    lines = ["| claim | whose | verdict | measured | where it holds |", "| --- | --- | --- | --- | --- |"]
    for row in ledger_from((ROOT / "docs/ledger.json").read_text(encoding="utf-8")).rows:
        measured = "" if row.effect is None else f"{number(row.effect, 3)} {interval(row.interval, 3)}"
        link = f'<a href="../{FOLDER}/theory/ledger.html#{row.name}">{in_html(row.title)}</a>'
        cells = (link, OWNERS[row.family], row.verdict, with_minus(measured), row.holds)
        lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(lines)


def links(_: str = "") -> str:
    """Where the pages are, as Markdown."""
    lines = ["| ledger | atlas |", "| --- | --- |"]
    for place, title in {"theory": "the theory", **{scale: f"deep networks, {scale}" for scale in _scales()}}.items():
        cells = (f'<a href="../{FOLDER}/{place}/{name}.html">{name} of {title}</a>' for name in ("ledger", "atlas"))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _scales() -> dict[str, Path]:
    """Folders of the published rows of deep networks, by their scale."""
    return {path.parent.name: path.parent for path in sorted((ROOT / "paper_figs/data").glob("*/rows.jsonl"))}


def _written(app: Any, failure: Exception | None) -> None:
    """Write the pages, once those of the site are there."""
    if failure is None and app.builder.format == "html":
        folder = Path(app.outdir) / FOLDER
        getLogger(__name__).info("writing the ledgers and their atlases")
        with contextlib.redirect_stdout(io.StringIO()):
            _write_theory(folder / "theory")
            _write_deep(folder)
        for page in folder.glob("*/*.html"):
            _without_icon(page)


def _write_theory(folder: Path) -> None:
    from simulate.house.files import write_text
    from theory.cli.atlas import write_pages
    from theory.cli.verify import page_of
    from theory.ledger.atlas import entries_from
    from theory.ledger.book import ledger_from

    ledger = ledger_from((ROOT / "docs/ledger.json").read_text(encoding="utf-8"))
    write_text(folder / "ledger.html", page_of(ledger))
    write_pages(entries_from((ROOT / "theory/claims/atlas.json").read_text(encoding="utf-8")), folder)


def _write_deep(folder: Path) -> None:
    from deepnet.cli.judge import JudgeCommand

    JudgeCommand(folders=tuple(_scales().values()), out=folder)()


def _without_icon(page: Path) -> None:
    """Say that a page has no icon: browsers would ask the root of the server for one, and complain."""
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("<title>", '<link rel="icon" href="data:," /><title>', 1), encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx know."""
    fill(app, "every row of the theory's ledger", table)
    fill(app, "the pages of the ledgers", links)
    app.connect("build-finished", _written)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
