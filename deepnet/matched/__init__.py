"""Unlearning compared at equal forgetting: one training is watched step by step and serves every stopping rule."""
