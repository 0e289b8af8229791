"""Tests of the room `deepnet.confirm`."""
