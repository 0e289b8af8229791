"""Tests of the room `deepnet.learning`."""
