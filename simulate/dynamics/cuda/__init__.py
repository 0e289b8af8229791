"""The training step on a GPU: one block of threads a trajectory, or batched matrix products where that has no room."""
