"""SAM tolerates smaller α: as pretraining optimizer, as unlearning optimizer, as both."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray

from theory.experiments import choices
from theory.experiments.course import Course
from theory.experiments.forgetting.classes import errors_by_class
from theory.experiments.forgetting.thresholds import critical_alpha
from theory.experiments.lab import Lab, conditions_of
from theory.experiments.unlearning import again, alpha_grid
from theory.experiments.words import MATCHED, UNLEARNED, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, bootstrap, from_fractions, from_replicates

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "How small α may be"

_ROLES = {
    "pretraining": ("SAM", "SGD"),
    "unlearning": ("SGD", "SAM"),
    "both": ("SAM", "SAM"),
}
"""Pretraining and unlearning optimizer in each role of SAM."""
_PLAIN = ("SGD", "SGD")


def _of(data: xarray.Dataset, pair: tuple[str, str]) -> xarray.Dataset:
    return data.sel(pretraining=pair[0], optimizer=pair[1])


def _threshold(lab: Lab, data: xarray.Dataset, pair: tuple[str, str], rows: np.ndarray) -> float:
    chosen = _of(data, pair).isel(seed=rows)
    level = lab.pick(choices.FLIP) + 0.05
    done = Course(lab).forgotten(chosen).mean("seed").values
    return critical_alpha(data["alpha"].values, chosen["test_error"].mean("seed").values, done, level)


def _details(lab: Lab, data: xarray.Dataset, here: xarray.Dataset) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for first, second in (_PLAIN, *_ROLES.values()):
        chosen, words = _of(here, (first, second)), f"{first} then {second}"
        clean = np.sort(chosen["clean_error_by_label"].transpose("seed", "label").values, axis=1)
        found |= {
            f"test error, {words}": from_replicates(chosen["test_error"].values),
            f"clean error of the worse class, {words}": from_replicates(clean[:, 1]),
            f"fraction forgotten, {words}": from_fractions(Course(lab).forgotten(chosen).values.astype(float), 1),
            f"α needed, {words}": bootstrap(
                partial(_threshold, lab, data, (first, second)), data.sizes["seed"], lab.rng("alpha", first, second)
            ),
        }
    return found


def _measure(lab: Lab, role: str) -> Evidence:
    data, course = lab.once(alpha_grid), Course(lab)
    here = data.sel(alpha=course.alpha)
    pairs = (_PLAIN, _ROLES[role])
    both = np.logical_and(*(course.forgotten(_of(here, pair)).values for pair in pairs))
    plain, sharp = (_of(here, pair)["test_error"].values for pair in pairs)
    effect = from_replicates((plain - sharp)[both])
    curves = tuple(
        Curve(
            f"{first} then {second}",
            data["alpha"].values,
            _of(data, (first, second))["test_error"].mean("seed").values,
            style="both",
        )
        for first, second in (_PLAIN, *_ROLES.values())
    )
    classes = [errors_by_class(_of(here, pair), " then ".join(pair)) for pair in (_PLAIN, *_ROLES.values())]
    used = xarray.concat([_of(here, pair)["margin"] for pair in pairs], "pair")
    return Evidence(
        effect=effect,
        control=effect,
        null=from_replicates(plain - lab.once(again)["test_error"].values),
        n_runs=data.attrs["n_runs"],
        details=_details(lab, data, here),
        distributions={label: values for found in classes for label, values in found.items()},
        conditions=conditions_of(xarray.Dataset({"margin": used})),
        endings=data.attrs["endings"],
        picture=Picture(r"$\alpha$", "test error after unlearning", curves),
        remark=(
            f"Over the {np.count_nonzero(both)} of {len(both)} replicates in which both forget. A threshold without a "
            "number is censored: every, or no, α at which nine runs in ten are forgotten brings the test error to "
            "p + 0.05."
        ),
    )


CLAIMS = tuple(
    Claim(
        name=f"smaller-alpha-{role}",
        number=11,
        title=f"SAM tolerates a smaller α than SGD: as optimizer of {role}",
        source="Lemma 3.4 and key findings of the unlearning paper as its summaries state them [S]",
        statement=STATEMENTS["signal_balance"].latex,
        effect="test error of SGD, less that of SAM, at α = 0.7",
        supported=Region(low=0.0),
        refuted_if="At the same α and matched forgetting the test error is higher with SAM.",
        experiment=UNLEARNED + " SGD and SAM in pretraining and in unlearning, at other α, too.",
        stopping_rule=MATCHED + replicated(8, 60),
        statistic=(
            "Paired difference in every replicate in which both forget; Student's interval. Thresholds of α by "
            "monotone regression are given beside it."
        ),
        control=Control(name="the test error is lower by 0.1 or more", region=Region(low=0.1)),
        null=Control(name="SGD against itself with other seeds", region=Region.around(0.0, 0.02)),
        hypotheses=HYPOTHESES,
        choices=(*choices.UNLEARNING, *((choices.RADIUS,) if unlearning == "SAM" else ()), choices.DIMENSION),
        measure=partial(_measure, role=role),
        family="paper",
    )
    for role, (_, unlearning) in _ROLES.items()
)
