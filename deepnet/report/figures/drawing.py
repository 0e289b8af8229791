"""What a figure is made of, what it comes with, and how it is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from deepnet.house.identity import key_of
from deepnet.report.figures.style import house_style
from deepnet.report.rows import Results, Row
from deepnet.report.summary import Block
from simulate.house.files import write_text
from simulate.house.saving import save_figure
from simulate.house.words.counting import counted

__all__ = ["Drawing", "Skipped", "Sources", "provenance", "save"]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What figures are drawn from."""

    results: Results
    """The runs."""
    blocks: tuple[Block, ...]
    """The same, summarised."""

    @property
    def folder(self) -> Path:
        """The study's folder, which holds `landscapes` and `feature_maps`."""
        return self.results.path.parent

    @property
    def methods(self) -> tuple[str, ...]:
        """Short names of all methods, in their order."""
        names = (each.group.method for block in self.blocks for each in block.summaries)
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawing:
    """A figure with its caption."""

    name: str
    """Name of its files, without suffix."""
    figure: Figure
    """The figure."""
    caption: str
    """What it shows, as a paragraph."""
    rows: tuple[Row, ...]
    """The runs that it shows."""


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A figure that could not be drawn."""

    name: str
    """What its name would have been."""
    reason: str
    """Why, as a sentence."""


def save(drawing: Drawing, folder: Path, study: str) -> list[Path]:
    """Write a figure as PNG and PDF, and its caption; the same bytes for the same results.

    Args:
        drawing: The figure.
        folder: Where to.
        study: Name of the study, for the caption.

    Returns:
        The three files.
    """
    stem = re.sub(r"[^\w.=-]+", "-", drawing.name)
    image, document, caption = (folder / f"{stem}.{suffix}" for suffix in ("png", "pdf", "md"))
    with house_style():
        save_figure(drawing.figure, image, dpi=300)
        save_figure(drawing.figure, document)
    return [image, document, write_text(caption, f"{drawing.caption}\n\n{provenance(drawing.rows, study)}\n")]


def provenance(rows: Sequence[Row], study: str) -> str:
    """Where the numbers of a figure come from: study, seeds, configurations, versions."""
    seeds = ", ".join(map(str, sorted({row.seed for row in rows})))
    splits = ", ".join(map(str, sorted({row.split_seed for row in rows})))
    configs = sorted({key_of(row.config) for row in rows})
    versions = sorted({f"{name} {value}" for row in rows for name, value in row.versions.items()})
    quirks = sorted({name for row in rows for name in row.compat})
    parts = [
        f"Study {study}; {counted(len(rows), 'run')}; seeds {seeds}; split seeds {splits}.",
        f"Configurations {key_of(configs)} ({len(configs)} in all).",
        f"Versions: {', '.join(versions) or 'not recorded'}.",
    ]
    if quirks:
        parts.append(f"Quirks of the released code that were switched on: {', '.join(quirks)}.")
    return " ".join(parts)
