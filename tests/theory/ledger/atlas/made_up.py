"""Claims about nothing whose effects are known: they hang on three choices, or on none."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from tests.theory.cases import claim
from theory.ledger import Choice, Claim, Evidence
from theory.statistics import Estimate, exact

STOP = Choice(
    name="stop",
    words="end of unlearning",
    primary="loss",
    others=("half", "passes"),
    reason="It is fair.",
    labels={"loss": "the loss of the retrained network", "half": "accuracy ½", "passes": "five passes"},
)
WEIGHT = Choice(name="weight", words="weight α", primary=0.7, others=(0.5, 0.9, 0.95), reason="The middle.")
RADIUS = Choice(name="radius", words="|φ|/n", primary=1, others=(2, 4), reason="The theory's.")
CHOICES = (STOP, WEIGHT, RADIUS)
NOISE = 0.02


@dataclass(frozen=True)
class Bench:
    """A laboratory of a protocol."""

    protocol: Mapping[str, Any]

    def pick(self, choice: Choice[Any]) -> Any:
        return choice.of(self.protocol)


def by_stop(bench: Bench) -> float:
    """1 is predicted within 0.1; the stop alone decides."""
    return {"loss": 1.0, "half": 3.0, "passes": 1.1}[bench.pick(STOP)]


def by_weight_and_radius(bench: Bench) -> float:
    """Neither alone: the effect is 1 where both are primary or neither is."""
    return 1.0 + 2.0 * ((bench.pick(WEIGHT) == 0.7) ^ (bench.pick(RADIUS) == 1))


def by_nothing(bench: Bench) -> float:
    return 1.0


def measured(bench: Bench, name: str, effect: Callable[[Bench], float | None], noise: float) -> Evidence:
    """An effect with noise that hangs on the claim and the protocol alone."""
    word = f"{name} {sorted((choice.name, bench.pick(choice)) for choice in CHOICES)}"
    drawn = noise * np.random.default_rng(zlib.crc32(word.encode())).standard_normal()
    known = effect(bench)
    estimate = None if known is None else Estimate(known + drawn, noise, 20)
    return Evidence(effect=estimate, control=exact(0.0), n_runs=5)


def over_choices(name: str, effect: Callable[[Bench], float | None], noise: float = NOISE, **changes: object) -> Claim:
    """A claim that an effect is 1 within 0.1, whatever is chosen."""
    fields = {"choices": CHOICES, "measure": partial(measured, name=name, effect=effect, noise=noise), **changes}
    return replace(claim(name), **fields)  # type: ignore[arg-type]
