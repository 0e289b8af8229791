"""Tests of the room `deepnet.studies.measuring`."""
