"""Lemma 3.1: SAM's perturbation keeps denoising the retain set and stops denoising the forget set. In which reading?"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray

from simulate import NegGrad, RandomLabel
from simulate.dynamics.deactivation import NEARLY_ALL
from theory.experiments import choices
from theory.experiments import lemma31 as networks
from theory.experiments.lab import Lab
from theory.experiments.lemma31 import MULTIPLES, NOTHING, PLAIN, Look
from theory.experiments.words import INSIDE, SIZES, replicated
from theory.formulas.conditions import HYPOTHESES
from theory.formulas.statements import STATEMENTS
from theory.ledger import Claim, Control, Curve, Evidence, Picture, Region
from theory.statistics import Estimate, from_fractions, from_replicates

__all__ = ["CLAIMS", "TOPIC"]

TOPIC = "Neurons that SAM switches off"

_CELLS = tuple((relation, part) for part in ("retain", "forget") for relation in ("own", "opposite"))
_TENTH = 0.1

_SOURCE = "Lemma 3.1 of the unlearning paper as its summaries state it [S]; {}"
_EXPERIMENT = (
    f"d = {networks.UNLEARNING.d:,}, {SIZES}, ‖φ‖ = 2.5 d^¼ n^-¼ q; {INSIDE}; fraction of the active noise neurons "
    "that ε̂ of NegGrad at α = |R|/n switches off, {}."
)
_AT_THEORY = "at the theory's radius, m √n/(P σ_p √d), {}"
_FRESH = "No training; " + replicated(64, 400)
_TRAINED = "Pretraining stops at a loss of 0.05; " + replicated(16, 100)
_ASKED = tuple(name for name in HYPOTHESES if not name.startswith("sam_radius"))
"""What remains of the hypotheses at another radius than the theory's."""
_MEAN = "Mean over instances, Student's interval."
_OFF = Control(name="a millionth of the radius switches nothing off", region=Region(high=0.01))
_ALIKE = Control(
    name="where nothing is ascended on, F goes off like R (a third of the radius)", region=Region.around(0.0, 0.1)
)


def _table(lab: Lab, pretraining: str, look: Look) -> xarray.DataArray:
    """Fractions (relation, set, seed) of one look."""
    if pretraining == "none":
        return lab.once(networks.fresh)["deactivated"].isel(look=networks.number_of(lab, look))
    data = lab.once(networks.trained).sel(pretraining=pretraining, loss=lab.pick(choices.PRETRAINED))
    return data["deactivated"].isel(look=networks.number_of(lab, look))


def _fractions(table: xarray.DataArray, relation: str, part: str) -> np.ndarray:
    """One cell of the table over replicates that have such neurons at all."""
    values = table.sel(relation=relation, set=part).values
    return np.asarray(values[np.isfinite(values)])


def _neurons(lab: Lab, part: str) -> float:
    """About as many noise neurons of one class are active on a set at initialisation: half of m for each sample."""
    problem = networks.problem_of(lab, "none")
    samples = problem.n_forget if part == "forget" else problem.n - problem.n_forget
    return samples * problem.m / 2


def _fraction(lab: Lab, pretraining: str, look: Look, relation: str, part: str) -> Estimate:
    return from_fractions(_fractions(_table(lab, pretraining, look), relation, part), _neurons(lab, part))


def _whole_table(lab: Lab) -> dict[str, Estimate]:
    """All four groups at the theory's radius, and the part of it that α moves."""
    equal = networks.equal(networks.problem_of(lab, "none"))
    objectives: dict[str, Any] = {
        "NegGrad α = |R|/n": equal, "NegGrad α = 0.5": NegGrad(alpha=0.5), "NegGrad α = 0.9": NegGrad(alpha=0.9),
        "random label": RandomLabel(),
    }  # fmt: skip
    return {
        f"{called}, pretraining {word}: {part} set, {relation} class": _fraction(
            lab, word, Look(objective, 1.0), relation, part
        )
        for called, objective in objectives.items()
        for word in ("none", "SGD", "SAM")
        for relation, part in _CELLS
    }


def _radii(lab: Lab, pretraining: str) -> dict[str, Estimate]:
    """How much of the retain set's own class is switched off at each radius."""
    objective = networks.objective_of(lab)
    return {
        f"retain set, own class, at {multiple:.2g} of the radius": _fraction(
            lab, pretraining, Look(objective, multiple), "own", "retain"
        )
        for multiple in MULTIPLES
    }


def _picture(lab: Lab, pretraining: str) -> Picture:
    objective, x = networks.objective_of(lab), np.array(MULTIPLES)
    curves = []
    for relation, part in _CELLS:
        y = [_fraction(lab, pretraining, Look(objective, multiple), relation, part).value for multiple in MULTIPLES]
        curves.append(Curve(f"{part} set, {relation} class", x, np.array(y), style="both"))
    return Picture(r"$\tau$ over the theory's", "fraction switched off", tuple(curves), x_log=True)


def _null(lab: Lab, pretraining: str, part: str) -> Estimate:
    """Nothing goes off without a radius; without ascent, F goes off like R."""
    if part == "retain":
        return _fraction(lab, pretraining, Look(networks.objective_of(lab), NOTHING), "own", "retain")
    own = _table(lab, pretraining, PLAIN).sel(relation="own")
    return from_replicates((own.sel(set="forget") - own.sel(set="retain")).dropna("seed").values)


def _measure(
    lab: Lab, relation: str | None, part: str, pretraining: str, control: tuple[str, str, float], *, whole: bool = False
) -> Evidence:
    objective = networks.objective_of(lab)
    look = Look(objective, lab.pick(networks.RADIUS))
    table = _table(lab, pretraining, look)
    if relation is None:  # at initialisation as many neurons of either relation are active
        effect = from_fractions(table.sel(set=part).mean("relation").values, 2.0 * _neurons(lab, part))
    else:
        effect = _fraction(lab, pretraining, look, relation, part)
    data = lab.once(networks.fresh if pretraining == "none" else networks.trained)
    return Evidence(
        effect=effect,
        control=_fraction(lab, pretraining, Look(objective, control[2]), *control[:2]),
        null=_null(lab, pretraining, part),
        n_runs=data.attrs["n_runs"],
        details=_whole_table(lab) if whole else _radii(lab, pretraining),
        conditions=networks.conditions(lab, pretraining, look),
        endings=data.attrs["endings"],
        picture=_picture(lab, pretraining),
        remark="Own class means j = y_k with the observed label.",
    )


def _as_the_lemma_says(data: xarray.Dataset) -> np.ndarray:
    """R off and F on: the lesser of both fractions in each replicate, (R,)."""
    there = data["deactivated_at_radius"].sel(relation="own")
    lesser = np.minimum(there.sel(set="retain").values, 1.0 - there.sel(set="forget").values)
    return np.asarray(lesser[np.isfinite(lesser)])


def _at_own_radius(lab: Lab, pretraining: str) -> Evidence:
    every = lab.once(networks.trained).sel(pretraining=pretraining)
    here, loss = every.sel(loss=lab.pick(choices.PRETRAINED)), lab.pick(choices.PRETRAINED)
    objective, plain = networks.objective_of(lab), networks.number_of(lab, PLAIN)
    look = networks.number_of(lab, Look(objective, 1.0))
    chosen = here.isel(look=look)
    asked = networks.asked(lab.once(networks.trained), pretraining, loss, look)
    unspared = here["deactivated_at_radius"].isel(look=plain).sel(relation="own")
    at_theory = here["deactivated"].isel(look=look).sel(relation="own", set="retain").values
    there = chosen["deactivated_at_radius"].sel(relation="own")
    return Evidence(
        effect=from_fractions(_as_the_lemma_says(chosen), _neurons(lab, "forget")),
        control=from_fractions(at_theory, _neurons(lab, "retain")),
        null=from_replicates((unspared.sel(set="forget") - unspared.sel(set="retain")).dropna("seed").values),
        n_runs=every.attrs["n_runs"],
        details={
            "R's own class switched off": from_fractions(there.sel(set="retain").values, _neurons(lab, "retain")),
            "F's own class switched off": from_fractions(
                there.sel(set="forget").dropna("seed").values, _neurons(lab, "forget")
            ),
            "radius asked for, over the theory's": asked,
        },
        conditions=networks.conditions(lab, pretraining, Look(objective, asked.value)),
        endings=every.attrs["endings"],
        picture=_surface(lab, every),
        remark="The margins of SAM's radius are those of the mean radius asked for; the row presupposes the others.",
    )


def _surface(lab: Lab, every: xarray.Dataset) -> Picture:
    """Measured (marks) and predicted (lines) fractions over the radius, for each loss and two α."""
    own, x, curves = every.sel(relation="own", set="retain"), np.array(MULTIPLES), []
    for objective in dict.fromkeys((networks.objective_of(lab), NegGrad(alpha=0.5))):
        places = [networks.number_of(lab, Look(objective, multiple)) for multiple in MULTIPLES]
        for loss in every["loss"].values:
            here = own.sel(loss=loss).isel(look=places).mean("seed")
            words = f"loss {loss:g}, α = {objective.alpha:g}"
            curves.append(Curve(words, x, here["deactivated"].values))
            curves.append(Curve(f"{words}, closed form", x, here["deactivated_predicted"].values, style="line"))
    return Picture(r"$\tau$ over the theory's", "R, own class: fraction off", tuple(curves), x_log=True)


def _claim(name: str, pretraining: str, part: str, **fields: Any) -> Claim:
    """What the rows have in common."""
    fresh = pretraining == "none"
    when = "at initialisation" if fresh else f"after pretraining with {pretraining}"
    common: dict[str, Any] = {
        "experiment": _EXPERIMENT.format(_AT_THEORY.format(when)), "stopping_rule": _FRESH if fresh else _TRAINED,
        "statistic": _MEAN, "hypotheses": HYPOTHESES, "choices": networks.BEFORE if fresh else networks.TRAINED,
        "null": _OFF if part == "retain" else _ALIKE,
    }  # fmt: skip
    return Claim(
        name=f"lemma3.1-{name}", number=3, statement=STATEMENTS["lemma_3_1"].latex, family="paper", **common | fields
    )


def _retain_off(pretraining: str) -> Claim:
    fresh = pretraining == "none"
    begin = "Before training" if fresh else f"After pretraining with {pretraining}"
    doubt = "that it concerns j = y_k is [D]" if fresh else "when in training it holds cannot be recovered; doubt [D+N]"
    return _claim(
        "retain-off" if fresh else f"retain-off-after-{pretraining.lower()}", pretraining, "retain",
        title=f"{begin}, SAM of the theory's radius switches off at least 90 % of the own-class noise neurons of R",
        source=_SOURCE.format(doubt),
        effect="fraction switched off: retain set, own class",
        supported=Region(low=0.9),
        refuted_if="Less than 90 % of them are switched off.",
        control=Control(name="a tenth of the radius does so, too", region=Region(low=0.9)),
        measure=partial(
            _measure, relation="own", part="retain", pretraining=pretraining, control=("own", "retain", _TENTH),
            whole=fresh,
        ),
    )  # fmt: skip


def _forget_on(name: str, relation: str | None, title: str, doubt: str, what: str, control: tuple[str, str]) -> Claim:
    return _claim(
        name, "none", "forget",
        title=title,
        source=_SOURCE.format(doubt),
        effect=f"fraction switched off: forget set, {what}",
        supported=Region(high=0.05),
        refuted_if="More than 5 % of them are switched off.",
        control=Control(name=f"it leaves the {control[0]} class of the {control[1]} set on", region=Region(high=0.05)),
        measure=partial(_measure, relation=relation, part="forget", pretraining="none", control=(*control, 1.0)),
    )  # fmt: skip


def _own_radius(pretraining: str) -> Claim:
    return _claim(
        f"own-radius-after-{pretraining.lower()}", pretraining, "forget",
        title=f"After pretraining with {pretraining}, SAM of the radius that the network asks for has R off and F on, "
        "at least 90 % of each",
        source=_SOURCE.format("at which radius it holds after training is not said; the radius is [D]"),
        effect="fraction of own-class neurons that are as the lemma says (R off, F on), in the worse set",
        supported=Region(low=0.9),
        refuted_if="In the worse set less than 90 % of them are as the lemma says.",
        experiment=_EXPERIMENT.format(
            f"after pretraining with {pretraining}, at the radius at which the closed form has {NEARLY_ALL:.0%} of R's "
            "own class off in that network"
        ),
        control=Control(name="the theory's radius has R off", region=Region(low=0.9)),
        hypotheses=_ASKED,
        choices=tuple(choice for choice in networks.TRAINED if choice is not networks.RADIUS),
        measure=partial(_at_own_radius, pretraining=pretraining),
    )  # fmt: skip


CLAIMS = (
    _retain_off("none"),
    _forget_on(
        "forget-on", "own", "Before training, SAM leaves at least 95 % of the own-class noise neurons of F active",
        "that it concerns j = y_k is [D]", "own class", ("own", "retain"),
    ),
    _forget_on(
        "forget-all-on", None,
        "Before training, SAM leaves at least 95 % of all noise neurons of F active, whatever their class",
        "the strong reading, as worded; doubt about it is [D+N]", "both classes", ("opposite", "forget"),
    ),
    _retain_off("SGD"),
    _retain_off("SAM"),
    _own_radius("SGD"),
    _own_radius("SAM"),
)  # fmt: skip
