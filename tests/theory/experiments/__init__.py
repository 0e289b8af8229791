"""Tests of the room `theory.experiments`."""
