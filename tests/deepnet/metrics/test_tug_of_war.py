"""The tug of war: its optimum, its sides, and the constants of the released code."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepnet.metrics.tug_of_war import (
    OFFICIAL_REFERENCES,
    Accuracies,
    mean_tug_of_war,
    official_reference,
    tug_of_war,
    tug_of_war_membership,
)

fractions = st.floats(0.0, 1.0)
accuracies = st.builds(Accuracies, retain=fractions, forget=fractions, test=fractions)
RETRAINED = Accuracies(retain=0.99, forget=0.6, test=0.75)


@given(accuracies)
def test_a_retrained_model_wins(model: Accuracies) -> None:
    assert tug_of_war(model, model) == 1.0
    assert tug_of_war(model, model, signed=True) == 1.0


@given(accuracies, accuracies)
def test_absolute_value_is_a_symmetric_fraction(one: Accuracies, other: Accuracies) -> None:
    assert 0.0 <= tug_of_war(one, other) <= 1.0
    assert tug_of_war(one, other) == pytest.approx(tug_of_war(other, one))
    assert tug_of_war(one, other) <= tug_of_war(one, other, signed=True) + 1e-12


@pytest.mark.parametrize(
    ("unlearned", "absolute", "signed"),
    [
        (Accuracies(retain=0.89, forget=0.6, test=0.75), 0.9, 0.9),
        (Accuracies(retain=0.99, forget=0.8, test=0.75), 0.8, 0.8),
        (Accuracies(retain=0.99, forget=0.1, test=0.75), 0.5, 1.5),
        (Accuracies(retain=0.99, forget=0.6, test=0.95), 0.8, 1.2),
        (Accuracies(retain=0.79, forget=0.5, test=0.65), 0.8 * 0.9 * 0.9, 0.8 * 1.1 * 0.9),
    ],
)
def test_by_hand(unlearned: Accuracies, absolute: float, signed: float) -> None:
    assert tug_of_war(unlearned, RETRAINED) == pytest.approx(absolute)
    assert tug_of_war(unlearned, RETRAINED, signed=True) == pytest.approx(signed)


def test_mean_is_over_values_not_over_references() -> None:
    references = [Accuracies(retain=1.0, forget=0.5, test=0.7), Accuracies(retain=1.0, forget=0.7, test=0.7)]
    between = Accuracies(retain=1.0, forget=0.6, test=0.7)
    assert mean_tug_of_war(between, references) == pytest.approx(0.9)
    assert mean_tug_of_war(between, references, signed=True) == pytest.approx(1.0)
    assert mean_tug_of_war(between, references[:1]) == tug_of_war(between, references[0])
    with pytest.raises(ValueError, match="`references`"):
        mean_tug_of_war(between, [])


def test_membership_takes_the_place_of_the_forget_accuracy() -> None:
    unlearned = Accuracies(retain=0.89, forget=0.0, test=0.75)
    value = tug_of_war_membership(unlearned, RETRAINED, unlearned_efficacy=0.5, retrained_efficacy=0.7)
    assert value == pytest.approx(0.9 * 0.8)
    with pytest.raises(ValueError, match="`unlearned_efficacy`"):
        tug_of_war_membership(unlearned, RETRAINED, unlearned_efficacy=50.0, retrained_efficacy=0.7)


@given(accuracies, accuracies)
def test_with_accuracies_in_the_place_of_efficacies_it_is_the_plain_one(one: Accuracies, other: Accuracies) -> None:
    efficacies = {"unlearned_efficacy": one.forget, "retrained_efficacy": other.forget}
    assert tug_of_war_membership(one, other, **efficacies) == tug_of_war(one, other)


def test_official_constants() -> None:
    assert len(OFFICIAL_REFERENCES) == 11
    high = official_reference("cifar100", "high")
    assert (high.retain, high.forget, high.test) == pytest.approx((0.99964, 0.033, 0.7496))
    assert official_reference("cifar100", "high", "vit_s").forget == pytest.approx(0.08233)
    # The more a forget set is memorised, the less a model that never saw it gets right.
    for dataset, network in (("cifar100", "resnet50"), ("imagenet", "resnet50"), ("cifar100", "vit_s")):
        forget = [official_reference(dataset, kind, network).forget for kind in ("high", "mid", "low")]
        assert forget == sorted(forget)
    # Sizes of the forget sets as the decimals of the constants imply them.
    for (dataset, _, _), reference in OFFICIAL_REFERENCES.items():
        size = {"imagenet": 50_000, "tiny-imagenet": 6_000}.get(dataset, 3_000)
        assert reference.forget * size == pytest.approx(round(reference.forget * size), abs=0.02)


@pytest.mark.parametrize(
    "lookup",
    [
        lambda: official_reference("cifar10", "high"),
        lambda: official_reference("imagenet", "high", "vit_s"),
        lambda: official_reference("digits", "random"),
    ],
)
def test_unknown_cases_are_refused(lookup: Callable[[], Accuracies]) -> None:
    with pytest.raises(ValueError, match="`dataset`, `network` and `kind`"):
        lookup()


@pytest.mark.parametrize("name", ["retain", "forget", "test"])
@pytest.mark.parametrize("value", [99.9, -0.1, float("nan"), None])
def test_accuracies_are_fractions(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must lie in"):
        Accuracies(**{"retain": 0.5, "forget": 0.5, "test": 0.5} | {name: value})
