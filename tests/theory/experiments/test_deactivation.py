"""Fractions of neurons switched off, on made-up data whose law is known by hand."""

import numpy as np
import pytest
import xarray
from scipy import stats

from simulate import NegGrad
from theory.experiments import deactivation as law
from theory.experiments import lemma31 as networks
from theory.experiments.lab import Lab


def fraction(depth):
    """2Φ(z) - 1."""
    return stats.norm.cdf(depth) - stats.norm.cdf(-np.asarray(depth))


# --- the law at the initial weights ----------------------------------------------------------------------------


def start_with(exponent_n: float, exponent_m: float, constant: float = 1.0) -> xarray.Dataset:
    """z = constant · ratio √(n m) n^a m^b, in three replicates."""
    sizes = {"n": [40, 160], "m": [5, 20], "ratio": [0.25, 0.5, 1.0, 2.0]}
    n, m, ratio = np.meshgrid(*sizes.values(), indexing="ij")
    off = fraction(constant * ratio * np.sqrt(n * m) * n**exponent_n * m**exponent_m)
    table = np.stack([off, 0.0 * off], axis=0)[None, :, None, ..., None] * np.ones(3)
    dims = ("phase", "relation", "set", *sizes, "seed")
    coords = {**sizes, "relation": ["own", "opposite"], "set": ["retain"], "seed": range(3)}
    return xarray.Dataset({"deactivated": (dims, table)}, coords=coords, attrs={"n_runs": 48})


def test_constants_and_exponents_of_the_law_are_read_off() -> None:
    rows = np.array([0, 2])
    assert law.law_constant(start_with(-0.5, -0.5, 0.9), rows) == pytest.approx(0.9)
    without = law.law_constant(start_with(-0.5, -0.5), rows, samples=False)
    assert without == pytest.approx(np.mean([40**-0.5, 160**-0.5]))
    assert law.law_exponent(start_with(-0.3, -0.5), rows, "n") == pytest.approx(-0.3)
    assert law.law_exponent(start_with(-0.5, -0.2), rows, "m") == pytest.approx(-0.2)


def test_neurons_that_a_step_leaves_are_counted() -> None:
    """One filter a sign, three samples: SGD moves three own and two opposite neurons, SAM leaves one and none."""
    plain = np.array([[[1.0], [2.0], [-1.0]], [[-3.0], [0.0], [1.0]]])[:, None]
    sam = np.array([[[1.0], [0.0], [-1.0]], [[-3.0], [-1.0], [1.0]]])[:, None]
    zeta = np.stack([plain, sam, plain])[
        None, :, None, None
    ]  # (batch, ratio, seed, phase, sign, filter, sample, patch)
    dims = ("batch", "ratio", "seed", "phase", "sign", "filter", "sample", "patch")
    data = xarray.Dataset({"zeta": (dims, zeta)}, coords={"batch": [5], "ratio": [0.0, 0.5, 1.0], "seed": [7]})
    off = law.off_in_a_step(data)
    assert off["ratio"].values.tolist() == [0.5, 1.0]
    np.testing.assert_allclose(off.sel(relation="own", ratio=0.5), 1 / 3)
    np.testing.assert_allclose(off.sel(relation="opposite"), 0.0)
    np.testing.assert_allclose(off.sel(ratio=1.0), 0.0)


def test_the_constant_of_minibatches_is_over_the_batch() -> None:
    ratio, batch = np.array([0.25, 0.5, 1.0]), np.array([5, 10, 20])
    table = fraction(1.1 * ratio) * np.ones((2, 3, 1))
    off = xarray.DataArray(
        np.stack([table, 0.0 * table]), dims=("relation", "seed", "batch", "ratio"),
        coords={"relation": ["own", "opposite"], "batch": batch, "ratio": ratio},
    )  # fmt: skip
    assert law.batch_constant(off, np.array([0, 1])) == pytest.approx(1.1)
    of_n = law.batch_constant(off, np.array([0, 1]), samples=40)
    assert of_n == pytest.approx(1.1 * np.mean(np.sqrt(40 / batch)))


def small_with(factor) -> xarray.Dataset:
    """z = a factor, one for each d, times that of the law of finite d with p = 0.1 and m = 10."""
    sizes = {"d": [100, 10_000], "n": [16, 64], "signal": [1.0, 3.0], "ratio": [0.25, 0.5, 1.0]}
    d, n, signal, ratio = np.meshgrid(*sizes.values(), indexing="ij")
    bent = ratio / np.sqrt(1 + (signal**2 * (0.64 * (n - 1) + 2) + n * ratio**2) / (2 * d))
    off = fraction(np.reshape(factor, (2, 1, 1, 1)) * bent)
    table = np.stack([off, 0.0 * off])[:, None, ..., None] * np.ones(4)
    coords = {**sizes, "relation": ["own", "opposite"], "set": ["retain"], "seed": range(4)}
    data = xarray.Dataset({"deactivated": (("relation", "set", *sizes, "seed"), table)}, coords=coords)
    return data.assign_attrs(n_runs=32)


def test_the_law_of_finite_d_is_read_off_each_dimension() -> None:
    fractions, predicted = law.finite_ratios(small_with([0.95, 1.01]))
    assert fractions.shape == (4, 2, 2, 2, 3)
    for k, factor in enumerate((0.95, 1.01)):
        assert law.finite_constant(fractions[:, k], predicted[k], np.array([1, 2])) == pytest.approx(factor)
    plain = law.finite_ratios(small_with([1.0, 1.0]), finite=False)[1]
    assert plain[:, 0, 0].tolist() == [[0.25, 0.5, 1.0]] * 2


# --- networks that were trained --------------------------------------------------------------------------------


class MadeUp(Lab):
    """A laboratory whose experiments were made up."""

    def __init__(self, made: dict, **options) -> None:
        super().__init__(**options)
        self._shared = made


def test_phases_are_taken_apart_into_losses_and_looks() -> None:
    """SGD: fit, looks, fit, looks, fit, looks; SAM has one phase more before the first looks."""
    lab, count = Lab(), len(networks.LOOKS)
    problems = {word: networks.problem_of(lab, word) for word in ("SGD", "SAM")}
    series = networks._Networks(problems, networks.LOOKS)
    phases = 3 * (count + 1) + 1
    number = np.arange(phases, dtype=float) * np.ones((2, 5, 1))
    table = np.broadcast_to(number[..., None, None], (2, 5, phases, 2, 2))
    names = ("deactivated", "deactivated_predicted", "deactivated_at_radius")
    data = xarray.Dataset(
        {**dict.fromkeys(names, (("pretraining", "seed", "phase", "relation", "set"), table)),
         "radius_asked": (("pretraining", "seed", "phase"), number),
         "phase_steps": (("pretraining", "seed", "phase"), np.where(number < 100, 10.0, 0.0))},
        coords={"pretraining": ["SGD", "SAM"]},
    )  # fmt: skip
    found = series.by_loss(data)
    for row, first in enumerate((1, 2)):
        for column in range(3):
            expected = first + column * (count + 1) + np.arange(count)
            here = found.isel(pretraining=row, loss=column, seed=0)
            assert here["radius_asked"].values.tolist() == expected.tolist()
            assert here["deactivated"].isel(relation=1, set=0).values.tolist() == expected.tolist()
    assert found["loss"].values.tolist() == [0.3, 0.05, 0.01]
    assert found.attrs["endings"] == {"converged": 1.0, "max_steps": 0.0}
    stages = series._stages("SAM")
    assert [len(stage) for stage in stages] == [2, 1, 1]
    assert [stage[-1].stop_loss for stage in stages] == [0.3, 0.05, 0.01]


def made_up(lab: Lab) -> tuple[xarray.Dataset, xarray.Dataset]:
    """Fresh and trained fractions; every one tells where it stands."""
    count, rng = len(networks.LOOKS), np.random.default_rng(0)
    coords = {"relation": ["own", "opposite"], "set": ["retain", "forget"]}
    first = xarray.Dataset(
        {"deactivated": (("look", "relation", "set", "seed"), rng.random((count, 2, 2, 7)))},
        coords={**coords, "seed": range(7)}, attrs={"n_runs": 7, "endings": {}},
    )  # fmt: skip
    dims = ("pretraining", "loss", "look", "relation", "set", "seed")
    shape = (2, 3, count, 2, 2, 4)
    names = ("deactivated", "deactivated_predicted", "deactivated_at_radius")
    after = xarray.Dataset(
        {**{name: (dims, rng.random(shape)) for name in names},
         "radius_asked": (("pretraining", "loss", "look", "seed"), 2.0 + rng.random((2, 3, count, 4)))},
        coords={**coords, "pretraining": ["SGD", "SAM"], "loss": [0.3, 0.05, 0.01], "seed": range(4)},
        attrs={"n_runs": 8, "endings": {"converged": 1.0, "max_steps": 0.0}, "theory": 0.5},
    )  # fmt: skip
    return first, after


def test_tables_are_at_the_protocols_loss() -> None:
    for loss in (0.05, 0.3):
        lab = MadeUp({}, protocol={"pretrained": loss})
        first, after = made_up(lab)
        lab._shared = {networks.fresh: first, networks.trained: after}
        found = networks.tables(lab)
        assert found.dims == ("pretraining", "look", "relation", "set", "seed")
        np.testing.assert_array_equal(found.sel(pretraining="none"), first["deactivated"][..., :4])
        for word in ("SGD", "SAM"):
            there = after["deactivated"].sel(pretraining=word, loss=loss)
            np.testing.assert_array_equal(found.sel(pretraining=word), there)
        assert found.attrs["n_runs"] == 15


def test_looks_follow_the_protocol() -> None:
    lab = Lab(protocol={"alpha": 0.7, "forget": 0.3})
    assert networks.objective_of(lab) == NegGrad(alpha=0.7)
    assert networks.objective_of(Lab(protocol={"forget": 0.1})) == NegGrad(alpha=0.9)
    assert networks.objective_of(Lab()) == NegGrad(alpha=0.8)
    look = networks.Look(NegGrad(alpha=0.7), 1.0)
    assert networks.looks(networks.problem_of(lab, "none"), 0.7)[networks.number_of(lab, look)] == look


def test_radii_asked_for_are_over_the_theorys() -> None:
    _, after = made_up(Lab())
    found = networks.asked(after, "SAM", 0.01, look=3)
    assert found.value == pytest.approx(after["radius_asked"].values[1, 2, 3].mean() / 0.5)


@pytest.mark.parametrize("pretraining", ["none", "SGD", "SAM"])
def test_the_primary_looks_lie_inside_the_hypotheses(pretraining: str) -> None:
    lab, objective = Lab(), networks.equal(networks.UNLEARNING)
    cases = ("sgd_benign", "sgd_harmful", "sam_signal")
    inside = networks.conditions(lab, pretraining, networks.Look(objective, 1.0))
    assert all(share == 0.0 for name, (_, share) in inside.items() if name not in cases)
    assert {"step_filter", "sam_radius_least", "sam_radius_most"} <= inside.keys()
    larger = networks.conditions(lab, pretraining, networks.Look(objective, 10.0))
    assert larger["sam_radius_most"] == pytest.approx((-1.0, 1.0))
    assert larger["sam_radius_least"] == pytest.approx((0.0 if pretraining == "SAM" else 1.0, 0.0))
