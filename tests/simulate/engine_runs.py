"""Runs of random configurations in every engine, and how far the weights they end with are apart."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from simulate import Instance, Problem, Record, Result, run
from simulate.dynamics.optimizers import SGD
from tests.oracles.configurations import ADAPTIVE_SAMS, DENSE_MIN_MAXES, MIN_MAXES, SAMS, Configuration, configurations

ENGINES = ("dense", "numpy", "numba")
PROBLEM = Problem(d=400, n=12, m=3, signal=3.0, forget=0.25)

SAMPLE = 32
MANY = 240
ORACLE_SAMPLE = 40
"""Configurations that engines are compared on by default and in the slow tests, and that the oracle sees."""

TOLERANCE = 1e-10
"""Largest error of a weight, relative to the largest weight; also the kink margin under which a ReLU may fall on
either side, so that engines may differ."""


def reconstructed_weights(result: Result) -> np.ndarray:
    """Weights (2, m, D) from the coefficients κ and ζ."""
    instance = result.instance
    phi, xi = instance.phi, instance.xi.reshape(-1, len(instance.phi))
    signs = np.array([1, -1])[:, None, None]
    signal = signs * result.kappa[..., None] * phi / (phi @ phi)
    noise = result.zeta.reshape(2, instance.m, -1) @ (xi / np.sum(xi**2, axis=1, keepdims=True))
    share = np.ones((2, instance.m)) if result.state.initial_share is None else result.state.initial_share
    return share[..., None] * instance.w0 + signal + noise / instance.multiplicity


def relative_error(weights: np.ndarray, reference: np.ndarray) -> float:
    """Largest difference of two weights, relative to the largest weight."""
    return float(np.abs(weights - reference).max() / np.abs(reference).max())


def draw(problem: Problem, seed: int, space: str = "ambient") -> Instance:
    """An instance, by default in R^d, where every engine can go; without noise law, for no test error to take time."""
    return replace(Instance.draw(problem, seed, space=space), noise_law=None)


def instance_of(configuration: Configuration) -> Instance:
    """The instance in R^d that a configuration is run on."""
    return draw(configuration.problem, configuration.seed)


@cache
def end_of(configuration: Configuration, engine: str, *, shaken: bool = False) -> tuple[np.ndarray, float]:
    """Weights (2, m, D) after all steps, and the kink margin; shaken: from weights that are wrong by 1e-12."""
    instance = instance_of(configuration)
    if shaken:
        noise = np.random.default_rng(configuration.seed).standard_normal(instance.w0.shape)
        instance = replace(instance, w0=instance.w0 * (1 + 1e-12 * noise))
    result = run(instance, configuration.phases, engine=engine, record=Record(every=10**6))
    return result.state.weights if engine == "dense" else reconstructed_weights(result), result.kink_margin


def compare(
    runs: Sequence[Configuration], engine: str, reference: Callable[[Configuration], tuple[np.ndarray, float]], record
) -> None:
    """Require the weights of an engine to equal those of a reference, but for what rounding alone can change.

    Two kinds of trajectories cannot be compared to the last digits, and must be rare: those that come so close to a
    kink that rounding decides a ReLU, and those that amplify rounding, which are excused up to three times the error
    that the dense engine itself makes of one of 1e-12 in its initial weights.
    """
    errors = {True: 0.0, False: 0.0}
    on_kink, unstable, unequal = [], [], []
    for each in runs:
        (weights, margin), (expected, other_margin) = end_of(each, engine), reference(each)
        error = relative_error(weights, expected)
        if min(margin, other_margin) < TOLERANCE:
            on_kink.append(each)
        elif error <= TOLERANCE:
            batched = each.phases[1].optimizer.batch is not None
            errors[batched] = max(error, errors[batched])
        elif error <= 3 * relative_error(end_of(each, "dense", shaken=True)[0], end_of(each, "dense")[0]):
            unstable.append(each)
        else:
            unequal.append(f"{each}: {error:.1e}")
    findings = {
        "trajectories": len(runs), "on a kink": len(on_kink), "unstable": len(unstable),
        "largest error with full batches": errors[False], "largest error with minibatches": errors[True],
    }  # fmt: skip
    print(f"\n{engine}: " + ", ".join(f"{name} {value:.2g}" for name, value in findings.items()))
    for name, value in findings.items():
        record(name, value)
    assert not unequal
    assert len(on_kink) < 0.02 * len(runs)
    assert len(unstable) < 0.02 * len(runs)


def oracle_sample(number: int, steps: int) -> list[Configuration]:
    """A quarter each of what is partitioned and what is not, with what all engines and the dense one alone can do."""
    kinds = ((SGD(), *SAMS), MIN_MAXES, ADAPTIVE_SAMS, DENSE_MIN_MAXES)
    return [each for kind in kinds for each in configurations(number // 4, steps=steps, optimizers=kind, seed=3)]
