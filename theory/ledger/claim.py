"""What a claim is, and what an experiment says about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from simulate.house import checks
from simulate.house.discovery import check_told_apart
from simulate.house.verdicts import Region
from theory.ledger.choice import Choice
from theory.ledger.distribution import check_distributions
from theory.ledger.picture import Picture
from theory.statistics import Estimate

__all__ = ["FAMILIES", "Claim", "Control", "Evidence", "Family"]

Family = Literal["paper", "ours", "open"]
"""Whose claim it is: the paper's, as its summaries state it; ours, derived here or what the paper builds on; or an open
question of the paper. The intervals of a family cover together."""
FAMILIES: tuple[Family, ...] = get_args(Family)
"""All of them, the paper's first."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """A variant of a claim that tells whether its experiment can be trusted.

    As a claim's `control` it is deliberately false, and the experiment must refute it. As its `null` it says that
    nothing is to be seen where there is nothing (SAM of radius 0, an optimizer against itself, a forget set that was
    never learned), which a broken experiment would contradict.
    """

    name: str
    """What it says, in a few words."""
    region: Region
    """Effects it allows."""

    def __post_init__(self) -> None:
        """Validate every field."""
        _require(self, str, "a text", "name")
        _require(self, Region, "a Region", "region")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What an experiment measured."""

    effect: Estimate | None
    """The effect the claim is about; None if nothing of the claim can be measured, with the reason in `remark`."""
    control: Estimate
    """The effect that the control is judged by; often the same one."""
    n_runs: int
    """Number of trainings behind it."""
    null: Estimate | None = None
    """What the null experiment measured; None if the claim has none."""
    details: Mapping[str, Estimate] = field(default_factory=dict)
    """Other numbers worth knowing; no verdict hangs on them."""
    distributions: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Values in [0, 1] of single replicates, (N,), by what they are of, where a mean alone would mislead."""
    conditions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Each hypothesis of the theory: its least margin over the cells (decades; negative is outside), and the
    fraction of the cells outside."""
    endings: Mapping[str, float] = field(default_factory=dict)
    """Fraction of the trainings whose last phase ended in each way (a stopping rule, all its steps, not finite)."""
    picture: Picture | None = None
    """The experiment at a glance."""
    remark: str = ""
    """What a reader should know: censoring, what was left out, how to read the number."""
    was_run: bool = True
    """Whether what the effect is measured by was run. Without an effect the row is then "not testable", or "not run"
    if it was not."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if a field is not what it has to be; the message names it.
        """
        _require(self, Estimate | None, "an Estimate or None", "effect")
        _require(self, Estimate, "an Estimate", "control")
        _require(self, Estimate | None, "an Estimate or None", "null")
        checks.integer("n_runs", self.n_runs, least=0)
        _require(self, Mapping, "a dict", "details", "distributions", "conditions", "endings")
        _require(self, Picture | None, "a Picture or None", "picture")
        _require(self, str, "a text", "remark")
        checks.boolean("was_run", self.was_run)
        check_distributions(self.distributions)
        for name, kind in (("details", Estimate), ("conditions", tuple), ("endings", float | int)):
            if not all(isinstance(each, kind) for each in getattr(self, name).values()):
                checks.fail(name, "hold what its text says", getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One row of the ledger: a statement that an experiment can contradict.

    Everything but `measure` is fixed before the experiment runs, and is printed beside the verdict.
    """

    name: str
    """Lower-case words joined by hyphens; the row is found by it."""
    number: int
    """The group it belongs to, which orders the ledger."""
    title: str
    """What is claimed, in one line."""
    source: str
    """Who claims it, with the mark [S] read in a source, [M] remembered, [D] derived or [N] seen in a prototype."""
    statement: str
    """The formula, in LaTeX that matplotlib's mathtext can set (without dollars)."""
    effect: str
    """What the number is that decides."""
    supported: Region
    """Effects the claim allows."""
    refuted_if: str
    """What would refute it, in words."""
    experiment: str
    """What is simulated."""
    stopping_rule: str
    """When trainings and the experiment stop, fixed beforehand."""
    statistic: str
    """How the effect and its interval are computed."""
    control: Control
    """The false variant."""
    measure: Callable[[Any], Evidence]
    """Runs the experiment in a laboratory (for this room `theory.experiments.lab.Lab`)."""
    null: Control | None = None
    """The null experiment, and the effects that are none."""
    family: Family = "ours"
    """Whose claim it is."""
    hypotheses: tuple[str, ...] = ()
    """Conditions of the theory that it presupposes, by their names in `theory.formulas.conditions`; where a cell
    violates one the row says that it lies outside of them."""
    choices: tuple[Choice[Any], ...] = ()
    """What it leaves open, as its experiment chose it."""
    margin: float | None = None
    """Smallest effect of interest of a claim on a direction, in the unit of the effect; None asks for the sign alone.
    With it there is one verdict more: effects of either sign that are seen to be smaller are none of interest."""

    def __post_init__(self) -> None:
        """Validate every field.

        Raises:
            ValueError: if the name is not made of lower-case words, digits, dots and hyphens, or a field is not what it
                has to be; the message names it.
        """
        texts = ("title", "source", "statement", "effect", "refuted_if", "experiment", "stopping_rule", "statistic")
        _require(self, str, "a text", "name", *texts)
        _require(self, Region, "a Region", "supported")
        _require(self, Control, "a Control", "control")
        checks.integer("number", self.number, least=0)
        checks.choice("family", self.family, FAMILIES)
        _require(self, Control | None, "a Control or None", "null")
        _require(self, tuple, "a tuple", "hypotheses", "choices")
        for name, kind in (("hypotheses", str), ("choices", Choice)):
            if not all(isinstance(each, kind) for each in getattr(self, name)):
                checks.fail(name, f"hold a {kind.__name__} each", getattr(self, name))
        check_told_apart("choice", [choice.name for choice in self.choices])
        self._check_margin()
        if not callable(self.measure):
            checks.fail("measure", "be a function", self.measure)
        if not re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", self.name):
            raise ValueError(f"Argument `name` must be lower-case words joined by hyphens, but is {self.name!r}.")

    @property
    def predicted(self) -> str:
        """The effects it allows, and the smallest one of interest."""
        return str(self.supported) if self.margin is None else f"{self.supported}, of interest from {self.margin:g} on"

    def _check_margin(self) -> None:
        if self.margin is None:
            return
        checks.real("margin", self.margin, positive=True)
        if 0.0 not in (self.supported.low, self.supported.high) or self.supported.is_equivalence:
            checks.fail("supported", "be ≥ 0 or ≤ 0 where there is a `margin`", str(self.supported))


def _require(holder: object, kind: Any, words: str, *names: str) -> None:
    """Require fields of a kind."""
    for name in names:
        if not isinstance(getattr(holder, name), kind):
            checks.fail(name, f"be {words}", getattr(holder, name))
