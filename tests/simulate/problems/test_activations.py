"""Activations: said in words, kept in records, and those of arrays."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from simulate import SGD, Instance, Loss, Phase, Problem, Record, run, run_to_disk, sam_radius, step_size, sweep
from simulate.problems.activations import RELU, Activation
from tests.simulate.refusals import NAN, refused

BASE = Problem(d=200, n=12, m=3, signal=3.0, sigma_p=0.5, sigma_0=0.1, forget=0.25)
BAD: list[tuple[dict, str]] = [
    ({"activation": "tanh"}, '`activation` must be one of "relu", "leaky", "power", but is \'tanh\'.'),
    ({"activation": "leaky"}, '`leak` must be given with activation "leaky", but is missing.'),
    ({"activation": "power"}, '`power` must be given with activation "power", but is missing.'),
    ({"leak": 0.1}, '`leak` must be left out unless `activation` is "leaky", but is 0.1.'),
    ({"power": 2}, '`power` must be left out unless `activation` is "power", but is 2.'),
    ({"activation": "leaky", "leak": 0.0}, "`leak` must be a positive number, but is 0.0."),
    ({"activation": "leaky", "leak": 1.0}, "`leak` must lie in [0, 1), but is 1.0."),
    ({"activation": "leaky", "leak": NAN}, "`leak` must be a positive number, but is nan."),
    ({"activation": "power", "power": 1}, "`power` must be a whole number of at least 2, but is 1."),
    ({"activation": "power", "power": 9}, "`power` must be a whole number of at most 8, but is 9."),
    ({"activation": "power", "power": 2.5}, "`power` must be a whole number of at least 2, but is 2.5."),
]


@pytest.mark.parametrize(("said", "message"), BAD)
def test_bad_activations_are_named(said, message):
    with pytest.raises(ValueError, match="Argument") as raised:
        replace(BASE, **said)
    assert str(raised.value) == f"Argument {message}"


def test_records_of_relu_problems_are_as_they_were():
    told = set(BASE.described())
    assert not told & {"activation", "leak", "power"}
    other = replace(BASE, activation="power", power=2)
    assert set(other.described()) - told == {"activation", "power"}
    assert other.described().items() <= asdict(other).items()
    assert BASE.sigma is Instance.draw(BASE).activation or BASE.sigma == RELU


def test_an_activation_draws_the_same_data():
    relu, other = (Instance.draw(one, 3) for one in (BASE, replace(BASE, activation="leaky", leak=0.2)))
    assert np.array_equal(relu.span, other.span)
    assert np.array_equal(relu.w0, other.w0)
    assert (relu.activation, other.activation) == (RELU, Activation(leak=0.2))


def test_arrays_take_an_activation():
    instance = Instance.draw(BASE, 3, space="ambient")
    given = {"phi": instance.phi, "xi": instance.xi[:, 0], "y": instance.y, "y_true": instance.y_true}
    phases = [Phase("fit", Loss(), SGD(lr=0.05), steps=20)]
    arrays = {**given, "w0": instance.w0, "forget": instance.forget, "sigma_p": 0.5}
    made = Instance.from_arrays(**arrays, activation="power", power=3)
    drawn = replace(instance, activation=Activation(power=3))
    ends = [run(one, phases, test_directions=16).state.preactivations for one in (made, drawn)]
    np.testing.assert_allclose(*ends, rtol=0, atol=1e-10 * np.abs(ends[0]).max())
    with refused("power"):
        Instance.from_arrays(**arrays, power=3)


def test_scales_of_the_theorems_are_those_of_relu():
    for scale in (sam_radius, step_size):
        with refused("activation"):
            scale(replace(BASE, activation="power", power=2))


def test_runs_on_disk_and_sweeps_know_the_activation(tmp_path):
    phases = [Phase("fit", Loss(), SGD(lr=0.05), steps=5)]
    options = {"record": Record(every=100), "test_directions": 16}
    run_to_disk(tmp_path / "run", replace(BASE, activation="power", power=2), phases, **options)
    with pytest.raises(ValueError, match="power"):
        run_to_disk(tmp_path / "run", replace(BASE, activation="power", power=3), phases, **options)
    squares = replace(BASE, activation="power", power=2)
    found = sweep(squares, phases, axes={"power": [2, 3]}, seeds=[0], test_directions=16)
    single = run(replace(squares, power=3), phases, test_directions=16)
    assert float(found.test_error.sel(power=3).squeeze()) == single.test_error


KINDS = ({"activation": "leaky", "leak": 0.3}, {"activation": "power", "power": 2}, {"activation": "power", "power": 3})


@pytest.mark.parametrize("kind", KINDS, ids=["leaky", "square", "cube"])
@pytest.mark.parametrize("patches", ["copied", "independent"])
def test_errors_of_activated_runs_are_those_of_fresh_noise(kind, patches):
    problem = replace(BASE, P=3, patches=patches, signal=4.0, noise="isotropic", **kind)
    result = run(problem, [Phase("fit", Loss(), SGD(lr=0.02), steps=40)], seed=1, engine="dense", test_directions=4096)
    instance, rng, n = result.instance, np.random.default_rng(3), 10_000
    noise = rng.standard_normal((n, problem.n_noise_patches, problem.d)) * problem.sigma_p
    held_out = {
        "test_xi": noise[:, 0] if patches == "copied" else noise,
        "test_y": np.where(rng.random(n) < 0.5, 1, -1),
    }
    arrays = {"phi": instance.phi, "xi": instance.xi[:, 0] if patches == "copied" else instance.xi, "y": instance.y}
    arrays |= {"y_true": instance.y_true, "forget": instance.forget, "w0": result.state.weights}
    counted = run(
        Instance.from_arrays(**arrays, **held_out, **kind, P=3), [Phase("stay", Loss(), SGD(), steps=0)]
    )  # fmt: skip
    spread = np.hypot(counted.test.standard_error, result.test.standard_error)
    assert abs(result.test_error - counted.test_error) < 4 * spread
    assert 0.05 < counted.test_error < 0.4
