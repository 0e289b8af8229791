"""The front door of the figures: `python -m paper_figs all | NAME... | list`."""

from __future__ import annotations

import sys

from paper_figs.cli import main

if __name__ == "__main__":
    sys.exit(main())
