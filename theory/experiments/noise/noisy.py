"""Images of two noise scales: which of them ascent forgets first, and whose noise neurons SAM switches off."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray
from scipy.special import ndtr, ndtri

from simulate import Instance, Problem, Record, Result, run
from simulate.dynamics.step import gradient, logistic_loss, network_output, output_slopes, perturbation
from simulate.problems.geometry import SIGNS
from simulate.problems.scales import sam_radius, with_sam_weights
from theory.experiments.course import STANDARD
from theory.experiments.deactivation import RATIOS
from theory.experiments.lab import Lab
from theory.experiments.noise.choices import FACTOR, FRACTION
from theory.experiments.noise.training import trained, unlearning
from theory.experiments.protocols import TINY_WEIGHTS, Pretraining, initialised, retrain, tiny_radius

__all__ = [
    "KINDS", "Forgetting", "constant", "course_of", "first", "forgotten", "is_noisy", "off_at_start",
    "off_at_the_radius", "orders", "problem_of", "shares_off",
]  # fmt: skip

POINTS = 400
"""Moments at which unlearning is looked at, spaced in its logarithm: 3 % apart."""
_ENOUGH = 4.0
"""Mean loss on F at which unlearning ends: every image has lost what it had."""
_FORGET = 0.3
"""|F|/n: six images, of which nearly always some are noisy and some quiet."""


def problem_of(lab: Lab) -> Problem:
    """The standard problem with some noisy images."""
    tails = {"noisy_fraction": lab.pick(FRACTION), "noisy_factor": lab.pick(FACTOR)}
    return replace(STANDARD, forget=_FORGET, tails="two-scales", **tails)  # type: ignore[arg-type]


def is_noisy(instance: Instance, problem: Problem) -> np.ndarray:
    """Which images are noisy, (n,) of bool: the length of their noise tells."""
    lengths = instance.geometry.squared_norms[1 :: instance.patches]
    quiet, noisy = np.exp(problem.strength.table[1::2])  # type: ignore[union-attr]
    return np.asarray(lengths > problem.sigma_p**2 * problem.d * quiet * noisy)


@dataclass(frozen=True, eq=False)
class Forgetting:
    """One ascent on a forget set.

    Attributes:
        noisy: Whether each image of F is noisy, (F,).
        matched: Steps until the loss of each has reached the mean loss on F of the network retrained without it, (F,);
            infinite if it never did.
        own: Steps until it has reached the loss of that network on the image itself.
        halved: Steps until half of its memory is gone, Σ ζ over its own class's filters, (F,).
    """

    noisy: np.ndarray
    matched: np.ndarray
    own: np.ndarray
    halved: np.ndarray


def course_of(result: Result, before: Result) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps of a recorded phase of unlearning, and at each the loss and the memory of every image.

    Args:
        result: The run, with `coefficients_full` recorded.
        before: The run until unlearning began.

    Returns:
        Steps (points,), losses (points, n), and memories Σ ζ over the filters of an image's own class (points, n).
    """
    instance, geometry = result.instance, result.instance.geometry
    trace = result.trace.isel(step=(result.trace["phase"] == "unlearn").values)
    zeta = trace["zeta"].values.reshape(trace.sizes["step"], 2, instance.m, -1)
    coefficients = np.concatenate([SIGNS[:, None, None] * trace["kappa"].values[..., None], zeta], axis=-1)
    coefficients /= geometry.squared_norms * np.r_[1.0, np.full(zeta.shape[-1], float(instance.multiplicity))]
    z = geometry.start + coefficients @ geometry.gram
    losses = np.array([logistic_loss(instance.y * network_output(instance, each)) for each in z])
    own = (SIGNS[:, None] == instance.y)[:, None]
    memory = np.where(own, zeta, 0.0).sum(axis=(1, 2))
    return trace["step"].values - before.steps, losses, memory


def forgotten(lab: Lab, optimizer: Pretraining) -> list[Forgetting]:
    """SGD, then NegGrad with SGD or SAM until every image of F is forgotten."""
    problem = initialised(problem_of(lab), "SGD")
    before, last = trained(lab, problem, "SGD"), unlearning(lab, problem, optimizer)
    last = replace(last, stop_forget_loss_above=_ENOUGH, steps=20_000 if optimizer == "SGD" else 60_000)
    record = Record(points=POINTS, observe=("coefficients_full",))
    idle = Record(points=2, observe=("loss",))
    made = []
    for seed in lab.seeds("noisy images", lab.choose(quick=48, full=200)):
        instance = Instance.draw(problem, seed)
        reference = run(instance, retrain(before), record=idle, test_directions=16)
        start = run(instance, before, record=idle, test_directions=16)
        result = run(instance, (*before, last), record=record, start=start.state, test_directions=16)
        wanted = logistic_loss(instance.y * network_output(instance, reference.state.preactivations))
        made.append(_crossings(problem, result, start, wanted))
    return made


def _crossings(problem: Problem, result: Result, before: Result, wanted: np.ndarray) -> Forgetting:
    steps, losses, memory = course_of(result, before)
    forget = result.instance.forget
    return Forgetting(
        is_noisy(result.instance, problem)[forget],
        first(steps, losses >= wanted[forget].mean())[forget],
        first(steps, losses >= wanted)[forget],
        first(steps, memory <= 0.5 * memory[0])[forget],
    )


def first(steps: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """The first of the steps, (points,), at which something is reached, (points, n); infinite if it never is."""
    return np.where(reached.any(axis=0), steps[reached.argmax(axis=0)], np.inf)


def orders(courses: list[Forgetting], what: str, rng: np.random.Generator | None = None) -> np.ndarray:
    """Of all pairs of a noisy and a quiet image the share in which the noisy one went first, less the others'.

    Args:
        courses: Ascents.
        what: Name of the steps that order the images: "matched", "own" or "halved".
        rng: Shuffles which images are noisy within F, for the null experiment; None leaves them.

    Returns:
        One number in [-1, 1] for each ascent that has images of both kinds; a pair that is tied counts as 0.
    """
    made = []
    for course in courses:
        steps, noisy = getattr(course, what), course.noisy if rng is None else rng.permutation(course.noisy)
        if noisy.any() and not noisy.all():
            before, after = steps[noisy][:, None], steps[~noisy]
            made.append(float((before < after).mean() - (before > after).mean()))
    return np.array(made)


# --- what SAM's perturbation switches off --------------------------------------------------------------

KINDS = ("quiet", "noisy")
"""The images, by their noise."""
_LAW = {"d": 10**8, "n": 40, "m": 10, "signal": 2.0, "sigma_0": TINY_WEIGHTS, "forget": 0.0}


def off_at_start(lab: Lab) -> xarray.Dataset:
    """Shares of noise neurons switched off at tiny weights, by kind of image, ratio and instance.

    Variables, over (seed, kind, ratio): "own" and "opposite" class as measured, and "law", what the law by scale has
    for the own class: z = ρ s_k/(mean of s²)^½.
    """
    problem = replace(problem_of(lab), **_LAW)  # type: ignore[arg-type]
    seeds = lab.seeds("noisy images off", lab.choose(quick=400, full=6000))
    radii = [tiny_radius(ratio, problem.m, problem.n) for ratio in RATIOS]
    rows = []
    for seed in seeds:
        instance = Instance.draw(problem, seed)
        own = shares_off(instance, problem, np.full(problem.n, 1.0 / problem.n), radii)
        rows.append([own[0], own[1], _by_scale(instance, problem)])
    table = np.array(rows)
    names = ("own", "opposite", "law")
    return xarray.Dataset(
        {name: (("seed", "kind", "ratio"), table[:, number]) for number, name in enumerate(names)},
        coords={"seed": seeds, "kind": list(KINDS), "ratio": list(RATIOS)},
    )


def off_at_the_radius(lab: Lab, multiple: float) -> np.ndarray:
    """Shares of the retain set's own-class neurons switched off when unlearning begins at SAM's weights.

    Args:
        lab: The laboratory.
        multiple: The radius, over the theory's.

    Returns:
        Array (instances, kinds); instances of which R has one kind of image only are left out.
    """
    problem = with_sam_weights(problem_of(lab))
    rows = []
    for seed in lab.seeds("noisy images at the radius", lab.choose(quick=200, full=2000)):
        instance = Instance.draw(problem, seed)
        weight = np.where(instance.forget, -1.0, 1.0) / instance.n
        rows.append(shares_off(instance, problem, weight, [multiple * sam_radius(problem)], ~instance.forget)[0][:, 0])
    return np.array([row for row in rows if np.isfinite(row).all()])


def shares_off(
    instance: Instance, problem: Problem, weight: np.ndarray, radii: list[float], among: np.ndarray | None = None
) -> np.ndarray:
    """Shares of the active noise neurons that ε̂ switches off at the initial weights.

    Args:
        instance: The data.
        problem: The law that it is of.
        weight: Signed weights of the samples whose gradient ε̂ follows, (n,).
        radii: Radii of ε̂.
        among: Samples that are looked at, (n,) of bool; None is all.

    Returns:
        Array (own and opposite class, kinds, radii); NaN where there is no active neuron.
    """
    z, noisy = instance.geometry.start, is_noisy(instance, problem)
    b = gradient(instance, z, output_slopes(weight, instance.y, network_output(instance, z)))
    active = z[..., 1:] > 0.0
    own = (SIGNS[:, None] == instance.y)[:, None]
    looked = np.ones(instance.n, dtype=bool) if among is None else among
    found = np.full((2, 2, len(radii)), np.nan)
    for number, tau in enumerate(radii):
        off = (z + perturbation(b, instance.geometry.gram, tau) @ instance.geometry.gram)[..., 1:] <= 0.0
        for row, relation in enumerate((own, ~own)):
            for column, kind in enumerate((~noisy, noisy)):
                chosen = active & relation & kind & looked
                found[row, column, number] = off[chosen].mean() if chosen.any() else np.nan
    return found


def _by_scale(instance: Instance, problem: Problem) -> np.ndarray:
    """What the law by scale has for the own class of an instance, (kinds, ratios)."""
    squared = instance.geometry.squared_norms[1:]
    scale, noisy = np.sqrt(squared / squared.mean()), is_noisy(instance, problem)
    law = 2.0 * ndtr(scale[:, None] * np.array(RATIOS)) - 1.0
    return np.array(
        [law[kind].mean(axis=0) if kind.any() else np.full(len(RATIOS), np.nan) for kind in (~noisy, noisy)]
    )


def constant(data: xarray.Dataset, kind: str, rows: np.ndarray, *, by_scale: bool = True) -> float:
    """Mean over ratios of z of the measured share 2Φ(z) - 1, over that of the law by scale, or of the plain law ρ."""
    own, law = (data[name].sel(kind=kind).transpose("seed", "ratio").values[rows] for name in ("own", "law"))
    predicted = depth(np.nanmean(law, axis=0)) if by_scale else data["ratio"].values
    return float((depth(np.nanmean(own, axis=0)) / predicted).mean())


def depth(share: np.ndarray) -> np.ndarray:
    """z of shares 2Φ(z) - 1."""
    return np.asarray(ndtri(0.5 * (1.0 + share)))
