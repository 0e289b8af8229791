"""Which noise neurons SAM's perturbation switches off when unlearning begins: Lemma 3.1, and trained networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import get_args

import numpy as np
import xarray

from simulate import SAM, Loss, NegGrad, Phase, Problem, RandomLabel
from simulate.dynamics.objectives import Objective
from simulate.problems.scales import sam_radius, with_sam_weights
from simulate.runs.ensemble import Cell
from theory.experiments import choices
from theory.experiments.course import STANDARD, Course
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.protocols import Pretraining, fit, initialised, pretrain
from theory.formulas.conditions import largest_step, problem_margins
from theory.ledger.choice import Choice
from theory.statistics import Estimate, from_replicates

__all__ = [
    "ALPHA", "BEFORE", "CLOSED_FORM", "LOOKS", "LOSSES", "MULTIPLES", "NOTHING", "PLAIN", "RADIUS", "TRAINED",
    "UNLEARNING", "Look", "asked", "closed_form", "conditions", "equal", "fresh", "looks", "number_of", "objective_of",
    "problem_of", "tables", "trained",
]  # fmt: skip

UNLEARNING = with_sam_weights(STANDARD)
"""The problem of Lemma 3.1, by the primary values of its choices."""

ALPHA: Choice[float | str] = Choice(
    name="alpha",
    words="weight α of the retain loss",
    primary="|R|/n",
    others=(0.5, 0.7, 0.9),
    reason="All samples weigh the same, so that R and F differ by a sign; no other α is singled out.",
)
"""The α of a look."""
RADIUS: Choice[float] = Choice(
    name="radius",
    words="radius of the look, over the theory's",
    primary=1.0,
    others=(0.1**0.5, 10**0.5, 10.0),
    reason="The radius that the theory asks for; it says none but this.",
)
"""The radius of a look."""
BEFORE = (
    ALPHA, RADIUS, choices.FORGET, choices.FLIP, choices.FILTERS, choices.PATCHES, choices.LAW, choices.WEIGHTS,
    choices.DIMENSION,
)  # fmt: skip
"""The choices of a look at a network that is not trained."""
TRAINED = (*BEFORE, choices.PRETRAINED, choices.BATCH, choices.STEP)
"""The choices of a look at a trained one."""

NOTHING = 1e-6
"""Multiple of the theory's radius at which nothing goes off: the null experiment."""
MULTIPLES = (0.1, 0.1**0.5, 1.0, 10**0.5, 10.0)
"""Radii of the looks, over the theory's."""
LOSSES = tuple(sorted(choices.PRETRAINED.values, reverse=True))
"""Training losses at which a network is looked at, in the order in which they are reached."""


def equal(problem: Problem) -> NegGrad:
    """NegGrad at α = |R|/n: every sample weighs the same."""
    return NegGrad(alpha=1.0 - problem.n_forget / problem.n)


@dataclass(frozen=True)
class Look:
    """One objective and radius under which the perturbation is looked at."""

    objective: Objective
    """The objective whose gradient is the direction."""
    multiple: float
    """τ over the theory's radius, m √n / (P σ_p √d)."""

    def phase(self, problem: Problem) -> Phase:
        """A phase of no steps; its step size is that of other phases, for the hypotheses."""
        optimizer = SAM(lr=largest_step(problem), tau=self.multiple * sam_radius(problem))
        word = repr(self.objective) + repr(self.multiple)
        return Phase("look_" + "".join(c if c.isalnum() else "_" for c in word), self.objective, optimizer, steps=0)


def looks(problem: Problem, *more: float) -> tuple[Look, ...]:
    """NegGrad of some α, and of more, at every radius; and two objectives at one."""
    alphas = dict.fromkeys((equal(problem).alpha, 0.5, 0.9, *more))
    ascents = (Look(NegGrad(alpha=alpha), multiple) for alpha in alphas for multiple in (NOTHING, *MULTIPLES))
    return (*ascents, Look(RandomLabel(), 1.0), PLAIN)


PLAIN = Look(Loss(), 0.1**0.5)
"""Nothing is ascended on, and F is like R, at a radius at which some are off and some on: the null experiment."""
LOOKS: tuple[Look, ...] = looks(UNLEARNING)
"""Those of the primary protocol."""
CLOSED_FORM = tuple(Look(NegGrad(alpha=alpha), multiple) for alpha in (0.8, 0.95) for multiple in (1.0, 3.0, 10.0))
"""Those by which the closed form is tried."""


def objective_of(lab: Lab) -> NegGrad:
    """NegGrad at the protocol's α."""
    alpha = lab.pick(ALPHA)
    return NegGrad(alpha=alpha) if isinstance(alpha, float) else equal(problem_of(lab, "none"))


def number_of(lab: Lab, look: Look) -> int:
    """Its place among the protocol's looks."""
    return _looks(lab).index(look)


def _looks(lab: Lab) -> tuple[Look, ...]:
    return looks(problem_of(lab, "none"), objective_of(lab).alpha)


def problem_of(lab: Lab, pretraining: Pretraining | str) -> Problem:
    """The problem at the weights of what comes first."""
    course = Course(lab)
    return course.problem(course.standard, "SGD" if pretraining == "SGD" else "SAM")


def fresh(lab: Lab) -> xarray.Dataset:
    """Fractions switched off at SAM's initial weights, with dimensions look, relation, set, seed."""
    problem = problem_of(lab, "none")
    phases = tuple(look.phase(problem) for look in _looks(lab))
    data = lab.grid(
        "lemma 3.1", lambda seed: Cell(problem, phases, seed), {}, replicates=lab.choose(quick=64, full=400),
        test_directions=16, observe=("deactivation",),
    )  # fmt: skip
    return data[["deactivated"]].rename(phase="look").assign_attrs(endings={})


def trained(lab: Lab) -> xarray.Dataset:
    """Networks when unlearning begins, with dimensions pretraining, loss, look, relation, set, seed.

    Variables: deactivated; deactivated_predicted by the closed form; radius_asked, at which the closed form has 95 % of
    R's own class off; deactivated_at_radius, which is measured there.
    """
    step, batch = lab.pick(choices.STEP), lab.pick(choices.BATCH)
    problems = {word: problem_of(lab, word) for word in ("SGD", "SAM")}
    networks = _Networks(problems, _looks(lab), partial(pretrain, step=step, batch=batch),
                         partial(fit, step=step, batch=batch))  # fmt: skip
    return networks.seen(lab, "lemma 3.1", lab.choose(quick=16, full=100))


def closed_form(lab: Lab) -> xarray.Dataset:
    """The same in d = 20,000, where what the closed form leaves out is 2 % of the shift.

    Steps are large: it speaks of any network, however it was trained.
    """
    base = replace(STANDARD, d=20_000, signal=STANDARD.signal * 10**0.25)
    problems = {word: initialised(base, word) for word in get_args(Pretraining)}
    return _Networks(problems, CLOSED_FORM).seen(lab, "closed form", lab.choose(quick=24, full=300))


@dataclass(frozen=True)
class _Networks:
    """Networks that are looked at whenever their training loss has come down to another one."""

    problems: dict[str, Problem]
    """Problem by pretraining."""
    looks: tuple[Look, ...]
    """What is looked at."""
    pretrain: Callable[..., tuple[Phase, ...]] = pretrain
    """Phases until the first loss."""
    fit: Callable[..., Phase] = fit
    """The phase from one loss to the next."""

    def seen(self, lab: Lab, name: str, replicates: int) -> xarray.Dataset:
        """Run them; see `trained`."""
        phases = {pretraining: self._phases(pretraining) for pretraining in self.problems}
        data = lab.grid(
            name, lambda seed, pretraining: Cell(self.problems[pretraining], phases[pretraining], seed),
            {"pretraining": tuple(self.problems)}, replicates=replicates, test_directions=16,
            observe=("deactivation", "deactivation_radius"),
        )  # fmt: skip
        return self.by_loss(data).assign_attrs(theory=sam_radius(next(iter(self.problems.values()))))

    def by_loss(self, data: xarray.Dataset) -> xarray.Dataset:
        """What was observed by phase, by loss and look."""
        names = ("deactivated", "deactivated_predicted", "deactivated_at_radius", "radius_asked")
        parts, converged = [], []
        for pretraining in self.problems:
            here, end, looked = data.sel(pretraining=pretraining), 0, []
            for stage in self._stages(pretraining):
                end += len(stage)
                converged.append((here["phase_steps"].isel(phase=end - 1) < stage[-1].steps).values)
                looked.append(here[list(names)].isel(phase=slice(end, end + len(self.looks))).rename(phase="look"))
                end += len(self.looks)
            parts.append(xarray.concat(looked, xarray.Variable("loss", list(LOSSES))))
        share = float(np.mean(converged))
        joined = xarray.concat(parts, data["pretraining"])
        return joined.assign_attrs(data.attrs, endings={"converged": share, "max_steps": 1.0 - share})

    def _stages(self, pretraining: str) -> list[tuple[Phase, ...]]:
        problem = self.problems[pretraining]
        later = [self.fit(problem, loss=loss) for loss in LOSSES[1:]]
        named = [(replace(phase, name=f"fit_{number}"),) for number, phase in enumerate(later)]
        return [self.pretrain(problem, pretraining, loss=LOSSES[0]), *named]

    def _phases(self, pretraining: str) -> tuple[Phase, ...]:
        found: list[Phase] = []
        for number, stage in enumerate(self._stages(pretraining)):
            seen = [look.phase(self.problems[pretraining]) for look in self.looks]
            found += [*stage, *(replace(look, name=f"{look.name}_{number}") for look in seen)]
        return tuple(found)


def asked(data: xarray.Dataset, pretraining: str, loss: float, look: int = 0) -> Estimate:
    """The radius that networks ask for under the objective of a look, over the theory's; see `trained`."""
    found = data["radius_asked"].sel(pretraining=pretraining, loss=loss).isel(look=look).values
    return from_replicates(found / data.attrs["theory"])


def conditions(lab: Lab, pretraining: Pretraining | str, look: Look) -> dict[str, tuple[float, float]]:
    """Margins of the hypotheses of one look at a network: its problem, its pretraining, and the look itself."""
    problem = problem_of(lab, pretraining)
    before: tuple[Phase, ...] = ()
    if pretraining != "none":
        before = Course(lab).pretrain(problem, "SAM" if pretraining == "SAM" else "SGD")
    found = problem_margins(problem, (*before, look.phase(problem)))
    table = xarray.DataArray(list(found.values()), dims="condition", coords={"condition": list(found)})
    return conditions_of(xarray.Dataset({"margin": table}))


def tables(lab: Lab) -> xarray.DataArray:
    """Fractions switched off at the protocol's loss, with dimensions pretraining (none, SGD, SAM), look, …, seed."""
    start, after = lab.once(fresh), lab.once(trained)
    after_loss = after["deactivated"].sel(loss=lab.pick(choices.PRETRAINED))
    count = after.sizes["seed"]  # seeds of one name are the same, the longer list begins with the shorter
    dims = ("pretraining", "look", "relation", "set", "seed")
    first = start["deactivated"].isel(seed=slice(count)).expand_dims(pretraining=["none"])
    joined = xarray.concat([first.drop_vars("seed"), after_loss.drop_vars(["seed", "loss"])], "pretraining")
    runs = start.attrs["n_runs"] + after.attrs["n_runs"]
    return joined.transpose(*dims).assign_attrs(after.attrs, n_runs=runs)
