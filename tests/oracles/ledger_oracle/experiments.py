"""Experiments with large steps: each draws its data and leaves a value a replicate of the effects it measures."""

from collections.abc import Callable, Mapping

import numpy as np

from tests.oracles.ledger_oracle.data import Data, draw
from tests.oracles.ledger_oracle.law import (
    Law,
    predicted_boundary,
    sam_radius,
    sam_weights,
    small_weights,
    step_size,
)  # fmt: skip
from tests.oracles.ledger_oracle.measures import (
    clean_errors,
    mean_kappa,
    own_zeta_on_forget,
    switched_off,
    test_error,
)  # fmt: skip
from tests.oracles.ledger_oracle.network import forward
from tests.oracles.ledger_oracle.protocols import Unlearning, fit
from tests.oracles.ledger_oracle.stops import accuracy
from tests.oracles.ledger_oracle.training import RIGHT, Rules, mean_loss, neggrad, plain_move, sam_move, train

__all__ = ["EXPERIMENTS", "Experiment", "Values", "scores"]

Values = Mapping[str, np.ndarray]
"""A value a replicate, by effect."""
Experiment = Callable[[int, int, Rules], Values]
"""Of the replicates, the seed and the rules."""
STOPS = {"half": False, "matched": True}
"""Ways to stop: at accuracy ½ on F, or matched to the retrained network's loss on F."""
RARE = 0.02
"""Matched excesses and class errors are cut here: one run in fifty is above, and would decide the mean."""


def deactivation_law(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """Own-class noise neurons that SAM switches off at initialisation.

    d = 20,000, n = 40, m = 20, ‖φ‖ = 2, p = 0, τ = σ_0 √(m n); at σ_0 = 10^−9 outputs vanish, and 2Φ(1) − 1 is the law.
    """
    law = Law(d=20_000, n=40, m=20, signal=2.0, sigma_0=1e-9, flip=0.0)
    data = draw(law, count, np.random.default_rng(seed))
    everything = np.ones_like(data.forget)
    radius = law.sigma_0 * np.sqrt(law.m * law.n)
    return {"off_at_start": switched_off(data, data.w0, mean_loss(everything), radius, everything, rules)}


def kappa_in_a_step(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """Logarithm of mean κ after ten small steps of SAM over that of SGD.

    d = 8,000, n = 20, m = 10, ‖φ‖ = 3, p = 0.1, SAM's weights and radius; own-noise step 0.01.
    """
    law = Law(d=8000, n=20, signal=3.0, sigma_0=sam_weights(8000))
    data = draw(law, count, np.random.default_rng(seed))
    weight, lr = mean_loss(np.ones_like(data.forget)), step_size(law, 0.01)
    moves = plain_move, sam_move(sam_radius(law), rules)
    plain, sam = (mean_kappa(data, train(data, data.w0, weight, lr, 10, _never, move).w) for move in moves)
    return {"log_kappa_sam_over_sgd": np.log(sam / plain)}


def sgd_boundary(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """Test error of SGD, fitted to a loss of 0.01, at 0.8 and 1.1 times d^¼ n^−¼ q.

    d = 10⁶, n = 20, m = 10, p = 0.1, σ_0 = 0.1 √n / d.
    """
    d, n, found = 10**6, 20, {}
    for number, place in enumerate((0.8, 1.1)):
        rng = np.random.default_rng((seed, number))
        law = Law(d=d, n=n, signal=place * predicted_boundary(d, n), sigma_0=small_weights(d, n))
        data = draw(law, count, rng)
        found[f"sgd_error_at_{place}"] = test_error(data, fit(data, data.w0, 0.01).w, rng)
    return found


def radius_after_pretraining(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """Own-class noise neurons on R that SAM switches off when unlearning begins, at multiples of the theory's radius.

    d = 20,000, n = 40, |F| = 10, m = 10, ‖φ‖ = 6, p = 0, SAM's weights; SGD to a loss of 0.05; NegGrad at α = 0.75.
    """
    law = Law(d=20_000, n=40, signal=6.0, sigma_0=sam_weights(20_000), flip=0.0, n_forget=10)
    data = draw(law, count, np.random.default_rng(seed))
    w, weight = fit(data, data.w0, 0.05).w, neggrad(data, 0.75, rules)
    return {
        f"off_at_{times}_radius": switched_off(data, w, weight, times * sam_radius(law), data.retain, rules)
        for times in (1, 3, 10)
    }


def benign_neggrad(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """Test error less p after SGD and NegGrad with SGD, and the clean error of the class that comes off worse.

    Matched, both are cut at 0.02.
    d = 10⁶, n = 40, |F| = 4, m = 10, ‖φ‖ = 2.5 d^¼ n^−¼ q, p = 0.1, σ_0 = 0.1 √n / d; α = 0.7.
    """
    rng, (d, n) = np.random.default_rng(seed), (10**6, 40)
    law = Law(d=d, n=n, signal=2.5 * predicted_boundary(d, n), sigma_0=small_weights(d, n), n_forget=4)
    unlearning = Unlearning.after(draw(law, count, rng), "SGD", rules)
    found = {}
    for stop, matched in STOPS.items():
        by_label = clean_errors(unlearning.data, unlearning.run("SGD", matched=matched).w, rng)
        most = RARE if matched else 1.0
        found[f"benign_excess_{stop}"] = np.minimum((1.0 - 2.0 * law.flip) * by_label.mean(axis=1), most)
        found[f"benign_worse_class_{stop}"] = np.minimum(by_label.max(axis=1), most)
    return found


def both_sam(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """Test error less p after SAM, SGD and NegGrad with SAM, matched, cut at 0.02.

    d = 3,000, n = 40, |F| = 4, m = 10, ‖φ‖ = 3 q, p = 0.1, SAM's weights and radius, 1/√m of it in unlearning; α = 0.7.
    """
    rng = np.random.default_rng(seed)
    law = Law(d=3000, n=40, signal=3.0, sigma_0=sam_weights(3000), n_forget=4)
    unlearning = Unlearning.after(draw(law, count, rng), "SAM", rules)
    ended = unlearning.run("SAM", matched=True, steps=40_000)
    return {"both_sam_excess_matched": np.minimum(test_error(unlearning.data, ended.w, rng) - law.flip, RARE)}


def optimizers(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """What SAM changes in place of SGD, as the optimizer of pretraining or of unlearning.

    Gains are test errors, SGD less SAM; forget noise is own-class ζ on F, SAM less SGD, over ζ before; steps are
    logarithms of SAM's over SGD's. The last two after pretraining with SGD, as is the gain in unlearning.
    d = 8,000, n = 40, |F| = 4, m = 10, ‖φ‖ = 6, p = 0.1, SAM's weights; radius 1/√m of SAM's in unlearning; α = 0.7.
    """
    rng = np.random.default_rng(seed)
    law = Law(d=8000, n=40, signal=6.0, sigma_0=sam_weights(8000), n_forget=4)
    data = draw(law, count, rng)
    by_sgd, by_sam = (Unlearning.after(data, name, rules) for name in ("SGD", "SAM"))
    before, found = own_zeta_on_forget(data, by_sgd.start), {}
    for stop, matched in STOPS.items():
        plain, sharp = (by_sgd.run(name, matched=matched) for name in ("SGD", "SAM"))
        error = test_error(data, plain.w, rng)
        zeta = [own_zeta_on_forget(data, ended.w) for ended in (plain, sharp)]
        pretrained_by_sam = test_error(data, by_sam.run("SGD", matched=matched).w, rng)
        found[f"gain_pretraining_{stop}"] = error - pretrained_by_sam
        found[f"gain_unlearning_{stop}"] = error - test_error(data, sharp.w, rng)
        found[f"forget_noise_{stop}"] = (zeta[1] - zeta[0]) / before
        found[f"log_steps_{stop}"] = np.log(sharp.steps / plain.steps)
    return found


def sharp_minmax(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """ToW of Sharp MinMax less that of NegGrad with SGD, both after SGD, matched.

    d = 8,000, n = 40, |F| = 10, m = 10, ‖φ‖ = 4, p = 0.1, SAM's weights; radius 1/√m of SAM's; α = 0.7.
    """
    rng = np.random.default_rng(seed)
    law = Law(d=8000, n=40, signal=4.0, sigma_0=sam_weights(8000), n_forget=10)
    unlearning = Unlearning.after(draw(law, count, rng), "SGD", rules)
    reference = scores(unlearning.data, unlearning.retrained, rng)
    tow = {}
    for name in ("SGD", "Sharp MinMax"):
        found = scores(unlearning.data, unlearning.run(name, matched=True).w, rng)
        tow[name] = np.prod(1.0 - np.abs(found - reference), axis=0)
    return {"minmax_lead_matched": tow["Sharp MinMax"] - tow["SGD"]}


def scores(data: Data, w: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Accuracy on R and on F, and test error, (3, R)."""
    seen = forward(data, w)
    return np.stack([accuracy(data.retain, seen), accuracy(data.forget, seen), test_error(data, w, rng)])


def _never(data: Data, seen: object, rows: np.ndarray) -> np.ndarray:
    return np.zeros(rows.size, dtype=bool)


EXPERIMENTS: Mapping[str, tuple[Experiment, int]] = {
    "deactivation_law": (deactivation_law, 200),
    "kappa_in_a_step": (kappa_in_a_step, 128),
    "radius_after_pretraining": (radius_after_pretraining, 128),
    "optimizers": (optimizers, 200),
    "sharp_minmax": (sharp_minmax, 200),
    "both_sam": (both_sam, 128),
    "sgd_boundary": (sgd_boundary, 128),
    "benign_neggrad": (benign_neggrad, 128),
}
"""Every experiment with its replicates."""
