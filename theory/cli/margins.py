"""`python -m theory margins`: how far inside of the theorems' hypotheses a problem lies."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import sympy
from rich.text import Text

from simulate import SAM, SGD, Loss, Phase, Problem
from simulate.house import checks
from simulate.house.terminal import console, table
from theory.formulas.conditions import ARGUMENTS, CONDITIONS, Condition, problem_margins
from theory.ledger.wording import in_signs, marks_line, with_minus

__all__ = ["USUAL", "Margins"]

USUAL = (
    "--lr", "--tau", "--epsilon", "--problem.d", "--problem.n", "--problem.m", "--problem.P", "--problem.signal",
    "--problem.sigma-p", "--problem.sigma-0", "--problem.label-flip", "--problem.noise", "--problem.patches",
)  # fmt: skip
"""The options that hypotheses speak of; `--help-all` tells the others."""

_HEADS = ("hypothesis", "margin", "reads")
_LETTERS = {
    "signal": "‖φ‖",
    "sigma_p": "σ_p",
    "sigma_0": "σ_0",
    "lr": "η",
    "tau": "τ",
    "batch": "B",
    "label_flip": "p",
    "epsilon": "ε",
}
_SIGNS = (
    "At 0 and above a hypothesis holds with constant 1; below, it is missed by so many decades, which a smaller "
    "constant would allow."
)
_PAIRS = (
    "sgd_benign and sgd_harmful are the two sides of one boundary and exclude each other: their margins are opposite. "
    "A hypothesis with Θ stands as two, _least and _most, which hold together best where both margins are near 0."
)


@dataclass(frozen=True, kw_only=True)
class Margins:
    """Print how far inside the hypotheses of the theorems a problem lies."""

    problem: Problem = field(default_factory=Problem)
    """The law of the data."""
    lr: float = 0.01
    """Step size η."""
    tau: float = 0.0
    """Radius τ of SAM; 0 is SGD, of which the hypotheses on τ say nothing."""
    epsilon: float | None = None
    """Training loss to reach; hypotheses on it are left out without it."""

    def __call__(self) -> int:
        """Print one line a hypothesis; those outside in red."""
        checks.real("tau", self.tau, nonnegative=True)
        if self.epsilon is not None:
            checks.real("epsilon", self.epsilon, positive=True)
        optimizer = SAM(lr=self.lr, tau=self.tau) if self.tau else SGD(lr=self.lr)
        phase = Phase("train", Loss(), optimizer, stop_loss=self.epsilon or 0.0)
        rows = table("Margins in decades: log₁₀ of the largest C with which a hypothesis holds", *_HEADS)
        rows.columns[-1].justify = "left"
        every = problem_margins(self.problem, [phase]) | _other_start(self.problem, phase)
        found = {name: every[name] for name in CONDITIONS if name in every}
        for name, margin in found.items():
            told = with_minus(f"{margin:+.2f}").replace("inf", "∞")
            rows.add_row(name, Text(told, style="red" if margin < 0 else ""), _reads(CONDITIONS[name]))
        console.print(rows)
        for told in (self._of_what(), _SIGNS, _PAIRS, "Sources:", *_sources(found), marks_line()):
            console.print(textwrap.fill(told, console.width, subsequent_indent="    "))
        return 0

    def _of_what(self) -> str:
        """The problem and the step that the margins are of."""
        drawn = self.problem
        step = f"SAM with η = {self.lr:g} and τ = {self.tau:g}" if self.tau else f"SGD with η = {self.lr:g}"
        return (
            f"Of d = {drawn.d:,}, n = {drawn.n:,}, m = {drawn.m:,}, P = {drawn.P}, ‖φ‖ = {drawn.signal:g}, σ_p = "
            f"{drawn.sigma_p:g}, σ₀ = {drawn.sigma_0:g}, p = {drawn.label_flip:g}, and {step}."
        )


def _other_start(problem: Problem, phase: Phase) -> dict[str, float]:
    """Margins of the initial weights that the other optimizer's theorem asks for."""
    lr = phase.optimizer.lr
    sharp = isinstance(phase.optimizer, SAM)
    other = replace(phase, optimizer=SGD(lr=lr) if sharp else SAM(lr=lr, tau=1.0))
    start = "start_" if sharp else "sam_start_"
    return {name: margin for name, margin in problem_margins(problem, [other]).items() if name.startswith(start)}


def _reads(condition: Condition) -> str:
    """The hypothesis in the letters of the theory."""
    letters = {symbol: sympy.Symbol(_LETTERS.get(word, word), positive=True) for word, symbol in ARGUMENTS.items()}
    larger, smaller = (_plain(side.xreplace(letters)) for side in (condition.larger, condition.smaller))
    return f"{larger} ≥ C" if smaller == "1" else f"{larger} ≥ C · {smaller}"


def _plain(expression: sympy.Expr) -> str:
    """An expression on one line, as it would be written by hand."""
    text = re.sub(r"sqrt\((\w+)\)", r"√\1", str(expression))
    return in_signs(text.replace("**", "^").replace("*", " ").replace("(1/4)", "¼"))


def _sources(names: Iterable[str]) -> list[str]:
    """Each source once, after the hypotheses that it states."""
    stated: dict[str, list[str]] = {}
    for name in names:
        stated.setdefault(CONDITIONS[name].source, []).append(name)
    return [f"  {', '.join(of)}: {source}" for source, of in stated.items()]
