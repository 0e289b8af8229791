"""Learning rates as a table: every trial of a search, and the rates that a study takes from it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

from deepnet.matched.study import RESERVED, MatchedStudy
from deepnet.matched.tuning.search import Effort, Trial
from simulate.house.files import require_file

__all__ = ["EFFORTS", "as_csv", "rates_in", "tracked_rates", "with_rates"]

EFFORTS = {
    "photographs-resnet18": Effort(replicates=(RESERVED,), grid=range(-1, 3)),
    "photographs-resnet50": Effort(replicates=(RESERVED,), grid=range(-4, 3)),
    "digits-vit": Effort(replicates=(RESERVED,)),
}
"""What the search for a preset tries, where the usual effort would take longer than the study."""
_TRACKED = Path(__file__).parent / "found_rates"


def tracked_rates(preset: str) -> Path:
    """The table that comes with the project for a preset."""
    return _TRACKED / f"{preset}.csv"


def as_csv(trials: Sequence[Trial], about: Sequence[str] = ()) -> str:
    """The trials as a table of comma-separated values, below lines that begin with # and say where they are from."""
    text = io.StringIO()
    text.writelines(f"# {line}\n" for line in about)
    writer = csv.DictWriter(text, [item.name for item in fields(Trial)], lineterminator="\n")
    writer.writeheader()
    for trial in trials:
        numbers = {name: f"{getattr(trial, name):.5g}" for name in ("lr", "tow", "step", "retain", "forget", "val")}
        writer.writerow(asdict(trial) | numbers)
    return text.getvalue()


def rates_in(path: Path) -> dict[str, float]:
    """The chosen learning rate of each arm in a table of trials.

    Raises:
        FileNotFoundError: if there is no such table.
        ValueError: if it is not one; the message names the file.
    """
    require_file(path, "The table of learning rates (`--search` makes one)")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    try:
        return {row["arm"]: float(row["lr"]) for row in csv.DictReader(lines) if row["chosen"] == "True"}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a table of trials, as the search writes it ({error}).") from error


def with_rates(study: MatchedStudy, rates: Mapping[str, float], source: object = "the table") -> MatchedStudy:
    """The study with the learning rate of each arm, times its factor.

    Raises:
        ValueError: if there is none for an arm; the message names the arm and the source.
    """
    for arm in study.arms:
        if arm.rate_of not in rates:
            raise ValueError(f"There is no learning rate of the arm {arm.rate_of} in {source}; a search finds one.")
    return replace(study, arms=tuple(replace(arm, lr=rates[arm.rate_of] * arm.factor) for arm in study.arms))
