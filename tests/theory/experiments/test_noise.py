"""Other laws of noise: small cases known by hand, and what experiments run."""

from dataclasses import replace

import numpy as np
import pytest
import xarray
from scipy.integrate import solve_ivp
from scipy.special import ndtr

from simulate import (
    SGD,
    Instance,
    Loss,
    NegGrad,
    Phase,
    Problem,
    Record,
    run,
    step_size,
    with_sam_weights,
    with_small_weights,
)
from simulate.dynamics.step import logistic_loss, network_output
from tests.theory.recording import Recorder, asked, check_alike
from theory.experiments.boundaries import BASE, predicted_boundary
from theory.experiments.lab import Lab
from theory.experiments.noise import choices, dimension, laws, noisy, onset, reading, tails, training
from theory.experiments.noise.noisy import Forgetting
from theory.statistics import Estimate

# --- reading -----------------------------------------------------------------------------------------


def test_the_estimate_that_is_farthest_allows_for_the_picking() -> None:
    found = [Estimate(0.3, 0.1, 9), Estimate(-0.4, 0.2, 9), Estimate(0.1, 0.1, 9)]
    assert reading.farthest(found) == replace(found[1], comparisons=3)
    assert reading.farthest(found, -0.4) == replace(found[0], comparisons=3)
    assert reading.largest(found) == replace(found[0], comparisons=3)
    unknown = reading.largest([*found, Estimate(np.nan, np.nan, 9)])
    assert np.isnan(unknown.value)
    assert unknown.comparisons == 4


# --- covariances -------------------------------------------------------------------------------------


def test_covariances_have_the_numbers_that_their_names_say() -> None:
    for covariance in dimension.COVARIANCES:
        effective, d, top = covariance.factors
        words = covariance.name.replace(",", "").split()
        assert d == int(words[words.index("d") + 2]) == covariance.d
        if covariance.blocks is None:
            assert (effective, top) == (d, d)
            continue
        eigenvalues, sizes = (np.array(each) for each in covariance.blocks)
        assert (eigenvalues @ sizes, sizes.sum()) == pytest.approx((d, d))
        assert effective == pytest.approx(d**2 / (eigenvalues**2 @ sizes))
        assert effective == pytest.approx(int(words[words.index("D") + 2]), rel=1e-6)
        assert top == pytest.approx(d / eigenvalues.max())


def test_covariances_tell_the_three_numbers_apart() -> None:
    design = np.log([covariance.factors for covariance in dimension.COVARIANCES])
    centred = design - design.mean(axis=0)
    assert np.linalg.cond(centred / centred.std(axis=0)) < 5.0


@pytest.mark.parametrize("factor", range(3))
def test_exponents_are_those_of_whichever_number_decides(factor: int) -> None:
    factors = np.array([covariance.factors for covariance in dimension.COVARIANCES])
    ratio = 2.0 * factors[:, factor] ** -0.25
    place = ratio * factors[:, 0] ** 0.25 / ratio.mean()
    places = np.geomspace(place.min() / 2, place.max() * 2, 9)
    error = 0.3 - 0.05 * (np.log(places) - np.log(place)[:, None])
    names = [covariance.name for covariance in dimension.COVARIANCES]
    data = xarray.Dataset(
        {"test_error": (("seed", "covariance", "place"), np.repeat(error[None], 4, axis=0))},
        coords={"covariance": names, "place": places},
        attrs={"level": 0.3, "factors": factors.tolist()},
    )
    found = dimension.exponents(data, np.arange(4))
    np.testing.assert_allclose(found, np.where(np.arange(3) == factor, -0.25, 0.0), atol=1e-9)
    scatters = [dimension.scatter(data, np.arange(4), each) for each in range(3)]
    assert scatters[factor] == pytest.approx(0.0, abs=1e-9)
    assert min(each for number, each in enumerate(scatters) if number != factor) > 0.1
    assert np.isnan(dimension.exponents(data, np.arange(4), level=0.6)).all()


def test_what_is_run_over_covariances() -> None:
    (found,) = asked(dimension.over_covariances, only={"covariance": "20 spikes, d = 15,000, D = 600", "place": 0.6})
    problem = found.cell().problem
    assert problem.effective_dimension == pytest.approx(600.0)
    assert problem.signal == pytest.approx(0.6 * (15_000**2 / (600 * 10)) ** 0.25)
    assert (problem.n, problem.sigma_0) == (10, pytest.approx(0.1 * 10**0.5 / 15_000))
    assert found.cell().phases == (
        Phase("fit", Loss(), SGD(lr=step_size(problem, 0.1)), steps=100_000, stop_loss=0.05),
    )
    (other,) = asked(dimension.over_covariances, only={"covariance": "equal, d = 600"}, samples=20, own_step=0.03)
    assert other.cell().problem.n == 20
    assert other.cell().phases[0].optimizer.lr == pytest.approx(step_size(other.cell().problem, 0.03))


# --- heavy tails -------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", laws.TAILS)
def test_strengths_have_the_variance_and_the_tail_of_their_law(law: str) -> None:
    problem = replace(BASE, **laws.TAILS[law])
    found = laws.strengths(problem)
    rng = np.random.default_rng(0)
    drawn = np.ones(200_000) if problem.strength is None else problem.strength.draw(rng, 200_000)
    assert found.mean(found.value**2) == pytest.approx(1.0, abs=0.03)  # ν = 3 has a variance that hangs on its tail
    assert found.mean(found.value**-2.0) == pytest.approx(np.mean(drawn**-2.0), rel=0.02)
    assert np.mean(drawn * rng.standard_normal(200_000) > found.exceeded(0.25)) == pytest.approx(0.25, abs=0.005)


def test_memories_follow_the_flow_of_their_images() -> None:
    law = laws.Strengths(np.array([0.5, 1.0, 2.0]), np.array([0.5, 0.3, 0.2]))
    f = laws.memories(law, 0.05)
    assert law.mean(np.logaddexp(0.0, -f)) == pytest.approx(0.05)
    time = (f[1] + np.exp(f[1]) - 1.0) / 1.0
    flow = solve_ivp(lambda _, x: law.value**2 / (1.0 + np.exp(x)), (0.0, time), np.zeros(3), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(flow.y[:, -1], f, rtol=1e-5)


def test_the_memory_of_an_image_of_great_strength_does_not_overflow() -> None:
    f = laws.memories(laws.Strengths(np.array([1.0, 1e4]), np.array([0.9, 0.1])), 0.05)
    assert f[1] + np.exp(f[1]) == pytest.approx(1.0 + 1e8 * (f[0] + np.exp(f[0]) - 1.0), rel=1e-6)


def test_the_height_is_that_of_the_formula() -> None:
    problem = Problem(tails="two-scales", noisy_fraction=0.5, noisy_factor=3.0, label_flip=0.1)
    s = np.sqrt(np.array([0.2, 1.8]))
    f = laws.memories(laws.Strengths(s, np.array([0.5, 0.5])), 0.05)
    ratio = laws.height(problem, 0.3, 0.05) ** 2 * np.mean(f / s**2) / np.sqrt(np.mean((f / s) ** 2))
    assert np.mean(ndtr(-ratio * 0.6744897501960817 / s)) == pytest.approx(0.25)
    assert laws.height(Problem(label_flip=0.1), 0.3, 0.05) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="`level`"):
        laws.height(problem, 0.05, 0.05)


def test_what_is_run_under_heavy_tails() -> None:
    (found,) = asked(tails.over_tails, only={"law": "Student-t, ν = 5", "d": 1000, "place": 0.8})
    problem = found.cell().problem
    assert (problem.tails, problem.degrees_of_freedom, problem.d, problem.n) == ("student-t", 5.0, 1000, 20)
    assert problem.signal == pytest.approx(0.8 * predicted_boundary(problem))


# --- noisy images ------------------------------------------------------------------------------------


def test_pairs_are_ordered_by_hand() -> None:
    course = Forgetting(
        noisy=np.array([True, False, False]), matched=np.array([2.0, 1.0, 3.0]), own=np.array([np.inf, 1.0, np.inf]),
        halved=np.array([1.0, 2.0, 2.0]),
    )  # fmt: skip
    alike = replace(course, noisy=np.zeros(3, dtype=bool))
    assert noisy.orders([course, alike], "matched").tolist() == [0.0]
    assert noisy.orders([course], "own").tolist() == [-0.5]
    assert noisy.orders([course], "halved").tolist() == [1.0]
    shuffled = noisy.orders([course] * 400, "halved", np.random.default_rng(0))
    assert abs(shuffled.mean()) < 0.15


def test_the_first_step_at_which_something_is_reached() -> None:
    reached = np.array([[False, True, False], [True, True, False]])
    assert noisy.first(np.array([0.0, 7.0]), reached).tolist() == [7.0, 0.0, np.inf]


def test_the_course_of_every_image_is_that_of_the_network() -> None:
    problem = replace(noisy.problem_of(Lab()), sigma_0=1e-3)
    lab = Lab(protocol={"own_step": 0.1})
    before, last = training.trained(lab, problem, "SGD"), training.unlearning(lab, problem, "SAM")
    instance = Instance.draw(problem, 3)
    start = run(instance, before, test_directions=16)
    record = Record(points=5, observe=("coefficients_full",))
    result = run(instance, (*before, replace(last, steps=30)), record=record, start=start.state, test_directions=16)
    steps, losses, memory = noisy.course_of(result, start)
    assert (steps[0], steps[-1]) == (0, 30)
    for place, of in ((0, start), (-1, result)):
        output = network_output(instance, of.state.preactivations)
        np.testing.assert_allclose(losses[place], logistic_loss(instance.y * output), rtol=1e-9)
    own = np.where(instance.y == 1, result.zeta[0].sum(axis=0), result.zeta[1].sum(axis=0))
    np.testing.assert_allclose(memory[-1], own, rtol=1e-9)


class One(Lab):
    """A laboratory of one replicate."""

    def choose(self, *, quick, full):
        return 1


def test_an_image_is_forgotten_at_the_step_at_which_its_loss_gets_there() -> None:
    lab = One()
    (found,) = noisy.forgotten(lab, "SGD")
    (seed,) = lab.seeds("noisy images", 1)
    problem = with_small_weights(noisy.problem_of(lab))
    before, last = training.trained(lab, problem, "SGD"), training.unlearning(lab, problem, "SGD")
    instance = Instance.draw(problem, seed)

    def losses_of(phases: tuple[Phase, ...]) -> tuple[np.ndarray, np.ndarray]:
        ended = run(instance, phases, test_directions=16)
        loss = logistic_loss(instance.y * network_output(instance, ended.state.preactivations))[instance.forget]
        own = np.where(instance.y == 1, ended.zeta[0].sum(axis=0), ended.zeta[1].sum(axis=0))[instance.forget]
        return loss, own

    wanted, _ = losses_of(tuple(replace(phase, objective=Loss(on="retain")) for phase in before))
    _, learned = losses_of(before)
    first, reached = np.argmin(found.matched), int(found.matched.min())
    assert losses_of((*before, replace(last, steps=reached)))[0][first] >= wanted.mean()
    assert losses_of((*before, replace(last, steps=int(0.96 * reached))))[0].max() < wanted.mean()
    own = int(found.own.min())
    assert (losses_of((*before, replace(last, steps=own)))[0] >= wanted).sum() == (found.own <= own).sum()
    for half in found.halved[np.isfinite(found.halved)].astype(int):
        left = losses_of((*before, replace(last, steps=half)))[1]
        assert (left <= 0.5 * learned).sum() == (found.halved <= half).sum()


def test_images_are_told_apart_by_their_noise() -> None:
    problem = replace(noisy.problem_of(Lab()), d=10**6)
    instance = Instance.draw(problem, 1)
    lengths = instance.geometry.squared_norms[1:] / problem.d
    np.testing.assert_allclose(lengths, np.where(noisy.is_noisy(instance, problem), 1.8, 0.2), rtol=0.02)


def test_shares_off_are_those_of_the_law_by_scale_and_not_of_the_plain_one() -> None:
    class Few(Lab):
        def choose(self, *, quick, full):
            return 60

    data = noisy.off_at_start(Few())
    rows = np.arange(60)
    for kind, scale in zip(noisy.KINDS, (0.2**0.5, 1.8**0.5), strict=True):
        assert noisy.constant(data, kind, rows) == pytest.approx(1.0, abs=0.1)
        assert noisy.constant(data, kind, rows, by_scale=False) == pytest.approx(scale, abs=0.1)
    assert float(data["opposite"].max()) < 0.01


def test_a_sample_that_is_ascended_on_is_not_switched_off() -> None:
    problem = with_sam_weights(noisy.problem_of(Lab()))
    instance = Instance.draw(problem, 0)
    weight = np.where(instance.forget, -1.0, 1.0) / instance.n
    wide = [10.0]
    assert np.nanmin(noisy.shares_off(instance, problem, weight, wide, ~instance.forget)[0]) == 1.0
    assert np.nanmax(noisy.shares_off(instance, problem, weight, wide, instance.forget)[0]) == 0.0
    assert np.nanmin(noisy.shares_off(instance, problem, weight, wide, instance.forget)[1]) == 1.0


# --- weak signals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["SGD", "SAM"])
def test_what_is_run_at_weak_signals(optimizer: str) -> None:
    labels = {"stage": "unlearned", "law": laws.SPIKED, "optimizer": optimizer, "place": 1.2}
    (found,) = asked(onset.over_laws, only=labels)
    cell = found.cell()
    problem = cell.problem
    assert isinstance(problem, Problem)
    assert (problem.eigenvalues is None, problem.n_forget) == (False, 4)
    assert problem.signal == pytest.approx(1.2 * (100.0**0.25 if optimizer == "SGD" else 1.0))
    names = ["fit"] if optimizer == "SGD" else ["sam", "fit"]
    assert [phase.name for phase in cell.phases] == [*("reference_" + name for name in names), *names, "unlearn"]
    last = cell.phases[-1]
    assert (last.objective, last.stop_forget_loss_above) == (NegGrad(alpha=0.7), "reference_fit")
    check_alike(last.optimizer, SGD(lr=step_size(problem, 0.2) / 1.5))
    (plain,) = asked(onset.over_laws, only={**labels, "stage": "trained"})
    assert plain.cell().phases == cell.phases[len(names) : -1]


def test_levels_are_read_by_the_protocol() -> None:
    read = {dimension.over_covariances: choices.LEVEL, tails.over_tails: choices.LEVEL, onset.over_laws: choices.ONSET}
    for experiment, choice in read.items():
        for value in choice.values:
            assert experiment(Recorder({choice.name: value}, only={})).attrs["level"] == value
