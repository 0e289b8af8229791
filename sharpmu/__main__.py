"""The process that the console command `sharpmu` starts, or `python -m sharpmu`."""

from __future__ import annotations

from typing import NoReturn

from simulate.house.command_line.entrance import enter

__all__ = ["enter_house"]


def enter_house() -> NoReturn:
    """Run the console command, and end with its status."""
    enter(_main)


def _main() -> int:
    from sharpmu.doors import main

    return main()


if __name__ == "__main__":
    enter_house()
