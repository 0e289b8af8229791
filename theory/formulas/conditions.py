r"""The hypotheses of the theorems, as distances: how far inside or outside of each a problem lies.

A hypothesis reads `larger ≥ C · smaller` with a constant C that nobody knows ("sufficiently large"). Its margin is
log₁₀(larger / smaller), the logarithm of the largest C with which it still holds: above 0 there is room for a
constant, below 0 it holds only with a constant below one. A margin is a number to be reported beside a result, never
a gate.

Three readings that the sources leave open:

* Ω̃, Õ and Θ̃ hide logarithms of unknown arguments. They are left out of both sides; that is worth a fraction of a
  decade.
* Θ is two inequalities with two constants, and stands here as two conditions. Their margins are each other's
  negatives, so the worse of the two is -|log₁₀ ratio|: 0 on the scale the theorem names, -1 a factor of ten off it.
* By the scaling x → c x, w → w/c every true threshold is a function of ‖φ‖/((P - 1) σ_p) [D], so "‖φ‖ ≥ Ω(1)" is
  read relative to (P - 1) σ_p. For the same reason the hypothesis on B m has a meaning at P σ_p = Θ(1) only; it is
  kept as it is remembered.

Marks of sources: [S] read there; [M 75%] remembered, with confidence; [D] derived here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike
from sympy import sqrt

from simulate import SAM, Phase, Problem, SharpMinMax
from simulate.house import checks
from simulate.runs.run import check_phases
from theory.formulas import symbols as s
from theory.formulas.printing import latex

__all__ = [
    "ARGUMENTS", "CASES", "CONDITIONS", "HYPOTHESES", "SCANNED", "Condition", "largest_step", "margins",
    "problem_margins",
]  # fmt: skip

ARGUMENTS = {
    "d": s.d,
    "n": s.n,
    "m": s.m,
    "P": s.P,
    "signal": s.signal,
    "sigma_p": s.sigma_p,
    "sigma_0": s.sigma_0,
    "lr": s.eta,
    "tau": s.tau,
    "batch": s.B,
    "label_flip": s.p,
    "epsilon": s.epsilon,
}
"""The symbols of hypotheses by the words that `simulate` uses for them; `epsilon` is the training loss to reach."""


@dataclass(frozen=True)
class Condition:
    """One hypothesis, larger ≥ constant · smaller.

    Example:
        >>> float(CONDITIONS["dimension_samples"].margin(d=10_000, n=10))
        2.0
    """

    name: str
    """Its name in `CONDITIONS`."""
    larger: sympy.Expr
    """The side that has to be the larger one."""
    smaller: sympy.Expr
    """The other side, without its constant."""
    constant: sympy.Expr
    """The unknown constant: a symbol, or one over the symbol that the theorem uses."""
    source: str
    """Where it comes from, with a mark of how well that is known."""

    @property
    def relation(self) -> Any:
        """The hypothesis as a sympy relation, its constant a symbol."""
        return sympy.Ge(self.larger, self.constant * self.smaller, evaluate=False)

    @property
    def latex(self) -> str:
        """The hypothesis in LaTeX that matplotlib's mathtext can set."""
        return latex(self.relation)

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """The words of the symbols it depends on."""
        needed = self.larger.free_symbols | self.smaller.free_symbols
        return tuple(word for word, symbol in ARGUMENTS.items() if symbol in needed)

    @cached_property
    def _sides(self) -> Any:
        symbols = [ARGUMENTS[word] for word in self.arguments]
        return sympy.lambdify(symbols, [self.larger, self.smaller], modules="numpy", cse=True)

    def margin(self, **values: ArrayLike) -> np.ndarray:
        """Signed distance to the hypothesis in decades, log₁₀(larger / smaller).

        Args:
            **values: Numbers or arrays that broadcast, one for each of `arguments`; others are not read.

        Returns:
            Array of the broadcast shape; infinite where a side is 0 (no label flips) or beyond floats, NaN where both
            are.

        Raises:
            ValueError: if an argument is missing or out of range.
        """
        for word in self.arguments:
            if word not in values:
                raise ValueError(f"Argument `{word}` must be given for the condition `{self.name}`, but is missing.")
        return self._margin({word: _in_range(word, values[word]) for word in self.arguments})

    def _margin(self, given: Mapping[str, np.ndarray]) -> np.ndarray:
        """The margin of numbers that are known to be in range."""
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            larger, smaller = (np.log10(side) for side in self._sides(*(given[word] for word in self.arguments)))
            return np.asarray(larger - smaller, dtype=np.float64)


def _in_range(word: str, values: ArrayLike) -> np.ndarray:
    """Numbers that the symbol of a word can have: positive, P at least 1, and no label flips allowed."""
    array = checks.real_array(word, values)
    if (array < 0).any():
        raise ValueError(f"Argument `{word}` must not be negative, but is as low as {array.min():g}.")
    if word != "label_flip" and (array == 0).any():
        raise ValueError(f"Argument `{word}` must be positive, but is 0 somewhere.")
    if word == "P" and (array < 1).any():
        raise ValueError(f"Argument `{word}` must be at least 1, but is as low as {array.min():g}.")
    return array


_CHEN = "Chen et al. 2023, Condition 3.1({}) [M {}]; presumably reused by the unlearning paper [M 40%, inference]"
_CHEN_SAM = "Chen et al. 2023, Theorem 4.1 [M 80%]; presumably reused by the unlearning paper [M 40%, inference]"
_SEEDS = "Unlearning paper, Theorem {} as its summaries state it [S]{}"

_noise = s.P * s.sigma_p
_start, _radius = 1 / (_noise * sqrt(s.d)), s.m * sqrt(s.B) / (_noise * sqrt(s.d))
_boundary = (s.d / s.n) ** sympy.Rational(1, 4) * _noise
_one = sympy.S.One

CONDITIONS: dict[str, Condition] = {
    condition.name: condition
    for condition in (
        Condition("dimension_samples", s.d, s.n**2, s.C_n, _CHEN.format(1, "75%")),
        Condition("dimension_signal", s.d, s.n * s.signal**2 / _noise**2, s.C_signal, _CHEN.format(1, "75%")),
        Condition("dimension_batch", s.d, s.B * s.m / _noise**2, s.C_batch, _CHEN.format(1, "75%")),
        Condition("filters", s.m, _one, s.C_filters, _CHEN.format(2, "75%") + "; all of its right side is hidden"),
        Condition("samples", s.n, _one, s.C_samples, _CHEN.format(2, "75%") + "; all of its right side is hidden"),
        Condition("signal_noise", s.signal, _noise, s.C_weak, _CHEN.format(3, "75%")),
        Condition("label_flip", _one, s.p, s.C_flip, _CHEN.format(4, "75%")),
        Condition("start_noise", sqrt(s.n) / (_noise * s.d), s.sigma_0, s.C_start_noise, _CHEN.format(5, "75%")),
        Condition("start_signal", 1 / s.signal, s.sigma_0, s.C_start_signal, _CHEN.format(5, "75%")),
        Condition(
            "step_filter",
            s.B * s.m / (_noise**2 * s.d ** sympy.Rational(3, 2)),
            s.eta,
            s.C_step_filter,
            _CHEN.format(6, "60%"),
        ),
        Condition("step_batch", s.B / (_noise**2 * s.d), s.eta, s.C_step_batch, _CHEN.format(6, "60%")),
        Condition(
            "step_signal",
            s.sigma_0 * s.B * sqrt(s.d) * s.m / (s.n * s.signal),
            s.eta,
            s.C_step_signal,
            _CHEN.format(6, "60%"),
        ),
        Condition(
            "step_accuracy",
            s.B**2 * s.m * s.epsilon / (s.n * _noise * s.signal),
            s.eta,
            s.C_step_accuracy,
            _CHEN.format(6, "60%"),
        ),
        Condition("sgd_benign", s.signal, _boundary, s.C_1, _SEEDS.format("3.2", "")),
        Condition(
            "sgd_harmful", _boundary, s.signal, 1 / s.C_3, _SEEDS.format("3.2", '; its "otherwise", with Chen\'s C_3')
        ),
        Condition("sam_start_least", s.sigma_0, _start, s.C_start_least, _CHEN_SAM),
        Condition("sam_start_most", _start, s.sigma_0, s.C_start_most, _CHEN_SAM),
        Condition("sam_radius_least", s.tau, _radius, s.C_radius_least, _CHEN_SAM),
        Condition("sam_radius_most", _radius, s.tau, s.C_radius_most, _CHEN_SAM),
        Condition(
            "sam_signal",
            s.signal,
            s.noise_scale,
            s.C_4,
            _SEEDS.format("3.3", '; "‖φ‖ ≥ Ω(1)" read relative to the noise scale [D]'),
        ),
    )
}
"""Every hypothesis by name. Those of SAM begin with `sam_`, those of SGD alone with `sgd_`."""

CASES = ("sgd_benign", "sgd_harmful", "sam_signal")
"""Conditions that tell the cases of a theorem apart, and are no hypotheses of it."""

HYPOTHESES = tuple(name for name in CONDITIONS if name not in CASES)
"""What the theorems presuppose; a run has the margins of those that speak of it, see `problem_margins`."""
SCANNED = tuple(name for name in HYPOTHESES if name != "signal_noise")
"""What is left where signals on both sides of a boundary are the cells, some of them below P σ_p."""


def margins(
    *,
    d: ArrayLike,
    n: ArrayLike,
    m: ArrayLike,
    P: ArrayLike,
    signal: ArrayLike,
    sigma_p: ArrayLike,
    sigma_0: ArrayLike,
    lr: ArrayLike,
    tau: ArrayLike | None = None,
    batch: ArrayLike | None = None,
    label_flip: ArrayLike = 0.0,
    epsilon: ArrayLike | None = None,
) -> dict[str, np.ndarray]:
    """Margins of all hypotheses, over arrays that broadcast.

    Args:
        d: Dimension.
        n: Number of samples.
        m: Number of filters for each sign.
        P: Number of patches.
        signal: Signal strength ‖φ‖.
        sigma_p: Standard deviation of each noise coordinate.
        sigma_0: Standard deviation of each initial weight.
        lr: Step size η.
        tau: Radius τ of SAM, or None without SAM.
        batch: Samples a step sees, or None if nothing is to be said of it.
        label_flip: Probability p of a wrong label.
        epsilon: Training loss ε to reach, or None.

    Returns:
        Margins in decades by name, all of the common shape. A condition of which a symbol is None is left out.

    Example:
        >>> found = margins(d=[1e3, 1e5], n=20, m=10, P=2, signal=3.0, sigma_p=1.0, sigma_0=1e-4, lr=1e-3)
        >>> found["dimension_samples"].round(2)
        array([0.4, 2.4])
        >>> "sam_radius_least" in found
        False
    """
    values = {
        "d": d, "n": n, "m": m, "P": P, "signal": signal, "sigma_p": sigma_p, "sigma_0": sigma_0, "lr": lr,
        "tau": tau, "batch": batch, "label_flip": label_flip, "epsilon": epsilon,
    }  # fmt: skip
    given = {word: _in_range(word, value) for word, value in values.items() if value is not None}
    try:
        shape = np.broadcast_shapes(*(array.shape for array in given.values()))
    except ValueError:
        shapes = {word: array.shape for word, array in given.items() if array.shape}
        names = ", ".join(f"`{word}`" for word in shapes)
        raise ValueError(f"Arguments must broadcast, but {names} have shapes {[*shapes.values()]}.") from None
    return {
        name: np.broadcast_to(condition._margin(given), shape).copy()
        for name, condition in CONDITIONS.items()
        if given.keys() >= set(condition.arguments)
    }


def largest_step(problem: Problem, *, batch: int | None = None, epsilon: float = 1.0) -> float:
    """The largest step size η that satisfies every hypothesis on it with constant 1.

    Args:
        problem: The problem.
        batch: Samples a step sees; None is all of them.
        epsilon: Training loss ε to reach.

    Returns:
        η; just below the border, so that rounding does not put it outside.

    Example:
        >>> problem = Problem(d=10_000, n=20)
        >>> from simulate import SGD, Loss
        >>> phase = Phase("fit", Loss(), SGD(lr=largest_step(problem)))
        >>> round(problem_margins(problem, [phase])["step_filter"], 6)
        0.0
    """
    if not isinstance(problem, Problem):
        checks.fail("problem", "be a Problem", problem)
    words = ("d", "n", "m", "P", "signal", "sigma_p", "sigma_0", "label_flip")
    sizes = {word: getattr(problem, word) for word in words}
    found = margins(**sizes, lr=1.0, batch=problem.n if batch is None else batch, epsilon=epsilon)
    return float(10.0 ** (min(margin for name, margin in found.items() if name.startswith("step_")) - 1e-12))


def problem_margins(problem: Problem, phases: Sequence[Phase]) -> dict[str, float]:
    """Margins of a run: for each hypothesis the smallest over its phases.

    A phase of SAM (or the retain step of Sharp MinMax) has a radius, one with `stop_loss` has an ε, and one without
    `batch` sees all n samples. SAM with radius 0 is SGD. The theorems on SGD and on SAM ask for initial weights that
    exclude each other; those of the optimizer that the run begins with count.

    Args:
        problem: The problem.
        phases: The phases of the run.

    Returns:
        Margins in decades by name.

    Example:
        >>> from simulate import SGD, Loss
        >>> found = problem_margins(Problem(d=20_000, n=20), [Phase("pretrain", Loss(), SGD(lr=0.01))])
        >>> round(found["dimension_samples"], 2)
        1.7
    """
    if not isinstance(problem, Problem):
        checks.fail("problem", "be a Problem", problem)
    check_phases(phases)
    words = ("d", "n", "m", "P", "signal", "sigma_p", "sigma_0", "label_flip")
    common = {word: getattr(problem, word) for word in words}
    rows, radii = [], []
    for phase in phases:
        optimizer = phase.optimizer
        radius = optimizer.tau if isinstance(optimizer, SAM | SharpMinMax) and optimizer.tau > 0 else None
        radii.append(radius)
        batch = problem.n if optimizer.batch is None else optimizer.batch
        rows.append(margins(**common, lr=optimizer.lr, tau=radius, batch=batch, epsilon=phase.stop_loss or None))
    others = "sam_start_" if radii[0] is None else "start_"
    found = [name for name in CONDITIONS if any(name in row for row in rows) and not name.startswith(others)]
    return {name: min(float(row[name]) for row in rows if name in row) for name in found}
