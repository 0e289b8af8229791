"""Tests of the room `theory.claims`."""
