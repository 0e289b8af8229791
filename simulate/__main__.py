"""The front door of the simulator: `python -m simulate run | sweep | map | verify`."""

from __future__ import annotations

import sys

from simulate.cli import main

if __name__ == "__main__":
    sys.exit(main())
