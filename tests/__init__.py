"""Tests: one folder a room, `oracles` with slow and obvious twins, `benchmarks` for speed and memory."""
