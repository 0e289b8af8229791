"""The α that a network needs to stay benign, over d, n and the signal, with its censoring in the likelihood."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray
from scipy.special import expit, logit, ndtr, ndtri

from theory.experiments import choices
from theory.experiments.forgetting.needed import (
    ABOVE,
    ALPHAS,
    FACTORS,
    LEAST,
    Needed,
    beyond,
    needed,
    retrained,
    unlearned,
    well,
)
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.words import INSIDE, MATCHED, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, exact, from_fractions, jackknife

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "How small α may be"

_PRETRAININGS = {"SGD": 1.0, "SAM": 0.0}
_SHARES = (0.5, 0.9)
"""Shares of the replicates that an α is to be enough for."""


def _shift(found: Needed, factor: str, rows: np.ndarray) -> float:
    """Coefficient of a factor in the mean of the law of some replicates, in standard deviations; NaN if it is fixed."""
    number = FACTORS.index(factor)
    return float(found.law(rows).shifts[number]) if np.ptp(found.factors[:, number]) > 0.0 else np.nan


def _details(found: Needed) -> dict[str, Estimate]:
    words = {"d": "shift of the law over log d", "n": "the same over log n", "signal": "the same over log ‖φ‖"}
    count = len(found.low)
    return {
        **{text: jackknife(partial(_shift, found, factor), count) for factor, text in words.items()},
        **{
            f"α needed by {share:.0%} of the replicates, {name}, mean setting": exact(_quantile(found, value, share))
            for name, value in _PRETRAININGS.items()
            for share in _SHARES
        },
        "share of the thresholds below the least α tried": exact(float(np.isneginf(found.low).mean())),
        "share of the thresholds above the largest": exact(float(np.isposinf(found.high).mean())),
        "spread of the log-odds between replicates": exact(found.law(np.arange(count)).spread),
    }


def _quantile(found: Needed, sgd: float, share: float) -> float:
    """The α that is enough for a share of the replicates; NaN beyond what was tried, where the law is a guess."""
    law = found.law(np.arange(len(found.low)))
    odds = law.slopes @ [1.0, sgd, 0.0, 0.0, 0.0] + law.spread * ndtri(share)
    alpha = float(expit(odds))
    return alpha if ALPHAS[0] <= alpha <= ALPHAS[-1] else np.nan


def _picture(found: Needed) -> Picture:
    """Share of the replicates that an α is enough for, over the signal: what was tried, and the law."""
    law = found.law(np.arange(len(found.low)))
    odds = np.linspace(logit(ALPHAS[0]), logit(ALPHAS[-1]), 40)
    curves = []
    for name, value in _PRETRAININGS.items():
        for signal in np.unique(found.factors[:, FACTORS.index("signal")]):
            mine = (found.factors[:, [FACTORS.index("SGD"), FACTORS.index("signal")]] == [value, signal]).all(axis=1)
            enough = np.array([np.mean(found.high[:, mine] <= logit(alpha) + 1e-9) for alpha in ALPHAS])
            words = f"{name}, {np.exp(signal):.2g} times the mean ‖φ‖"
            curves.append(Curve(words, np.array(ALPHAS), enough))
            means = found.factors[mine] @ law.shifts
            share = ndtr(odds[:, None] / law.spread - means).mean(axis=1)
            curves.append(Curve(f"law, {name}", expit(odds), share, style="line"))
    return Picture(r"$\alpha$", "share of the replicates it is enough for", tuple(curves))


def _gap(lab: Lab) -> Evidence:
    found, grids = lab.once(needed), [lab.once(beyond), lab.once(retrained)]
    effect = jackknife(partial(_shift, found, "SGD"), len(found.low))
    chance = found.exchanged(lab.rng("odds chance"))
    return Evidence(
        effect=effect,
        control=_at_the_least(lab, grids[0], ALPHAS[-1]),
        null=jackknife(partial(_shift, chance, "SGD"), len(found.low)),
        n_runs=sum(data.attrs["n_runs"] for data in grids),
        details=_details(found),
        conditions=conditions_of(grids[0]),
        endings=grids[0].attrs["endings"],
        picture=_picture(found),
        remark=(
            "Every replicate's threshold is an interval between two α that were tried, open where it lies beyond them; "
            "the likelihood takes all of them. One spread for all settings, in which shifts are told: where most "
            "thresholds lie beyond the ends, no α in decades is known of them. An α that is needed has no number where "
            "it lies beyond those that were tried."
        ),
    )


def _at_the_least(lab: Lab, data: xarray.Dataset, alpha: float) -> Estimate:
    """Share of the replicates for which an α is enough, in all settings together."""
    enough = well(data.sel(alpha=[alpha]), lab.once(retrained)["test_error"])[..., 0]
    return from_fractions(enough.mean(axis=1), enough.shape[1])


def _enough(lab: Lab) -> Evidence:
    data, further = lab.once(unlearned), lab.once(beyond)
    shares = {
        "at the match": [_at_the_least(lab, data, alpha) for alpha in LEAST],
        "until F is guessed": [_at_the_least(lab, further, alpha) for alpha in ALPHAS],
    }
    tried = {"at the match": LEAST, "until F is guessed": ALPHAS}
    curves = tuple(
        Curve(end, np.array(tried[end]), np.array([share.value for share in found]), style="both")
        for end, found in shares.items()
    )
    return Evidence(
        effect=shares["at the match"][0],
        control=shares["at the match"][0],
        null=_at_the_least(lab, data, LEAST[-1]),
        n_runs=sum(lab.once(grid).attrs["n_runs"] for grid in (unlearned, beyond, retrained)),
        details={
            f"share for which α = {alpha:g} is enough, {end}": share
            for end, found in shares.items()
            for alpha, share in zip(tried[end], found, strict=True)
        },
        conditions=conditions_of(data),
        endings=data.attrs["endings"],
        picture=Picture(r"$\alpha$", "share of the replicates it is enough for", curves),
        remark="At the match ascent has not begun to unlearn the signal, whatever it weighs beside R.",
    )


_SETTING = (
    "d = 500, n = 10 (full: d = 500, 2,000, n = 10, 20), |F| = n/5, m = 10, p = 0.1, 1.2 and 2.5 (full: 4, too) times "
    f"d^¼ n^-¼ q; NegGrad with SGD after SGD and after SAM; {INSIDE}. An α is enough for a replicate if it forgets "
    f"with a test error of at most {ABOVE:g} above that of the network retrained without F"
)
_CHOICES = choices.unlearning_without(choices.ALPHA, choices.WEIGHTS)
_COMMON: dict[str, Any] = {
    "number": 23,
    "statement": STATEMENTS["lemma_3_4_alpha_gap"].latex,
    "hypotheses": HYPOTHESES,
    "family": "open",
}

CLAIMS = (
    Claim(
        name="alpha-enough-at-the-match",
        title="Stopped at the match, even α = 0.02 is enough for nine networks in ten",
        source="Not a claim of the paper, which asks how large α must be [S]; that the end decides is ours",
        effect="share of the replicates for which α = 0.02 is enough",
        supported=Region(low=0.9),
        refuted_if="It is enough for less than nine in ten.",
        experiment=f"{_SETTING}.",
        stopping_rule=MATCHED + "α = 0.02, 0.3; " + replicated(10, 25),
        statistic="Share over settings in every replicate, Student's interval of at least the binomial width.",
        control=Control(name="it is enough for half of them at most", region=Region(high=0.5)),
        null=Control(name="α = 0.3 is enough", region=Region(low=0.8)),
        choices=_CHOICES,
        measure=_enough,
        **_COMMON,
    ),
    Claim(
        name="alpha-curves-gap",
        title="Until F is guessed, SGD-pretrained networks need the larger α, over d, n and the signal",
        source="Lemma 3.4 of the unlearning paper as its summaries state it [S]; thresholds of each replicate are ours",
        effect="shift of the α needed after SGD over that after SAM, at equal d, n, ‖φ‖, in standard deviations",
        supported=Region(low=0.0),
        refuted_if="After SAM the larger α is needed.",
        experiment=f"{_SETTING}; needed is the least α from which on it is.",
        stopping_rule="Accuracy 1/2 on F (200,000 steps at most); α = 0.02, 0.1, 0.4, 0.8; " + replicated(10, 25),
        statistic=(
            "Normal law of the log-odds with a mean linear in the optimizer, log d, log n and log ‖φ‖, by maximum "
            "likelihood of the intervals, open ones too; standard error by jackknife over replicates."
        ),
        control=Control(name="even α = 0.8 is enough for half of them at most", region=Region(high=0.5)),
        null=Control(name="which pretraining is which left to chance", region=Region.around(0.0, 0.5)),
        choices=choices.unlearning_without(choices.ALPHA, choices.WEIGHTS, choices.STOP),
        measure=_gap,
        **_COMMON,
    ),
)
