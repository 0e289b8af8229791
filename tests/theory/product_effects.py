"""The product's own measurement of the effects of `tests.oracles.ledger_oracle`, by its simulator and protocols.

Each function mirrors the experiment of the same name, and leaves a value a replicate of its effects. Steps are large.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem, SharpMinMax
from simulate.problems.scales import sam_radius, step_size, with_sam_weights, with_small_weights
from simulate.runs.ensemble import Cell, run_ensemble
from theory.experiments.boundaries import predicted_boundary
from theory.experiments.protocols import Pretraining, fit, pretrain, retrain, unlearn, unlearning_radius

__all__ = ["PRODUCT"]

Values = Mapping[str, np.ndarray]
"""A value a replicate, by effect."""
BASE = Problem(d=10**6, n=20, m=10, label_flip=0.1, forget=0.0)
STANDARD = Problem(d=8000, n=40, m=10, signal=6.0, label_flip=0.1, forget=0.1)
UNLEARNING = with_sam_weights(Problem(d=20_000, n=40, m=10, signal=6.0, forget=0.25))
ALPHA, PRETRAINED_LOSS = 0.7, 0.05
"""The cells that the oracle has; designs of the ledger may move, these stay."""
STOPS = {"half": False, "matched": True}
"""Ways to stop, as the oracle has them."""
RARE = 0.02
"""Where matched excesses and class errors are cut, as the oracle does."""


def _seeds(count: int, seed: int) -> Sequence[int]:
    return range(1000 * seed, 1000 * seed + count)


def _ensemble(
    problem: Problem, phases: Iterable[Phase], count: int, seed: int, *, observe: Sequence[str] = ()
) -> xarray.Dataset:  # fmt: skip
    cells = [Cell(problem, tuple(phases), each) for each in _seeds(count, seed)]
    return run_ensemble(cells, observe=observe, test_directions=64)


def _before(problem: Problem, optimizer: Pretraining) -> tuple[Phase, ...]:
    """Pretraining, and aside from it the same training without F."""
    phases = pretrain(problem, optimizer, loss=PRETRAINED_LOSS)
    reference = (replace(phase, name=f"re{phase.name}", aside=True) for phase in retrain(phases))
    return (*phases, *reference)


def _unlearning(problem: Problem, before: Pretraining, last: Phase, *, matched: bool) -> tuple[Phase, ...]:
    """Pretraining, retraining, and unlearning to the accuracy of ½ or the retrained network's loss."""
    first = _before(problem, before)
    if matched:
        last = replace(last, stop_forget_below=None, stop_forget_loss_above=first[-1].name)
    return (*first, last)


def deactivation_law(count: int, seed: int) -> Values:
    problem = Problem(d=20_000, n=40, m=20, signal=2.0, sigma_0=1e-9, forget=0.0)
    tau = problem.sigma_0 * np.sqrt(problem.m * problem.n)
    data = _ensemble(problem, [Phase("look", Loss(), SAM(tau=tau), steps=0)], count, seed, observe=["deactivation"])
    return {"off_at_start": data["deactivated"].isel(phase=0).sel(relation="own", set="retain").values}


def kappa_in_a_step(count: int, seed: int) -> Values:
    problem = with_sam_weights(replace(STANDARD, n=20, signal=3.0, forget=0.0))
    lr = step_size(problem, 0.01)
    moves = SGD(lr=lr), SAM(lr=lr, tau=sam_radius(problem))
    plain, sam = (
        _ensemble(problem, [Phase("early", Loss(), move, steps=10)], count, seed)["kappa_mean"].values for move in moves
    )
    return {"log_kappa_sam_over_sgd": np.log(sam / plain)}


def sgd_boundary(count: int, seed: int) -> Values:
    found = {}
    for place in (0.8, 1.1):
        problem = with_small_weights(replace(BASE, signal=place * predicted_boundary(BASE)))
        found[f"sgd_error_at_{place}"] = _ensemble(problem, [fit(problem)], count, seed)["test_error"].values
    return found


def radius_after_pretraining(count: int, seed: int) -> Values:
    taus = {times: times * sam_radius(UNLEARNING) for times in (1, 3, 10)}
    looks = [Phase(f"look_{times}", NegGrad(alpha=0.75), SAM(tau=tau), steps=0) for times, tau in taus.items()]
    data = _ensemble(UNLEARNING, [fit(UNLEARNING, loss=0.05), *looks], count, seed, observe=["deactivation"])
    off = data["deactivated"].sel(relation="own", set="retain")
    return {f"off_at_{times}_radius": off.isel(phase=number).values for number, times in enumerate(taus, start=1)}


def benign_neggrad(count: int, seed: int) -> Values:
    problem = replace(BASE, n=40, forget=0.1)
    problem = with_small_weights(replace(problem, signal=2.5 * predicted_boundary(problem)))
    found = {}
    for stop, matched in STOPS.items():
        phases = _unlearning(problem, "SGD", unlearn(problem, NegGrad(alpha=ALPHA), SGD()), matched=matched)
        data = _ensemble(problem, phases, count, seed)
        most = RARE if matched else 1.0
        found[f"benign_excess_{stop}"] = np.minimum(data["test_error"].values - problem.label_flip, most)
        found[f"benign_worse_class_{stop}"] = np.minimum(data["clean_error_by_label"].max("label").values, most)
    return found


def both_sam(count: int, seed: int) -> Values:
    problem = with_sam_weights(replace(BASE, d=3000, n=40, forget=0.1, signal=3.0))
    last = unlearn(problem, NegGrad(alpha=ALPHA), SAM(tau=unlearning_radius(problem)), steps=40_000)
    data = _ensemble(problem, _unlearning(problem, "SAM", last, matched=True), count, seed)
    return {"both_sam_excess_matched": np.minimum(data["test_error"].values - problem.label_flip, RARE)}


def optimizers(count: int, seed: int) -> Values:
    problem, found = with_sam_weights(STANDARD), {}
    by_name: Mapping[str, SGD | SAM] = {"SGD": SGD(), "SAM": SAM(tau=unlearning_radius(problem))}
    for stop, matched in STOPS.items():

        def arm(before: Pretraining, name: str, *, matched: bool = matched) -> xarray.Dataset:
            last = unlearn(problem, NegGrad(alpha=ALPHA), by_name[name])
            phases = _unlearning(problem, before, last, matched=matched)
            return _ensemble(problem, phases, count, seed, observe=["coefficients"])

        plain, sharp, by_sam = arm("SGD", "SGD"), arm("SGD", "SAM"), arm("SAM", "SGD")
        error = plain["test_error"].values
        before = plain["zeta_mean"].isel(phase=0).sel(relation="own", set="forget").values
        found[f"gain_pretraining_{stop}"] = error - by_sam["test_error"].values
        found[f"gain_unlearning_{stop}"] = error - sharp["test_error"].values
        found[f"forget_noise_{stop}"] = (sharp["zeta_mean_forget"] - plain["zeta_mean_forget"]).values / before
        steps = [data["phase_steps"].isel(phase=2).values for data in (plain, sharp)]
        found[f"log_steps_{stop}"] = np.log(steps[1] / steps[0])
    return found


def sharp_minmax(count: int, seed: int) -> Values:
    problem = with_sam_weights(replace(STANDARD, signal=4.0, forget=0.25))
    tow = {}
    ways: tuple[SGD | SharpMinMax, ...] = (SGD(), SharpMinMax(tau=unlearning_radius(problem)))
    for optimizer in ways:
        last = unlearn(problem, NegGrad(alpha=ALPHA), optimizer)
        phases = _unlearning(problem, "SGD", last, matched=True)
        data = _ensemble(problem, phases, count, seed, observe=["accuracy", "test_error"])
        scores = xarray.concat(
            [data["accuracy"].transpose("set", "cell", "phase"), data["phase_test_error"].expand_dims(set=["test"])],
            dim="set",
        )
        distance = abs(scores.isel(phase=2) - scores.isel(phase=1))
        tow[type(optimizer)] = np.prod(1.0 - distance.values, axis=0)
    return {"minmax_lead_matched": tow[SharpMinMax] - tow[SGD]}


PRODUCT: Mapping[str, Callable[[int, int], Values]] = {
    measure.__name__: measure
    for measure in (
        deactivation_law, kappa_in_a_step, radius_after_pretraining, optimizers, sharp_minmax, both_sam, sgd_boundary,
        benign_neggrad,
    )
}  # fmt: skip
"""The product's measurement of each experiment, of the replicates and a seed."""
