"""Tests of the room `simulate.problems`."""
