"""The random configurations that engines are compared on use every option, and every option counts."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from simulate.dynamics.objectives import Loss, NegGrad, RandomLabel
from simulate.dynamics.optimizers import SAM, SGD, SharpMinMax
from tests.oracles.configurations import DENSE_OPTIMIZERS, OPTIMIZERS, Configuration, configurations
from tests.simulate.engine_runs import MANY, ORACLE_SAMPLE, SAMPLE, end_of, oracle_sample, relative_error


@pytest.mark.parametrize("optimizers", [OPTIMIZERS, DENSE_OPTIMIZERS], ids=["all engines", "dense only"])
def test_configurations_combine_every_option_with_every_other(optimizers):
    def pairs(number: int) -> set[tuple[str, str]]:
        runs = configurations(number, optimizers=optimizers)
        return {pair for each in runs for pair in combinations(sorted(each.options), 2)}

    assert pairs(MANY) == pairs(12 * MANY)


def test_the_default_samples_use_every_option():
    def options(runs: list[Configuration]) -> set[str]:
        return set().union(*(each.options for each in runs))

    assert options(configurations(SAMPLE, steps=300)) == options(configurations(12 * MANY))
    assert options(oracle_sample(ORACLE_SAMPLE, 80)) == options(oracle_sample(12 * MANY, 80))


def test_the_oracle_sees_every_way_to_partition_a_network():
    chosen = [each.phases[1].optimizer for each in oracle_sample(ORACLE_SAMPLE, 80)]
    ways = {(each.polarity, each.partition, each.adaptive) for each in chosen if isinstance(each, SharpMinMax)}
    assert len(ways) == 2 * 2 * 2


@pytest.mark.parametrize(
    ("of", "change"),
    [
        *((SGD, {"batch": batch}) for batch in (1, 2)),
        *((SAM, {"tau": 0.0}), (SAM, {"mixing": 0.1}), (SAM, {"sharpness": "min"}), (SAM, {"sharpness": "max"})),
        *((SAM, {"on": on}) for on in ("joint", "retain", "forget")),
        *((SharpMinMax, {name: 0.0}) for name in ("tau", "tau_forget", "mixing")),
        *((SharpMinMax, {"fraction": 0.4}), (SharpMinMax, {"polarity": "top"}), (SharpMinMax, {"polarity": "bottom"})),
        *((NegGrad, {"alpha": 0.1}), (NegGrad, {"reduction": "mean"}), (NegGrad, {"reduction": "sum"})),
        *((RandomLabel, {"flip": flip}) for flip in (0.5, 1.0)),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_every_option_moves_the_weights(of, change):
    """Otherwise engines could agree because none of them heeds it."""
    errors = []
    for each in configurations(MANY):
        pretrain, phase = each.phases
        part = "optimizer" if isinstance(phase.optimizer, of) else "objective"
        if isinstance(phase.objective, Loss) or not isinstance(getattr(phase, part), of):
            continue
        changed = replace(phase, **{part: replace(getattr(phase, part), **change)})
        if changed != phase and len(errors) < 8:
            other, _ = end_of(replace(each, phases=(pretrain, changed)), "numba")
            errors.append(relative_error(other, end_of(each, "numba")[0]))
    assert len(errors) >= 3
    assert np.median(errors) > 1e-6
