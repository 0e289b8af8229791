"""SAM switches signal neurons off as well, and learns the signal all the same."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.special import ndtr

from theory.experiments.lab import Lab
from theory.experiments.training.signal_neurons import (
    CELLS,
    Neurons,
    at_the_radius,
    depth_of,
    over_cells,
    predicted_depth,
)
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, bootstrap, bootstrap_between_halves, from_fractions, from_replicates

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Neurons that SAM switches off"


def _per_prediction(share: np.ndarray, predicted: np.ndarray, rows: np.ndarray) -> float:
    """Mean over cells of z over what the law says it is."""
    return float((depth_of(share[rows].mean(axis=0)) / predicted).mean())


def _law(lab: Lab) -> Evidence:
    share = lab.once(over_cells)
    predicted = np.array([predicted_depth(*cell) for cell in CELLS])
    far = np.array([d == max(d for d, _, _ in CELLS) for d, _, _ in CELLS])
    ratios = np.array([ratio for _, _, ratio in CELLS])[far]
    statistic = partial(_per_prediction, share, predicted)
    order = np.argsort(predicted)
    return Evidence(
        effect=bootstrap(statistic, len(share), lab.rng("signal neurons")),
        control=bootstrap(partial(_per_prediction, share[:, far], ratios), len(share), lab.rng("signal neurons")),
        null=bootstrap_between_halves(statistic, len(share), lab.rng("signal halves")),
        n_runs=0,
        details={
            f"z over its prediction, d = {d:,}, ‖φ‖ = {signal:g}, ratio {ratio:g}": bootstrap(
                partial(_per_prediction, share[:, [k]], predicted[[k]]), len(share), lab.rng("cell"), resamples=60
            )
            for k, (d, signal, ratio) in enumerate(CELLS)
        },
        picture=Picture(
            r"$\psi_\varphi/(\sigma_0\|\varphi\|)$", "fraction switched off",
            (Curve("own-class signal neurons", predicted[order], share.mean(axis=0)[order]),
             Curve(r"$2\Phi(z)-1$", predicted[order], 2.0 * ndtr(predicted[order]) - 1.0, style="line")),
        ),
        remark="No training; instances are looked at. A share over the neurons of one instance, then over instances.",
    )  # fmt: skip


def _ratio(neurons: list[Neurons]) -> np.ndarray:
    """Step of κ at W + ε̂ over that at W, (instances,)."""
    return np.array([each.sharp / each.plain for each in neurons])


def _shares(neurons: list[Neurons]) -> dict[str, Estimate]:
    return {
        f"{words} switched off": from_fractions(np.array([getattr(each, name) for each in neurons]), 10)
        for name, words in (
            ("off", "own-class signal neurons"), ("opposite", "opposite-class signal neurons"),
            ("noise", "own-class noise neurons"),
        )
    }  # fmt: skip


def _step(lab: Lab) -> Evidence:
    radii = np.array([0.0, 0.1, 0.3, 1.0, 3.0])
    looks = {float(radius): lab.once(_LOOKS[radius]) for radius in radii}
    effect = from_replicates(_ratio(looks[1.0]))
    share = np.array([np.mean([each.off for each in neurons]) for neurons in looks.values()])
    ratio = np.array([_ratio(neurons).mean() for neurons in looks.values()])
    curves = (Curve("share switched off", radii, share, style="both"), Curve("step of κ", radii, ratio, style="both"))
    return Evidence(
        effect=effect,
        control=effect,
        null=from_replicates(_ratio(looks[0.0])),
        n_runs=0,
        details=_shares(looks[1.0]),
        picture=Picture("radius over the theory's", "share, and step of κ over SGD's", curves),
        remark=(
            "A filter pushed across zero faces the samples of the other class, whose clean ones move its κ the same "
            "way; and at W + ε̂, where outputs are lower, all slopes are larger, by up to a factor of two."
        ),
    )


_LOOKS = {radius: partial(at_the_radius, ratio=radius) for radius in (0.0, 0.1, 0.3, 1.0, 3.0)}

CLAIMS = (
    Claim(
        name="signal-deactivation-law",
        number=28,
        title="At initialisation SAM switches off own-class signal neurons by the law 2Φ(ψ_φ/(σ_0‖φ‖)) − 1, within 3 %",
        source="[D]; the paper's Lemma 3.1 speaks of noise neurons only [S]",
        statement=STATEMENTS["signal_deactivation"].latex,
        effect="z over its prediction ψ_φ/(σ_0 ‖φ‖), with z from the measured fraction 2Φ(z) - 1",
        supported=Region.around(1.0, 0.03),
        refuted_if="z differs from its prediction by more than 3 %.",
        experiment=(
            "Instances at n = 160, m = 10, p = 0, d = 20,000, 200,000, ‖φ‖ = 2, 4, σ_0 → 0, full batch, "
            "τ/(σ_0 √(m n)) = 1/2, 1."
        ),
        stopping_rule="No training; 400 instances in each cell (quick), 3,000 (full).",
        statistic="Mean over cells of z over its prediction; bootstrap over instances.",
        control=Control(
            name="the law of noise neurons, z is τ/(σ_0 √(m n)), at d = 200,000", region=Region.around(1.0, 0.03)
        ),
        null=Control(name="half of the instances less the other half", region=Region.around(0.0, 0.2)),
        measure=_law,
        family="ours",
    ),
    Claim(
        name="signal-step-under-sam",
        number=28,
        title="At the theory's radius SAM's first step learns no less signal than SGD's",
        source="[D]; that ε̂ spares the signal, the paper's picture [S], is not so: it is learned all the same",
        statement=STATEMENTS["kappa_update"].latex,
        effect="mean step of κ at W + ε̂, over that at W",
        supported=Region(low=1.0),
        refuted_if="The step is smaller.",
        experiment=(
            "Instances of d = 2,000, n = 20, m = 10, ‖φ‖ = 7.9, p = 0.1 at the weights and radius of SAM's theorem, "
            "full batch."
        ),
        stopping_rule="No training; 200 instances (quick), 2,000 (full).",
        statistic="Ratio in every instance, Student's interval.",
        control=Control(name="it falls with the neurons that are off, below a half", region=Region(high=0.5)),
        null=Control(name="SAM of radius 0: the same step", region=Region.around(1.0, 1e-9)),
        measure=_step,
        family="ours",
    ),
)
