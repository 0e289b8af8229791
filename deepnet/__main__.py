"""The front door of the deep networks: `python -m deepnet COMMAND`; without one, its commands are listed."""

from __future__ import annotations

import sys

from deepnet.cli import main

if __name__ == "__main__":
    sys.exit(main())
