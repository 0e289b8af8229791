"""Theorem 3.2 above its boundary: how fast the test error decays."""

from __future__ import annotations

import numpy as np

from theory.experiments import sgd
from theory.experiments.boundaries import Lines
from theory.lab import Lab
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statements import STATEMENTS
from theory.statistics import exact, from_replicates, slopes

__all__ = ["CLAIMS"]


def _log_errors(lines: Lines) -> np.ndarray:
    """-log of the error without label flips, (replicates, cells)."""
    tables = [-lines.data[factor]["log_clean_error"].values for factor in lines.data]
    return np.concatenate([table.reshape(-1, table.shape[-1]) for table in tables]).T


def _measure(lab: Lab) -> Evidence:
    lines = lab.once(sgd.decay)
    strength = lines.place**4
    depth = _log_errors(lines)
    order = np.argsort(strength)
    decades = depth / np.log(10.0)
    predicted = strength * np.exp(np.mean(np.log(depth.mean(axis=0) / strength)))
    effect = from_replicates(slopes(np.log(strength), np.log(depth)))
    return Evidence(
        effect=effect,
        control=effect,
        n_runs=lines.n_runs,
        details={
            "decades of test error covered": exact(decades.mean(axis=0).max() - decades.mean(axis=0).min()),
            "fitted constant C_2": from_replicates((strength / depth).mean(axis=1)),
            "least effective sample size of a test error": exact(
                min(float(data["test_error_ess"].min()) for data in lines.data.values())
            ),
        },
        conditions=lines.conditions,
        picture=Picture(
            r"$n\|\varphi\|^4/(d(P-1)^4\sigma_p^4)$",
            r"$-\log_{10}(\mathrm{test\ error}-p)$",
            (
                Curve("measured", strength[order], decades.mean(axis=0)[order]),
                Curve("linear", strength[order], predicted[order] / np.log(10.0), style="line"),
            ),
            x_log=True,
            y_log=True,
        ),
        remark=(
            "A Gaussian tail carries a power of its argument before the exponential, so that slopes approach 1 from "
            "below; the bound is an upper bound and asks for no more."
        ),
    )


CLAIMS = (
    Claim(
        name="sgd-benign",
        number=6,
        title="SGD above its boundary: log(test error - p) is linear in -n‖φ‖⁴ / (d ((P-1)σ_p)⁴)",
        source="Kou et al. 2023, boundary form confirmed by label-noise GD [S], exponential bound [M 90%]",
        statement=STATEMENTS["benign_bound"].latex,
        effect="slope of log(-log(test error - p)) over log(n‖φ‖⁴ / (d q⁴))",
        supported=Region.around(1.0, 0.1),
        refuted_if="The slope differs from 1 by more than 0.1.",
        experiment="SGD from small weights at 3.2 to 10 times d^¼ n^-¼ q; d = 10^7 to 10^9 and n = 20, 40.",
        stopping_rule=(
            "Each run stops at a training loss of 0.01; the experiment after 7 signals at 5 sizes with 10 replicates "
            "(quick), 60 (full)."
        ),
        statistic="Least-squares slope of every replicate, Student's interval over replicates.",
        control=Control(name="linear in ‖φ‖² instead of ‖φ‖⁴", region=Region.around(0.5, 0.1)),
        measure=_measure,
    ),
)
