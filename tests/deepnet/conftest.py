"""These folders need torch; where it is missing there is nothing to test in them."""

import importlib.util

FOLDERS = ("data", "learning", "matched", "methods", "metrics", "networks", "packing", "publishing", "studies")

collect_ignore_glob = [] if importlib.util.find_spec("torch") else [f"{folder}/*" for folder in FOLDERS]
