"""Tests of the room `deepnet.report`."""
