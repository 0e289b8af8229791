"""What stands beside a figure: what is seen, and where every number came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Caption", "Source", "caption_text"]


@dataclass(frozen=True, kw_only=True)
class Caption:
    """What the author of a figure says about it; the rest of its caption file follows from its sources."""

    shows: str
    """What is seen, in a few sentences; paragraphs are separated by an empty line."""
    symbols: Mapping[str, str] = field(default_factory=dict)
    """What each symbol means, with its unit where it has one."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One result that a figure was drawn from."""

    name: str
    """Name of the experiment, or of what the file holds."""
    seeds: str
    """The seeds, in words."""
    configuration: str
    """The configuration, as text that can be read back: JSON, or Python's representation."""
    version: str
    """Version of the project that made it."""
    path: str
    """Where it is kept."""
    n_runs: int | None = None
    """Number of trainings behind it, if it has trainings."""
    budgeted: bool = True
    """Whether it differs between the budgets; a published study does not."""


def caption_text(
    title: str, caption: Caption, sources: Sequence[Source], *, command: str, budget: str | None, version: str
) -> str:
    """The caption file, as Markdown.

    Args:
        title: Title of the figure.
        caption: What its author says.
        sources: What it was drawn from, in the order of use; what is there twice is told once.
        command: The command that rebuilds it.
        budget: The budget, in words; None if nothing depends on it.
        version: Version of the project that drew it.
    """
    parts = [f"# {title}", caption.shows.strip()]
    if caption.symbols:
        lines = "\n".join(f"- {symbol}: {meaning}" for symbol, meaning in caption.symbols.items())
        parts.append(f"## Symbols\n\n{lines}")
    spent = "" if budget is None else f"Budget: {budget}. "
    parts.append(f"## Rebuild\n\n{spent}Version {version}.\n\n```console\n$ {command}\n```")
    told = list(dict.fromkeys(sources))
    parts.append("## Data\n\n" + ("\n\n".join(map(_source_text, told)) if told else "No results: formulas alone."))
    return "\n\n".join(parts) + "\n"


def _source_text(source: Source) -> str:
    runs = "" if source.n_runs is None else f" {source.n_runs:,} trainings."
    seeds = f" Seeds: {source.seeds.rstrip('.')}."
    head = f"**{source.name}** (`{source.path}`, version {source.version}).{runs}{seeds} Configuration:"
    return f"{head}\n\n```\n{source.configuration}\n```"
