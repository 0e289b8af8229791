"""What stands beside a figure: what is seen, and where every number came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from theory.ledger.wording import interval, number
from theory.statistics import Estimate

__all__ = ["Caption", "Source", "by_sign", "caption_text", "with_interval"]


@dataclass(frozen=True, kw_only=True)
class Caption:
    """What the author of a figure says about it; the rest of its caption file follows from its sources."""

    answers: str = ""
    """The answer to the question of the figure, in a sentence or two, from the numbers that are drawn and with their
    condition. A table has none."""
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
    title: str, caption: Caption, sources: Sequence[Source], *, asks: str = "", command: str, budget: str | None,
    version: str,
) -> str:  # fmt: skip
    """The caption file, as Markdown.

    Args:
        title: Title of the figure.
        caption: What its author says.
        sources: What it was drawn from, in the order of use; what is there twice is told once.
        asks: The question that the figure answers; a table asks none.
        command: The command that rebuilds it.
        budget: The budget, in words; None if nothing depends on it.
        version: Version of the project that drew it.
    """
    asked = [f"**{asks}** {caption.answers.strip()}"] if asks else []
    parts = [f"# {title}", *asked, caption.shows.strip()]
    if caption.symbols:
        lines = "\n".join(f"- {symbol}: {meaning}" for symbol, meaning in caption.symbols.items())
        parts.append(f"## Symbols\n\n{lines}")
    spent = "" if budget is None else f"Budget: {budget}. "
    parts.append(f"## Rebuild\n\n{spent}Version {version}.\n\n```console\n$ {command}\n```")
    told = list(dict.fromkeys(sources))
    parts.append("## Data\n\n" + ("\n\n".join(map(_source_text, told)) if told else "No results: formulas alone."))
    return "\n\n".join(parts) + "\n"


def with_interval(found: Estimate, digits: int = 3) -> str:
    """An estimate with its 95 % interval, as a sentence has it.

    Example:
        >>> with_interval(Estimate(-0.25, 0.01, 20))
        '−0.25 [−0.271, −0.229]'
    """
    return f"{number(found.value, digits)} {interval(found.interval(), digits)}"


def by_sign(found: Estimate, *, positive: str, negative: str, neither: str) -> str:
    """The words that fit an estimate: its interval lies above 0, below it, or across.

    Example:
        >>> by_sign(Estimate(0.1, 0.2, 20), positive="more", negative="less", neither="as much, as far as is seen")
        'as much, as far as is seen'
    """
    low, high = found.interval()
    return positive if low > 0.0 else negative if high < 0.0 else neither


def _source_text(source: Source) -> str:
    runs = "" if source.n_runs is None else f" {source.n_runs:,} trainings."
    seeds = f" Seeds: {source.seeds.rstrip('.')}."
    head = f"**{source.name}** (`{source.path}`, version {source.version}).{runs}{seeds} Configuration:"
    return f"{head}\n\n```\n{source.configuration}\n```"
