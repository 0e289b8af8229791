"""The front door of the figures: `python -m paper_figs all | NAME... | list`."""

from __future__ import annotations

from simulate.house.command_line.entrance import enter


def _main() -> int:
    from paper_figs.cli import main

    return main()


if __name__ == "__main__":
    enter(_main)
