"""Claims on the boundary before unlearning, on made-up lines whose exponents and worst cells are put in."""

import numpy as np
import pytest
from scipy.special import log_ndtr, ndtr, ndtri

from tests.theory.made_up import JITTER, SEEDS, Number, check_mean, evidence, few_resamples, lines, words
from theory.experiments.boundaries import Lines
from theory.experiments.training import sam, sgd

STEP = 2.0**0.5
PLACES = tuple(STEP ** np.arange(-5, 6))
VALUES = {"d": (10**5, 10**6, 10**7), "n": (10, 20, 40), "noise": (0.25, 1.0, 4.0)}
MOVED = {"d": np.log10(STEP), "n": -0.5, "noise": 0.25}
"""Exponents of the place at which the test error is 0.3, beside `predicted_boundary`: a step of PLACES each."""
MIDDLE = {"d": 10**6, "n": 20, "noise": 1.0}
EXPONENT = {"d": 0.25 + MOVED["d"], "n": -0.25 + MOVED["n"], "noise": 1.0 + MOVED["noise"]}


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    few_resamples(monkeypatch)


def error(depth: float, p: float = 0.1) -> float:
    """Of the pooled model; 0.3 at depth 1, where p = 0.1."""
    return p + (1.0 - 2.0 * p) * float(ndtr(ndtri(0.25) * depth))


def law(odd: float = 0.0, p: float = 0.1) -> Number:
    """Test errors along lines; replicates of odd numbers have exponents that are larger by a number."""

    def number(line: str, value: float, place: float, seed: int) -> float:
        moved = (value / MIDDLE[line]) ** (MOVED[line] + (odd if seed % 2 else 0.0))
        return error((place / moved) ** 2, p)

    return number


def made_up(factors: tuple[str, ...] = ("d", "n", "noise"), odd: float = 0.0, p: float = 0.1, **more: Number) -> Lines:
    return lines({name: VALUES[name] for name in factors}, PLACES, flip=p, test_error=law(odd, p), **more)


# --- SGD's boundary ----------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", VALUES)
def test_exponents_of_sgd_are_those_of_their_factor(factor: str) -> None:
    found = evidence(f"sgd-boundary-{factor}", {sgd.small_weights: made_up()})
    assert found.effect is not None
    assert found.effect.value == pytest.approx(EXPONENT[factor], abs=1e-6)
    assert found.control == found.effect
    for level in (0.2, 0.3, 0.4):
        alone = found.details[f"exponent at test error {level:g} alone"].value
        assert alone == pytest.approx(EXPONENT[factor], abs=1e-6)
    used = VALUES if factor != "noise" else ("noise",)
    assert found.conditions.keys() == set().union(*(words([line], VALUES[line], PLACES) for line in used))
    assert found.n_runs == 9 * len(PLACES) * SEEDS
    drifting = [name for name in found.details if "from" in name or "extrapolated" in name]
    assert len(drifting) == (0 if factor == "noise" else 3)
    for name in drifting:
        assert found.details[name].value == pytest.approx(EXPONENT[factor], abs=1e-6)


@pytest.mark.parametrize("factor", VALUES)
def test_the_null_of_sgd_is_one_half_less_the_other(factor: str) -> None:
    found = evidence(f"sgd-boundary-{factor}", {sgd.small_weights: made_up(odd=0.125)})
    assert found.null is not None
    assert found.null.value == pytest.approx(-0.125, abs=1e-6)
    assert found.null.degrees_of_freedom == SEEDS - 2


def test_large_weights_have_a_line_of_their_own() -> None:
    found = evidence("sgd-boundary-d-large-weights", {sgd.large_weights: made_up(("d",))})
    assert found.effect is not None
    assert found.effect.value == pytest.approx(EXPONENT["d"], abs=1e-6)
    assert found.n_runs == 3 * len(PLACES) * SEEDS


def test_exponents_are_fitted_with_the_label_noise_of_the_lines() -> None:
    found = evidence("sgd-boundary-d", {sgd.small_weights: made_up(p=0.2)})
    assert found.effect is not None
    assert found.effect.value == pytest.approx(EXPONENT["d"], abs=1e-6)


def test_pictures_of_a_boundary_are_its_critical_signals() -> None:
    picture = evidence("sgd-boundary-d", {sgd.small_weights: made_up()}).picture
    assert picture is not None
    (measured,) = [curve for curve in picture.curves if curve.label == "test error 0.3"]
    np.testing.assert_allclose(measured.y, (np.array(VALUES["d"]) / 20) ** 0.25 * [1 / STEP, 1.0, STEP])
    (line,) = [curve for curve in picture.curves if curve.label == "exponent 0.25"][1:2]
    np.testing.assert_allclose(line.y[1:] / line.y[:-1], 10**0.25)


# --- SGD below its boundary --------------------------------------------------------------------------

EXCESS = {("d", 1000): 0.01, ("d", 4000): 0.25, ("n", 10): 0.31, ("n", 80): 0.22, ("noise", 4.0): 0.4}
"""Test error above p at 0.7; at 2.5 a tenth of it. At d = 1,000, d/n is below 100."""


def harmful() -> Lines:
    return lines(
        {"d": (1000, 4000), "n": (10, 80), "noise": (4.0,)}, (0.5, 0.7, 2.5),
        test_error=lambda line, value, place, seed: (
            0.1 + EXCESS[line, value] * {0.5: 1.5, 0.7: 1.0, 2.5: 0.1}[place] + 1e-3 * value**0.1 * JITTER[seed]
        ),
    )  # fmt: skip


def test_harmful_is_the_least_error_at_the_place_below() -> None:
    found = evidence("sgd-harmful", {sgd.small_weights: harmful()})
    check_mean(found.effect, 0.22 + 1e-3 * 80**0.1 * JITTER, comparisons=4)
    check_mean(found.control, 0.022 + 1e-3 * 80**0.1 * JITTER, comparisons=4)
    shaken = 1e-3 * np.mean([value**0.1 for _, value in list(EXCESS)[1:]]) * JITTER
    check_mean(found.null, shaken[::2] - shaken[1::2])
    assert found.conditions.keys() == {"d 4000 0.7", "n 10 0.7", "n 80 0.7", "noise 4 0.7"}
    assert found.picture is not None
    lowest, highest, bound = found.picture.curves
    np.testing.assert_allclose(lowest.y, [0.33, 0.22, 0.022])
    np.testing.assert_allclose(highest.y, [0.6, 0.4, 0.04])
    assert (bound.x.tolist(), bound.y.tolist()) == ([0.5, 0.7], [0.1, 0.1])
    other = evidence("sgd-harmful", {sgd.small_weights: harmful()}, label_flip=0.0)
    assert other.effect is not None
    assert other.effect.value == pytest.approx(0.32)


# --- SGD above its boundary --------------------------------------------------------------------------

DECAY = {"signal": 3.5, "d": -0.8, "n": 1.2}


def decay(size: float) -> Lines:
    """z²/2 = size · ‖φ‖^a d^b n^c, with an a that differs between replicates."""

    def depth(line: str, value: float, place: float, seed: int) -> float:
        d, n = {"d": value, "n": 20.0}[line] if line == "d" else 10**6, value if line == "n" else 20.0
        signal = place * (d / n) ** 0.25
        half = size * signal ** (DECAY["signal"] + 0.01 * JITTER[seed]) * d ** DECAY["d"] * n ** DECAY["n"]
        return float(log_ndtr(-np.sqrt(2.0 * half)))

    return lines(
        {"d": (10**5, 10**7), "n": (20, 80)}, (3.0, 4.0, 6.0), test_error=lambda seed: 0.1, log_clean_error=depth,
        test_error_ess=lambda line, place: 40.0 if (line, place) == ("n", 4.0) else 60.0,
    )  # fmt: skip


@pytest.mark.parametrize("factor", DECAY)
def test_exponents_of_the_decay_are_those_of_the_tail(factor: str) -> None:
    found = evidence(f"sgd-benign-{factor}", {sgd.decay: decay(0.03)})
    expected = DECAY[factor] + (0.01 * JITTER if factor == "signal" else 0.0 * JITTER)
    assert found.effect is not None
    assert found.effect.value == pytest.approx(DECAY[factor], abs=1e-9)
    if factor == "signal":
        check_mean(found.effect, expected)
        check_mean(found.null, expected[::2] - expected[1::2])
    assert found.control == found.effect
    raw = found.details["the same exponent in -log(test error - p)"].value
    assert 0.005 < abs(raw - DECAY[factor]) < 0.3  # what a power before the exponential does
    assert found.details["least effective sample size of a test error"].value == 40.0
    assert found.conditions.keys() == words(["d"], (10**5, 10**7), (3, 4, 6)) | words(["n"], (20, 80), (3, 4, 6))


def test_errors_must_cover_decades() -> None:
    made = decay(0.03)
    logs = np.concatenate([-made.data[name]["log_clean_error"].mean("seed").values.ravel() for name in ("d", "n")])
    found = evidence("sgd-benign-d", {sgd.decay: made})
    assert found.details["decades of test error covered"].value == pytest.approx(np.ptp(logs) / np.log(10.0))
    assert np.ptp(logs) / np.log(10.0) > 30
    few = lines(
        {"d": (10**5, 10**7), "n": (20, 80)}, (3.0, 4.0), test_error=lambda seed: 0.1,
        log_clean_error=lambda line, value, place: -100.0 - place - value**0.1, test_error_ess=lambda seed: 1.0,
    )  # fmt: skip
    short = evidence("sgd-benign-d", {sgd.decay: few})
    assert short.effect is not None
    assert np.isnan(short.effect.value)  # some 43 decades deep, but not from end to end


# --- SAM's boundary ----------------------------------------------------------------------------------


def stage(line: str, value: float, place: float, phase: int) -> float:
    """Steps: of the SAM stage a thousandth of the value at most places, of other phases more."""
    return value / 1000 + (5.0 if place == PLACES[0] else 0.0) + 1e6 * phase


def test_sam_over_dimension() -> None:
    found = evidence("sam-boundary-d", {sam.over_dimension: made_up(("d",), phase_steps=stage)})
    assert found.effect is not None
    assert found.effect.value == pytest.approx(EXPONENT["d"], abs=1e-6)
    assert found.control == found.effect
    assert found.remark.startswith("Median steps of the SAM stage: 100 at d = 100,000; 1,000 at d = 1,000,000; 10,000")
    for number, d in enumerate(VALUES["d"]):
        onset = found.details[f"harmful below this signal, d = {d:g}"].value
        assert onset == pytest.approx(
            found.details["harmful below this signal, d = 100000"].value * EXPONENTIAL**number
        )
    odd = evidence("sam-boundary-d", {sam.over_dimension: made_up(("d",), odd=0.125, phase_steps=stage)})
    assert odd.null is not None
    assert odd.null.value == pytest.approx(-0.125, abs=1e-6)


EXPONENTIAL = 10 ** EXPONENT["d"]
"""How much stronger a signal is needed at ten times the dimension."""


def test_sam_over_samples() -> None:
    found = evidence("sam-weak-signal-onset", {sam.over_samples: made_up(("n",))})
    assert found.effect is not None
    assert found.effect.value == pytest.approx(EXPONENT["n"], abs=1e-6)
    assert found.control == found.effect
    odd = evidence("sam-weak-signal-onset", {sam.over_samples: made_up(("n",), odd=0.125)})
    assert odd.null is not None
    assert odd.null.value == pytest.approx(-0.125, abs=1e-6)


def timed(number: int, odd: int = 0) -> Lines:
    """The signal at which the error is 0.3 falls by a step of PLACES with each time, and the slopes differ."""

    def number_of(place: float, seed: int) -> float:
        steps = number + (odd * number if seed % 2 else 0)
        return error((place * STEP**steps) ** (1.0 + number))

    return lines({"d": (1000,)}, PLACES, test_error=number_of)


def test_sam_over_time() -> None:
    found = evidence("sam-boundary-time", {sam.over_time: [timed(number) for number in range(3)]})
    assert found.effect is not None
    assert found.effect.value == pytest.approx(-0.25)  # 1/√2 for four times the time
    assert found.control == found.effect
    assert found.n_runs == 3 * len(PLACES) * SEEDS
    assert found.endings == {"converged": pytest.approx(1.0)}
    assert found.picture is not None
    np.testing.assert_allclose(found.picture.curves[0].y, 50**0.25 / STEP ** np.arange(3))
    odd = evidence("sam-boundary-time", {sam.over_time: [timed(number, odd=1) for number in range(3)]})
    assert odd.null is not None
    assert odd.null.value == pytest.approx(0.25)  # -1/4 with seeds of even number, -1/2 with odd ones
