"""Writing a report: tables, numbers, paired tests, figures with their captions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deepnet.report.comparison import compare_all, compare_with_best
from deepnet.report.escaping import markdown
from deepnet.report.numbers import numbers_csv
from deepnet.report.paired_page import paired_tests_page
from deepnet.report.rows import Results, read_results
from deepnet.report.summary import Block, blocks, summarise
from deepnet.report.table import latex_table, markdown_table
from simulate.house.files import write_text

__all__ = ["write_report"]


def write_report(folder: str | Path) -> list[Path]:
    """Write the report of a study into the folder `report` inside its own.

    Args:
        folder: The study's folder: `results.jsonl`, and beside it `landscapes` and `feature_maps` if there are any.

    Returns:
        The files: table.md, table.tex, numbers.csv, tests.md, figures.md (captions of all figures, and which were left
        out and why), and each figure as PNG and PDF with its caption.

    Raises:
        FileNotFoundError: if there are no results.
        ValueError: if a file is damaged; the message names it, and the line.
        OSError: if a file cannot be written.
    """
    results = read_results(folder)
    found = blocks(summarise(results.rows))
    report = results.path.parent / "report"
    report.mkdir(parents=True, exist_ok=True)
    pages = {
        "table.md": markdown_table(results, found),
        "table.tex": latex_table(results, found),
        "numbers.csv": numbers_csv(results),
        "tests.md": paired_tests_page((*compare_all(found), *compare_with_best(found)), results.warnings),
    }
    written = [write_text(report / name, text) for name, text in pages.items()]
    return written + _write_figures(results, found, report)


def _write_figures(results: Results, found: Sequence[Block], report: Path) -> list[Path]:
    from deepnet.report.figures import Drawing, Sources, draw_all, save  # matplotlib, only when something is drawn

    written, entries, left_out = [], [], []
    for made in draw_all(Sources(results=results, blocks=tuple(found))):
        if isinstance(made, Drawing):
            image, document, caption = save(made, report, results.study)
            written += [image, document, caption]
            text = caption.read_text(encoding="utf-8").strip()
            entries.append(f"## {markdown(image.stem)}\n\n![{markdown(image.stem)}]({image.name})\n\n{text}")
        else:
            left_out.append(f"- {markdown(made.name)}: {made.reason}")
    parts = [f"# Figures of {markdown(results.study)}", *results.warnings, *entries]
    if left_out:
        parts += ["## Left out", "\n".join(left_out)]
    return [write_text(report / "figures.md", "\n\n".join(parts) + "\n"), *written]
