"""What is predicted, as titles and theorems say it: regions and families are fixed before anything is run."""

import math

import pytest

from theory.claims import all_claims, find_claims

PREDICTED = {
    # exponents and margins of titles
    "sgd-boundary-d": (0.25, 0.05), "sgd-boundary-n": (-0.25, 0.1), "sgd-boundary-noise": (1.0, 0.05),
    "sgd-boundary-d-large-weights": (0.25, 0.05), "neggrad-sgd-boundary-d": (0.25, 0.05),
    "sgd-benign-signal": (4.0, 0.4), "sgd-benign-d": (-1.0, 0.1), "sgd-benign-n": (1.0, 0.25),
    "sam-boundary-time": (-0.5, 0.1), "sam-weak-signal-onset": (0.0, 0.1), "training-time": (0.0, 0.05),
    "signal-rate-per-step": (2.0, 0.4), "signal-surplus-h1": (2.0, 0.4), "signal-surplus-h2-d": (1.0, 0.4),
    "signal-surplus-h2-n": (-1.0, 0.4), "signal-to-memory": (2.0, 0.2),
    # differences that are none
    "forget-noise-after-sgd": (0.0, 0.1), "forget-noise-after-sam": (0.0, 0.1),
    "alpha-fraction-independent": (0.0, 0.01),
    "universality-digits-sgd": (0.0, 0.15), "universality-digits-sam": (0.0, 0.15),
    "universality-folder-sgd": (0.0, 0.15), "universality-folder-sam": (0.0, 0.15),
    # other laws of noise
    "effective-dimension": (-0.25, 0.05), "effective-dimension-not-d": (0.0, 0.05),
    "effective-dimension-not-the-largest": (0.0, 0.05), "heavy-tails-exponent": (0.25, 0.05),
    "heavy-tails-height": (0.0, 0.15), "heavy-tails-height-law": (0.0, 0.1), "noisy-images-off-law": (1.0, 0.02),
    "weak-signal-unlearning": (0.0, 0.15),
}  # fmt: skip
"""Middle and half width of regions of equivalence."""
AT_LEAST = {
    "sgd-harmful": 0.1, "neggrad-sgd-harmful": 0.1, "alpha-gap-sign": 0.0, "smaller-alpha-pretraining": 0.0,
    "smaller-alpha-unlearning": 0.0, "smaller-alpha-both": 0.0, "sharp-minmax-best-after-sgd": 0.0,
    "sharp-minmax-best-after-sam": 0.0, "low-snr-forgets-easier": 0.0, "sam-slows-forgetting-after-sgd": 0.0,
    "sam-slows-forgetting-after-sam": 0.0, "sam-pretrained-forgets-at-every-d": 0.9,
    "noisy-images-first-sgd": 0.2, "noisy-images-first-sam": 0.2, "noisy-images-off": 0.9,
}  # fmt: skip
AT_MOST = {
    "neggrad-sgd-benign": 0.05, "neggrad-sgd-from-start": 0.05, "neggrad-sam-benign": 0.1, "sam-boundary-d": 0.05,
    "neggrad-sam-pretrained-boundary-d": 0.1, "relearning-faster-than-retrained": 0.0,
    "relearning-faster-after-sharp-minmax": 0.0, "sgd-flattens-hessian-small-alpha": 0.0,
    "sgd-flattens-hessian-large-alpha": 0.0, "sgd-flattens-sharpness-small-alpha": 0.0,
    "sgd-flattens-sharpness-large-alpha": 0.0, "weak-signal-sam-below-sgd": 0.0,
    "weak-signal-sam-below-sgd-unlearned": 0.0,
}  # fmt: skip
PAPER = (
    "alpha-gap-",
    "forget-noise-",
    "neggrad-",
    "signal-rate-per-step",
    "signal-surplus-h1",
    "smaller-alpha-",
    "lemma3.1-",
)
"""How the names of the paper's claims begin; for what the paper leaves open, see below."""
OPEN = (
    "sgd-flattens-",
    "alpha-fraction-",
    "sam-weak-signal-onset",
    "alpha-enough-",
    "alpha-curves-",
    "sharp-minmax-against-",
    "effective-dimension",
    "heavy-tails-",
    "noisy-images-",
    "weak-signal-",
)


@pytest.mark.parametrize("name", PREDICTED)
def test_what_is_equivalent_is_around_its_prediction(name: str) -> None:
    (claim,) = find_claims([name])
    value, margin = PREDICTED[name]
    assert (claim.supported.low, claim.supported.high) == pytest.approx((value - margin, value + margin))


def test_half_lines_have_their_border_and_their_side() -> None:
    found = {claim.name: claim.supported for claim in all_claims()}
    assert {name: (found[name].low, found[name].high) for name in AT_LEAST} == {
        name: (border, math.inf) for name, border in AT_LEAST.items()
    }
    assert {name: (found[name].low, found[name].high) for name in AT_MOST} == {
        name: (-math.inf, border) for name, border in AT_MOST.items()
    }


def test_families_are_told_apart_by_whose_claim_it_is() -> None:
    for claim in all_claims():
        expected = "paper" if claim.name.startswith(PAPER) else "open" if claim.name.startswith(OPEN) else "ours"
        assert claim.family == expected
