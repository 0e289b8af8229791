"""These folders need torch; where it is missing there is nothing to test in them."""

import importlib.util

FOLDERS = ("datasets", "methods", "metrics", "packing", "publishing")

collect_ignore_glob = [] if importlib.util.find_spec("torch") else [f"{folder}/*.py" for folder in FOLDERS]
