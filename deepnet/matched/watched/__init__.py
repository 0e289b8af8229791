"""Watching a training: what is looked at, where it is stopped, what is noted of it."""
