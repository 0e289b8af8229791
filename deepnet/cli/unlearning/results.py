"""The files that an unlearning from the command line leaves, written whole, and opened where they are there."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulate.house.files import parse_json, write_text
from simulate.house.records.record import check_folder_of, write_folder_record

if TYPE_CHECKING:
    from deepnet.networks.models import Network
    from deepnet.own.report import Report
    from deepnet.own.result import Unlearned

__all__ = ["Results"]


@dataclass(frozen=True)
class Results:
    """A folder of results."""

    folder: Path
    """Where they lie."""
    suffix: str
    """What the file of the network ends in."""
    record: Mapping[str, Any]
    """All that decides them."""

    @property
    def network(self) -> Path:
        """The network that has forgotten."""
        return self.folder / f"network.{self.suffix}"

    @property
    def history(self) -> Path:
        """Losses and accuracies, a line an epoch."""
        return self.folder / "history.csv"

    @property
    def report(self) -> Path:
        """What it has forgotten and kept; written last: where it is, all is."""
        return self.folder / "report.json"

    @property
    def files(self) -> list[Path]:
        """All of them."""
        return [self.network, self.history, self.report]

    def found(self, *, overwrite: bool) -> str:
        """What was told of these very results when they were made; nothing if they are still to be made.

        Raises:
            ValueError: if others are there, and may not be replaced.
        """
        check_folder_of(self.files, self.record, overwrite=overwrite)
        try:
            told = dict(parse_json(self.report.read_text(encoding="utf-8")))
            is_whole = all(path.is_file() for path in self.files) and told["record"] == self.record
            return str(told["told"]) if is_whole else ""
        except (OSError, ValueError, TypeError, KeyError):
            return ""

    def write(self, result: Unlearned, report: Report, told: str, class_names: tuple[str, ...]) -> None:
        """Write everything.

        Raises:
            OSError: if something cannot be written.
        """
        from deepnet.house.environment import hardware, versions
        from deepnet.networks.exporting import export

        network: Network = result.model  # type: ignore[assignment]
        origin = {"command": self.record["command"], "settings": self.record["settings"]}
        made = {"hardware": hardware(next(network.parameters()).device), "versions": versions()}
        whole: dict[str, Any] = {"record": self.record, "told": told, "reached": result.reached}
        whole |= {"seconds": result.seconds, "counts": dict(report.counts), "numbers": _numbers(report)}
        whole |= {"missing": report.missing} | made
        self.report.unlink(missing_ok=True)  # what is there is no longer whole
        write_folder_record(self.folder, self.record)
        export(network, self.network, class_names=class_names, about={"unlearned": origin})
        write_text(self.history, _as_csv(result))
        write_text(self.report, json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _numbers(report: Report) -> dict[str, dict[str, Any]]:
    """The numbers of a report by name, as JSON holds them: what is not a number is left out."""
    found = {}
    for one in report.numbers:
        values = {"value": one.value, "reference": one.reference, "gap": one.gap}
        known = {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
        if known:
            found[one.name] = {**known, "best": one.best}
    return found


def _as_csv(result: Unlearned) -> str:
    """The history as a table of comma-separated values; what was not looked at is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [item.name for item in fields(result.history[0])], lineterminator="\n")
    writer.writeheader()
    for seen in result.history:
        writer.writerow(vars(seen))
    return text.getvalue()
