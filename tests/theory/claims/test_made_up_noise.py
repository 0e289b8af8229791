"""Claims on other laws of noise, on made-up experiments: their numbers are known by hand, and opposites are refuted."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray
from scipy.special import ndtr

from tests.theory.made_up import JITTER, SEEDS, Shelf, check_mean, few_resamples
from theory.claims import find_claims, noisy_images
from theory.experiments.boundaries import BASE
from theory.experiments.deactivation import RATIOS
from theory.experiments.noise import dimension, laws, noisy, onset, tails
from theory.experiments.noise.noisy import Forgetting
from theory.ledger import Evidence
from theory.ledger.book import Row, run_claims

PLACES = np.geomspace(0.1, 20.0, 12)
LEVEL = 0.3


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    few_resamples(monkeypatch)


def row(name: str, experiments: dict[Any, Any]) -> Row:
    """The row of a claim alone, on made-up experiments."""
    return run_claims(find_claims([name]), Shelf(experiments), rows=1, seed=0, budget="quick", version="9.9").rows[0]


def evidence(name: str, experiments: dict[Any, Any]) -> Evidence:
    (claim,) = find_claims([name])
    found: Evidence = claim.measure(Shelf(experiments))
    return found


def crossing(log_place: np.ndarray, *dims: str, odd: float = 0.0, **attrs: Any) -> xarray.Dataset:
    """Errors that fall through the level at given places, over the dims, "place" and "seed".

    Replicates of odd numbers cross later by a number.
    """
    later = np.where(np.arange(SEEDS) % 2, odd, 0.0) + 1e-4 * JITTER
    depth = np.log(PLACES)[:, None] - np.asarray(log_place)[..., None, None] - later
    data = xarray.Dataset({"test_error": ((*dims, "place", "seed"), LEVEL - 0.05 * depth)}, coords={"place": PLACES})
    shared = {"level": LEVEL, "loss": 0.05, "n_runs": 7, "endings": {"converged": 1.0}}
    return data.assign_coords(seed=range(SEEDS)).assign_attrs({**shared, **attrs})


# --- effective dimension -----------------------------------------------------------------------------

FACTORS = np.array([covariance.factors for covariance in dimension.COVARIANCES])
NAMES = [covariance.name for covariance in dimension.COVARIANCES]
THREE = ("effective-dimension", "effective-dimension-not-d", "effective-dimension-not-the-largest")


def covariances(*powers: float, odd: float = 0.0) -> xarray.Dataset:
    """The critical ratio is a product of powers of D, d and tr Σ/λ_max."""
    log_ratio = np.log(FACTORS) @ powers
    place = log_ratio + 0.25 * np.log(FACTORS[:, 0])
    made = crossing(place - place.mean(), "covariance", factors=FACTORS.tolist(), odd=odd)
    return made.assign_coords(covariance=NAMES)


@pytest.mark.parametrize(("powers", "verdicts"), [
    ((-0.25, 0.0, 0.0), ("supported", "supported", "supported")),
    ((0.0, -0.25, 0.0), ("refuted", "refuted", "supported")),
    ((0.0, 0.0, -0.25), ("refuted", "supported", "refuted")),
    ((-0.25, 0.1, -0.1), ("supported", "refuted", "refuted")),
])  # fmt: skip
def test_whichever_number_decides_is_found_and_its_rivals_are_refuted(
    powers: tuple[float, ...], verdicts: tuple[str, ...]
) -> None:
    rows = [row(name, {dimension.over_covariances: covariances(*powers)}) for name in THREE]
    assert [each.effect for each in rows] == pytest.approx(powers, abs=1e-3)
    assert tuple(each.verdict for each in rows) == verdicts
    for each, power, rival in zip(rows, powers, (0.0, -0.25, -0.25), strict=True):
        assert (each.control["verdict"] == "refuted") == (abs(power - rival) > 0.05)


def test_the_null_of_dimensions_is_one_half_less_the_other() -> None:
    found = evidence(THREE[0], {dimension.over_covariances: covariances(-0.25, 0.0, 0.0, odd=0.3)})
    assert found.null is not None
    assert found.null.value == pytest.approx(0.0, abs=1e-3)  # all covariances move together: no exponent does
    assert found.picture is not None
    assert {curve.label for curve in found.picture.curves} >= {"equal", "20 spikes", "200 spikes", "power law"}
    assert found.details["scatter about a fourth root in (tr Σ)²/tr Σ² alone"].value == pytest.approx(0.0, abs=1e-3)
    assert found.details["scatter about a fourth root in d alone"].value > 0.4


# --- heavy tails -------------------------------------------------------------------------------------

DIMENSIONS = (1000, 16_000)


def heavy(shift: Callable[[str], float], exponent: Callable[[str], float] = lambda law: 0.25) -> xarray.Dataset:
    """Logarithms of heights by law, and exponents of d."""
    logs = np.log(np.array(DIMENSIONS) / 4000.0)
    place = [[shift(law) + (exponent(law) - 0.25) * log for log in logs] for law in laws.TAILS]
    return crossing(np.array(place), "law", "d").assign_coords(law=list(laws.TAILS), d=list(DIMENSIONS))


def derived(law: str) -> float:
    return 0.0 if law == laws.GAUSSIAN else float(np.log(laws.height(problem_of(law), LEVEL, 0.05)))


def problem_of(law: str) -> Any:
    return replace(BASE, **laws.TAILS[law])


T3 = "Student-t, ν = 3"


@pytest.mark.parametrize(("exponent", "verdict"), [(0.22, "supported"), (0.35, "refuted")])
def test_the_exponent_of_heavy_tails_is_that_of_the_farthest_law(exponent: float, verdict: str) -> None:
    data = heavy(lambda law: 0.0, lambda law: exponent if law == T3 else 0.26)
    found = row("heavy-tails-exponent", {tails.over_tails: data})
    assert found.effect == pytest.approx(exponent, abs=1e-3)
    assert (found.verdict, found.control["verdict"]) == (verdict, "refuted")
    assert found.details["exponent under Student-t, ν = 10"]["effect"] == pytest.approx(0.26, abs=1e-3)


@pytest.mark.parametrize(("height", "verdicts"), [
    (derived, ("refuted", "supported")),
    (lambda law: 0.1 if law == T3 else 0.0, ("supported", "refuted")),
])  # fmt: skip
def test_heights_are_held_against_gaussian_noise_and_against_the_derivation(
    height: Callable[[str], float], verdicts: tuple[str, str]
) -> None:
    rows = [row(name, {tails.over_tails: heavy(height)}) for name in ("heavy-tails-height", "heavy-tails-height-law")]
    assert tuple(each.verdict for each in rows) == verdicts
    assert rows[0].effect == pytest.approx(height(T3), abs=1e-3)
    gaps = [height(law) - derived(law) for law in laws.HEAVY]
    assert rows[1].effect == pytest.approx(max(gaps, key=abs), abs=1e-3)
    assert rows[1].details[f"derived height, {T3}"]["effect"] == pytest.approx(np.exp(derived(T3)), abs=1e-5)
    assert rows[1].control["effect"] == rows[0].effect


# --- noisy images ------------------------------------------------------------------------------------


def courses(noisy_at: float, quiet_at: float) -> list[Forgetting]:
    """Ascents in which noisy images go at a step and quiet ones at another; one pair in ten goes the other way."""
    made = []
    for number in range(40):
        kind = np.array([True, True, False, False])
        ends = np.where(kind, noisy_at, quiet_at)
        made.append(Forgetting(kind, ends[::-1] if number % 10 == 0 else ends, ends, -ends))
    return made


@pytest.mark.parametrize("optimizer", ["sgd", "sam"])
@pytest.mark.parametrize(("ends", "effect", "verdict"), [
    ((1.0, 2.0), 0.8, "supported"), ((2.0, 1.0), -0.8, "refuted"), ((1.0, 1.0), 0.0, "refuted"),
])  # fmt: skip
def test_who_goes_first_is_found(optimizer: str, ends: tuple[float, float], effect: float, verdict: str) -> None:
    experiment = noisy_images._sgd if optimizer == "sgd" else noisy_images._sam
    found = row(f"noisy-images-first-{optimizer}", {experiment: courses(*ends)})
    assert found.effect == pytest.approx(effect)
    assert found.verdict == verdict
    assert found.null["verdict"] != "refuted"
    memory = found.details["order by half of the image's memory"]["effect"]
    assert memory == pytest.approx(-np.sign(effect))


def off(quiet: float, loud: float) -> xarray.Dataset:
    """Shares of which z is a multiple of the law's by kind of image."""
    z = np.array([[0.2**0.5], [1.8**0.5]]) * np.array(RATIOS)
    share = 2.0 * ndtr(z * np.array([[quiet], [loud]])) - 1.0
    whole = np.repeat(np.stack([share, 2.0 * ndtr(z) - 1.0])[:, None], SEEDS, axis=1) + 1e-6 * JITTER[:, None, None]
    data = {name: (("seed", "kind", "ratio"), whole[number]) for number, name in enumerate(("own", "law"))}
    opposite = (("seed", "kind", "ratio"), np.zeros_like(whole[0]))
    coords = {"seed": range(SEEDS), "kind": list(noisy.KINDS), "ratio": list(RATIOS)}
    return xarray.Dataset({**data, "opposite": opposite}, coords=coords)


@pytest.mark.parametrize(("quiet", "loud", "effect", "verdict"), [
    (1.01, 0.995, 1.01, "supported"), (1.0, 0.95, 0.95, "refuted"), (1.1, 0.95, 1.1, "refuted"),
])  # fmt: skip
def test_the_law_by_scale_is_that_of_the_kind_farthest_from_it(
    quiet: float, loud: float, effect: float, verdict: str
) -> None:
    found = row("noisy-images-off-law", {noisy.off_at_start: off(quiet, loud)})
    assert found.effect == pytest.approx(effect, abs=1e-4)
    assert (found.verdict, found.control["verdict"]) == (verdict, "refuted")
    assert found.details["quiet images, z over ρ"]["effect"] == pytest.approx(quiet * 0.2**0.5, abs=1e-4)


@pytest.mark.parametrize(("shares", "verdict"), [((0.95, 0.99), "supported"), ((0.8, 1.0), "refuted")])
def test_the_kind_of_which_less_is_off_decides(
    shares: tuple[float, float], verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = np.array(shares) + 1e-3 * JITTER[:, None]
    tiny = {0.1: 0.1 + 1e-3 * JITTER[:, None] + np.zeros(2), 1e-6: np.zeros((SEEDS, 2))}
    monkeypatch.setattr(noisy, "off_at_the_radius", lambda lab, multiple: tiny[multiple])
    found = evidence("noisy-images-off", {noisy_images._at_radius: made})
    check_mean(found.effect, made[:, 0], comparisons=2)
    seen = row("noisy-images-off", {noisy_images._at_radius: made})
    assert (seen.verdict, seen.control["verdict"], seen.null["verdict"]) == (verdict, "refuted", "supported")


# --- weak signals ------------------------------------------------------------------------------------


def weak(onsets: dict[tuple[str, str], float], odd_law: float = 0.0) -> xarray.Dataset:
    """Logarithms of onsets over q by stage and optimizer; under the last law SAM's are higher by a number."""
    unit = {"SGD": np.log(100.0) / 4.0, "SAM": 0.0}
    place = np.array([
        [
            [onsets[stage, name] - unit[name] + (odd_law if (law, name) == (2, "SAM") else 0.0) for name in unit]
            for law in range(3)
        ]
        for stage in onset.STAGES
    ])  # fmt: skip
    coords = {"stage": list(onset.STAGES), "law": list(laws.LAWS[:3]), "optimizer": list(unit)}
    return crossing(place, *coords).assign_coords(coords)


ONSETS = {("trained", "SGD"): 1.2, ("trained", "SAM"): 0.2, ("unlearned", "SGD"): 1.25, ("unlearned", "SAM"): 0.1}


def test_onsets_are_compared_under_the_worst_law() -> None:
    effects = (-0.7, -0.85, 0.05)
    names = ("weak-signal-sam-below-sgd", "weak-signal-sam-below-sgd-unlearned", "weak-signal-unlearning")
    for name, effect in zip(names, effects, strict=True):
        found = row(name, {onset.over_laws: weak(ONSETS, 0.3)})
        assert found.effect == pytest.approx(effect, abs=1e-3)
        assert (found.verdict, found.control["verdict"]) == ("supported", "refuted")
    told = evidence("weak-signal-unlearning", {onset.over_laws: weak(ONSETS)})
    assert told.details["onset over q: SGD, unlearned, Gaussian"].value == pytest.approx(np.exp(1.25), rel=1e-3)
    assert told.picture is not None
    assert [curve.label for curve in told.picture.curves] == ["SGD", "SGD, unlearned", "SAM", "SAM, unlearned"]


@pytest.mark.parametrize(("name", "later"), [
    ("weak-signal-sam-below-sgd", {("trained", "SAM"): 1.4}),
    ("weak-signal-sam-below-sgd-unlearned", {("unlearned", "SAM"): 1.4}),
    ("weak-signal-unlearning", {("unlearned", "SGD"): 1.5}),
])  # fmt: skip
def test_the_opposite_of_weak_signals_is_refuted(name: str, later: dict[tuple[str, str], float]) -> None:
    assert row(name, {onset.over_laws: weak({**ONSETS, **later})}).verdict == "refuted"


def test_one_law_under_which_sam_needs_more_is_enough() -> None:
    assert row("weak-signal-sam-below-sgd", {onset.over_laws: weak(ONSETS, 1.3)}).verdict == "refuted"


def test_an_onset_beyond_the_signals_leaves_no_verdict() -> None:
    found = row("weak-signal-unlearning", {onset.over_laws: weak({**ONSETS, ("unlearned", "SGD"): 9.0})})
    assert (found.verdict, found.effect) == ("inconclusive", None)


def test_levels_decide_what_is_read_off_the_same_runs() -> None:
    made, rows = heavy(lambda law: 0.0), np.arange(SEEDS)
    places = [tails.log_place(made.assign_attrs(level=level), T3, rows) for level in (0.3, 0.35)]
    assert places == pytest.approx([0.0, -1.0], abs=1e-3)
    onsets = [
        onset.log_onset(weak(ONSETS).assign_attrs(level=level), "trained", laws.GAUSSIAN, "SAM", rows)
        for level in (0.3, 0.35)
    ]
    assert onsets == pytest.approx([0.2, -0.8], abs=1e-3)
