"""Tests of the room `simulate.sweeps`."""
