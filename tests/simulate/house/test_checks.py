"""What errors say of a value: one line, whatever it is."""

from __future__ import annotations

import numpy as np
import pytest

from simulate.house import checks


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("net", "'net'"),
        (np.eye(2), "array([[1., 0.], …"),
        (10**9999, "a number of more digits than are written"),
        ([0] * 10**6, f"[{'0, ' * 82}0 … {' 0,' * 82} 0]"),
    ],
    ids=["short", "of lines", "endless", "long"],
)
def test_it_is_one_line(value: object, told: str) -> None:
    with pytest.raises(ValueError, match="Argument") as refused:
        checks.fail("name", "be something else", value)
    assert str(refused.value) == f"Argument `name` must be something else, but is {told}."


@pytest.mark.parametrize(
    ("word", "meant"),
    [("NegGrad", "neggrad"), ("sharp_minmax", "sharp-minmax"), ("negrad", "neggrad"), ("amnesia", None), (3, None)],
)
def test_a_word_that_is_nearly_a_choice_is_asked_for(word: object, meant: str | None) -> None:
    with pytest.raises(ValueError, match="must be one of") as refused:
        checks.choice("method", word, ("neggrad", "sharp-minmax", "retrain"))
    told = str(refused.value)
    assert told.endswith(f'; did you mean "{meant}"?' if meant else f", but is {word!r}.")
