"""Shares of variance: right where they are known, 0 where there is nothing, with intervals that say so."""

import numpy as np
import pytest

from tests.theory.ledger.atlas.test_design import choices
from theory.ledger.atlas.design import designed
from theory.ledger.atlas.shares import Share, _fits, shares_of

SIZES = (3, 4, 2)
SAMPLE = designed(choices(*SIZES), 20)
WHOLE = designed(choices(*SIZES), 24)


def shares(
    levels: np.ndarray, effects: np.ndarray, seed: int = 0, resamples: int = 200
) -> dict[tuple[int, ...], Share]:
    found = shares_of(levels, effects, np.random.default_rng(seed), resamples)
    return {share.choices: share for share in found}


def test_without_noise_main_effects_are_exact() -> None:
    effects = 5.0 + 2.0 * SAMPLE[:, 0] - np.array([0.0, 1.0, 0.0, 3.0])[SAMPLE[:, 1]]
    one, other = 4.0 * 2.0 / 3.0, np.var([0.0, 1.0, 0.0, 3.0])
    found = shares(SAMPLE, effects)
    for choice, square in ((0, one), (1, other), (2, 0.0)):
        share = found[(choice,)]
        assert share.value == pytest.approx(square / (one + other), abs=1e-9)
        assert share.low == pytest.approx(share.value, abs=1e-6)
        assert share.high == pytest.approx(share.value, abs=1e-6)
    assert abs(found[0, 1].value) < 1e-9


def test_a_pair_is_told_from_its_choices() -> None:
    """Over all protocols, an effect of ±1 that turns with either of two choices is theirs together alone."""
    effects = np.where((WHOLE[:, 0] > 0) ^ (WHOLE[:, 2] > 0), 1.0, -1.0)
    found = shares(WHOLE, effects + 1e-3 * np.random.default_rng(0).standard_normal(24))
    # 1 - 2[k > 0] is -1/3 on average over three values, 0 over two: of the product's variance 8/9 are the pair's
    assert 0.5 < found[0, 2].low <= 8.0 / 9.0 <= found[0, 2].high
    assert max(found, key=lambda term: found[term].value) == (0, 2)


@pytest.mark.parametrize("loudness", [1.0, 1.0 + 2.0 * (SAMPLE[:, 1] == 2)], ids=["alike", "one value louder"])
def test_what_noise_makes_of_squares_is_taken_off(loudness: np.ndarray | float) -> None:
    """Mean squares of effects that are nothing but noise are 0 on average; as they come they are not."""
    noise = loudness * np.random.default_rng(1).standard_normal((2000, len(SAMPLE)))
    mains, pairs = _fits(SAMPLE.tobytes(), *SAMPLE.shape)
    assert mains is not None
    fits = [(mains, term) for term in mains.terms] + [(fit, fit.terms[-1]) for fit in pairs.values() if fit]
    assert len(fits) == 6
    for fit, term in fits:
        kept, taken_off = term.added(noise.T), term.mean_square(noise.T, fit.about(noise.T)[0])
        error = kept.std() / np.sqrt(2000)
        allowed = 4.0 * error + 0.1 * kept.mean() * np.ptp(
            loudness
        )  # the residuals of HC2 are right where all are alike
        assert abs(taken_off.mean()) < allowed
        assert kept.mean() > 10.0 * error


def test_nothing_but_noise_has_intervals_with_0() -> None:
    rng = np.random.default_rng(2)
    wrong = np.zeros(2)
    for seed in range(40):
        found = shares(SAMPLE, rng.standard_normal(len(SAMPLE)), seed)
        for family in (1, 2):
            wrong[family - 1] += any(s.low > 0.0 for term, s in found.items() if len(term) == family)
    assert (wrong <= 6).all(), wrong  # of 40, at 5 % each: more with a probability of 0.003


def test_a_decisive_choice_is_seen_through_noise_and_its_interval_covers() -> None:
    rng = np.random.default_rng(3)
    signal = np.array([0.0, 1.0, 2.0])[SAMPLE[:, 0]]
    share = (2.0 / 3.0) / (2.0 / 3.0 + 0.25)
    seen = covered = 0
    for seed in range(25):
        found = shares(SAMPLE, signal + 0.5 * rng.standard_normal(len(SAMPLE)), seed)[(0,)]
        seen += found.low > 0.0
        covered += found.low <= share <= found.high
    assert seen >= 22
    assert covered >= 22


def test_the_scale_and_the_zero_of_the_effect_do_not_matter() -> None:
    effects = np.random.default_rng(4).standard_normal(len(SAMPLE))
    one, other = shares(SAMPLE, effects), shares(SAMPLE, 7.0 - 1e-3 * effects)
    for term, share in one.items():
        assert other[term].value == pytest.approx(share.value, abs=1e-9)


def test_what_too_few_protocols_tell_is_left_out() -> None:
    effects = np.random.default_rng(5).standard_normal(len(SAMPLE))
    assert len(shares(SAMPLE, effects)) == 6
    assert set(shares(SAMPLE[:16], effects[:16])) == {(0,), (1,), (2,), (0, 2)}  # other pairs have more coefficients
    assert shares(SAMPLE[:8], effects[:8]) == {}
    assert shares(SAMPLE[:1], effects[:1]) == {}
    one_value = SAMPLE[SAMPLE[:, 2] == 0]
    assert not [term for term in shares(one_value, effects[SAMPLE[:, 2] == 0]) if 2 in term]


def test_equal_effects_have_no_shares() -> None:
    assert shares(SAMPLE, np.full(len(SAMPLE), 0.1 + 0.2)) == {}
    rounded = np.where(SAMPLE[:, 0] > 0, 0.3, 0.1 + 0.2)
    assert shares(SAMPLE, rounded) == {}


def test_effects_are_checked() -> None:
    with pytest.raises(ValueError, match="`effects` must be finite"):
        shares(SAMPLE, np.full(len(SAMPLE), np.nan))
    with pytest.raises(ValueError, match="`levels` must have shape"):
        shares(SAMPLE[:3], np.zeros(4))
