"""Independent noise patches: on which scale the boundary lies."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import xarray

from theory.experiments import choices
from theory.experiments.lab import Lab
from theory.experiments.training.patches import PATCHES, boundary_by_patches, patch_scale, sized
from theory.experiments.training.places import log_critical, shift, shift_of_chance
from theory.experiments.words import replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Where SGD's boundary lies"

_FEWEST, _MOST = PATCHES[0], PATCHES[-1]


def _log_scale(lab: Lab, P: int) -> float:
    """Log of the derived scale over that of one noise patch, at one d, n and σ_p."""
    base = sized(lab)
    many, one = (patch_scale(replace(base, P=count, patches="independent")) for count in (P, _FEWEST))
    return math.log(many / one)


def _in_other_units(lab: Lab, effect: Estimate, exponent: float) -> Estimate:
    """The same shift in units of (P - 1)^exponent."""
    return replace(effect, value=effect.value + _log_scale(lab, _MOST) - exponent * math.log(_MOST - 1.0))


def _picture(lab: Lab, data: xarray.Dataset) -> Picture:
    noise = data["P"].values - 1.0
    measured = np.exp(log_critical(data, "P", np.arange(data.sizes["seed"])))
    scale = np.exp([_log_scale(lab, int(P)) for P in data["P"].values])
    curves = (
        Curve("measured", noise, measured * scale),
        Curve(r"$(\sqrt{K}\,Q_{K,n})^{1/2}$", noise, measured[0] * scale, style="line"),
        Curve(r"$\sqrt{K}$", noise, measured[0] * np.sqrt(noise), style="line"),
        Curve(r"$K$, copied patches", noise, measured[0] * noise, style="line"),
    )
    label = r"critical signal over the scale at $K=1$"
    return Picture(r"independent noise patches $K=P-1$", label, curves, x_log=True, y_log=True)


def _measure(lab: Lab) -> Evidence:
    data = lab.once(boundary_by_patches)
    effect = shift(data, "P", (_FEWEST, _MOST), lab.rng("patches"))
    return Evidence(
        effect=effect,
        control=_in_other_units(lab, effect, 1.0),
        null=shift_of_chance(data, "P", (_FEWEST, _MOST), lab.rng("patch chance")),
        n_runs=data.attrs["n_runs"],
        details={
            "the same at P = 3": shift(data, "P", (_FEWEST, 3), lab.rng("patches")),
            "log ratio in units of (P-1)σ_p": _in_other_units(lab, effect, 1.0),
            "log ratio in units of √(P-1) σ_p": _in_other_units(lab, effect, 0.5),
        },
        conditions=data.attrs["conditions"],
        endings=data.attrs["endings"],
        picture=_picture(lab, data),
        remark=(
            "The scale has no fitted constant; it is that of many filters. The control is the scale of copied patches."
        ),
    )


CLAIMS = (
    Claim(
        name="independent-patches-boundary",
        number=21,
        title="SGD: independent noise patches move the boundary by (√K Q_{K,n})^½, K = P − 1, within 10 %",
        source="[D]; the theory copies one noise vector to all patches [M 85%], so that it is not a claim of the paper",
        statement=STATEMENTS["independent_patches"].latex,
        effect="log of the critical signal at P = 5 over that at P = 2, in units of the derived scale",
        supported=Region.around(0.0, 0.1),
        refuted_if="In these units the boundaries at P = 2 and P = 5 differ by more than 10 %.",
        experiment=(
            "SGD from small weights, P = 2, 3, 5 with independent noise patches, m = 10, p = 0.1, n = 10, d = "
            "2,000 (quick), n = 20, d = 8,000 (full), 4 signals; the largest step inside the hypotheses."
        ),
        stopping_rule="Training loss 0.05 (250,000 steps at most); " + replicated(24, 40),
        statistic="Log ratio of the critical signals of the mean test errors (level 0.3); bootstrap over replicates.",
        control=Control(name="it goes as P - 1, as with copies", region=Region.around(0.0, 0.1)),
        null=Control(name="which of the two is which is left to chance", region=Region.around(0.0, 0.15)),
        hypotheses=tuple(name for name in HYPOTHESES if name != "signal_noise"),
        choices=(choices.PRETRAINED, choices.BATCH, choices.FILTERS, choices.LAW, choices.STEP),
        measure=_measure,
        family="ours",
    ),
)
