"""Where the repository is."""

from pathlib import Path

__all__ = ["ROOT"]

ROOT = Path(__file__).parents[1]
"""Its root."""
