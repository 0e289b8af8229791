"""Numbers of things in words."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, thing: str, things: str | None = None) -> str:
    """So many things, in the singular or the plural.

    Args:
        number: How many.
        thing: The word for one.
        things: The word for several, if it is not the same with an s.

    Example:
        >>> counted(1, "claim"), counted(1200, "claim"), counted(0, "study", "studies")
        ('1 claim', '1,200 claims', '0 studies')
    """
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
