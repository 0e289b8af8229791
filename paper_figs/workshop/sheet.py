"""What a figure or table is: something that draws itself from results, and the files that come of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from matplotlib.figure import Figure

from paper_figs.workshop.caption import Caption, caption_text
from paper_figs.workshop.results import Results
from paper_figs.workshop.style import ask, house_style
from paper_figs.workshop.tabular import Table, latex, markdown
from simulate.house import checks
from simulate.house.drawing.saving import FORMATS, Format, save_figure
from simulate.house.files import write_text
from simulate.house.version import __version__
from theory.experiments.lab import Budget

__all__ = ["OUT", "Sheet", "check_formats", "figure", "table"]

OUT = Path("results/figures")
"""Where figures go unless another folder is named."""

_BUDGETS = {"quick": "quick, few replicates", "full": "full"}


def check_formats(formats: Sequence[Format]) -> None:
    """Require at least one format, and that all are known.

    Raises:
        ValueError: if it is not so.
    """
    for each in checks.listed("formats", "be a list of formats", formats):
        checks.choice("formats", each, FORMATS)
    if not formats:
        raise ValueError("Argument `formats` must name at least one format, but names none.")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One figure or table of the paper. Its name is that of its file, its title the first line of the file's text."""

    kind: Literal["figure", "table"]
    """What it is."""
    number: int
    """Its place among its kind."""
    draw: Callable[[Results], tuple[Any, Caption]]
    """Makes it from results: a `matplotlib.figure.Figure` or a `Table`, with its caption."""
    asks: str = ""
    """The one question that a figure answers, which stands above it; a table has none."""

    def __post_init__(self) -> None:
        """Require a question of every figure.

        Raises:
            ValueError: if it has none.
        """
        if self.kind == "figure" and not (isinstance(self.asks, str) and self.asks.endswith("?")):
            checks.fail("asks", "be the question that the figure answers, with its question mark", self.asks)

    @property
    def name(self) -> str:
        """Name on the command line, and of its files."""
        return self.draw.__module__.rpartition(".")[2]

    @property
    def title(self) -> str:
        """What it shows, in one line."""
        text = sys.modules[self.draw.__module__].__doc__ or self.name
        return text.strip().splitlines()[0].rstrip(".")

    @property
    def deep(self) -> bool:
        """Whether it draws from studies of deep networks; its name says so."""
        return self.name.startswith("deep_")

    def __call__(
        self,
        budget: Budget = "full",
        formats: Sequence[Format] = ("pdf",),
        out: str | Path = OUT,
        *,
        preset: str | None = None,
    ) -> Path:
        """Draw it from the results on disk, running what is missing.

        Args:
            budget: "quick" is few replicates; the results of the two budgets are kept apart.
            formats: Formats of a figure; a table is always written as Markdown and LaTeX.
            out: Folder of the files.
            preset: The scale that figures of deep networks show; None is every one.

        Returns:
            The first file: the figure in the first format, or the table as LaTeX. NAME.md beside it is the caption.

        Raises:
            ValueError: if an argument is out of range, or a result is damaged or not finished.
            FileNotFoundError: if a result is missing that is not made here; the message names the command.
        """
        return self.make(Results(budget, preset=preset), formats, Path(out))[0]

    def make(self, results: Results, formats: Sequence[Format], out: Path) -> list[Path]:
        """Draw it and write its files: the figure in every format, or the table as LaTeX, then the caption NAME.md.

        Raises:
            ValueError: if a format is not known, or there is none.
        """
        check_formats(formats)
        with house_style():
            drawn, caption = self.drawn(results)
            if isinstance(drawn, Figure):
                written = [save_figure(drawn, out / f"{self.name}.{each}") for each in formats]
                shown = caption
            else:
                text = latex(drawn, caption=f"{self.title}. {caption.shows}", label=f"tab:{self.name}")
                written = [write_text(out / f"{self.name}.tex", text)]
                shown = Caption(shows=f"{caption.shows.strip()}\n\n{markdown(drawn)}", symbols=caption.symbols)
        return [*written, write_text(out / f"{self.name}.md", self._caption(shown, results))]

    def drawn(self, results: Results) -> tuple[Any, Caption]:
        """The figure with its question above it, or the table, and its caption; nothing is written.

        Raises:
            ValueError: if the caption of a figure does not answer its question.
        """
        with house_style():
            results.used.clear()
            made, caption = self.draw(results)
            if self.kind == "figure":
                if not caption.answers.strip():
                    checks.fail("answers", f"answer what {self.name} asks, {self.asks!r}", caption.answers)
                ask(made, self.asks)
        return made, caption

    def _caption(self, caption: Caption, results: Results) -> str:
        words = ["python -m paper_figs", self.name]
        budgeted = any(source.budgeted for source in results.used)
        words += ["--budget quick"] if budgeted and results.budget == "quick" else []
        words += [f"--preset {results.preset}"] if self.deep and results.preset is not None else []
        return caption_text(
            self.title, caption, results.used, asks=self.asks, command=" ".join(words),
            budget=_BUDGETS[results.budget] if budgeted else None, version=__version__,
        )  # fmt: skip


def figure(draw: Callable[[Results], tuple[Figure, Caption]], *, number: int, asks: str) -> Sheet:
    """The figure that a function draws, to be called `main` in its module.

    Args:
        draw: Makes it from results, with its caption.
        number: Its place among the figures.
        asks: The question that it answers, which is drawn above it; the caption's `answers` has the answer.
    """
    return Sheet(kind="figure", number=number, draw=draw, asks=asks)


def table(draw: Callable[[Results], tuple[Table, Caption]], *, number: int) -> Sheet:
    """The table that a function makes, to be called `main` in its module."""
    return Sheet(kind="table", number=number, draw=draw)
