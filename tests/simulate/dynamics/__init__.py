"""Tests of the room `simulate.dynamics`."""
