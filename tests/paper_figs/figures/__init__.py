"""Tests of the room `paper_figs.figures`."""
