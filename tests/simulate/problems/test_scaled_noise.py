"""Noise of given scales, of the patches of an image and of the two classes: words, law, engines, records, SAM."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, Record, SharpMinMax, run, run_to_disk, sweep
from simulate.dynamics.deactivation import own_class, switching_radii
from simulate.problems.unseen import NoiseLaw
from simulate.runs.ensemble import Cell, run_ensemble
from tests.oracles.configurations import MIN_MAXES, OPTIMIZERS, configurations
from tests.simulate.engine_runs import ENGINES, compare, end_of, reconstructed_weights, relative_error
from tests.simulate.problems.test_frame_law import BATCHES, LEVEL, sample_of_draws, sample_of_runs, smallest_p_value
from tests.simulate.refusals import INF, NAN, refused

BASE = Problem(d=200, n=12, m=3, P=3, signal=3.0, sigma_p=0.5, sigma_0=0.1, forget=0.25, patches="independent")
SAID = {
    "patches": {"patch_scales": (0.5, 2.0)},
    "classes": {"class_scales": (1.0, 3.0)},
    "both, heavy tails": {
        "patch_scales": (0.5, 2.0), "class_scales": (2.0, 0.5), "tails": "student-t", "degrees_of_freedom": 5.0,
    },
    "both, blocks": {
        "patch_scales": (2.0, 1.0), "class_scales": (0.5, 1.0), "eigenvalues": (9.0, 0.5), "multiplicities": (5,),
        "noise": "isotropic",
    },
}  # fmt: skip
every_scale = pytest.mark.parametrize("said", SAID.values(), ids=SAID)
every_activation = pytest.mark.parametrize(
    "activation", [{}, {"activation": "leaky", "leak": 0.2}, {"activation": "power", "power": 2}]
)
PHASES = (
    Phase("pretrain", Loss(), SAM(lr=0.05, tau=0.1), steps=25),
    Phase("unlearn", NegGrad(alpha=0.7), SharpMinMax(lr=0.02, tau=0.1), steps=15),
)


# --- the words ------------------------------------------------------------------------------------------


BAD: list[tuple[dict, str]] = [
    ({"patch_scales": (1.0,)}, "`patch_scales` must have 2 entries, but has 1 entry."),
    ({"patch_scales": (1.0, 0.0)}, "`patch_scales` must be a positive number, but is 0.0."),
    ({"patch_scales": (1.0, NAN)}, "`patch_scales` must be a positive number, but is nan."),
    ({"patch_scales": (1.0, 1e7)}, "`patch_scales` must lie in [1e-06, 1e+06], but is 10000000.0."),
    ({"patch_scales": 2.0}, "`patch_scales` must be a list of numbers, but is 2.0."),
    ({"patch_scales": (1.0, 2.0), "patches": "copied"},
     '`patch_scales` must be left out unless `patches` is "independent", but is (1.0, 2.0).'),
    ({"class_scales": (1.0, 1.0, 1.0)}, "`class_scales` must have 2 entries, but has 3 entries."),
    ({"class_scales": (1.0, -1.0)}, "`class_scales` must be a positive number, but is -1.0."),
    ({"class_scales": (INF, 1.0)}, "`class_scales` must be a positive number, but is inf."),
    ({"class_scales": "loud"}, "`class_scales` must be a list of numbers, but is 'loud'."),
]  # fmt: skip


@pytest.mark.parametrize(("said", "message"), BAD)
def test_bad_scales_are_named(said, message):
    with pytest.raises(ValueError, match="Argument") as raised:
        replace(BASE, **said)
    assert str(raised.value) == f"Argument {message}"


def test_scales_are_in_records_and_back(tmp_path):
    assert not {"patch_scales", "class_scales"} & {*BASE.described()}
    problem = replace(BASE, patch_scales=[np.float32(0.5), 2], class_scales=np.array([1.0, 3.0]))
    assert (problem.patch_scales, problem.class_scales) == ((0.5, 2.0), (1.0, 3.0))
    options = {"test_directions": 16, "record": Record(points=2)}
    found = run_to_disk(tmp_path / "run.zarr", problem, PHASES[:1], **options)
    assert Problem(**json.loads(found.attrs["problem"])) == problem
    assert run_to_disk(tmp_path / "run.zarr", problem, PHASES[:1], **options).identical(found)
    with refused("out"):
        run_to_disk(tmp_path / "run.zarr", BASE, PHASES[:1], **options)


def test_scales_are_axes():
    phases = [Phase("fit", Loss(), SGD(lr=0.05), steps=5)]
    axes = {"class_scales": [None, [1.0, 1.0], [1.0, 3.0]], "patch_scales": [[1.0, 1.0], [0.5, 2.0]]}
    error = sweep(BASE, phases, axes=axes, seeds=range(2), test_directions=16)["test_error"].values
    np.testing.assert_array_equal(error[0], error[1])  # ones are no scales
    assert np.all(error[2] != error[1])
    assert np.all(error[:, 1] != error[:, 0])


def test_signal_is_measured_by_the_root_mean_square():
    plain = replace(BASE, noise="isotropic")
    assert replace(plain, patch_scales=(1.0, 7.0)).snr == pytest.approx(plain.snr / 5.0)
    assert replace(plain, class_scales=(1.0, 7.0)).snr == pytest.approx(plain.snr / 5.0)


# --- the law --------------------------------------------------------------------------------------------


@every_scale
@pytest.mark.parametrize("space", ["frame", "ambient"])
def test_scales_multiply_the_noise_and_nothing_else_changes(said, space):
    flips = replace(BASE, label_flip=0.4)
    scaled = replace(flips, **said)
    plain = replace(scaled, patch_scales=None, class_scales=None)
    one, other = Instance.draw(plain, 4, space=space), Instance.draw(scaled, 4, space=space)
    assert (one.y != one.y_true).any()
    plus, minus = scaled.class_scales or (1.0, 1.0)
    of_class = np.where(one.y_true == 1, plus, minus)  # the true label, not the observed one
    scales = np.stack([of_class * scale for scale in scaled.patch_scales or (1.0, 1.0)], axis=1)
    np.testing.assert_allclose(other.xi, scales[..., None] * one.xi, rtol=1e-14)
    for word in ("phi", "w0", "y", "forget"):
        np.testing.assert_array_equal(getattr(other, word), getattr(one, word))


FRAMES = Problem(d=40, n=6, m=3, P=3, signal=2.0, sigma_p=0.7, sigma_0=0.1, patches="independent")


@every_scale
def test_scaled_frames_have_the_law_of_the_space(said):
    problem = replace(FRAMES, **said)
    frames, spaces = sample_of_draws(problem, "frame", 0, 250), sample_of_draws(problem, "ambient", 10_000, 250)
    assert smallest_p_value(frames, spaces) > LEVEL / len(SAID)


def test_runs_in_scaled_frames_have_the_law_of_runs_in_the_space():
    problem = replace(FRAMES, **SAID["both, heavy tails"])
    frames, spaces = sample_of_runs(problem, "numba", 0, 150), sample_of_runs(problem, "dense", 10_000, 150)
    assert smallest_p_value(frames, spaces) > LEVEL


WRONG = {
    "no scales": lambda p, y: np.ones((len(y), 2)),
    "patches in the other order": lambda p, y: p.scales_of(y)[:, ::-1],
    "variances for deviations": lambda p, y: p.scales_of(y) ** 2,
    "one class for all images": lambda p, y: p.scales_of(np.full(len(y), y[0])),
    "no quiet class": lambda p, y: p.scales_of(np.ones(len(y))),
}


@pytest.mark.parametrize("fault", WRONG)
def test_frames_with_wrong_scales_are_rejected(fault, monkeypatch):
    problem = replace(FRAMES, patch_scales=(0.5, 1.5), class_scales=(1.0, 2.0))
    spaces, right = sample_of_draws(problem, "ambient", 20_000, 150), Problem.scales_of
    monkeypatch.setattr(
        Problem, "scales_of", lambda self, y: WRONG[fault](problem, y) if self is rival else right(self, y)
    )
    rival = replace(problem)
    for batch in range(BATCHES):
        assert smallest_p_value(sample_of_draws(rival, "frame", 1000 * batch, 150), spaces) < LEVEL / len(SAID)


# --- the engines and the end ----------------------------------------------------------------------------


def scaled_configurations(number, optimizers=(*OPTIMIZERS, *MIN_MAXES)):
    """Random runs, each with scales of its own."""
    rng, runs = np.random.default_rng(28), []
    for each in configurations(number, optimizers=optimizers, seed=28):
        drawn = np.exp(rng.normal(0.0, 0.5, (2, 2)))
        scales = drawn / np.sqrt((drawn**2).mean(axis=1, keepdims=True))  # as loud as before in all
        of_patches, of_classes = map(tuple, scales.tolist())
        problem = replace(each.problem, P=3, patches="independent", patch_scales=of_patches, class_scales=of_classes)
        runs.append(replace(each, problem=problem))
    return runs


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_engines_agree_on_scaled_noise(engine, record_property):
    compare(scaled_configurations(12), engine, lambda each: end_of(each, "dense"), record_property)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_engines_agree_on_much_scaled_noise(engine, record_property):
    compare(scaled_configurations(120), engine, lambda each: end_of(each, "dense"), record_property)


def test_engines_agree_with_autograd_on_scaled_noise():
    pytest.importorskip("torch", reason="the autograd oracle needs PyTorch")
    from tests.oracles import autograd

    for said in SAID.values():
        instance = Instance.draw(replace(BASE, **said), 2, space="ambient")
        expected = autograd.train(instance, PHASES)[-1]
        for engine in ENGINES:
            result = run(instance, PHASES, engine=engine, test_directions=16)
            assert relative_error(reconstructed_weights(result), expected) < 1e-10


def test_engines_agree_on_test_errors_of_scaled_noise():
    for said in SAID.values():
        instance = Instance.draw(replace(BASE, **said), 2, space="ambient")
        errors = [run(instance, PHASES, engine=engine, test_directions=64).test_error for engine in ENGINES]
        np.testing.assert_allclose(errors, errors[0], rtol=1e-9)


@every_activation
def test_test_errors_of_runs_are_those_of_fresh_noise(activation):
    problem = replace(
        BASE, signal=1.0, noise="isotropic", patch_scales=(0.5, 2.0), class_scales=(1.0, 2.5), **activation
    )
    result = run(problem, [Phase("fit", Loss(), SGD(lr=0.1), steps=40)], seed=1, engine="dense", test_directions=2048)
    w, rng, n, sigma = result.state.weights, np.random.default_rng(3), 20_000, problem.sigma.value
    y = np.where(rng.random(n) < 0.5, 1, -1)
    scales = np.where(y > 0, 1.0, 2.5)[:, None] * np.array([0.5, 2.0]) * problem.sigma_p
    flat = w.reshape(6, -1)
    seen = rng.standard_normal((n, 2, 6)) @ np.linalg.cholesky(flat @ flat.T).T * scales[..., None]
    outputs = sigma(y[:, None] * (flat @ result.instance.phi)) + sigma(seen).sum(axis=1)
    wrong = y * (outputs[:, :3].sum(axis=1) - outputs[:, 3:].sum(axis=1)) < 0
    for label, found in zip((1, -1), result.test.clean_error_by_label, strict=True):
        counted = wrong[y == label].mean()
        # The two errors are those of the same directions, and move against each other more than their mean does.
        spread = np.hypot(np.sqrt(counted * (1 - counted) / (n / 2)), 0.5 / np.sqrt(2048))
        assert abs(found - counted) < 4 * spread
        assert 0.02 < counted < 0.6
    spread = np.hypot(np.sqrt(wrong.mean() * (1 - wrong.mean()) / n), result.test.standard_error)
    assert abs(result.test_error - wrong.mean()) < 4 * spread
    by_label = result.test.clean_error_by_label
    assert abs(by_label[0] - by_label[1]) > 10 * result.test.standard_error  # the classes do differ


@every_activation
def test_the_error_of_a_class_is_that_of_its_noise_alone(activation):
    instance = Instance.draw(replace(BASE, noise="isotropic", **activation), 1)
    phases = [Phase("fit", Loss(), SGD(lr=0.1), steps=40)]
    quiet, loud, mixed = (
        run(replace(instance, noise_law=law), phases, test_directions=1024).test.clean_error_by_label
        for law in (NoiseLaw(0.2, False), NoiseLaw(0.5, False), NoiseLaw(0.2, False, class_scales=(1.0, 2.5)))
    )
    # Directions for powers depend on eigenvectors, whose signs rounding decides.
    np.testing.assert_allclose(mixed, [quiet[0], loud[1]], rtol=0.1 if "power" in activation else 1e-9)
    assert loud[1] > 2.0 * quiet[1]


def test_chunks_of_mixed_scales_give_each_run_its_own_numbers():
    phases = (Phase("fit", Loss(), SGD(lr=0.05), steps=10),)
    problems = [BASE, *(replace(BASE, **SAID[name]) for name in list(SAID)[:3]), replace(BASE, signal=2.0)]
    together = run_ensemble([Cell(problem, phases, 3) for problem in problems], engine="numpy", test_directions=32)
    for problem, error in zip(problems, together["test_error"].values, strict=True):
        assert run(problem, phases, seed=3, engine="numpy", test_directions=32).test_error == error


# --- SAM with independent patches -----------------------------------------------------------------------


@pytest.mark.parametrize("scales", [None, (0.5, 1.0, 2.0)])
def test_sam_switches_patches_off_by_their_scales(scales):
    """Off are 2Φ(τ s_p / (σ_0 √(m B Σ s²))) - 1 of a patch's own-class neurons, and none of the others."""
    problem = Problem(
        d=10**8, n=60, m=8, P=4, signal=2.0, sigma_0=1e-9, forget=0.0, patches="independent", patch_scales=scales
    )
    s, ratio = np.array(scales or (1.0, 1.0, 1.0)), 1.5
    tau = ratio * problem.sigma_0 * np.sqrt(problem.m * problem.n)
    expected = 2.0 * stats.norm.cdf(ratio * s / np.sqrt((s**2).sum())) - 1.0
    phase, record = Phase("look", Loss(), SGD(), steps=0), Record(observe=("deactivation",), tau=tau)
    tables, found = [], []
    for seed in range(12):
        instance = replace(Instance.draw(problem, seed), noise_law=None)  # no test error is asked for
        seen = run(instance, [phase], engine="numpy", record=record).trace.deactivated.isel(step=0)
        tables.append(seen.sel(set="retain").values)
        radii = switching_radii(instance, np.full(60, 1.0 / 60.0), instance.y, instance.geometry.start)
        radii = np.where(own_class(instance)[:, None], radii, np.nan).reshape(2, 8, 60, 3)
        found.append([(one < tau).sum() / (~np.isnan(one)).sum() for one in np.moveaxis(radii, -1, 0)])
    spread = 0.5 / np.sqrt(12 * 60 * 8 / 2)
    np.testing.assert_allclose(np.mean(found, axis=0), expected, atol=5 * spread)
    own, opposite = np.mean(tables, axis=0)
    assert own == pytest.approx(expected.mean(), abs=5 * spread / np.sqrt(3))
    assert opposite == 0.0
