"""The version, written beside every result."""

__all__ = ["__version__"]

__version__ = "0.2.0.dev0"
"""The version of the project, which every result carries."""
