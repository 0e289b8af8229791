import numpy as np
import pytest
from scipy.stats import norm

from simulate.test_error.generalize import TestError, direction_normals, test_error
from tests.oracles import circle_quadrature, monte_carlo
from tests.threads import numba_threads

LOG_10 = np.log(10.0)


def estimate(margins, gram, *, n=512, seed=0, multiplicity=1.0, patches=1, label_flip=0.0) -> TestError:
    normals, uniforms = direction_normals(np.random.default_rng(seed), n, patches * np.shape(gram)[-1])
    settings = {"multiplicity": multiplicity, "patches": patches, "label_flip": label_flip, "strengths": None}
    return test_error(margins, gram, normals=normals, uniforms=uniforms, **settings)


def log10(test: TestError) -> np.ndarray:
    return test.log_clean_error / LOG_10


def relative_error(test: TestError) -> np.ndarray:
    return test.standard_error / np.exp(test.log_clean_error)


def random_gram(m, rank, seed):
    w = np.random.default_rng((seed, m, rank)).standard_normal((2 * m, rank))
    return w @ w.T / rank


def trained_gram(m, seed, d=2000, n=20):
    """Filters that learned a signal, which is projected off here, and memorised their own class's noise."""
    rng = np.random.default_rng((seed, m))
    xi, y = rng.standard_normal((n, d)), np.where(np.arange(n) % 2 == 0, 1, -1)
    j = np.repeat([1, -1], m)
    zeta = np.where(y == j[:, None], np.abs(rng.standard_normal((2 * m, n))), -0.1 * rng.random((2 * m, n)))
    w = 0.01 / np.sqrt(d) * rng.standard_normal((2 * m, d)) + zeta / (xi**2).sum(axis=1) @ xi
    return w @ w.T


def margin_for(log10_error, gram, patches=1):
    """A margin at which the error is about 10^log10_error, by bisection on the estimate."""
    low, high = np.sqrt(gram.diagonal().max()) * np.array([1e-3, 1e3])
    for _ in range(30):
        middle = np.sqrt(low * high)
        too_likely = log10(estimate([middle, middle], gram, n=64, patches=patches)) > log10_error
        low, high = (middle, high) if too_likely else (low, middle)
    return float(low)


# --- against oracles ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("patches", [1, 3])
@pytest.mark.parametrize(("m", "rank"), [(1, 1), (1, 2), (2, 3), (3, 2), (5, 50), (10, 4)])
def test_agreement_with_monte_carlo(m, rank, patches):
    gram, rng, multiplicity = random_gram(m, rank, 1), np.random.default_rng(2), 1.5
    scale = multiplicity * monte_carlo.noise_outputs(gram, 1.0, patches, 4000, rng).std()
    for margins in scale * np.array([[0.3, 0.1], [1.0, 2.5], [-0.2, 0.5]]):
        ours = estimate(margins, gram, multiplicity=multiplicity, patches=patches)
        theirs, error = monte_carlo.error_by_label(margins, gram, multiplicity, patches, 40_000, rng)
        spread = np.hypot(ours.standard_error, 0.5 * np.hypot(*error) + 1e-5)
        assert abs(ours.error - theirs.mean()) < 4 * spread
        assert (abs(ours.clean_error_by_label - theirs) < 4 * (error + 2 * ours.standard_error + 1e-5)).all()


@pytest.mark.slow
@pytest.mark.parametrize(("m", "rank", "patches"), [(2, 3, 1), (10, 8, 1), (10, 100, 1), (5, 6, 2)])
def test_agreement_with_ten_million_draws(m, rank, patches):
    gram = random_gram(m, rank, 3)
    margin = margin_for(-4.0, gram, patches)
    ours = estimate([margin, margin], gram, n=20_000, patches=patches)
    rng = np.random.default_rng(4)
    theirs, error = monte_carlo.error_by_label(np.array([margin, margin]), gram, 1.0, patches, 10**7, rng)
    assert abs(ours.error - theirs.mean()) < 4 * np.hypot(ours.standard_error, 0.5 * np.hypot(*error))
    assert relative_error(ours) < 0.05


@pytest.mark.parametrize("target", [-1, -10, -50, -100, -300, -3000])
def test_agreement_with_quadrature(target):
    for seed in range(6):
        gram = random_gram(1, 3, seed)
        margin = margin_for(target, gram)
        ours = estimate([margin, margin], gram)
        by_label = [circle_quadrature.log_error(margin, gram, label) for label in (1, -1)]
        assert ours.log_clean_error == pytest.approx(np.logaddexp(*by_label) - np.log(2.0), abs=0.05)
        for log_error, of_label in zip(by_label, ours.clean_error_by_label, strict=True):
            if log_error > -700.0:
                assert np.log(of_label) == pytest.approx(log_error, abs=0.05)
        assert target < -300 or relative_error(ours) < 0.02


@pytest.mark.parametrize("distance", [0.5, 3.0, 37.0, 1e4])
def test_one_active_neuron_is_exact(distance):
    gram = np.diag([4.0, 0.0])  # only the filter of j = +1 responds to noise, so that only the label -1 can fail
    test = estimate([2.0 * distance] * 2, gram)
    assert test.log_clean_error == pytest.approx(norm.logsf(distance) - np.log(2.0), rel=1e-12)
    assert test.effective_sample_size == pytest.approx(512)
    assert test.standard_error == pytest.approx(test.error / 512)  # what no draw has seen
    assert test.clean_error_by_label[0] == 0.0


# --- precision and honesty ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gram", "patches", "bound"), [
    (trained_gram(10, 0), 1, 0.03), (random_gram(10, 2000, 0), 1, 0.03), (random_gram(10, 100, 2), 1, 0.05),
    (trained_gram(10, 1), 3, 0.05), (random_gram(10, 2000, 0), 3, 0.05),
])  # fmt: skip
def test_precision_at_tiny_errors(gram, patches, bound):
    margin = margin_for(-50.0, gram, patches)
    tests = [estimate([margin, margin], gram, n=1024, seed=seed, patches=patches) for seed in range(6)]
    logs, errors = np.array([t.log_clean_error for t in tests]), np.array([relative_error(t) for t in tests])
    assert logs.mean() / LOG_10 == pytest.approx(-50.0, abs=0.5)
    assert errors.max() < bound
    assert min(t.effective_sample_size for t in tests) > 200
    scores = (logs - logs.mean()) / errors
    assert np.abs(scores).max() < 4.0


def test_scores_against_exact_errors():
    """Their mean is zero and they are not large, unless the margin is off by three per cent."""
    scores, wrong_scores = [], []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        gram, margin = random_gram(1, 2, seed + 100), rng.uniform(0.1, 4.0)
        test = estimate([margin, margin], gram, n=100, seed=seed)
        for scale, kept in ((1.0, scores), (1.03, wrong_scores)):
            exact = [np.exp(circle_quadrature.log_error(scale * margin, gram, label)) for label in (1, -1)]
            kept.append((test.error - np.mean(exact)) / test.standard_error)
    assert abs(np.mean(scores)) < 4.0 / np.sqrt(len(scores))
    assert np.var(scores) < 1.5  # well below one: so small a problem leaves little to chance
    assert abs(np.mean(wrong_scores)) > 4.0 / np.sqrt(len(scores))


@pytest.mark.parametrize(
    ("m", "rank", "patches", "target"), [(4, 3, 1, -3), (6, 20, 1, -12), (3, 6, 2, -2), (5, 50, 1, -0.6)]
)
def test_standard_errors_cover(m, rank, patches, target):
    gram = random_gram(m, rank, 5)
    margin = margin_for(target, gram, patches)
    truth, wrong = (estimate([x, x], gram, n=50_000, seed=99, patches=patches) for x in (margin, 1.1 * margin))
    tests = [estimate([margin, margin], gram, n=128, seed=seed, patches=patches) for seed in range(60)]
    scores, wrong_scores = (
        np.array([(t.error - reference.error) / np.hypot(t.standard_error, reference.standard_error) for t in tests])
        for reference in (truth, wrong)
    )
    assert abs(scores.mean()) < 0.6
    assert 0.5 < scores.std() < 1.6
    assert wrong_scores.mean() > 1.5


def test_a_few_draws_on_a_hard_problem_say_so():
    gram = random_gram(10, 6, 4)
    margin = margin_for(-30.0, gram)
    assert estimate([margin, margin], gram, n=8).effective_sample_size < 8
    assert estimate([margin, margin], gram, n=4096).effective_sample_size > 100


# --- invariances ----------------------------------------------------------------------------------------------------


def test_exchanging_the_classes_exchanges_the_labels():
    m, gram, margins = 4, random_gram(4, 30, 0), np.array([0.8, 1.4])
    swapped = np.roll(np.arange(2 * m), m)
    there = estimate(margins, gram, n=4096)
    back = estimate(margins[::-1], gram[np.ix_(swapped, swapped)], n=4096)
    assert back.clean_error_by_label[::-1] == pytest.approx(there.clean_error_by_label, rel=0.1)


@pytest.mark.parametrize("scale", [1e-120, 1e-3, 7.0, 1e140])
def test_scaling_margin_and_noise_together_changes_nothing(scale):
    gram, margins = random_gram(5, 10, 1), np.array([3.0, 2.0])
    expected = estimate(margins, gram).log_clean_error
    assert estimate(scale * margins, scale**2 * gram).log_clean_error == pytest.approx(expected, rel=1e-9)


def test_multiplicity_scales_the_noise():
    gram, margins = random_gram(3, 10, 1), np.array([3.0, 2.0])
    expected = estimate(margins, gram).log_clean_error
    assert estimate(6.0 * margins, gram, multiplicity=6.0).log_clean_error == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("patches", [1, 2])
def test_a_larger_margin_means_a_smaller_error(patches):
    gram = random_gram(6, 40, 2)
    margins = np.concatenate([np.linspace(-3, 3, 13), np.geomspace(4, 400, 20)])
    test = estimate(np.stack([margins, margins], axis=-1), gram, patches=patches)
    assert (np.diff(test.log_clean_error) <= 0).all()
    assert (np.diff(test.log_clean_error)[4:] < 0).all()
    assert test.error[0] == pytest.approx(1.0, abs=1e-6)
    assert test.error.max() <= 1.0
    assert log10(test)[-1] < -300


def test_label_flips_set_the_floor():
    gram, p = random_gram(3, 10, 1), np.array([0.0, 0.1, 0.4])
    clean, noisy = estimate([1.0, 1.0], gram), estimate([1.0, 1.0], gram, label_flip=p)
    assert noisy.error == pytest.approx(p + (1 - 2 * p) * clean.error)
    assert noisy.standard_error == pytest.approx((1 - 2 * p) * clean.standard_error)
    assert (noisy.log_clean_error == clean.log_clean_error).all()
    assert estimate([1e3, 1e3], gram, label_flip=0.1).error == 0.1


def test_trajectories_do_not_see_each_other():
    grams = np.stack([random_gram(3, rank, rank) for rank in (1, 2, 5, 10, 40, 3)]).reshape(2, 3, 6, 6)
    margins = np.random.default_rng(0).uniform(0.2, 3.0, (2, 3, 2))
    with numba_threads(2):
        together = estimate(margins, grams)
    with numba_threads(1):
        alone = estimate(margins, grams)
    assert np.array_equal(together.log_clean_error, alone.log_clean_error)
    assert together.clean_error_by_label.shape == (2, 3, 2)
    for index in np.ndindex(2, 3):
        single, selected = estimate(margins[index], grams[index]), together.select(index)
        assert single.log_clean_error == selected.log_clean_error
        assert single.standard_error == selected.standard_error


def test_each_trajectory_may_have_its_own_draws():
    gram, rng = random_gram(2, 5, 0), np.random.default_rng(0)
    draws = [direction_normals(rng, 64, 4) for _ in range(3)]
    settings = {"multiplicity": 1.0, "patches": 1, "label_flip": 0.0, "strengths": None}
    normals, uniforms = (np.stack(arrays) for arrays in zip(*draws, strict=True))
    together = test_error([1.0, 1.0], np.stack([gram] * 3), normals=normals, uniforms=uniforms, **settings)
    for t, (own_normals, own_uniforms) in enumerate(draws):
        alone = test_error([1.0, 1.0], gram, normals=own_normals, uniforms=own_uniforms, **settings)
        assert alone.error == together.error[t]
    assert len(set(together.error)) == 3


# --- edges ----------------------------------------------------------------------------------------------------------


def test_without_noise_the_signal_decides():
    margins = np.array([[1.0, 2.0], [-1.0, -2.0], [1.0, -1.0], [0.0, 0.0], [0.0, 1.0]])
    test = estimate(margins, np.zeros((6, 6)))
    assert test.error == pytest.approx([0.0, 1.0, 0.5, 0.5, 0.25])
    assert test.standard_error == pytest.approx(0.0, abs=1e-3)
    assert (test.standard_error[:3] == 0.0).all()
    assert test.log_clean_error[0] == -np.inf


def test_noise_that_only_helps_makes_no_error():
    test = estimate([[0.5, 0.5]], np.ones((4, 4)))  # both classes respond alike: the noise cancels
    assert test.error == 0.0
    assert test.standard_error == 0.0
    assert test.effective_sample_size == 0.0
    alike = estimate([0.0, 0.0], np.ones((4, 4)))
    assert alike.error == pytest.approx(0.5)


def test_ties_count_one_half():
    # One neuron per class and no signal: both rest for a quarter of the noise.
    test = estimate([0.0, 0.0], np.eye(2), n=20_000)
    assert test.error == pytest.approx(0.5, abs=4 * test.standard_error)
    only_one = estimate([0.0, 0.0], np.diag([1.0, 0.0]))
    assert only_one.clean_error_by_label == pytest.approx([0.25, 0.75])
    # Ten neurons of one class alone: it is rare that they all rest, the only chance of the other class.
    unequal = estimate([0.0, 0.0], np.diag([1.0] * 10 + [0.0] * 10), n=4096).clean_error_by_label
    assert unequal == pytest.approx([0.5**11, 1.0 - 0.5**11], abs=4e-4)
    assert unequal.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_stay_where_they_are(bad):
    grams, margins = np.stack([random_gram(3, 5, 0)] * 3), np.ones((3, 2))
    grams[1, 2, 3] = bad
    margins[2, 0] = bad
    test = estimate(margins, grams)
    for values in vars(test).values():
        assert np.isfinite(values[0]).all()
        assert np.isnan(values[1:]).all()


@pytest.mark.parametrize("margin", [1e3, 1e5, 1e9, 1e150, 1e300])
def test_nothing_overflows(margin):
    test = estimate([margin, margin], random_gram(10, 30, 0))
    assert test.error == 0.0
    assert test.log_clean_error < -1e4
    assert not np.isnan(test.log_clean_error)
    assert np.isfinite(test.standard_error)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label_flip": 0.7}, "Argument `label_flip` must lie in [0, 0.5), but is 0.7."),
        ({"patches": 0}, "Argument `patches` must be a whole number of at least 1, but is 0."),
        ({"multiplicity": -1.0}, "Argument `multiplicity` must be a positive number, but is -1.0."),
        ({"signal_margin": np.ones(3)}, "Argument `signal_margin` must have shape (2,), but has shape (3,)."),
        ({"noise_gram": np.ones((2, 4))}, "Argument `noise_gram` must have shape (4, 4), but has shape (2, 4)."),
        ({"normals": np.ones((64, 5))}, "Argument `normals` must have shape (64, 4), but has shape (64, 5)."),
    ],
)
def test_bad_arguments_are_named(change, message):
    normals, uniforms = direction_normals(np.random.default_rng(0), 64, 4)
    arguments = {
        "signal_margin": np.ones(2), "noise_gram": np.eye(4), "multiplicity": 1.0, "patches": 1, "label_flip": 0.1,
        "normals": normals, "uniforms": uniforms, "strengths": None,
    }  # fmt: skip
    test_error(**arguments)
    with pytest.raises(ValueError, match="Argument") as raised:
        test_error(**(arguments | change))
    assert str(raised.value) == message
