"""`python -m deepnet presets`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deepnet.matched.presets import PRESETS as MATCHED
from deepnet.studies.compat import QUIRKS
from deepnet.studies.presets import PRESETS
from deepnet.studies.scales import SCALES
from simulate.house.terminal import console

__all__ = ["PresetsCommand"]


@dataclass(frozen=True, kw_only=True)
class PresetsCommand:
    """List the studies that come with the project, and the quirks of the released code."""

    def __call__(self) -> int:
        """Print both lists; returns the exit status."""
        _list("Studies (run --preset NAME)", {name: _first_line(make) for name, make in PRESETS.items()})
        _list("Matched studies (matched --preset NAME)", {name: _first_line(make) for name, make in MATCHED.items()})
        _list(
            "Grids of methods (search, scores --preset NAME)",
            {name: _first_line(make) for name, make in SCALES.items()},
        )
        _list("Quirks of the released code (run --compat NAME ...)", {name: q.title for name, q in QUIRKS.items()})
        return 0


def _first_line(make: Callable[..., object]) -> str:
    return (make.__doc__ or "").splitlines()[0]


def _list(title: str, entries: Mapping[str, str]) -> None:
    console.print(title, style="bold")
    for name, text in entries.items():
        console.print(f"  {name:20} {text}")
