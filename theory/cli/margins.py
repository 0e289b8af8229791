"""`python -m theory margins`: how far inside of the theorems' hypotheses a problem lies."""

from __future__ import annotations

from dataclasses import dataclass, field

import sympy
from rich.text import Text

from simulate import SAM, SGD, Loss, Phase, Problem, checks
from simulate.cli.console import console, table
from theory.conditions import ARGUMENTS, CONDITIONS, Condition, problem_margins

__all__ = ["Margins"]


@dataclass(frozen=True, kw_only=True)
class Margins:
    """Print the margin of every hypothesis: log10 of the largest constant with which it still holds."""

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
        rows = table("Margins in decades; a negative one needs a constant C below 1", "hypothesis", "margin", "reads")
        rows.columns[-1].justify = "left"
        for name, margin in problem_margins(self.problem, [phase]).items():
            style = "red" if margin < 0 else ""
            rows.add_row(Text(name), Text(f"{margin:+.2f}", style=style), Text(_in_words(CONDITIONS[name])))
        console.print(rows)
        console.print("Sources of the hypotheses: theory.CONDITIONS[name].source", markup=False)
        return 0


def _in_words(condition: Condition) -> str:
    """The hypothesis with the words of `simulate` for its symbols."""
    words = {symbol: sympy.Symbol(word, positive=True) for word, symbol in ARGUMENTS.items()}
    larger, smaller = (side.xreplace(words) for side in (condition.larger, condition.smaller))
    return f"{larger} ≥ C" if smaller == 1 else f"{larger} ≥ C · {smaller}"
