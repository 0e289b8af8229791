"""Problems, phases, optimizers and records refuse every field out of its range by name."""

from functools import partial

import pytest

from simulate import Problem, Record
from simulate.dynamics.objectives import BoundedNegGrad, GradientDifference, LabelNoise, Loss, NegGrad, RandomLabel
from simulate.dynamics.optimizers import SAM, SGD, SharpMinMax
from simulate.dynamics.phases import Phase
from tests.simulate.refusals import INF, NAN, phase, refused, words

FIELDS = [
    *((Problem, name, (0, -1, 2.5, "8", True, None)) for name in ("d", "n", "m", "P")),
    (Problem, "d", (1,)),
    (Problem, "P", (1,)),
    *((Problem, name, (0.0, -1.0, NAN, INF, "1", True, None)) for name in ("signal", "sigma_p", "sigma_0")),
    (Problem, "label_flip", (-0.1, 0.5, 0.7, 1.0, NAN, INF, "0", None)),
    (Problem, "forget", (-0.1, 1.1, NAN, INF, "0", None)),
    (Problem, "noise", ("white", "", None, 1)),
    (Problem, "patches", ("shared", "", None, 1)),
    (NegGrad, "alpha", (-0.1, 1.3, NAN, INF, "1", None)),
    (GradientDifference, "weight", (-1.0, NAN, INF, "1", None)),
    (BoundedNegGrad, "beta", (0.0, -1.0, NAN, INF, "1", None)),
    (NegGrad, "reduction", ("max", "", None)),
    (RandomLabel, "flip", (-0.1, 1.1, NAN, "1", None)),
    (Loss, "on", ("both", "", None)),
    (LabelNoise, "flip", (-0.1, 1.1, NAN, "1", None)),
    *((optimizer, "lr", (0.0, -0.1, NAN, INF, "1", True, None)) for optimizer in (SGD, SAM, SharpMinMax)),
    *((optimizer, "batch", (0, -1, 2.5, "all", True)) for optimizer in (SGD, SAM, SharpMinMax)),
    *((optimizer, "tau", (-0.1, NAN, INF, "1", None)) for optimizer in (SAM, SharpMinMax)),
    *((optimizer, "mixing", (-0.1, NAN, INF, "1", None)) for optimizer in (SAM, SharpMinMax)),
    *((optimizer, "adaptive", ("yes", 1, None)) for optimizer in (SAM, SharpMinMax)),
    *((optimizer, "momentum", (-0.1, 1.0, NAN, "1", None)) for optimizer in (SGD, SAM, SharpMinMax)),
    *((optimizer, "weight_decay", (-0.1, NAN, INF, "1", None)) for optimizer in (SGD, SAM, SharpMinMax)),
    *((optimizer, "clip", (0.0, -0.1, NAN, INF, "1")) for optimizer in (SGD, SAM, SharpMinMax)),
    (SGD, "nesterov", ("yes", 1, None, True)),  # there is no momentum
    (SGD, "schedule", ("linear", "", None)),
    (SGD, "warmup", (-0.1, 1.0, NAN, "1", None)),
    (SAM, "normalised", ("no", 0, None)),
    (partial(SAM, adaptive=True), "normalised", (False,)),
    (SAM, "micro_batches", (0, -1, 2.5, "2", True, None)),
    (SAM, "on", ("all", "", None)),
    (SAM, "sharpness", ("flat", "", None)),
    (SharpMinMax, "tau_forget", (-0.1, NAN, INF, "1")),
    (SharpMinMax, "fraction", (-0.1, 1.1, NAN, "1", None)),
    (SharpMinMax, "polarity", ("middle", "", None)),
    (SharpMinMax, "partition", ("layer", "", None)),
    (partial(Phase, "only"), "objective", ("Loss", SGD(), Loss, None)),
    (partial(Phase, "only"), "optimizer", ("SGD", Loss(), SGD, None)),
    (partial(Phase, "only"), "steps", (-1, 2.5, "10", True, None)),
    (partial(Phase, "only"), "stop_loss", (-0.1, NAN, INF, "1")),
    *((partial(Phase, "only"), f"stop_forget_{side}", (-0.1, 1.1, NAN, "1")) for side in ("below", "above")),
    (Phase, "name", ("", "two words", "a-b", "1st", 7, None)),
    (Record, "every", (0, -1, 2.5, "10", True)),
    (Record, "points", (0, 1, 2.5, "10", None)),
    (Record, "observe", (("losses",), "loss", (1,))),
    (Record, "tau", (0.0, -0.1, NAN, INF, "1")),
]
"""A class, one of its fields, and values it cannot have."""

VALUES = [(made, field, value) for made, field, values in FIELDS for value in values]


@pytest.mark.parametrize(("made", "field", "value"), VALUES, ids=words(VALUES))
def test_a_field_out_of_range_is_refused(made, field, value):
    with refused(field):
        made(**{field: value})


@pytest.mark.parametrize(
    ("name", "objective", "optimizer"),
    [
        *(("objective", objective, SharpMinMax()) for objective in (Loss(), Loss(on="forget"), RandomLabel())),
        ("on", Loss(on="retain"), SAM(on="forget")),
        ("on", Loss(on="forget"), SAM(on="retain")),
    ],
)
def test_an_optimizer_that_does_not_fit_its_objective_is_refused(name, objective, optimizer):
    with refused(name):
        phase(objective, optimizer)
