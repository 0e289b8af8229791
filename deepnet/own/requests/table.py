"""What became of requests that came one after another: each turn, and all of them as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from deepnet.own.report import DASH, Report
from deepnet.own.result import Unlearned

if TYPE_CHECKING:
    import pandas

__all__ = ["InTurn", "Turn"]

_ACCURACIES = ("retained", "request", "earlier", "test")
_HEAD = ("request", "samples", "retained", "this request", "earlier ones", "test", "ToW", "seconds")


@dataclass(frozen=True, kw_only=True, eq=False)
class Turn:
    """One request, and what became of it."""

    request: Tensor
    """The rows that were to be forgotten now, in ascending order, (k,) of int64."""
    earlier: Tensor
    """Those of the requests before."""
    result: Unlearned
    """The unlearning; its model is where the next request begins."""
    report: Report
    """The network judged on all that was to be forgotten so far, beside the one that never saw any of it."""
    accuracy: tuple[float, float | None]
    """Accuracy on this request and, from the second one on, on the earlier ones: whether they come back."""
    reference: nn.Module | None = None
    """The network that never saw any of what was to be forgotten so far; None without references."""
    reference_accuracy: tuple[float | None, float | None] = (None, None)
    """What that one has of `accuracy`."""

    @property
    def row(self) -> dict[str, Any]:
        """Its numbers by name; those of the reference begin with "reference_"."""
        numbers = {one.name: one for one in self.report.numbers}
        mine, theirs = ({"request": now, "earlier": before} for now, before in (self.accuracy, self.reference_accuracy))
        for name, number in (("retained", numbers["retain_accuracy"]), ("test", numbers["test_accuracy"])):
            mine[name], theirs[name] = number.value, number.reference
        found: dict[str, Any] = {"samples": len(self.request)}
        found |= {name: mine[name] for name in _ACCURACIES}
        found |= {f"reference_{name}": theirs[name] for name in _ACCURACIES}
        return found | {"tow": numbers["tow"].value, "seconds": self.result.seconds}


@dataclass(frozen=True, eq=False)
class InTurn(Sequence[Turn]):
    """All requests in their order. `print` shows a table of them."""

    turns: tuple[Turn, ...]
    """The requests."""

    def __len__(self) -> int:
        return len(self.turns)

    def __getitem__(self, place: Any) -> Any:
        return self.turns[place]

    @property
    def model(self) -> nn.Module:
        """The network after the last request."""
        return self.turns[-1].result.model

    def to_frame(self) -> pandas.DataFrame:
        """A table of pandas with a row a request, from 1."""
        import pandas  # half a second that a result without tables need not wait

        rows = [turn.row for turn in self.turns]
        return pandas.DataFrame(rows, index=pandas.RangeIndex(1, len(rows) + 1, name="request"))

    def __str__(self) -> str:
        """A line a request: accuracies in per cent, those of the retrained network in brackets."""
        rows = [_HEAD] + [_cells(number, turn.row) for number, turn in enumerate(self.turns, 1)]
        widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD))]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        return "\n".join(
            [*lines, "accuracies in %; in brackets those of a network retrained without all of these requests"]
        )

    __repr__ = __str__


def _cells(number: int, row: dict[str, Any]) -> tuple[str, ...]:
    accuracies = [_per_cent(row[name], row[f"reference_{name}"]) for name in _ACCURACIES]
    tow = DASH if row["tow"] is None else f"{row['tow']:.3f}"
    return (str(number), f"{row['samples']:,}", *accuracies, tow, f"{row['seconds']:.1f}")


def _per_cent(value: float | None, reference: float | None) -> str:
    if value is None:
        return DASH
    beside = "" if reference is None else f" ({100 * reference:.1f})"
    return f"{100 * value:.1f}{beside}"
