"""The front door of the theory: `python -m theory verify | list | show | atlas | margins | stability`."""

from __future__ import annotations

from simulate.house.command_line.entrance import enter


def _main() -> int:
    from theory.cli import main

    return main()


if __name__ == "__main__":
    enter(_main)
