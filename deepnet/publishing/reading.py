"""Reading a published folder, part by part, when it is first asked for. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from deepnet.publishing.records import Contrast, Curve, GroupRecord, Movement, Surface
from deepnet.publishing.texts import read_contrasts, read_groups, read_json_lines
from simulate.house.files import parse_json

__all__ = ["FILES", "Published"]

FILES = (
    "provenance.json", "groups.csv", "curves.jsonl", "contrasts.csv", "landscapes.jsonl", "feature_maps.jsonl",
    "ledger.json", "scores.json",
)  # fmt: skip
"""The files of a published folder; each is there, empty where nothing was measured."""
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
    def provenance(self) -> dict[str, Any]:
        """Configurations, seeds, versions, hardware and times; see `deepnet.publishing.provenance`."""
        return self._read("provenance.json", lambda text: dict(parse_json(text)))

    @cached_property
    def groups(self) -> tuple[GroupRecord, ...]:
        """Means over seeds of every group of models."""
        return self._read("groups.csv", read_groups)

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """Relearning curves of the main study."""
        return self._read("curves.jsonl", lambda text: read_json_lines(Curve, text))

    @cached_property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Conclusions with each quirk of the released code, and without."""
        return self._read("contrasts.csv", read_contrasts)

    @cached_property
    def surfaces(self) -> tuple[Surface, ...]:
        """Loss surfaces of one seed."""
        return self._read("landscapes.jsonl", lambda text: read_json_lines(Surface, text))

    @cached_property
    def movements(self) -> tuple[Movement, ...]:
        """Maps of features of one seed."""
        return self._read("feature_maps.jsonl", lambda text: read_json_lines(Movement, text))

    @cached_property
    def ledger(self) -> list[dict[str, Any]]:
        """The rows of the deep ledger."""
        return self._read("ledger.json", lambda text: list(parse_json(text)))

    @cached_property
    def scores(self) -> dict[str, Any] | None:
        """How memorization scores estimated at this scale compare with published ones; None if it was not asked."""
        return self._read("scores.json", lambda text: _or_none(parse_json(text)))

    @property
    def command(self) -> str:
        """What makes the folder."""
        return f"python -m deepnet confirm --preset {self.folder.name} --publish {self.folder}"

    def study(self, name: str) -> tuple[GroupRecord, ...]:
        """The groups of a study; none if it was not run."""
        return tuple(group for group in self.groups if group.study == name)

    def _read(self, name: str, parse: Callable[[str], T]) -> T:
        path = self.folder / name
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: run `{self.command}`.")
        try:
            return parse(path.read_text(encoding="utf-8"))
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"{path} is damaged ({error}): run `{self.command}`.") from None


def _or_none(content: Any) -> dict[str, Any] | None:
    return None if content is None else dict(content)
