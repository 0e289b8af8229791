"""Effects as they are kept: each with its standard error, replicates, seed and configuration."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tests.oracles.ledger_oracle.experiments import EXPERIMENTS, Experiment
from tests.oracles.ledger_oracle.inside import LEDGER
from tests.oracles.ledger_oracle.training import RIGHT, Rules

__all__ = ["EFFECTS", "EVERY", "RESOLUTION", "Effect", "apart", "measure", "read", "summary", "table", "write"]

EVERY: Mapping[str, tuple[Experiment, int]] = {**EXPERIMENTS, **LEDGER}
"""Every experiment with its replicates."""
EFFECTS = Path(__file__).with_name("effects.json")
"""The tracked effects."""
RESOLUTION = 1e-4
"""Differences below this are none, even where no replicate differs from the next."""


@dataclass(frozen=True)
class Effect:
    """One effect."""

    experiment: str
    """The function of `experiments` or `inside` that measured it."""
    value: float
    """Mean over replicates."""
    standard_error: float
    """Its standard error."""
    replicates: int
    """How many there were."""
    seed: int
    """Seed of the experiment."""
    configuration: str
    """What was run, in words."""


def summary(values: np.ndarray) -> tuple[float, float]:
    """Mean over replicates, and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    """z of the difference of two means, each with its standard error."""
    return (one[0] - other[0]) / float(np.hypot(np.hypot(one[1], other[1]), RESOLUTION))


def measure(name: str, seed: int, count: int | None = None, rules: Rules = RIGHT) -> dict[str, Effect]:
    """The effects of one experiment; `count` replaces its number of replicates."""
    experiment, replicates = EVERY[name]
    replicates = replicates if count is None else count
    words = " ".join(str(experiment.__doc__).split())
    return {
        effect: Effect(name, *summary(values), replicates, seed, words)
        for effect, values in experiment(replicates, seed, rules).items()
    }


def read(path: Path = EFFECTS) -> dict[str, Effect]:
    """The tracked effects by name."""
    return {name: Effect(**row) for name, row in json.loads(path.read_text(encoding="utf-8")).items()}


def write(effects: Mapping[str, Effect], path: Path = EFFECTS, digits: int = 6) -> None:
    """Write effects in the order of their names, rounded to significant digits."""
    rows = {name: _rounded(asdict(effect), digits) for name, effect in sorted(effects.items())}
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _rounded(row: dict[str, object], digits: int) -> dict[str, object]:
    return {key: float(f"{value:.{digits}g}") if isinstance(value, float) else value for key, value in row.items()}


def table(effects: Mapping[str, Effect]) -> str:
    """Effects as lines of text."""
    rows = (f"{name:28} {effect.value:10.4f} ± {effect.standard_error:.4f}" for name, effect in effects.items())
    return "\n".join(rows)
