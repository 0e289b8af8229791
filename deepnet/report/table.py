"""The paper's table in a terminal, in Markdown and in LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from deepnet.report.cells import CLASS_COLUMNS, COLUMNS, NOTES, TERMINAL_COLUMNS, Column, Line, lines_of
from deepnet.report.escaping import latex, markdown
from deepnet.report.rows import Results, Row, row_from
from deepnet.report.summary import Block, Summary, blocks, summarise
from simulate.house.counting import counted

__all__ = ["diverged_lines", "latex_table", "markdown_table", "terminal_table"]

_LATEX_PARTS = (
    ("tow", "retain_accuracy", "forget_accuracy", "test_accuracy", "mia", "mia_spread", "mia_gap"),
    ("tow", "entanglement", "klom", "klom_null", "relearn", "seconds"),
)
"""The columns of the two tables that a page of LaTeX has room for."""
_FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}"
"""Shrinks what is wider than the text, and leaves the rest as it is."""


def terminal_table(rows: Sequence[Row | Mapping[str, Any]], columns: Sequence[str] = TERMINAL_COLUMNS) -> Table:
    """The table for a terminal of 120 columns.

    Args:
        rows: Runs of one study, as read or as JSON holds them.
        columns: Names of result columns to show, out of those of `deepnet.report.cells.COLUMNS`.

    Raises:
        ValueError: if a column is not known, or a row is not what it must be.
    """
    chosen = tuple(replace(column, interval=column.name != "seconds") for column in _chosen(columns))
    runs = [row if isinstance(row, Row) else row_from(row) for row in rows]
    found = blocks(summarise(runs))
    heading = (
        f"{runs[0].study}: {counted(len(runs), 'run')}, by forget set, request and pretraining" if runs else "no runs"
    )
    made = Table(title=heading, title_justify="left",
                 title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0),
                 caption=" ".join(_notes(found, chosen)), caption_justify="left")  # fmt: skip
    # Folded where the terminal is too narrow: a number that is cut off would be another number.
    made.add_column("method", overflow="fold", min_width=16)
    made.add_column("optimizer", overflow="fold")
    made.add_column("runs", overflow="fold", justify="right")
    for column in chosen:
        made.add_column(column.heading, overflow="fold", justify="right")
    for block in found:
        made.add_row(Text(f"{block.forget_set}, {block.request}, {block.pretrain}", style="bold blue"))
        for line in lines_of(block, chosen):
            made.add_row(*_terminal_cells(line, chosen))
        made.add_section()
    return made


def markdown_table(results: Results, found: Sequence[Block]) -> str:
    """The table with all columns as a page of Markdown, with its notes, warnings and diverged runs."""
    parts = [f"# {markdown(results.study)}", *results.warnings]
    for block in found:
        parts += [f"## {markdown(block.words)}", _markdown_block(block)]
    parts += ["\n".join(f"- {markdown(note)}" for note in _notes(found, COLUMNS))]
    if quirks := sorted({name for row in results.rows for name in row.compat}):
        parts += [f"Quirks of the released code that were switched on: {markdown(', '.join(quirks))}."]
    if lost := diverged_lines(found):
        parts += ["## Diverged runs", "\n".join(f"- {markdown(line)}" for line in lost)]
    return "\n\n".join(parts) + "\n"


def latex_table(results: Results, found: Sequence[Block]) -> str:
    r"""The tables as LaTeX that a paper takes in with `\input`; they need the packages booktabs and graphicx."""
    parts = ["% Needs \\usepackage{booktabs,graphicx} in the preamble; take it in with \\input.",
             f"% Study: {latex(results.study)}"]  # fmt: skip
    parts += [f"% {latex(line)}" for line in (*results.warnings, *diverged_lines(found))]
    for block in found:
        parts += [_latex_block(results.study, block, _chosen(names)) for names in _LATEX_PARTS]
    return "\n".join(parts) + "\n"


def diverged_lines(found: Sequence[Block]) -> list[str]:
    """A sentence for each run that diverged: which, and why."""
    lines = [
        f"{each.title}, {each.optimizer_words}, {each.group.forget_set}, {each.group.request}, "
        f"pretrained with {each.group.pretrain}, seed {row.seed}: {row.reason}"
        for block in found
        for each in block.summaries
        for row in each.diverged
    ]
    return list(dict.fromkeys(lines))  # a borrowed reference stands in several blocks


def _chosen(names: Sequence[str]) -> tuple[Column, ...]:
    known = {column.name: column for column in COLUMNS}
    for name in names:
        if name not in known:
            raise ValueError(f"Argument `columns` must hold some of {', '.join(known)}, but holds {name!r}.")
    return tuple(known[name] for name in names)


def _notes(found: Sequence[Block], columns: Sequence[Column]) -> list[str]:
    """The notes that apply to what is shown."""
    shown = {column.name for column in columns}
    summaries = [each for block in found for each in block.summaries]
    attacked = summaries if shown & {"mia", "mia_gap"} else []
    apply = {
        "interval": True,
        "best": "tow" in shown and any(block.methods for block in found),
        "ceiling": any(block.retrained for block in found) and "tow" in shown,
        "diverged": any(each.diverged for each in summaries),
        "points": bool(shown & {"mia_gap", "relearn"}),
        "drawn": any(_has(each, "mia_spread") for each in attacked),
        "first": any(_has(each, "mia") and not _has(each, "mia_spread") for each in attacked),
        "classes": columns is COLUMNS and any(_of_classes(block) for block in found),
        "klom": "klom" in shown,
    }
    return [note for name, note in NOTES.items() if apply[name]]


def _has(summary: Summary, name: str) -> bool:
    return summary.means[name].value is not None


def _of_classes(block: Block) -> bool:
    """Whether classes are forgotten, and something was measured of them."""
    return any(_has(each, column.name) for each in block.summaries for column in CLASS_COLUMNS)


def _terminal_cells(line: Line, columns: Sequence[Column]) -> list[Text]:
    style = "dim" if line.summary.is_reference else "yellow" if line.summary.diverged else ""
    cells = [Text(text, style=style) for text in (line.method, line.optimizer, line.runs, *line.cells)]
    if line.best:
        cells[3 + [column.name for column in columns].index("tow")].stylize("bold")
    return cells


def _markdown_block(block: Block) -> str:
    columns = (*COLUMNS, *CLASS_COLUMNS) if _of_classes(block) else COLUMNS
    headings = ["method", "optimizer", "runs", *(column.heading for column in columns)]
    rows = [headings, ["---", "---", "--:", *("--:" for _ in columns)]]
    for line in lines_of(block, columns):
        cells = [markdown(text) for text in (line.method, line.optimizer, line.runs, *line.cells)]
        cells[3] = f"**{cells[3]}**" if line.best else cells[3]
        rows.append(cells)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _latex_block(study: str, block: Block, columns: Sequence[Column]) -> str:
    notes = " ".join(_notes([block], columns))
    headings = " & ".join(latex(text) for text in ("method", "optimizer", "runs", *(c.heading for c in columns)))
    body: list[str] = []
    for line in lines_of(block, columns):
        cells = [latex(text) for text in (line.method, line.optimizer, line.runs, *line.cells)]
        cells[3] = rf"\textbf{{\boldmath {cells[3]}}}" if line.best else cells[3]
        if body and not line.summary.is_reference and r"\midrule" not in body:
            body.append(r"\midrule")
        body.append(" & ".join(cells) + r" \\")
    return "\n".join([
        r"\begin{table*}[t]", r"\centering\footnotesize\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{latex(f'{study}: {block.words}. {notes}')}}}\smallskip",
        rf"{_FITTED}{{\begin{{tabular}}{{llr{'r' * len(columns)}}}", r"\toprule", rf"{headings} \\", r"\midrule",
        *body, r"\bottomrule", r"\end{tabular}}", r"\end{table*}",
    ])  # fmt: skip
