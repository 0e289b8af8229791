"""Tests of the room `deepnet.networks`."""
