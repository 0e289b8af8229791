"""Noisy and quiet images: which ascent forgets first, and whether SAM switches off the noise neurons of both."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import xarray

from theory.experiments.deactivation import RATIOS
from theory.experiments.lab import Lab
from theory.experiments.noise import choices, noisy
from theory.experiments.noise.reading import farthest
from theory.experiments.protocols import Pretraining
from theory.experiments.words import replicated
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import CORRELATIONS, Estimate, bootstrap, from_fractions, from_replicates, worst_of

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Noisy and quiet images"

_ORDERS = {
    "matched": "by the loss that retraining has on F",
    "own": "by the loss that retraining has on the image itself",
    "halved": "by half of the image's memory",
}


def _sgd(lab: Lab) -> list[noisy.Forgetting]:
    return noisy.forgotten(lab, "SGD")


def _sam(lab: Lab) -> list[noisy.Forgetting]:
    return noisy.forgotten(lab, "SAM")


def _order(lab: Lab, optimizer: Pretraining) -> Evidence:
    courses = lab.once(_sgd if optimizer == "SGD" else _sam)
    by = {what: from_replicates(noisy.orders(courses, what), range=CORRELATIONS) for what in _ORDERS}
    shuffled = noisy.orders(courses, "matched", lab.rng("shuffled"))
    never = [float(np.isinf(course.matched).mean()) for course in courses]
    return Evidence(
        effect=by["matched"],
        control=by["matched"],
        null=from_replicates(shuffled, range=CORRELATIONS),
        n_runs=len(courses),
        details={f"order {_ORDERS[what]}": by[what] for what in ("own", "halved")}
        | {"share of F that did not get there before the mean loss was 4": from_replicates(np.array(never))},
        picture=_of_order(courses),
        remark="A pair of which one image got there and the other did not is ordered, too; a pair that is tied "
        "counts for neither.",
    )


def _of_order(courses: list[noisy.Forgetting]) -> Picture:
    """Share of the images of each kind that are forgotten, over the steps since unlearning began."""
    steps = np.unique(np.concatenate([course.matched[np.isfinite(course.matched)] for course in courses]))
    steps = steps[steps > 0.0]
    curves = []
    for kind in noisy.KINDS:
        own = np.concatenate([course.matched[course.noisy == (kind == "noisy")] for course in courses])
        curves.append(Curve(f"{kind} images", steps, (own[:, None] <= steps).mean(axis=0), style="line"))
    return Picture("steps of unlearning", "share forgotten", tuple(curves), x_log=True)


def _constants(data: xarray.Dataset, lab: Lab, *, by_scale: bool) -> dict[str, Estimate]:
    return {
        kind: bootstrap(
            partial(noisy.constant, data, kind, by_scale=by_scale), data.sizes["seed"], lab.rng("noisy images off")
        )
        for kind in noisy.KINDS
    }


def _off_law(lab: Lab) -> Evidence:
    data = lab.once(noisy.off_at_start)
    scaled, plain = (_constants(data, lab, by_scale=each) for each in (True, False))
    opposite = data["opposite"].mean(("kind", "ratio")).values
    measured = tuple(
        Curve(f"{kind} images", data["ratio"].values, data["own"].sel(kind=kind).mean("seed").values)
        for kind in noisy.KINDS
    )
    law = tuple(
        Curve(f"{kind}, as derived", data["ratio"].values, data["law"].sel(kind=kind).mean("seed").values, style="line")
        for kind in noisy.KINDS
    )
    return Evidence(
        effect=farthest(scaled.values(), 1.0),
        control=farthest(plain.values(), 1.0),
        null=from_fractions(opposite, 200.0 * len(RATIOS)),
        n_runs=data.sizes["seed"],
        details={f"constant of {kind} images": found for kind, found in scaled.items()}
        | {f"{kind} images, z over ρ": found for kind, found in plain.items()},
        picture=Picture(r"$\rho=\tau/(\sigma_0\sqrt{mn})$", "fraction switched off", (*measured, *law)),
    )


def _at_radius(lab: Lab) -> np.ndarray:
    return noisy.off_at_the_radius(lab, 1.0)


def _off(lab: Lab) -> Evidence:
    shares = lab.once(_at_radius)
    tenth, nothing = noisy.off_at_the_radius(lab, 0.1), noisy.off_at_the_radius(lab, 1e-6)
    return Evidence(
        effect=_least(shares),
        control=_least(tenth),
        null=from_replicates(nothing.mean(axis=1), range=(0.0, 1.0)),
        n_runs=len(shares),
        details={
            f"fraction switched off: {kind} images": from_replicates(shares[:, number], range=(0.0, 1.0))
            for number, kind in enumerate(noisy.KINDS)
        },
        remark="By the law, z is √m s/(mean of s²)^½ at this radius.",
    )


def _least(shares: np.ndarray) -> Estimate:
    """The mean share of the kind that has less of it."""
    return replace(worst_of(shares, np.argmin), range=(0.0, 1.0))


_IMAGES = "d = 2,000, n = 20, |F| = 6, m = 10, p = 0.1, ‖φ‖ = 2.5 d^¼ n^-¼ q; half of the images have 3 times the noise"
_NULL_ORDER = Control(name="which images are noisy is shuffled within F", region=Region.around(0.0, 0.2))


def _first(optimizer: Pretraining, control: Control) -> Claim:
    how = "SGD" if optimizer == "SGD" else "SAM of the theory's radius"
    return Claim(
        name=f"noisy-images-first-{optimizer.lower()}",
        number=31,
        title=f"Ascent with {how} forgets noisy images before quiet ones, in at least three pairs of five",
        source="Open in the paper [S], which names noise sources as open; order and measure are ours",
        statement=r"\mathrm{P}(T_{noisy} < T_{quiet}) - \mathrm{P}(T_{noisy} > T_{quiet}) \geq 0.2",
        effect="share of pairs of F in which the noisy image goes first, less the share in which the quiet one does",
        supported=Region(low=0.2),
        refuted_if="The noisy image goes first in less than three pairs of five.",
        experiment=f"{_IMAGES}; SGD to a loss of 0.05, then NegGrad with {how} at α = 0.7.",
        stopping_rule=(
            "An image is forgotten when its loss reaches the mean loss on F of the network retrained without F; "
            "ascent goes on "
            "to a mean loss of 4. " + replicated(48, 200)
        ),
        statistic="Mean over the pairs of a noisy and a quiet image of F in every replicate; Student's interval.",
        control=control,
        null=_NULL_ORDER,
        measure=partial(_order, optimizer=optimizer),
        family="open",
        choices=choices.NOISY,
    )


_OFF: dict[str, Any] = {"number": 31, "family": "open"}

CLAIMS = (
    _first("SGD", Control(name="quiet images go first, in four pairs of five", region=Region(high=-0.6))),
    _first("SAM", Control(name="there is no order", region=Region.around(0.0, 0.2))),
    Claim(
        name="noisy-images-off-law",
        title="At initialisation SAM switches off an image's noise neurons by its own scale, z = ρ s/(mean of s²)^½, "
        "within 2 %",
        source="[D]; the law of deactivation for images of different scales; ours",
        statement=r"\mathrm{P}(off) = 2\,\Phi\left(\frac{\tau}{\sigma_0\sqrt{m}}"
        r"\,\frac{s_k}{\sqrt{\sum_i s_i^{2}}}\right) - 1",
        effect="z of the measured fraction over the law's, for the kind of image at which it is farthest from 1",
        supported=Region.around(1.0, 0.02),
        refuted_if="For one kind of image z is not the law's within 2 %.",
        experiment="Instances at d = 10^8, σ_0 → 0, n = 40, m = 10, half of the images with 3 times the noise; ratio "
        "τ/(σ_0 √(mn)) = 1/4, 1/2, 1.",
        stopping_rule="No training; " + replicated(400, 6000),
        statistic="Mean over ratios of z from the fraction 2Φ(z) - 1, over that of the law; the kind is picked, for "
        "which the "
        "interval allows; bootstrap over instances.",
        control=Control(name="the scale of an image does not matter: z = ρ", region=Region.around(1.0, 0.02)),
        null=Control(name="no neuron of the opposite class is switched off", region=Region(high=0.01)),
        measure=_off_law,
        choices=(choices.FRACTION, choices.FACTOR),
        **_OFF,
    ),
    Claim(
        name="noisy-images-off",
        title="SAM of the theory's radius still switches off at least 90 % of R's own-class noise neurons, of noisy "
        "and of "
        "quiet images",
        source="Lemma 3.1 as its summaries state it [S], asked of images of two scales; ours",
        statement=r"\mathrm{P}(off\,|\,noisy),\ \mathrm{P}(off\,|\,quiet) \geq 0.9",
        effect="fraction switched off: retain set, own class, of the kind of image of which it is less",
        supported=Region(low=0.9),
        refuted_if="Of one kind of image less than 90 % are switched off.",
        experiment=f"{_IMAGES}; SAM's initial weights, NegGrad at α = |R|/n.",
        stopping_rule="No training; " + replicated(200, 2000),
        statistic="Mean over instances in the kind of which it is less, whose interval allows for the picking.",
        control=Control(name="a tenth of the radius does so, too", region=Region(low=0.9)),
        null=Control(name="nothing goes off at a millionth of the radius", region=Region(high=0.01)),
        measure=_off,
        choices=(choices.FRACTION, choices.FACTOR),
        **_OFF,
    ),
)
