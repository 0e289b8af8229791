"""Tests of the room `theory.formulas`."""
