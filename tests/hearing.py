"""Programs that hear Ctrl-C even where these tests do not, as in the background of a shell."""

import sys
from collections.abc import Sequence

__all__ = ["hearing"]

_LISTEN = "import os, signal, sys\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nos.execvp(sys.argv[1], sys.argv[1:])\n"


def hearing(command: Sequence[str]) -> list[str]:
    """The command that runs another one with Ctrl-C as it is in the foreground."""
    return [sys.executable, "-c", _LISTEN, *command]
