"""Closer looks at unlearning: errors by class, the floor under them, how long it takes, and the α it needs."""
