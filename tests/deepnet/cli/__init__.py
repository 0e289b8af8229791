"""Tests of the room `deepnet.cli`."""
