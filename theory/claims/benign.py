"""Theorem 3.2 above its boundary: how fast the test error decays."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from scipy.special import ndtri_exp

from theory.experiments import choices
from theory.experiments.boundaries import Lines
from theory.experiments.lab import Lab
from theory.experiments.training import sgd
from theory.experiments.words import replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import between_halves, exact, from_replicates

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Errors around SGD's boundary"


_DECADES = 30.0
"""Decades of test error that the experiment has to cover for its exponents to count."""
_PREDICTED = {"signal": 4.0, "d": -1.0, "n": 1.0}
_MARGIN = {"signal": 0.4, "d": 0.1, "n": 0.25}
_FALSE = {"signal": 2.0, "d": 0.0, "n": -1.0}
_WORDS = {"signal": "‖φ‖", "d": "d", "n": "n"}
_LAWS = {"signal": "‖φ‖⁴", "d": "1/d", "n": "n"}


def _depths(lines: Lines) -> np.ndarray:
    """-log of the error without label flips, (replicates, cells)."""
    tables = [-lines.data[factor]["log_clean_error"].values for factor in lines.data]
    return np.concatenate([table.reshape(-1, table.shape[-1]) for table in tables]).T


def _tails(depth: np.ndarray) -> np.ndarray:
    """z²/2 of the Gaussian tail Φ(-z) that each error is: -log of it without the power of z before the exponential."""
    return np.asarray(0.5 * ndtri_exp(-depth) ** 2)


def _exponents(lines: Lines, depth: np.ndarray) -> np.ndarray:
    """Exponents of signal, d and n in the depth, fitted freely in every replicate, (replicates, 3)."""
    logs = np.column_stack([np.ones(depth.shape[1]), *(np.log(lines.factors[name]) for name in _PREDICTED)])
    return np.asarray(np.linalg.lstsq(logs, np.log(depth.T), rcond=None)[0][1:].T)


def _measure(lab: Lab, factor: str) -> Evidence:
    lines = lab.once(sgd.decay)
    strength = lines.place**4
    depth = _depths(lines)
    found = _exponents(lines, _tails(depth))[:, list(_PREDICTED).index(factor)]
    decades = depth.mean(axis=0) / np.log(10.0)
    covered = float(decades.max() - decades.min())
    effect = from_replicates(found)
    if covered < _DECADES:
        effect = replace(effect, value=np.nan)
    order = np.argsort(strength)
    predicted = strength * np.exp(np.mean(np.log(decades / strength)))
    return Evidence(
        effect=effect,
        control=effect,
        null=between_halves(found),
        n_runs=lines.n_runs,
        details={
            "the same exponent in -log(test error - p)": from_replicates(
                _exponents(lines, depth)[:, list(_PREDICTED).index(factor)]
            ),
            "decades of test error covered": exact(covered),
            "fitted constant C_2": from_replicates((strength / depth).mean(axis=1)),
            "least effective sample size of a test error": exact(
                min(float(data["test_error_ess"].min()) for data in lines.data.values())
            ),
        },
        conditions=lines.conditions,
        endings=lines.endings,
        picture=Picture(
            r"$n\|\varphi\|^4/(d(P-1)^4\sigma_p^4)$",
            r"$-\log_{10}(\mathrm{test\ error}-p)$",
            (
                Curve("measured", strength[order], decades[order]),
                Curve("linear", strength[order], predicted[order], style="line"),
            ),
            x_log=True,
            y_log=True,
        ),
        remark=(
            "A Gaussian tail carries a power of its argument before the exponential, so that -log(test error - p) "
            "itself approaches the predicted exponents from below; z² has no such power. The bound is an upper bound "
            "and asks "
            "for no more."
        ),
    )


CLAIMS = tuple(
    Claim(
        name=f"sgd-benign-{factor}",
        number=6,
        title=f"SGD above its boundary: −log(test error − p) goes as {_LAWS[factor]}, within {_MARGIN[factor]:g}",
        source="Kou et al. 2023, boundary form confirmed by label-noise GD [S], exponential bound [M 90%]",
        statement=STATEMENTS["benign_bound"].latex,
        effect=f"exponent of {_WORDS[factor]} in z²/2, with Φ(-z) the test error without label flips",
        supported=Region.around(predicted, _MARGIN[factor]),
        refuted_if=f"The exponent differs from {predicted:g} by more than {_MARGIN[factor]:g}.",
        experiment=(
            "SGD from small weights at 3 to 6 times d^¼ n^-¼ (P-1)σ_p, p = 0.1; d = 16,000 to 256,000 (quick 64,000) "
            "at n = 20 and n = 20 to 80 at d = 64,000, at the largest step inside the hypotheses. "
            f"At least {_DECADES:.0f} decades of test error have to be covered."
        ),
        stopping_rule=(
            "Each run stops at a training loss of 0.05; the experiment after 3 signals at 4 sizes (quick), 5 at 6 "
            "(full); " + replicated(8, 30)
        ),
        statistic=(
            "Linear regression on log ‖φ‖, log d and log n in every replicate; Student's interval over replicates."
        ),
        control=Control(
            name=f"the exponent is {_FALSE[factor]:g}", region=Region.around(_FALSE[factor], _MARGIN[factor])
        ),
        null=Control(name="half of the replicates less the other half", region=Region.around(0.0, 0.2)),
        hypotheses=HYPOTHESES,
        choices=(choices.PRETRAINED, choices.FILTERS, choices.PATCHES, choices.LAW, choices.STEP),
        measure=partial(_measure, factor=factor),
        family="ours",
    )
    for factor, predicted in _PREDICTED.items()
)
