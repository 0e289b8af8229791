"""Tests of the room `paper_figs.tables`."""
