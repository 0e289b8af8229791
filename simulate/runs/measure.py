"""What is measured of trajectories when they have ended, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulate.dynamics.engines.base import Engine
from simulate.dynamics.step import logistic_loss, network_output
from simulate.house import ties
from simulate.problems.activations import Activation
from simulate.problems.geometry import SIGNS, weight_grams
from simulate.problems.instance import Instance
from simulate.problems.streams import stream
from simulate.problems.unseen import NoiseLaw, TestSet
from simulate.test_error.generalize import GAUSSIAN, TestError, direction_normals, test_error

__all__ = ["Fit", "is_finite", "measure_fit", "measure_test_error"]


@dataclass(frozen=True)
class Fit:
    """How a network fits its training set."""

    train_loss: float
    """Mean logistic loss over all samples and observed labels."""
    retain_accuracy: float
    """Fraction of the retain set on the right side; NaN when it is empty."""
    forget_accuracy: float
    """The same on the forget set."""


def measure_fit(instance: Instance, z: np.ndarray) -> Fit:
    """Measure loss and accuracies at the pre-activations z (2, m, 1 + n patches)."""
    margin = instance.y * network_output(instance, z)
    right, forget = margin > 0, instance.forget
    accuracies = [right[chosen].mean() if chosen.any() else np.nan for chosen in (~forget, forget)]
    return Fit(float(logistic_loss(margin).mean()), *map(float, accuracies))


def measure_test_error(engine: Engine, numbers: Sequence[int], directions: int) -> TestError:
    """Test errors of some trajectories of an engine, each with directions of its own seed.

    Args:
        engine: The engine.
        numbers: Which of its trajectories; all need a noise law, or all a test set, or all neither.
        directions: Number of noise directions the estimate averages over.

    Returns:
        The estimates, arrays (len(numbers),); counted on a test set where there is one, NaN without either.
    """
    kinds: dict[Activation, list[int]] = {}
    for place, number in enumerate(numbers):
        kinds.setdefault(engine.instances[number].activation, []).append(place)
    parts = [_measured(engine, [numbers[place] for place in places], directions) for places in kinds.values()]
    back = np.argsort(np.concatenate(list(kinds.values())))
    return parts[0] if len(parts) == 1 else TestError(*(
        np.concatenate(values)[back] for values in zip(*(vars(part).values() for part in parts), strict=True)
    ))  # fmt: skip


def _measured(engine: Engine, numbers: Sequence[int], directions: int) -> TestError:
    """The same for trajectories of one activation."""
    instances = [engine.instances[number] for number in numbers]
    first = instances[0]
    test_sets = [instance.test_set for instance in instances if instance.test_set is not None]
    if test_sets:
        return _stack([_counted(engine, *pair) for pair in zip(numbers, test_sets, strict=True)])
    laws = [instance.noise_law for instance in instances if instance.noise_law is not None]
    if not laws:
        return _undefined(len(numbers))
    sigma = first.activation
    size = (4 if sigma.leak else 2) * first.m * first.patches  # a leak takes a second row of each filter
    draw = _shared_directions if directions * size <= _SHARED_NORMALS else _directions
    draws = [draw(instance.seed, directions, size) for instance in instances]
    margins = _signal_margins(engine.preactivations[list(numbers)], sigma)
    return test_error(
        margins / _of_classes(laws) ** sigma.power,  # σ is homogeneous: louder noise, lower thresholds
        _noise_grams(engine, numbers, laws),
        multiplicity=first.multiplicity,
        patches=first.patches,
        label_flip=np.array([instance.label_flip for instance in instances]),
        normals=np.stack([normals for normals, _ in draws]),
        uniforms=np.stack([uniforms for _, uniforms in draws]),
        strengths=_strengths(laws),
        patch_scales=_of_patches(laws, first.patches),
        power=sigma.power,
        leak=sigma.leak,
    )


def is_finite(engine: Engine, number: int, test: TestError) -> bool:
    """Whether everything that a trajectory ended with is a finite number (or undefined by its nature)."""
    instance, c, z = engine.instances[number], engine.coefficients[number], engine.preactivations[number]
    defined = instance.test_set is not None or instance.noise_law is not None
    scales = (
        instance.geometry.kappa(c),
        instance.geometry.zeta(c, instance.multiplicity),
        measure_fit(instance, z).train_loss,
    )
    return bool(
        np.isfinite(z).all()
        and not any(np.isinf(scale).any() for scale in scales)
        and (np.isfinite(test.error) or not defined)
    )


def _directions(seed: int, directions: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The directions of a seed: standard normals (directions, size) and uniforms (directions,)."""
    return direction_normals(stream(seed, "directions"), directions, size)


MOST_DIRECTIONS = 10**7
"""Most noise directions that a test error can be asked to average over."""

_SHARED_NORMALS = 2**14
"""Most normals that are kept for the next trajectory of their seed."""

_shared_directions = lru_cache(maxsize=256)(_directions)
"""Trajectories that share a seed are tested in the same directions; at most 32 MiB are kept."""


def _signal_margins(z: np.ndarray, sigma: Activation) -> np.ndarray:
    """ŷ f of the signal patch alone, for ŷ = +1 and -1, at pre-activations (T, 2, m, 1 + n patches); (T, 2)."""
    sums = [sigma.value(sign * z[..., 0]).sum(axis=-1) for sign in SIGNS]
    margins = [
        sign * (SIGNS[0] * by_row[:, 0] + SIGNS[1] * by_row[:, 1]) for sign, by_row in zip(SIGNS, sums, strict=True)
    ]
    return np.stack(margins, axis=-1) / z.shape[2]


def _strengths(laws: Sequence[NoiseLaw]) -> np.ndarray | None:
    """Tables of the laws of the strengths of images, (T, 5); None where all noise is Gaussian."""
    if all(law.strength is None for law in laws):
        return None
    return np.array([GAUSSIAN if law.strength is None else law.strength.table for law in laws])


def _of_classes(laws: Sequence[NoiseLaw]) -> np.ndarray:
    """Scales of the noise of the true labels +1 and -1, (T, 2)."""
    return np.array([law.class_scales or (1.0, 1.0) for law in laws])


def _of_patches(laws: Sequence[NoiseLaw], patches: int) -> np.ndarray | None:
    """Scales of the noise vectors of an image, (T, patches); None where all are one."""
    if all(law.patch_scales is None for law in laws):
        return None
    return np.array([law.patch_scales or (1.0,) * patches for law in laws])


def _noise_grams(engine: Engine, numbers: Sequence[int], laws: Sequence[NoiseLaw]) -> np.ndarray:
    """Covariances of the 2m pre-activations of one test noise vector, (T, 2m, 2m)."""
    geometries = [engine.instances[t].geometry for t in numbers]
    z = engine.preactivations[list(numbers)]
    weights = [w for t in numbers if (w := engine.weights(t)) is not None]
    if not weights:
        starts = np.stack([geometry.start for geometry in geometries])
        filters = np.stack([geometry.filters for geometry in geometries])
        coefficients, shares = engine.coefficients[list(numbers)], engine.initial_shares[list(numbers)]
        products = weight_grams(filters, starts, coefficients, z, shares)
    else:
        flat = [w.reshape(2 * z.shape[2], -1) for w in weights]  # of different d, where that is an axis
        products = np.stack([w @ w.T for w in flat])
    signal = z[..., 0].reshape(len(z), -1)
    norms = np.array([geometry.gram[0, 0] for geometry in geometries])
    projections = signal[:, :, None] * signal[:, None] / norms[:, None, None]
    orthogonal = np.array([law.orthogonal for law in laws])
    variances = np.array([law.sigma_p**2 for law in laws])
    seen = np.where(orthogonal[:, None, None], products - projections, products)
    for place, number in enumerate(numbers):
        if engine.instances[number].deviations is not None:
            seen[place] = _gram_of_blocks(engine, number)
    return variances[:, None, None] * seen


def _gram_of_blocks(engine: Engine, number: int) -> np.ndarray:
    """W Σ Wᵀ of one trajectory whose noise coordinates differ in variance, (2m, 2m); W and Σ off φ where noise is."""
    instance, w = engine.instances[number], engine.weights(number)
    w = _weights_in_span(engine, number) if w is None else w
    rows = instance.seen_by_noise(w.reshape(2 * instance.m, -1))
    return rows @ rows.T


def _counted(engine: Engine, number: int, test: TestSet) -> TestError:
    """The error on a test set, with its binomial standard error; ties count one half."""
    instance, w = engine.instances[number], engine.weights(number)
    w = _weights_in_span(engine, number) if w is None else w
    held_out = np.concatenate([instance.phi[None], test.xi.reshape(-1, len(instance.phi))])
    z = w @ held_out.T
    sigma = instance.activation.value
    signal = sigma(z[..., :1] * test.y)
    noise = sigma(z[..., 1:]).reshape(2, instance.m, len(test.y), -1).sum(axis=-1)
    outputs = signal + instance.multiplicity * noise
    margin = test.y * (SIGNS[:, None, None] * outputs).sum(axis=(0, 1))
    margin = np.where(ties.tied(margin, 0.0, scale=np.abs(outputs).sum(axis=(0, 1))), 0.0, margin)
    wrong = 0.5 * ((margin < 0).astype(float) + (margin <= 0))
    by_label = [wrong[test.y == sign].mean() if (test.y == sign).any() else np.nan for sign in (1, -1)]
    error = wrong.mean()
    return TestError(
        error=error,
        standard_error=np.sqrt(error * (1.0 - error) / len(wrong)),
        effective_sample_size=np.asarray(float(len(wrong))),
        log_clean_error=np.asarray(np.log(error) if error > 0 else -np.inf),
        clean_error_by_label=np.array(by_label),
    )


def _weights_in_span(engine: Engine, number: int) -> np.ndarray:
    instance, share = engine.instances[number], engine.initial_shares[number]
    return share[..., None] * instance.w0 + engine.coefficients[number] @ instance.span


def _undefined(count: int) -> TestError:
    nothing = np.full(count, np.nan)
    return TestError(nothing, nothing, np.zeros(count), nothing, np.full((count, 2), np.nan))


def _stack(estimates: Sequence[TestError]) -> TestError:
    return TestError(*(np.stack(values) for values in zip(*(vars(e).values() for e in estimates), strict=True)))
