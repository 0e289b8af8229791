"""What a claim leaves open is data, and is checked as such."""

import pytest

from theory.ledger.choice import Choice, check_protocol, label_of

WEIGHT = Choice(name="alpha", words="weight of the retain loss", primary=0.7, others=(0.5, 0.9), reason="The middle.")
STOP = Choice(name="stop", words="end of unlearning", primary="loss", others=("half", None), reason="It is fair.")


def test_a_protocol_gives_some_choices_a_value_and_the_others_are_primary() -> None:
    protocol = {"stop": "half"}
    assert (WEIGHT.of(protocol), STOP.of(protocol)) == (0.7, "half")
    assert STOP.of({"stop": None}) is None
    check_protocol(protocol, [WEIGHT, STOP])
    check_protocol({}, [])


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        ({"beta": 1}, "name choices among alpha, stop"),
        ({"alpha": 0.71}, "give alpha one of 0.7, 0.5, 0.9"),
        ({"stop": "never"}, "give stop one of loss, half, none"),
        ([("alpha", 0.7)], "be a dict"),
    ],
)
def test_protocols_beyond_the_choices_are_refused(protocol, words: str) -> None:
    with pytest.raises(ValueError, match=f"`protocol` must {words}"):
        check_protocol(protocol, [WEIGHT, STOP])


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "retain weight"}, "name"),
        ({"words": ""}, "words"),
        ({"reason": None}, "reason"),
        ({"others": [0.5]}, "others"),
        ({"others": (0.5, 0.7)}, "others"),
        ({"primary": "0.5"}, "others"),
    ],
)
def test_choices_that_cannot_be_read_are_refused(fields, name: str) -> None:
    whole = {"name": "alpha", "words": "weight", "primary": 0.7, "others": (0.5, 0.9), "reason": "The middle."}
    with pytest.raises(ValueError, match=f"`{name}` must"):
        Choice(**{**whole, **fields})


def test_labels_are_what_a_reader_would_write() -> None:
    told = [label_of(value) for value in (1e6, 0.05, 10, True, None, "x")]
    assert told == ["1e+06", "0.05", "10", "True", "none", "x"]
