"""Tests of the room `simulate.runs`."""
