"""How numbers and verdicts of a ledger are written, wherever they are read."""

from __future__ import annotations

from collections.abc import Sequence

from theory.ledger.book import Ledger
from theory.ledger.decide import Verdict

__all__ = ["counts", "interval", "number", "warning", "with_minus"]


def number(value: float | None, digits: int = 4) -> str:
    """A number to so many digits, or a dash for none.

    Example:
        >>> number(-0.25), number(None)
        ('−0.25', '—')
    """
    return "—" if value is None else with_minus(f"{value:.{digits}g}")


def interval(ends: Sequence[float] | None, digits: int = 4) -> str:
    """An interval to so many digits, or a dash for none.

    Example:
        >>> interval([0.22, 0.27])
        '[0.22, 0.27]'
    """
    return "—" if ends is None else f"[{', '.join(number(end, digits) for end in ends)}]"


def with_minus(text: str) -> str:
    """A text of numbers only, its hyphens set as minus signs.

    Example:
        >>> with_minus("in [-0.3, -0.2]")
        'in [−0.3, −0.2]'
    """
    return text.replace("-", "−")


def counts(ledger: Ledger) -> dict[str, int]:
    """How many rows have each verdict, in the order of `Verdict`."""
    found = [row.verdict for row in ledger.rows]
    return {verdict.value: found.count(verdict.value) for verdict in Verdict}


def warning(ledger: Ledger) -> str:
    """One sentence if the ledger deserves no trust, otherwise nothing."""
    names = ledger.unrefuted_controls
    if not names:
        return ""
    return f"Negative controls not refuted, so that the verdicts of these claims deserve no trust: {', '.join(names)}."
