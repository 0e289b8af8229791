"""Tests of the room `simulate.test_error`."""
