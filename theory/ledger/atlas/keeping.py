"""What was measured, kept on disk: one small file for each claim and protocol, found again by all that decides it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simulate.house.files import is_there, parse_json, write_text
from theory.ledger.atlas.measuring import Found
from theory.ledger.choice import Protocol
from theory.ledger.claim import Claim, Evidence
from theory.statistics import Estimate

__all__ = ["Kept"]


class Kept:
    """Results in a folder, in a folder of each claim.

    Args:
        folder: The folder, which is made when something is kept; None keeps nothing.
        stamp: All that decides what a claim's experiment gives, but the protocol: budget, seed, version, sources.
    """

    def __init__(self, folder: Path | None, stamp: Callable[[Claim], Mapping[str, Any]] = lambda claim: {}) -> None:
        self._folder, self._stamp = folder, stamp

    def find(self, claim: Claim, protocol: Protocol) -> Found | None:
        """What was kept; None if there is nothing.

        Raises:
            ValueError: if it is damaged.
        """
        if self._folder is None:
            return None
        key = self._key(claim, protocol)
        path = self._path(self._folder, key)
        if not is_there(path):
            return None
        try:
            kept = parse_json(path.read_text(encoding="utf-8"))
            if kept["key"] != key:
                raise ValueError("it is that of something else")
            return Found(claim.name, protocol, _read(kept["evidence"]), float(kept["seconds"]))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(
                f"Argument `out` must hold whole results, but {path} is damaged ({error}). Remove it, or put a copy in "
                "place."
            ) from None

    def keep(self, claim: Claim, found: Found) -> None:
        """Write what was found, whole or not at all."""
        if self._folder is None:
            return
        key = self._key(claim, found.protocol)
        content = {"key": key, "evidence": _written(found.evidence), "seconds": round(found.seconds, 3)}
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_text(self._path(self._folder, key), text)

    def _key(self, claim: Claim, protocol: Protocol) -> dict[str, Any]:
        """All that decides a result, as JSON gives it back; values by what they are called."""
        values = {choice.name: choice.label(choice.of(protocol)) for choice in claim.choices}
        made: dict[str, Any] = json.loads(
            json.dumps({"claim": claim.name, "protocol": values, **self._stamp(claim)}, sort_keys=True)
        )
        return made

    @staticmethod
    def _path(folder: Path, key: Mapping[str, Any]) -> Path:
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return folder / key["claim"] / f"{digest[:24]}.json"


def _written(evidence: Evidence) -> dict[str, Any]:
    return {
        "effect": _numbers(evidence.effect),
        "control": _numbers(evidence.control),
        "null": _numbers(evidence.null),
        "n_runs": evidence.n_runs,
        "conditions": {name: list(map(_number, told)) for name, told in evidence.conditions.items()},
        "was_run": evidence.was_run,
    }


def _read(content: Mapping[str, Any]) -> Evidence:
    control = _estimate(content["control"])
    if control is None:
        raise ValueError("it has no control")
    conditions = {name: (float(least), float(outside)) for name, (least, outside) in content["conditions"].items()}
    return Evidence(
        effect=_estimate(content["effect"]),
        control=control,
        null=_estimate(content["null"]),
        n_runs=content["n_runs"],
        conditions=conditions,
        was_run=content["was_run"],
    )


def _numbers(estimate: Estimate | None) -> list[Any] | None:
    if estimate is None:
        return None
    told = (estimate.value, estimate.standard_error, estimate.degrees_of_freedom, *estimate.range)
    return [*map(_number, told), estimate.comparisons]


def _estimate(told: list[Any] | None) -> Estimate | None:
    if told is None:
        return None
    value, error, degrees, low, high = map(float, told[:5])
    return Estimate(value, error, degrees, int(told[5]), (low, high))


def _number(value: float) -> float | str:
    """A number as JSON can say it; `float` reads it back."""
    return float(value) if math.isfinite(value) else str(float(value))
