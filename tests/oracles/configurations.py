"""Random runs that between them use every option of the simulator together with every other."""

from dataclasses import dataclass, fields, replace
from itertools import product

import numpy as np

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem, RandomLabel, SharpMinMax
from simulate.dynamics.objectives import Objective
from simulate.dynamics.optimizers import Optimizer

OBJECTIVES: tuple[Objective, ...] = (
    *(Loss(on=on) for on in ("all", "retain", "forget")),
    *(NegGrad(reduction=reduction) for reduction in ("mean", "sum")),
    *(RandomLabel(flip=flip) for flip in (1.0, 0.5)),
)
SAMS = tuple(
    SAM(on=on, sharpness=sharpness, mixing=mixing)
    for on, sharpness, mixing in product(("joint", "retain", "forget"), ("min", "max"), (1.0, 0.5))
)
MIN_MAXES = tuple(
    SharpMinMax(polarity=polarity, tau_forget=tau, mixing=mixing)
    for polarity, tau, mixing in product(("top", "bottom"), (None, 0.03), (1.0, 0.5))
)
OPTIMIZERS = (SGD(), *SAMS, *MIN_MAXES)
"""Every choice among the discrete options; a mixing weight that is not 1 stands for a random one."""

ADAPTIVE_SAMS = tuple(replace(sam, adaptive=True) for sam in SAMS)
DENSE_MIN_MAXES = tuple(
    replace(each, partition=partition, adaptive=adaptive)
    for each, (partition, adaptive) in product(
        MIN_MAXES, (("coordinate", False), ("filter", True), ("coordinate", True))
    )
)
DENSE_OPTIMIZERS = (*ADAPTIVE_SAMS, *DENSE_MIN_MAXES)
"""What the dense engine alone can do."""

NUMBERS = {"lr", "tau", "batch", "alpha", "fraction"}
OPTIONAL_NUMBERS: dict[str, float | None] = {"tau_forget": None, "mixing": 1.0}
"""Numbers that have one value that is an option of its own."""

PATCHES = (("copied", 2), ("copied", 4), ("independent", 3))
SETTINGS = tuple(product(("orthogonal", "isotropic"), PATCHES, (False, True)))
"""Noise law; patches and their number; whether steps see minibatches."""


@dataclass(frozen=True)
class Configuration:
    """One run."""

    problem: Problem
    phases: tuple[Phase, Phase]
    seed: int

    @property
    def options(self) -> set[str]:
        """Its choices among discrete options, in words."""
        problem, (before, unlearn) = self.problem, self.phases
        return {
            f"{problem.noise} noise",
            f"{problem.patches} patches, P={problem.P}",
            f"minibatches: {unlearn.optimizer.batch is not None}",
            f"pretrained with {type(before.optimizer).__name__}",
            *_options(unlearn.objective),
            *_options(unlearn.optimizer),
        }


def _options(part: Objective | Optimizer) -> set[str]:
    values = {field.name: getattr(part, field.name) for field in fields(part) if field.name not in NUMBERS}
    values |= {name: values[name] == option for name, option in OPTIONAL_NUMBERS.items() if name in values}
    return {type(part).__name__, *(f"{type(part).__name__}, {name}: {value}" for name, value in values.items())}


def configurations(number: int, *, optimizers=OPTIMIZERS, steps: int = 1000, seed: int = 0) -> list[Configuration]:
    """The first configurations of an endless list.

    The list goes round the pairs of an objective and an optimizer and, at the same time, round the settings; it
    moves one setting on where both rounds end together, so that in time it combines all with all.

    Args:
        number: How many.
        optimizers: The optimizers of the unlearning phase to choose from.
        steps: Steps of a run, of both its phases together.
        seed: Seed of the order and of every number that is not an option.
    """
    rng = np.random.default_rng(seed)
    pairs = [pair for pair in product(OBJECTIVES, optimizers) if fit(*pair)]
    order = rng.permutation(len(pairs))
    together = int(np.lcm(len(pairs), len(SETTINGS)))
    return [
        configure(*pairs[order[k % len(pairs)]], *SETTINGS[(k + k // together) % len(SETTINGS)], steps=steps, rng=rng)
        for k in range(number)
    ]


def fit(objective: Objective, optimizer: Optimizer) -> bool:
    """Whether the two make a phase."""
    try:
        Phase("unlearn", objective, optimizer)
    except ValueError:
        return False
    return True


def configure(objective, optimizer, noise, patches, minibatches, *, steps: int, rng) -> Configuration:
    """Draw sizes, scales and rates at which the steps lead somewhere."""
    (kind, P), n, m, d = patches, *(int(rng.integers(low, high + 1)) for low, high in ((6, 14), (2, 4), (40, 120)))
    sigma_p, sigma_0 = rng.uniform(0.5, 2.0), 10 ** rng.uniform(-3, -1)
    problem = Problem(
        d=d, n=n, m=m, P=P, noise=noise, patches=kind, sigma_p=sigma_p, sigma_0=sigma_0,
        signal=sigma_p * np.sqrt(d / n) * rng.uniform(0.2, 2.0),
        label_flip=rng.choice([0.0, 0.2]), forget=rng.uniform(0.15, 0.45),
    )  # fmt: skip
    drawn = {
        "lr": rng.uniform(0.05, 0.5) * n * m / ((P - 1) * problem.multiplicity * sigma_p**2 * d),
        "tau": sigma_0 * np.sqrt(m * n) * 10 ** rng.uniform(-1, 1),
        "mixing": rng.uniform(0.2, 2.0),
        "tau_forget": sigma_0 * np.sqrt(m * n) * 10 ** rng.uniform(-1, 1),
        "fraction": rng.uniform(0.2, 0.8),
    }
    before = (SGD(), SAM())[rng.integers(2)]
    if isinstance(objective, NegGrad):
        objective = replace(objective, alpha=rng.uniform(0.2, 0.95))
    smallest = problem.n_forget if objective == Loss(on="forget") else n - problem.n_forget
    batch = int(rng.integers(1, max(smallest, 2))) if minibatches else None
    slower = n if getattr(objective, "reduction", "mean") == "sum" else 1
    first = int(rng.integers(3 * steps // 10, 7 * steps // 10))
    pretrain = Phase("pretrain", Loss(), fill(before, batch=batch, **drawn), steps=first)
    drawn["lr"] /= slower
    unlearn = Phase("unlearn", objective, fill(optimizer, batch=batch, **drawn), steps=steps - first)
    return Configuration(problem, (pretrain, unlearn), seed=int(rng.integers(2**31)))


def fill(optimizer: Optimizer, **drawn: float | None) -> Optimizer:
    """The optimizer with its numbers drawn, except for optional numbers that have their special value."""
    kept = {name for name, option in OPTIONAL_NUMBERS.items() if getattr(optimizer, name, 0) == option}
    known = {field.name for field in fields(optimizer)}
    return replace(optimizer, **{name: value for name, value in drawn.items() if name in known - kept})
