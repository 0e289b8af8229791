"""Tests of the room `simulate.machine`."""
