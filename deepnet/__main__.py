"""The front door of the deep networks: `python -m deepnet COMMAND`; without one, its commands are listed."""

from __future__ import annotations

from simulate.house.command_line.entrance import enter


def _main() -> int:
    from deepnet.cli import main

    return main()


if __name__ == "__main__":
    enter(_main)
