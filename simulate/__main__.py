"""The front door of the simulator: `python -m simulate run | sweep | map | verify`."""

from __future__ import annotations

from simulate.house.command_line.entrance import enter


def _main() -> int:
    from simulate.cli import main

    return main()


if __name__ == "__main__":
    enter(_main)
