"""Commands of `python -m deepnet`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from simulate.house.terminal import exit_status

__all__ = ["main"]

_USAGE = """usage: python -m deepnet COMMAND [OPTIONS]

Unlearning of deep networks: every method with SGD, SAM and ASAM, measured against retrained models.

  run      make and measure every model of a study (--preset digits takes a minute or two on a CPU)
  confirm  the confirmation study, and the deep ledger of the paper's conclusions
  search   hyper-parameters of every method, the same number of trials each, judged on the validation split
  scores   memorization scores estimated here, beside published ones
  report   tables and figures of a study's results
  pack     a study's results as parts of a chosen size, to be moved to another machine
  unpack   such parts as a study's folder again, from where it goes on
  presets  the studies that come with the project, and the quirks of the released code

python -m deepnet COMMAND --help lists the options of a command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: The words after the program's name; None takes the process's own.

    Returns:
        The exit status: 0; 1 if some training diverged; 2 for an argument that is not valid, or a file that cannot
        be read or written.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    if not words or words[0] in ("-h", "--help"):
        print(_USAGE, file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    return exit_status(
        lambda: _command(words[0])(words[1:]),
        interrupted="interrupted; the same command goes on from here",
        extra="deepnet",
    )


def _command(word: str) -> Callable[[list[str]], int]:
    """The command of a word. Each is imported when it is asked for: a report needs no torch.

    Raises:
        ValueError: if there is none.
    """
    if word == "report":
        from deepnet.cli.report import report

        return report
    if word in ("pack", "unpack"):
        from deepnet.cli.packing import pack, unpack

        return {"pack": pack, "unpack": unpack}[word]
    if word in ("run", "presets", "confirm", "search", "scores"):
        from deepnet.cli.confirm import confirm
        from deepnet.cli.presets import presets
        from deepnet.cli.run import run
        from deepnet.cli.scores import scores
        from deepnet.cli.search import search

        return {"run": run, "presets": presets, "confirm": confirm, "search": search, "scores": scores}[word]
    raise ValueError(
        f"There is no command {word!r}: the commands are run, confirm, search, scores, report, pack, unpack and "
        "presets."
    )
