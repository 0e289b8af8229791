"""Noise of images that differ in strength: said in words, drawn by its law in both spaces, and kept in records."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import stats

from simulate import SAM, SGD, Instance, Loss, NegGrad, Phase, Problem, Record, SharpMinMax, run, run_to_disk, sweep
from simulate.problems import tails
from simulate.problems.streams import stream
from simulate.runs.ensemble import Cell, run_ensemble
from tests.simulate.engine_runs import ENGINES, reconstructed_weights, relative_error
from tests.simulate.problems.test_frame_law import BATCHES, LEVEL, sample_of_draws, smallest_p_value
from tests.simulate.refusals import INF, NAN, refused

BASE = Problem(d=200, n=12, m=3, signal=3.0, sigma_p=0.5, sigma_0=0.1, forget=0.25)
SAID = {
    "student-t": {"tails": "student-t", "degrees_of_freedom": 5.0},
    "log-normal": {"tails": "log-normal", "log_spread": 0.5},
    "two-scales": {"tails": "two-scales", "noisy_fraction": 0.2, "noisy_factor": 4.0},
}
every_law = pytest.mark.parametrize("said", SAID.values(), ids=SAID)
PHASES = (
    Phase("pretrain", Loss(), SAM(lr=0.05, tau=0.1), steps=25),
    Phase("unlearn", NegGrad(alpha=0.7), SharpMinMax(lr=0.02, tau=0.1), steps=15),
)


# --- the words ------------------------------------------------------------------------------------------


T, LOGS, TWO = "student-t", "log-normal", "two-scales"
BAD: list[tuple[dict, str]] = [
    ({"tails": "pink"}, '`tails` must be one of "gaussian", "student-t", "log-normal", "two-scales", but is \'pink\'.'),
    ({"tails": T}, '`degrees_of_freedom` must be given with tails "student-t", but is missing.'),
    ({"degrees_of_freedom": 5}, '`degrees_of_freedom` must be left out unless `tails` is "student-t", but is 5.'),
    ({**SAID[T], "log_spread": 1}, '`log_spread` must be left out unless `tails` is "log-normal", but is 1.'),
    ({**SAID[T], "degrees_of_freedom": 2}, "`degrees_of_freedom` must be above 2 and at most 1e+06, but is 2."),
    ({**SAID[T], "degrees_of_freedom": NAN}, "`degrees_of_freedom` must be a finite number, but is nan."),
    ({**SAID[LOGS], "log_spread": 0.0}, "`log_spread` must be above 0 and at most 3, but is 0.0."),
    ({**SAID[LOGS], "log_spread": INF}, "`log_spread` must be a finite number, but is inf."),
    ({**SAID[TWO], "noisy_fraction": 1.0}, "`noisy_fraction` must lie between 0 and 1, but is 1.0."),
    ({**SAID[TWO], "noisy_fraction": "few"}, "`noisy_fraction` must be a finite number, but is 'few'."),
    ({**SAID[TWO], "noisy_factor": 1.0}, "`noisy_factor` must be above 1 and at most 1e+06, but is 1.0."),
]


@pytest.mark.parametrize(("said", "message"), BAD)
def test_bad_tails_are_named(said, message):
    with pytest.raises(ValueError, match="Argument") as raised:
        replace(BASE, **said)
    assert str(raised.value) == f"Argument {message}"


def test_records_of_gaussian_problems_are_as_they_were():
    fields = ["d", "n", "m", "P", "signal", "sigma_p", "sigma_0", "label_flip", "forget", "noise", "patches"]
    assert list(BASE.described()) == fields
    assert BASE.described().items() <= asdict(BASE).items()
    phases = [Phase("only", Loss(), SGD(), steps=2)]
    found = run(BASE, phases, test_directions=16).to_dataset()
    assert list(json.loads(found.attrs["problem"])) == fields


@every_law
def test_other_laws_are_in_records_and_back(said, tmp_path):
    problem = replace(BASE, **{name: np.float32(v) if isinstance(v, float) else v for name, v in said.items()})
    options = {"test_directions": 16, "record": Record(points=2)}
    found = run_to_disk(tmp_path / "run.zarr", problem, PHASES[:1], **options)
    assert Problem(**json.loads(found.attrs["problem"])) == problem
    assert {*said} <= {*json.loads(found.attrs["problem"])}
    assert run_to_disk(tmp_path / "run.zarr", problem, PHASES[:1], **options).identical(found)
    with refused("out"):
        run_to_disk(tmp_path / "run.zarr", BASE, PHASES[:1], **options)


def test_degrees_of_freedom_are_an_axis():
    phases = [Phase("fit", Loss(), SGD(lr=0.05), steps=5)]
    found = sweep(
        replace(BASE, **SAID["student-t"]), phases, axes={"degrees_of_freedom": [3.0, 1e6]}, seeds=range(2),
        test_directions=16,
    )  # fmt: skip
    assert found["degrees_of_freedom"].values.tolist() == [3.0, 1e6]
    assert np.all(found["test_error"].values[0] != found["test_error"].values[1])
    mixed = sweep(
        BASE, phases, axes={("tails", "degrees_of_freedom"): [("gaussian", None), ("student-t", 3.0)]}, seeds=range(2),
        test_directions=16,
    )  # fmt: skip
    np.testing.assert_array_equal(mixed["test_error"].values[1], found["test_error"].values[0])


# --- the law --------------------------------------------------------------------------------------------


@every_law
def test_radii_follow_their_law(said):
    law = replace(BASE, **said).strength
    assert law is not None
    radii = law.draw(np.random.default_rng(1), 40_000)
    squares = radii**2
    assert squares.mean() == pytest.approx(1.0, abs=5 * squares.std() / 200.0)
    if said["tails"] == "student-t":
        # s z is t of variance one
        products = radii * np.random.default_rng(2).standard_normal(40_000)
        assert stats.kstest(products, stats.t(5.0, scale=np.sqrt(3.0 / 5.0)).cdf).pvalue > LEVEL
    elif said["tails"] == "log-normal":
        assert stats.kstest(np.log(radii), stats.norm(-0.25, 0.5).cdf).pvalue > LEVEL
    else:
        quiet, loud = np.unique(radii)
        assert loud == pytest.approx(4.0 * quiet)
        assert (radii == loud).mean() == pytest.approx(0.2, abs=0.01)


@every_law
@pytest.mark.parametrize("patches", ["copied", "independent"])
@pytest.mark.parametrize("space", ["frame", "ambient"])
def test_all_noise_of_an_image_has_its_radius_and_nothing_else_changes(said, patches, space):
    plain = replace(BASE, P=3, patches=patches, noise="isotropic")
    problem = replace(plain, **said)
    one, other = Instance.draw(plain, 4, space=space), Instance.draw(problem, 4, space=space)
    assert problem.strength is not None
    radii = problem.strength.draw(stream(4, "strengths"), problem.n)
    np.testing.assert_allclose(other.xi, radii[:, None, None] * one.xi, rtol=1e-14)
    for word in ("phi", "w0", "y", "forget"):
        np.testing.assert_array_equal(getattr(other, word), getattr(one, word))
    lengths = np.concatenate([[1.0], np.repeat(radii, problem.n_noise_patches)])
    np.testing.assert_allclose(other.geometry.gram, lengths[:, None] * one.geometry.gram * lengths, atol=1e-10)


FRAMES = Problem(d=40, n=6, m=3, P=3, signal=2.0, sigma_p=0.7, sigma_0=0.1, patches="independent")


@every_law
def test_frames_of_other_laws_have_the_law_of_the_space(said):
    problem = replace(FRAMES, **said)
    frames, spaces = sample_of_draws(problem, "frame", 0), sample_of_draws(problem, "ambient", 10_000)
    assert smallest_p_value(frames, spaces) > LEVEL / len(SAID)


WRONG = {
    "no radii": lambda rng, n: np.ones(n),
    "one radius for all images": lambda rng, n: np.full(n, np.sqrt(3.0 / rng.chisquare(5.0))),
    "not of unit variance": lambda rng, n: np.sqrt(5.0 / rng.chisquare(5.0, n)),
    "another law of the same variance": tails.TwoScales(0.1, 3.0).draw,
}


@pytest.mark.parametrize("fault", WRONG)
def test_frames_with_wrong_radii_are_rejected(fault, monkeypatch):
    problem = replace(FRAMES, tails="student-t", degrees_of_freedom=5.0)
    spaces = sample_of_draws(problem, "ambient", 20_000)
    monkeypatch.setattr(tails.StudentT, "draw", lambda self, rng, n: WRONG[fault](rng, n))
    for batch in range(BATCHES):
        assert smallest_p_value(sample_of_draws(problem, "frame", 1000 * batch), spaces) < LEVEL / len(SAID)


# --- the engines and the end ----------------------------------------------------------------------------


@every_law
@pytest.mark.parametrize("patches", ["copied", "independent"])
def test_engines_agree_on_images_of_any_strength(said, patches):
    instance = Instance.draw(replace(BASE, P=3, patches=patches, **said), 2, space="ambient")
    results = [run(instance, PHASES, engine=engine, test_directions=64) for engine in ENGINES]
    for each in results[1:]:
        assert relative_error(reconstructed_weights(each), results[0].state.weights) < 1e-10
        assert each.test_error == pytest.approx(results[0].test_error, rel=1e-9)


@every_law
def test_test_errors_of_runs_are_those_of_fresh_noise(said):
    problem = replace(BASE, signal=1.0, noise="isotropic", **said)
    result = run(problem, [Phase("fit", Loss(), SGD(lr=0.1), steps=40)], seed=1, engine="dense", test_directions=4096)
    w, rng, n = result.state.weights, np.random.default_rng(3), 20_000
    assert problem.strength is not None
    noise = problem.strength.draw(rng, n)[:, None] * rng.standard_normal((n, problem.d)) * problem.sigma_p
    y = np.where(rng.random(n) < 0.5, 1, -1)
    seen = np.maximum(y * (w @ result.instance.phi)[..., None], 0.0) + np.maximum(w @ noise.T, 0.0)
    wrong = (y * (seen[0].sum(axis=0) - seen[1].sum(axis=0)) < 0).mean()
    spread = np.hypot(np.sqrt(wrong * (1 - wrong) / n), result.test.standard_error)
    assert abs(result.test_error - wrong) < 4 * spread
    assert 0.02 < wrong < 0.45


def test_chunks_of_mixed_laws_give_each_run_its_own_numbers():
    phases = (Phase("fit", Loss(), SGD(lr=0.05), steps=10),)
    problems = [BASE, *(replace(BASE, **said) for said in SAID.values()), replace(BASE, signal=2.0)]
    cells = [Cell(problem, phases, 3) for problem in problems]
    together = run_ensemble(cells, engine="numpy", test_directions=32)  # all in one chunk
    for problem, error in zip(problems, together["test_error"].values, strict=True):
        assert run(problem, phases, seed=3, engine="numpy", test_directions=32).test_error == error


@every_law
def test_enormous_dimension_is_free_for_any_law(said):
    problem = replace(BASE, d=10**9, sigma_p=1e-4, sigma_0=1e-6, **said)
    result = run(problem, [Phase("fit", Loss(), SGD(lr=0.05), steps=20)], test_directions=16)
    assert np.isfinite(result.zeta).all()
    assert np.isfinite(result.test.log_clean_error)


def test_what_depends_on_coordinates_is_refused_with_the_engine_that_can_do_it():
    problem = replace(BASE, **SAID["student-t"])
    phases = [Phase("fit", Loss(), SAM(lr=0.05, tau=0.1, adaptive=True), steps=3)]
    with pytest.raises(ValueError, match="dense"):
        run(problem, phases)
    assert np.isfinite(run(problem, phases, engine="dense", test_directions=16).test_error)
