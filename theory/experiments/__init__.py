"""Experiments that claims share: what is simulated, on which grid, and when it stops."""
