"""Tests of the room `deepnet.house`."""
