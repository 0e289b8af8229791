"""Tests of the room `theory.page`."""
