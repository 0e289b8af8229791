"""The name of the processor: the first one that Linux tells, else what Python knows."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from simulate.house.records.processor import processor_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor\t: 0\nmodel name\t: Abacus 9\nprocessor\t: 1\nmodel name\t: Abacus 10\n", "Abacus 9"),
        ("model name\t: \nmodel name\t: Slide rule: the second\n", "Slide rule: the second"),
        ("Hardware: none\n", platform.processor() or platform.machine()),
    ],
)
def test_the_first_that_has_a_name(text: str, name: str, tmp_path: Path) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text(text, encoding="utf-8")
    assert processor_name(told) == name
    assert processor_name(tmp_path / "nothing") == (platform.processor() or platform.machine())
