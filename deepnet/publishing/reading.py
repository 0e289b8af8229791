"""Reading a published scale, part by part, when it is first asked for. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from deepnet.ledger.findings import Findings
from deepnet.matched.records import read_rows
from simulate.house.files import parse_json

__all__ = ["BESIDE", "FILES", "ROWS", "Published", "published_scales"]

ROWS = "rows.jsonl"
"""The file that all others are made of."""
BESIDE = ("rates.csv", "noise.csv", "scores.csv")
"""Tables that are published as they are, if learning rates were searched, noise was measured, or scores were kept."""
FILES = (ROWS, "provenance.json", "ledger.json", "atlas.json", *BESIDE)
"""The files of a published scale; tables need not be there."""
T = TypeVar("T")


@dataclass(frozen=True)
class Published:
    """The published results of one scale.

    Every part raises FileNotFoundError if its file is missing, with the command that makes it, and ValueError if it
    is damaged.
    """

    folder: Path
    """The folder; its name is that of the scale."""

    @cached_property
    def rows(self) -> list[Mapping[str, Any]]:
        """The rows of the matched study."""
        return list(self._from(ROWS, read_rows).values())

    @cached_property
    def findings(self) -> Findings:
        """The same, found by arm and replicate."""
        return self._from(ROWS, lambda path: Findings.of(self.rows))

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Configuration, seeds, versions, hardware and times; see `deepnet.publishing.provenance`."""
        return self._from("provenance.json", lambda path: dict(_json(path)))

    @cached_property
    def ledger(self) -> list[dict[str, Any]]:
        """The rows of the deep ledger at this scale."""
        return self._from("ledger.json", lambda path: list(_json(path)))

    @property
    def command(self) -> str:
        """What makes the folder of results that there are."""
        return f"python -m deepnet judge results/matched/{self.folder.name} --publish {self.folder.parent}"

    def _from(self, name: str, parse: Callable[[Path], T]) -> T:
        path = self.folder / name
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: run `{self.command}`.")
        try:
            return parse(path)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"{path} is damaged ({error}): run `{self.command}`.") from None


def published_scales(folder: Path) -> list[Published]:
    """Every scale that is published in a folder, by name."""
    return [Published(path.parent) for path in sorted(folder.glob(f"*/{ROWS}"))]


def _json(path: Path) -> Any:
    return parse_json(path.read_text(encoding="utf-8"))
