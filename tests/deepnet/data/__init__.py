"""Tests of the room `deepnet.data`."""
