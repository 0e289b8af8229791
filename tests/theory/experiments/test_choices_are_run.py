"""What a protocol chooses is what is run: each value changes what it is named by, nothing else, and every claim that
names a choice."""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

from simulate import SAM, NegGrad, Problem
from simulate.runs.ensemble import Cell
from tests.theory.recording import Recorder, asked
from theory.claims import all_claims
from theory.experiments import choices, unlearning
from theory.experiments.course import STANDARD, Course
from theory.experiments.protocols import has_forgotten
from theory.formulas.conditions import largest_step
from theory.ledger import Choice, Claim

EVERY: tuple[Choice[Any], ...] = (*choices.UNLEARNING, choices.RADIUS, choices.DIMENSION)


def cell(pretraining: str = "SAM", optimizer: str = "SAM", **protocol: Any) -> Cell:
    labels = {"pretraining": pretraining, "optimizer": optimizer, "alpha": protocol.get("alpha", 0.7)}
    (found,) = asked(unlearning.alpha_grid, only=labels, **protocol)
    return found.cell()


def last(of: Cell) -> Any:
    return of.phases[-1]


def rules(of: Cell) -> tuple[Any, ...]:
    """Names of the phases, and the rules of the last."""
    phase = last(of)
    rule = phase.stop_forget_below, phase.stop_forget_loss_above, phase.stop_loss
    return len(of.phases), *rule, phase.steps if phase.steps < 100 else None


def scale(of: Cell) -> float:
    """SAM's radius while unlearning over m √B / (P σ_p √d)."""
    problem, optimizer = of.problem, last(of).optimizer
    return float(optimizer.tau * problem.P * math.sqrt(problem.d / (optimizer.batch or problem.n)) / problem.m)


def length(of: Cell) -> float:
    """The step of unlearning over the largest one inside the hypotheses."""
    return float(last(of).optimizer.lr / largest_step(of.problem, batch=last(of).optimizer.batch))


OBSERVED: Mapping[str, Callable[[Cell], Any]] = {
    "stop": rules,
    "alpha": lambda of: last(of).objective.alpha,
    "forget": lambda of: of.problem.forget,
    "label_flip": lambda of: of.problem.label_flip,
    "batch": lambda of: {phase.optimizer.batch for phase in of.phases},
    "radius": lambda of: round(scale(of), 9),
    "pretrained": lambda of: [phase.stop_loss for phase in of.phases if phase.name.endswith("fit")],
    "weights": lambda of: round(of.problem.sigma_0 * of.problem.P * math.sqrt(of.problem.d), 9),
    "filters": lambda of: of.problem.m,
    "patches": lambda of: (
        of.problem.P,
        of.problem.patches,
        round(of.problem.signal / (of.problem.P - 1) / scaled(of), 9),
    ),
    "law": lambda of: of.problem.noise,
    "step": lambda of: round(length(of), 6) if length(of) < 2.0 else "large",
    "dimension": lambda of: of.problem.d,
}
"""What each choice decides of a run, and no other does."""


def scaled(of: Cell) -> float:
    """d^¼, which the standard signal goes with."""
    return float(of.problem.d**0.25)


SMALL = round(0.1 * math.sqrt(20) / 2000 * 2 * math.sqrt(2000), 9)
MATCHED = (5, None, "reference_fit", None, None)
UNIT = round(7.9 / 2000**0.25, 9)
EXPECTED: Mapping[str, Mapping[Any, Any]] = {
    "stop": {
        "retrained loss": MATCHED, "accuracy 1/2": (3, 0.5, None, None, None), "5 passes": (3, None, None, None, 5),
        "10 passes": (3, None, None, None, 10), "retain loss": (3, None, None, pytest.approx(0.01), None),
    },
    "batch": {None: {None}, 5: {5}},
    "radius": {1.0: 1.0, 0.1**0.5: round(0.1**0.5, 9), 0.1: 0.1},
    "pretrained": {value: [value, value] for value in (0.05, 0.3, 0.01)},
    "weights": {"own": 1.0, "SAM's": 1.0, "small": SMALL},
    "patches": {
        "one": (2, "copied", UNIT), "two copied": (3, "copied", UNIT), "two independent": (3, "independent", UNIT),
    },
    "step": {"hypotheses": 1.0, "large": "large"},
}  # fmt: skip
"""What is then observed; of all other choices the value itself."""


def observed(of: Cell) -> dict[str, Any]:
    return {name: observe(of) for name, observe in OBSERVED.items()}


@pytest.mark.parametrize("choice", EVERY, ids=lambda choice: choice.name)
def test_a_value_changes_what_it_is_named_by_and_nothing_else(choice: Choice[Any]) -> None:
    primary = observed(cell())
    for value in choice.values:
        found = observed(cell(**{choice.name: value}))
        assert found.pop(choice.name) == EXPECTED.get(choice.name, {}).get(value, value)
        same = {name: primary[name] for name in found}
        if choice.name == "stop" and value != "retrained loss":
            same["pretrained"] = [0.05]  # without the retrained network aside
        if (choice.name, value) == ("weights", "small"):
            same["step"] = found["step"]  # whatever it is, it is checked below
        assert found == same


@pytest.mark.parametrize("choice", EVERY, ids=lambda choice: choice.name)
@pytest.mark.parametrize("pretraining", ["SGD", "SAM"])
def test_steps_stay_the_largest_inside_the_hypotheses(choice: Choice[Any], pretraining: str) -> None:
    for value in choice.values:
        found = cell(pretraining, "SGD", **{choice.name: value})
        if value != "large":
            for phase in found.phases:
                epsilon = 1.0 if phase.name == "unlearn" else phase.stop_loss
                most = largest_step(found.problem, batch=phase.optimizer.batch, epsilon=epsilon)
                assert phase.optimizer.lr == pytest.approx(most)


def test_sgds_own_weights_are_small_and_may_be_sams() -> None:
    found = {value: OBSERVED["weights"](cell("SGD", "SGD", weights=value)) for value in choices.WEIGHTS.values}
    assert found == {"own": SMALL, "SAM's": 1.0, "small": SMALL}


def test_the_large_step_is_that_of_the_largest_weight() -> None:
    phase = last(cell("SGD", "SGD", step="large", alpha=0.5))  # 1/2 over |F|/n = 0.2 is the larger share
    assert phase.optimizer.lr * 2000 / (20 * 10) * 0.5 / 0.2 == pytest.approx(0.2)
    assert phase.objective == NegGrad(alpha=0.5)
    assert phase.steps == 4000
    fit = cell("SGD", "SGD", step="large").phases[-2]
    assert fit.optimizer.lr * 2000 / (20 * 10) == pytest.approx(0.1)
    assert fit.steps == 5000


def test_the_radius_of_pretraining_is_not_that_of_unlearning() -> None:
    found = cell(radius=0.1, batch=5)
    (stage,) = [phase for phase in found.phases if phase.name == "sam"]
    assert isinstance(stage.optimizer, SAM)
    assert stage.optimizer.tau == pytest.approx(10 * math.sqrt(5 / 2000) / 2)
    assert last(found).optimizer.tau == pytest.approx(0.1 * stage.optimizer.tau)


def test_readings_of_forgotten_are_those_of_their_stopping_rule() -> None:
    data = {"status": np.array(["converged", "max_steps", "nonfinite"])}
    for value in choices.STOP.values:
        expected = [False, True, False] if "passes" in value else [True, False, False]
        assert has_forgotten(data, value).tolist() == expected
        assert Course(Recorder({"stop": value})).forgotten(data).tolist() == expected


def test_the_standard_problem_keeps_its_distance_from_the_boundary() -> None:
    for d in choices.DIMENSION.values:
        problem = Course(Recorder({"dimension": d})).standard
        assert problem.signal / (d / 20) ** 0.25 == pytest.approx(STANDARD.signal / 100**0.25)


def test_more_patches_multiply_those_that_a_problem_has() -> None:
    base = Problem(P=5, signal=8.0)
    found = {word: Course(Recorder({"patches": word})).sized(base) for word in choices.PATCHES.values}
    told = {word: (each.P, each.patches, each.signal) for word, each in found.items()}
    assert told == {
        "one": (5, "copied", 8.0), "two copied": (9, "copied", 16.0), "two independent": (9, "independent", 16.0)
    }  # fmt: skip


# --- every claim -------------------------------------------------------------------------------------

_RIVALS = (
    "sharp-minmax-best-after-sgd", "sharp-minmax-best-after-sam", "sharp-minmax-against-random-label",
    "sharp-minmax-against-neggrad", "sharp-minmax-against-retain-sam", "relearning-faster-after-sharp-minmax",
)  # fmt: skip
USED: Mapping[str, Mapping[str, Any]] = {
    "smaller-alpha-pretraining": {"optimizer": "SGD", "alpha": 0.7},
    "relearning-faster-than-retrained": {"unlearner": "NegGrad SGD"},
    "relearning-faster-after-sharp-minmax": {"unlearner": "Sharp MinMax"},
    "sharp-minmax-against-random-label": {"unlearner": "Sharp MinMax"},
    "sharp-minmax-against-neggrad": {"unlearner": "Sharp MinMax"},
    "sharp-minmax-against-retain-sam": {"unlearner": "Sharp MinMax"},
    "sharp-minmax-best-after-sgd": {"unlearner": "Sharp MinMax"},
    "sharp-minmax-best-after-sam": {"unlearner": "Sharp MinMax"},
}
"""Labels of the cells that an effect comes of, where they are not the last ones of each axis."""


class Asking(Recorder):
    """A laboratory that runs the first experiment it is asked for, and none after it."""

    first: Callable[..., Any]

    def once(self, experiment: Callable[..., Any]) -> Any:
        """Keep it."""
        self.first = experiment
        raise StopIteration


def run_by(experiment: Callable[..., Any], labels: Mapping[str, Any], protocol: Mapping[str, Any]) -> Any:
    """Axes, problems and phases that an experiment asks for in some cells; other claims ask again."""
    return _run_by(experiment, tuple(labels.items()), tuple(protocol.items()))


@cache
def _run_by(experiment: Callable[..., Any], labels: tuple[Any, ...], protocol: tuple[Any, ...]) -> Any:
    lab = Recorder(dict(protocol), only=dict(labels))
    experiment(lab)
    cells = [(cell.problem, cell.phases) for found in lab.asked for cell in found.grid.cells]
    return [dict(axes) for axes in lab.axes], cells


READ_OFF = {"level", "onset"}
"""Choices of what is read off the same runs; tests/theory/claims/test_made_up_noise.py has them."""
OWN_RUNS = {3, 25, 31}
"""Groups whose experiments look at networks themselves, and not by `Lab.grid` alone; they have tests of their own."""
NAMING = [claim for claim in all_claims() if claim.choices and claim.number not in OWN_RUNS]


@pytest.mark.parametrize("claim", NAMING, ids=[claim.name for claim in NAMING])
def test_choices_of_a_claim_change_what_its_effect_is_measured_by(claim: Claim) -> None:
    lab = Asking()
    with pytest.raises(StopIteration):
        claim.measure(lab)
    labels = USED.get(claim.name, {})
    primary = run_by(lab.first, labels, {})
    idle = [
        choice.name
        for choice in claim.choices
        if choice.name not in READ_OFF
        and all(run_by(lab.first, labels, {choice.name: value}) == primary for value in choice.others)
    ]
    assert idle == []
