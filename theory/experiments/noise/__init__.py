"""Noise beyond one Gaussian law: blocks of eigenvalues, heavy tails, noisy images, and weak signals among them."""
