"""All commands of the packages behind one word. Each is imported when it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version

from simulate.house.command_line.complaints import no_such
from simulate.house.terminal import exit_status
from simulate.house.version import __version__

__all__ = ["main"]

_PROGRAM = "sharpmu"
_USAGE = """usage: sharpmu COMMAND [SUBCOMMAND] [OPTIONS]

  simulate  one network, a map or a grid: signal and noise in a small CNN
  theory    the paper's claims, and a ledger of what simulations found
  deepnet   unlearning of deep networks on images, and their ledger
  figures   figures and tables of the paper
  verify    the main job, five minutes: simulate verify, then theory verify

sharpmu COMMAND --help tells more; sharpmu --version prints the versions."""

_VERIFY = """usage: sharpmu verify [--overwrite]

The main job, some five minutes: simulate verify, then theory verify. Results
of other settings or of another version are refused unless --overwrite is
given. For more options run them separately: sharpmu simulate verify --help and
sharpmu theory verify --help."""

_SHOWN = ("numpy", "numba", "scipy", "sympy", "xarray", "zarr", "torch")
"""Packages that results depend on."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: The words after `sharpmu`; None takes the process's own.

    Returns:
        The exit status of the door; 2 if there is no such door.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    if not words or words[0] in ("-h", "--help", "--version"):
        return exit_status(lambda: _tell(_versions() if words[:1] == ["--version"] else _USAGE))
    return exit_status(lambda: _door(words)())


def _tell(text: str) -> int:
    print(text)
    return 0


def _door(words: list[str]) -> Callable[[], int]:
    """What is behind the door that a command line names.

    Raises:
        ValueError: if there is no such door.
    """
    word, *others = words
    doors: dict[str, Callable[[list[str]], int]] = {
        "simulate": _simulate, "theory": _theory, "deepnet": _deepnet, "figures": _figures, "verify": _verify,
    }  # fmt: skip
    if word.startswith("--tyro-"):
        return lambda: _complete(words)
    if word not in doors:
        raise ValueError(no_such("command", word, _PROGRAM, list(doors)))
    return lambda: doors[word](others)


def _simulate(words: list[str]) -> int:
    from simulate.cli import DOOR

    return DOOR.main(words, f"{_PROGRAM} simulate")


def _theory(words: list[str]) -> int:
    from theory.cli import DOOR

    return DOOR.main(words, f"{_PROGRAM} theory")


def _deepnet(words: list[str]) -> int:
    from deepnet.cli import DOOR

    return DOOR.main(words, f"{_PROGRAM} deepnet")


def _figures(words: list[str]) -> int:
    from paper_figs.cli import DOOR

    return DOOR.main(words, f"{_PROGRAM} figures")


def _verify(words: list[str]) -> int:
    """What `make verify` does."""
    if words in ([], ["--overwrite"]):
        return _simulate(["verify", *words]) or _theory(["verify", *words])
    if words[0] in ("-h", "--help"):
        return _tell(_VERIFY)
    raise ValueError(f"`{_PROGRAM} verify` must stand alone, but has the word {words[0]!r}; see its --help.")


def _complete(words: list[str]) -> int:
    from sharpmu.completion import complete

    return complete(words)


def _versions() -> str:
    """The versions of the house and of what its results hang on, read without importing any of it."""
    return "\n".join([f"sharpmu {__version__}", *(f"{name} {_installed(name)}" for name in _SHOWN)])


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "is not installed"
