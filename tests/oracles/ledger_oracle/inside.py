"""The ledger's rows at their primary designs: steps, radii and weights inside the theory's conditions, matched.

Effects bear the names of their rows, a further number of a row that of its detail; q is 1 and m is 10 throughout.
"""

from collections.abc import Mapping

import numpy as np

from tests.oracles.ledger_oracle.data import Data, draw
from tests.oracles.ledger_oracle.experiments import Experiment, Values, scores
from tests.oracles.ledger_oracle.law import Law, predicted_boundary, sam_radius, sam_weights, small_weights
from tests.oracles.ledger_oracle.measures import (
    clean_errors,
    own_zeta_on_forget,
    predicted_off,
    switched_off,
    test_error,
)  # fmt: skip
from tests.oracles.ledger_oracle.protocols import INSIDE, Unlearning, fit, pretrain
from tests.oracles.ledger_oracle.training import RIGHT, Rules, neggrad

__all__ = ["LEDGER", "STANDARD", "WEAK", "after_sgd_law"]

STANDARD = Law(d=2000, n=20, signal=7.9, sigma_0=sam_weights(2000), n_forget=4)
"""The standard problem, at SAM's weights."""
WEAK = Law(d=2000, n=20, signal=3.5, sigma_0=small_weights(2000, 20), n_forget=4)
"""The problem at which methods of unlearning are told apart, at SGD's weights."""
SAM_OVER_SGD = {"pretraining": ("SAM", "SGD"), "unlearning": ("SGD", "SAM"), "both": ("SAM", "SAM")}
"""Optimizers of pretraining and unlearning that are compared with SGD in both."""
RIVALS = {"random-label": "flipped labels", "neggrad": "SGD", "retain-sam": "retain-SAM"}
"""Methods that Sharp MinMax is compared with, by the ends of their rows' names."""


def after_sgd_law(d: int, place: float) -> Law:
    """So many times the predicted boundary; n = 20, |F| = 4, SGD's weights."""
    signal = place * predicted_boundary(d, 20)
    return Law(d=d, n=20, signal=signal, sigma_0=small_weights(d, 20), n_forget=4)


def neggrad_after_sgd(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """Test error less p after SGD and NegGrad with SGD: where it is highest above, and lowest below the boundary.

    ‖φ‖ = 2.5 d^¼ n^−¼ at d = 2,000, and 0.5 d^¼ n^−¼ at d = 20,000; n = 20, |F| = 4, p = 0.1; α = 0.7.
    """
    rng, found = np.random.default_rng(seed), {}
    for name, place, d in (("benign", 2.5, 2000), ("harmful", 0.5, 20_000)):
        unlearning = Unlearning.after(draw(after_sgd_law(d, place), count, rng), "SGD", rules, INSIDE)
        ended = unlearning.run("SGD", matched=True)
        found[f"neggrad-sgd-{name}"] = test_error(unlearning.data, ended.w, rng) - unlearning.data.law.flip
    return found


def neggrad_after_sam(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """Test error less p after SAM, SGD and NegGrad with SAM, at the stronger or weaker signal, where it is higher.

    ‖φ‖ = 2 and 4, d = 1,000, n = 20, |F| = 4, p = 0.1; α = 0.7. In more dimensions it is lower.
    """
    rng, excess = np.random.default_rng(seed), []
    for signal in (2.0, 4.0):
        law = Law(d=1000, n=20, signal=signal, sigma_0=sam_weights(1000), n_forget=4)
        unlearning = Unlearning.after(draw(law, count, rng), "SAM", rules, INSIDE)
        ended = unlearning.run("SAM", matched=True)
        excess.append(test_error(unlearning.data, ended.w, rng) - law.flip)
    return {"neggrad-sam-benign": max(excess, key=np.mean)}


def standard(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """What SAM changes in place of SGD: test error (SGD less SAM), own-class ζ on F over ζ before, steps (logarithm).

    Only replicates in which both forget count; in steps, those in which SGD does.
    d = 2,000, n = 20, |F| = 4, ‖φ‖ = 7.9, p = 0.1, weights of the optimizer of pretraining; α = 0.7.
    """
    rng = np.random.default_rng(seed)
    data = draw(STANDARD, count, rng)
    arms = {
        "SGD": Unlearning.after(data.at(small_weights(data.law.d, data.law.n)), "SGD", rules, INSIDE),
        "SAM": Unlearning.after(data, "SAM", rules, INSIDE),
    }
    pairs = [(first, second) for first in arms for second in ("SGD", "SAM")]
    ended = {pair: arms[pair[0]].run(pair[1], matched=True) for pair in pairs}
    error = {pair: test_error(data, ended[pair].w, rng) for pair in pairs}
    found, plain = {}, ("SGD", "SGD")
    for role, pair in SAM_OVER_SGD.items():
        both = ended[plain].stopped & ended[pair].stopped
        found[f"smaller-alpha-{role}"] = (error[plain] - error[pair])[both]
    for first, arm in arms.items():
        one, other = ended[first, "SGD"], ended[first, "SAM"]
        gap = own_zeta_on_forget(arm.data, other.w) - own_zeta_on_forget(arm.data, one.w)
        added = gap / own_zeta_on_forget(arm.data, arm.start)
        found[f"forget-noise-after-{first.lower()}"] = added[one.stopped & other.stopped]
        steps = np.log(other.steps / np.maximum(one.steps, 1))
        found[f"sam-slows-forgetting-after-{first.lower()}"] = steps[one.stopped]
    return found


def by_class(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """Clean error of the worse class less the better one's: at the match less retrained, at accuracy ½ less at it.

    d = 2,000, n = 20, |F| = 4, ‖φ‖ = 7.9, p = 0.1; SGD, NegGrad with SGD, α = 0.7.
    """
    rng = np.random.default_rng(seed)
    law = STANDARD.at(small_weights(STANDARD.d, STANDARD.n))
    unlearning = Unlearning.after(draw(law, count, rng), "SGD", rules, INSIDE)
    matched, half = (unlearning.run("SGD", matched=matched).w for matched in (True, False))
    ends = (np.ptp(clean_errors(unlearning.data, w, rng), axis=1) for w in (unlearning.retrained, matched, half))
    retrained, match, guessed = ends
    return {
        "error-by-class-at-the-match": match - retrained,
        "error-by-class-beyond-the-match": guessed - match,
    }


def rivals(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """ToW of Sharp MinMax less that of a rival, after SGD, where both forget; gradients that NegGrad with SGD takes.

    d = 2,000, n = 20, |F| = 4, ‖φ‖ = 3.5, p = 0.1; α = 0.7.
    """
    rng = np.random.default_rng(seed)
    unlearning = Unlearning.after(draw(WEAK, count, rng), "SGD", rules, INSIDE)
    reference = scores(unlearning.data, unlearning.retrained, rng)
    ended = {name: unlearning.run(name, matched=True) for name in ("Sharp MinMax", *RIVALS.values())}
    tow = {
        name: np.prod(1.0 - np.abs(scores(unlearning.data, end.w, rng) - reference), axis=0)
        for name, end in ended.items()
    }
    both = {name: end.stopped & ended["Sharp MinMax"].stopped for name, end in ended.items()}
    leads = {
        f"sharp-minmax-against-{word}": (tow["Sharp MinMax"] - tow[name])[both[name]] for word, name in RIVALS.items()
    }
    gradients = ended["SGD"].steps[both["SGD"]].astype(float)
    return {**leads, "sharp-minmax-against-neggrad: gradients to forget, NegGrad SGD": gradients}


def forgetting_time(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """Exponents of d and 1 − α in the mean time ηT to the match, NegGrad with SGD after SGD.

    ‖φ‖ = 2.5 d^¼ n^−¼, n = 20, |F| = 4, p = 0.1; d = 500 to 8,000 at α = 0.7, α = 0.5 to 0.9 at d = 2,000.
    """
    rng, sizes, weights = np.random.default_rng(seed), (500, 1000, 2000, 4000, 8000), (0.5, 0.7, 0.9)
    arms = {
        d: Unlearning.after(draw(after_sgd_law(d, 2.5), count, rng), "SGD", rules, INSIDE) for d in sizes
    }  # fmt: skip
    over_d = [_time(arms[d]) for d in sizes]
    over_alpha = [_time(arms[2000].at(alpha)) for alpha in weights]
    return {
        "forgetting-time-d": _exponent(np.array(sizes), np.stack(over_d, axis=1)),
        "forgetting-time-alpha": _exponent(1.0 - np.array(weights), np.stack(over_alpha, axis=1)),
    }


def _time(unlearning: Unlearning) -> np.ndarray:
    """ηT of NegGrad with SGD to the match, (R,)."""
    lr = unlearning.rules.longer * INSIDE.unlearn(unlearning.data.law, unlearning.alpha)
    return lr * unlearning.run("SGD", matched=True).steps


def _exponent(x: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Exponent of x in the mean time, and in each replicate what it adds to first order, (R,); times are (R, x)."""
    centred = np.log(x) - np.log(x).mean()
    share, mean = centred / (centred @ centred), time.mean(axis=0)
    return np.log(mean) @ share + (time / mean - 1.0) @ share


def off_after_training(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """Own-class noise neurons on R that SAM switches off when unlearning begins, at the theory's radius.

    d = 2,000, n = 20, |F| = 4, ‖φ‖ = 7.9, p = 0.1, weights of the optimizer of pretraining; NegGrad at α = 0.8.
    """
    data = draw(STANDARD, count, np.random.default_rng(seed))
    found, radius = {}, rules.wider * sam_radius(data.law)
    for optimizer, at in (("SGD", data.at(small_weights(data.law.d, data.law.n))), ("SAM", data)):
        w = pretrain(at, optimizer, rules=rules, scales=INSIDE)
        off = switched_off(at, w, neggrad(at, 0.8, rules), radius, at.retain, rules)
        found[f"lemma3.1-retain-off-after-{optimizer.lower()}"] = off
    return found


def closed_form(count: int, seed: int, rules: Rules = RIGHT) -> Values:
    """Share of own-class noise neurons on R that is off, less that with 0 < ⟨w, ξ⟩ < ψ, where the two differ most.

    After SGD and after SAM, at losses 0.3, 0.05, 0.01, for NegGrad at α = 0.8, 0.95 and 1, 3, 10 times the theory's
    radius; d = 20,000, n = 20, |F| = 4, ‖φ‖ = 7.9 · 10^¼, p = 0.1. Steps are large, as the row's are.
    """
    law = Law(d=20_000, n=20, signal=7.9 * 10**0.25, sigma_0=sam_weights(20_000), n_forget=4)
    data, cells = draw(law, count, np.random.default_rng(seed)), []
    for optimizer, at in (("SGD", data.at(small_weights(law.d, law.n))), ("SAM", data)):
        w = pretrain(at, optimizer, 0.3, rules=rules)
        for loss in (0.3, 0.05, 0.01):
            w = fit(at, w, loss, rules=rules).w
            cells += [_gap(at, w, alpha, times, rules) for alpha in (0.8, 0.95) for times in (1, 3, 10)]
    return {"deactivation-after-training": max(cells, key=lambda gap: abs(gap.mean()))}


def _gap(data: Data, w: np.ndarray, alpha: float, times: float, rules: Rules) -> np.ndarray:
    """Measured less predicted share, at so many times the theory's radius, (R,)."""
    weight, radius = neggrad(data, alpha, rules), times * sam_radius(data.law)
    measured = switched_off(data, w, weight, rules.wider * radius, data.retain, rules)
    return measured - predicted_off(data, w, weight, radius, data.retain)


LEDGER: Mapping[str, tuple[Experiment, int]] = {
    "off_after_training": (off_after_training, 128),
    "closed_form": (closed_form, 300),
    "forgetting_time": (forgetting_time, 64),
    "by_class": (by_class, 200),
    "rivals": (rivals, 64),
    "neggrad_after_sgd": (neggrad_after_sgd, 128),
    "neggrad_after_sam": (neggrad_after_sam, 64),
    "standard": (standard, 64),
}
"""Every experiment with its replicates."""
