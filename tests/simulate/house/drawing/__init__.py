"""Tests of the room `simulate.house.drawing`."""
