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
    ],
    ids=["short", "of lines", "endless"],
)
def test_it_is_one_line(value: object, told: str) -> None:
    with pytest.raises(ValueError, match="Argument") as refused:
        checks.fail("name", "be something else", value)
    assert str(refused.value) == f"Argument `name` must be something else, but is {told}."
