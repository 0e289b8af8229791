"""Where the commands print."""

from __future__ import annotations

from rich.console import Console

__all__ = ["console"]

console = Console(highlight=False, soft_wrap=True)
