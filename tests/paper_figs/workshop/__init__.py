"""Tests of the room `paper_figs.workshop`."""
