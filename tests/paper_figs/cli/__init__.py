"""Tests of the room `paper_figs.cli`."""
