"""Tests of the room `simulate.interactive`."""
