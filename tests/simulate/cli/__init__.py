"""Tests of the room `simulate.cli`."""
