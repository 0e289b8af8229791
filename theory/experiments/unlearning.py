"""Unlearning at matched forgetting: runs stop when the forget set is forgotten, by the protocol's reading of it."""

from __future__ import annotations

from dataclasses import replace

import xarray

from simulate import SGD, NegGrad, Phase, Problem
from simulate.runs.ensemble import Cell
from theory.experiments.boundaries import BASE, Line, Lines, noise_scale, predicted_boundary, run_lines
from theory.experiments.choices import ALPHA as ALPHA_CHOICE
from theory.experiments.choices import PRETRAINED, STOP
from theory.experiments.course import STANDARD, Course
from theory.experiments.lab import Lab
from theory.experiments.protocols import Pretraining, retrain

__all__ = [
    "ALPHA", "ALPHAS", "PRETRAINED_LOSS", "STANDARD", "after_sam", "after_sgd", "again", "alpha_grid", "alphas",
    "both_sam", "forgettable", "from_start", "never_learned", "phase_from_end", "snr_line",
]  # fmt: skip

PRETRAINED_LOSS = PRETRAINED.primary
"""Training loss at which pretraining hands over to unlearning."""
ALPHA = ALPHA_CHOICE.primary
"""Weight of the retain loss unless it is varied."""
ALPHAS = (0.3, 0.5, 0.7, 0.9, 0.95)
"""Weights of the retain set that are tried."""

_UNLEARNED = replace(BASE, d=2000, n=20, forget=0.2)


def phase_from_end(data: xarray.Dataset, name: str, back: int = 1) -> xarray.DataArray:
    """What was observed at the end of each run's own last phase (back = 1), or of the one before it (2)."""
    count = data["phase_steps"].notnull().sum("phase")
    return data[name].isel(phase=count - back)


# --- boundaries after unlearning -----------------------------------------------------------------------


def after_sgd(lab: Lab) -> Lines:
    """SGD from its theorem's weights, then NegGrad with SGD until the forget set is forgotten."""
    dimensions = lab.choose(quick=(2000, 6400), full=(2000, 6400, 20_000))
    places = (0.5, 0.8, 1.1, 1.5, 2.5, 4.0)
    return _after(
        lab, "neggrad after sgd", "SGD", "SGD", dimensions, places, relative=True,
        replicates=lab.choose(quick=16, full=60),
    )  # fmt: skip


def from_start(lab: Lab) -> Lines:
    """NegGrad with SGD from the initial weights, until the retain loss is that at which training ends."""
    course = Course(lab)

    def phases(problem: Problem) -> tuple[Phase, ...]:
        every = course.unlearn(problem, course.pretrain(problem, "SGD"), NegGrad(alpha=0.9), SGD())
        return (replace(every[-1], stop_forget_below=None, stop_forget_loss_above=None, stop_loss=course.loss),)

    return run_lines(
        lab, "neggrad from start", (Line("d", lab.choose(quick=(6400,), full=(6400, 20_000))),), (0.5, 2.5, 4.0),
        scale=predicted_boundary, prepare=lambda problem: course.problem(problem, "SGD"), phases=phases,
        base=_UNLEARNED, replicates=lab.choose(quick=16, full=60),
    )  # fmt: skip


def after_sam(lab: Lab) -> Lines:
    """SAM and SGD at SAM's weights, then NegGrad with SGD until the forget set is forgotten."""
    dimensions = lab.choose(quick=(500, 1000), full=(500, 1000, 2000, 4000))
    return _after(
        lab, "neggrad after sam", "SAM", "SGD", dimensions, (0.35, 0.5, 0.7, 1.0, 1.5, 3.0), relative=False,
        replicates=lab.choose(quick=8, full=50),
    )  # fmt: skip


def both_sam(lab: Lab) -> Lines:
    """SAM and SGD at SAM's weights, then NegGrad with SAM until the forget set is forgotten."""
    return _after(
        lab, "neggrad sam both", "SAM", "SAM", lab.choose(quick=(2000,), full=(1000, 2000, 4000)), (2.0, 4.0),
        relative=False, replicates=lab.choose(quick=10, full=40),
    )  # fmt: skip


def _after(
    lab: Lab, name: str, pretraining: Pretraining, optimizer: Pretraining, dimensions: tuple[int, ...],
    places: tuple[float, ...], *, relative: bool, replicates: int,
) -> Lines:  # fmt: skip
    """A line over d: pretraining, and NegGrad until the forget set is forgotten."""
    course = Course(lab)

    def phases(problem: Problem) -> tuple[Phase, ...]:
        before = course.pretrain(problem, pretraining)
        return course.unlearn(problem, before, NegGrad(alpha=course.alpha), course.optimizer(problem, optimizer))

    return run_lines(
        lab, name, (Line("d", dimensions),), places, scale=predicted_boundary if relative else noise_scale,
        prepare=lambda problem: course.problem(problem, pretraining), phases=phases, base=_UNLEARNED,
        replicates=replicates,
    )  # fmt: skip


def forgettable(lab: Lab) -> xarray.Dataset:
    """How many runs NegGrad with SGD makes forget within its steps, over pretraining and d."""
    course = Course(lab)

    def make(seed: int, pretraining: Pretraining, d: int) -> Cell:
        problem = course.problem(replace(_UNLEARNED, d=d, signal=2.0), pretraining)
        before = course.pretrain(problem, pretraining)
        return Cell(problem, course.unlearn(problem, before, NegGrad(alpha=course.alpha), SGD()), seed)

    axes = {"pretraining": ("SGD", "SAM"), "d": lab.choose(quick=(500, 2000), full=(500, 2000, 8000))}
    return lab.grid("forgettable", make, axes, replicates=lab.choose(quick=10, full=60))


# --- one problem, many ways to unlearn -----------------------------------------------------------------


def alphas(lab: Lab) -> tuple[float, ...]:
    """The weights of the grid, the protocol's own among them."""
    few = lab.choose(quick=(0.5, 0.9), full=ALPHAS)
    return tuple(sorted({*few, Course(lab).alpha}))


def alpha_grid(lab: Lab) -> xarray.Dataset:
    """The standard problem over α, pretraining and unlearning optimizer; coefficients and curvature observed."""
    course = Course(lab)

    def make(seed: int, pretraining: Pretraining, optimizer: Pretraining, alpha: float) -> Cell:
        problem = course.problem(course.standard, pretraining)
        before = course.pretrain(problem, pretraining)
        last = course.optimizer(problem, optimizer)
        return Cell(problem, course.unlearn(problem, before, NegGrad(alpha=alpha), last), seed)

    axes = {"pretraining": ("SGD", "SAM"), "optimizer": ("SGD", "SAM"), "alpha": alphas(lab)}
    return lab.grid(
        "alpha", make, axes, replicates=lab.choose(quick=8, full=60),
        observe=("coefficients", "hessian", "sharpness"), tau=course.radius(course.standard),
    )  # fmt: skip


def again(lab: Lab) -> xarray.Dataset:
    """The null experiment of it: SGD and SGD, with other seeds, at the protocol's α."""
    course = Course(lab)

    def make(seed: int) -> Cell:
        problem = course.problem(course.standard, "SGD")
        before = course.pretrain(problem, "SGD")
        return Cell(problem, course.unlearn(problem, before, NegGrad(alpha=course.alpha), SGD()), seed)

    return lab.grid("alpha again", make, {}, replicates=lab.choose(quick=8, full=60), observe=("coefficients",))


def never_learned(lab: Lab) -> xarray.Dataset:
    """The null experiment of unlearning: the forget set was never learned, so that nothing is to be unlearned.

    Whatever the protocol's reading of "forgotten", it is matched to the retrained network, which is this one: under the
    other readings something would be left to do.
    """
    course = Course(lab)

    def make(seed: int, pretraining: Pretraining) -> Cell:
        problem = course.problem(course.standard, pretraining)
        learned = retrain(course.pretrain(problem, pretraining))
        phases = course.unlearn(problem, learned, NegGrad(alpha=course.alpha), SGD(), stop=STOP.primary)
        return Cell(problem, phases, seed)

    return lab.grid(
        "never learned", make, {"pretraining": ("SGD", "SAM")}, replicates=lab.choose(quick=10, full=60),
        observe=("hessian", "sharpness"), tau=course.radius(course.standard),
    )  # fmt: skip


def snr_line(lab: Lab) -> xarray.Dataset:
    """SGD pretraining and unlearning over the signal strength, at the same loss when unlearning begins."""
    course = Course(lab)

    def make(seed: int, place: float) -> Cell:
        base = replace(course.standard, signal=place * predicted_boundary(course.standard))
        problem = course.problem(base, "SGD")
        before = course.pretrain(problem, "SGD")
        return Cell(problem, course.unlearn(problem, before, NegGrad(alpha=course.alpha), SGD()), seed)

    places = (0.7, 1.0, 1.5, 2.5, 3.5)
    return lab.grid("snr", make, {"place": places}, replicates=lab.choose(quick=30, full=200))
