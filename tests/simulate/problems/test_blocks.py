"""Noise whose coordinates differ in variance: said in words, refused in one sentence, kept in records."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, Record, run, run_to_disk, sweep
from simulate.problems.blocks import power_law, spikes
from simulate.problems.scales import sam_radius, step_size, with_sam_weights, with_small_weights
from tests.simulate.refusals import INF, NAN, refused

BASE = Problem(d=200, n=12, m=3, signal=3.0, sigma_p=0.5, sigma_0=0.1, forget=0.25)
SAID = {"eigenvalues": (9.0, 1.0, 0.25), "multiplicities": (2, 30, 168)}
BLOCKS = replace(BASE, **SAID)
LEANING = replace(BLOCKS, lean_block=0, lean_angle=30.0)
PHASES = (
    Phase("pretrain", Loss(), SAM(lr=0.05, tau=0.1), steps=10),
    Phase("unlearn", NegGrad(alpha=0.7), SGD(lr=0.05), steps=5),
)
OPTIONS = {"test_directions": 16, "record": Record(points=2)}


# --- the words ------------------------------------------------------------------------------------------


BAD: list[tuple[dict, str]] = [
    ({"multiplicities": (200,)}, "`multiplicities` must be left out unless `eigenvalues` are given, but is (200,)."),
    ({"signal_block": 0}, "`signal_block` must be left out unless `eigenvalues` are given, but is 0."),
    ({"lean_angle": 1.0}, "`lean_angle` must be left out unless `eigenvalues` are given, but is 1.0."),
    ({"eigenvalues": (1.0,)}, "`multiplicities` must be given with `eigenvalues`, but is missing."),
    ({**SAID, "eigenvalues": 3.0}, "`eigenvalues` must be a list of numbers, but is 3.0."),
    ({**SAID, "eigenvalues": (0, 0, 0)}, "`eigenvalues` must hold a number above 0, but is (0, 0, 0)."),
    ({**SAID, "eigenvalues": (1, -1, 1)}, "`eigenvalues` must be a number of at least 0, but is -1."),
    ({**SAID, "eigenvalues": (1, NAN, 1)}, "`eigenvalues` must be a number of at least 0, but is nan."),
    ({**SAID, "eigenvalues": (1, INF, 1)}, "`eigenvalues` must be a number of at least 0, but is inf."),
    ({**SAID, "eigenvalues": (1, True, 1)}, "`eigenvalues` must be a number of at least 0, but is True."),
    ({**SAID, "eigenvalues": (1, 1e-200, 1)}, "`eigenvalues` must be 0 or lie in [1e-100, 1e+100], but is 1e-200."),
    ({**SAID, "multiplicities": "many"}, "`multiplicities` must be a list of whole numbers, but is 'many'."),
    ({**SAID, "multiplicities": (0, 32, 168)}, "`multiplicities` must be a whole number of at least 1, but is 0."),
    ({**SAID, "multiplicities": (2, 30.0, 168)}, "`multiplicities` must be a whole number of at least 1, but is 30.0."),
    ({**SAID, "multiplicities": (2, 30, 100)}, "`multiplicities` must add up to d = 200, but add up to 132."),
    ({**SAID, "multiplicities": (2, 198)},
     "`multiplicities` must leave some of d = 200 to the last, but add up to 200."),
    ({**SAID, "multiplicities": (2,)}, "`multiplicities` must have 3 entries as `eigenvalues` has, or one fewer to "
                                       "leave the rest of `d` to the last, but has 1 entry."),
    ({**SAID, "d": 300}, "`multiplicities` must add up to d = 300, but add up to 200."),
    ({**SAID, "signal_block": 3}, "`signal_block` must be a whole number of at most 2, but is 3."),
    ({**SAID, "signal_block": -1}, "`signal_block` must be a whole number of at least 0, but is -1."),
    ({**SAID, "lean_block": 0}, "`lean_angle` must be given together with its partner, but is missing."),
    ({**SAID, "lean_angle": 10}, "`lean_block` must be given together with its partner, but is missing."),
    ({**SAID, "lean_block": 2, "lean_angle": 10},
     "`lean_block` must be another block than that of the signal, but is 2."),
    ({**SAID, "lean_block": 0, "lean_angle": 90}, "`lean_angle` must lie between 0 and 90 degrees, but is 90."),
    ({**SAID, "lean_block": 0, "lean_angle": NAN}, "`lean_angle` must be a finite number, but is nan."),
    ({"eigenvalues": (1, 0), "multiplicities": (1,), "signal_block": 0},
     '`eigenvalues` must leave noise off the signal, or `noise` be "isotropic", but is (1.0, 0.0).'),
]  # fmt: skip


@pytest.mark.parametrize(("said", "message"), BAD)
def test_bad_blocks_are_named(said, message):
    with pytest.raises(ValueError, match="Argument") as raised:
        replace(BASE, **said)
    assert str(raised.value) == f"Argument {message}"


def test_noise_along_the_signal_alone_needs_noise_that_is_not_projected():
    said = {"eigenvalues": (1, 0), "multiplicities": (1,), "signal_block": 0}
    assert replace(BASE, noise="isotropic", **said).effective_dimension == 1.0
    assert replace(BASE, **said, lean_block=1, lean_angle=10).effective_dimension == 1.0


def test_more_blocks_than_the_memory_holds_are_refused(monkeypatch):
    monkeypatch.setattr("simulate.problems.frame.AMBIENT_LIMIT", 19 * 8 * (2 + 19 + 19) - 1)
    with pytest.raises(ValueError, match="`eigenvalues` must have fewer blocks, whose frames take 8 GiB"):
        Instance.draw(BLOCKS)


def test_multiplicities_leave_the_rest_to_the_last():
    left_out = replace(BASE, eigenvalues=(9.0, 1.0, 0.25), multiplicities=(2, 30))
    assert left_out.blocks == BLOCKS.blocks
    assert replace(left_out, d=10**9).blocks.multiplicities == (2, 30, 10**9 - 32)
    np.testing.assert_array_equal(Instance.draw(left_out, 1).xi, Instance.draw(BLOCKS, 1).xi)


def test_records_say_blocks_where_there_are_some(tmp_path):
    assert not {"eigenvalues", "multiplicities", "signal_block", "lean_block", "lean_angle"} & {*BASE.described()}
    found = run_to_disk(tmp_path / "run.zarr", LEANING, PHASES, **OPTIONS)
    kept = json.loads(found.attrs["problem"])
    assert kept["eigenvalues"] == [9.0, 1.0, 0.25]
    assert Problem(**kept) == LEANING
    assert run_to_disk(tmp_path / "run.zarr", LEANING, PHASES, **OPTIONS).identical(found)
    for other in (BASE, BLOCKS):
        with refused("out"):
            run_to_disk(tmp_path / "run.zarr", other, PHASES, **OPTIONS)


def test_arrays_of_eigenvalues_are_plain_tuples():
    problem = replace(BASE, eigenvalues=np.array([9.0, 1.0, 0.25], np.float32), multiplicities=np.array([2, 30, 168]))
    assert problem == BLOCKS
    assert hash(problem) == hash(BLOCKS)
    assert json.loads(json.dumps(problem.described()))["multiplicities"] == [2, 30, 168]


def test_eigenvalues_are_an_axis():
    problem = replace(BASE, eigenvalues=(9.0, 1.0), multiplicities=(2,))
    found = sweep(
        problem, PHASES, axes={"eigenvalues": [(9.0, 1.0), [1.0, 1.0]], "d": [200, 10**6]}, seeds=range(2),
        test_directions=16,
    )  # fmt: skip
    assert found["eigenvalues"].values.tolist() == ["(9.0, 1.0)", "[1.0, 1.0]"]
    for place, d in enumerate((200, 10**6)):
        alone = run(replace(problem, d=d), PHASES, seed=1, test_directions=16)
        assert found["test_error"].sel(d=d).values[0, 1] == pytest.approx(alone.test_error, rel=1e-12)
        assert found["test_error"].values[0, place, 1] != found["test_error"].values[1, place, 1]
    named = sweep(
        BASE, PHASES, axes={("eigenvalues", "multiplicities"): [(None, None), ((9.0, 1.0), (2,))]}, seeds=range(2),
        test_directions=16,
    )  # fmt: skip
    np.testing.assert_array_equal(named["test_error"].values[1], found["test_error"].values[0, 0])


# --- what follows from them -----------------------------------------------------------------------------


def test_effective_dimension_and_ratios_are_those_of_the_covariance():
    assert BASE.effective_dimension == 200.0
    assert BASE.noise_deviation == BASE.sigma_p
    trace, squares = 9.0 * 2 + 30 + 0.25 * 168, 81.0 * 2 + 30 + 0.0625 * 168
    assert BLOCKS.effective_dimension == pytest.approx(trace**2 / squares)
    assert BLOCKS.snr == pytest.approx(3.0 / (0.5 * math.sqrt(trace)))
    for factor in (1e-90, 1e90):
        scaled = replace(BLOCKS, eigenvalues=tuple(factor * value for value in SAID["eigenvalues"]))
        assert scaled.effective_dimension == pytest.approx(BLOCKS.effective_dimension)


def test_scales_of_the_theorems_are_those_of_the_mean_variance():
    """Four times the eigenvalues are twice σ_p."""
    louder, scaled = replace(BLOCKS, sigma_p=1.0), replace(BLOCKS, eigenvalues=(36.0, 4.0, 1.0))
    for scale in (
        step_size,
        sam_radius,
        lambda p: with_sam_weights(p).sigma_0,
        lambda p: with_small_weights(p).sigma_0,
    ):
        assert scale(scaled) == pytest.approx(scale(louder))
        assert scale(scaled) != pytest.approx(scale(BLOCKS))
    mean_one = replace(BASE, **dict(zip(("eigenvalues", "multiplicities"), spikes(200, factor=50.0), strict=True)))
    assert step_size(mean_one) == pytest.approx(step_size(BASE))


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.3])
def test_power_laws_are_sums_of_powers(exponent):
    eigenvalues, multiplicities = power_law(5000, exponent, blocks=12)
    assert len(multiplicities) == 12
    assert sum(multiplicities) == 5000
    powers = np.arange(1, 5001.0) ** -exponent
    edges = np.cumsum([0, *multiplicities[:-1]])
    expected = np.add.reduceat(powers, edges) / multiplicities * 5000 / powers.sum()
    np.testing.assert_allclose(eigenvalues, expected, rtol=1e-6)


@pytest.mark.parametrize("d", [2, 7, 100, 9999, 10**9, 10**18])
def test_blocks_of_power_laws_are_as_many_as_asked_for(d):
    for blocks in (1, 2, 20, 100):
        eigenvalues, multiplicities = power_law(d, 1.0, blocks=blocks)
        problem = Problem(d=d, eigenvalues=eigenvalues, multiplicities=multiplicities)
        assert len(eigenvalues) == min(blocks, d)
        assert problem.blocks.trace == pytest.approx(d)
        assert list(eigenvalues) == sorted(eigenvalues, reverse=True)


def test_spikes_are_so_many_times_the_others():
    (spike, bulk), sizes = spikes(1000, count=3, factor=50.0)
    assert sizes == (3, 997)
    assert spike == pytest.approx(50.0 * bulk)
    assert 3 * spike + 997 * bulk == pytest.approx(1000)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spikes(1, factor=2.0), "`d` must be a whole number of at least 2"),
        (lambda: spikes(10, count=10, factor=2.0), "`count` must be a whole number of at most 9"),
        (lambda: spikes(10, factor=0.0), "`factor` must be a positive number"),
        (lambda: power_law(10, -1.0), "`exponent` must be a number of at least 0"),
        (lambda: power_law(10, 11.0), "`exponent` must be at most 10"),
        (lambda: power_law(10, 1.0, blocks=0), "`blocks` must be a whole number of at least 1"),
    ],
)
def test_bad_spectra_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
