"""The metrics need torch; where it is missing there is nothing to test."""

import importlib.util

collect_ignore_glob = ["*.py"] if importlib.util.find_spec("torch") is None else []
