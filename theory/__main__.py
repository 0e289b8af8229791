"""The front door of the theory: `python -m theory verify | list | show | margins | stability`."""

from __future__ import annotations

import sys

from theory.cli import main

if __name__ == "__main__":
    sys.exit(main())
