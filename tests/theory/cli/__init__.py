"""Tests of the room `theory.cli`."""
