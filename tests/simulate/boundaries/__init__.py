"""Tests of the room `simulate.boundaries`."""
