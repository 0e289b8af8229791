"""What every test shares: reproducible property tests, and figures that need no display."""

import os

from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "agg")

settings.register_profile("default", derandomize=True, deadline=None, max_examples=40)
settings.register_profile("thorough", derandomize=False, deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("default")  # `--hypothesis-profile thorough` overrides it
