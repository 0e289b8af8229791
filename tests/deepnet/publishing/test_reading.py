"""Reading what was published: what is missing or damaged is named, a comparison of scores may be missing."""

from pathlib import Path

import pytest

from deepnet.publishing import Published
from deepnet.publishing.writing import publish
from tests.deepnet.made_up_confirmation import CHOSEN, FEW, write_results


def test_reading_says_what_is_missing_or_damaged(digits: Path, target: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"groups.csv is missing: run `python -m deepnet confirm --preset digits"
    ):
        _ = Published(target).groups
    write_results(digits, studies=FEW)
    publish(CHOSEN, digits, target)
    (target / "groups.csv").write_text("study\nmain\n")
    (target / "curves.jsonl").write_text('{"study": "main"}\n')
    for part in ("groups", "curves"):
        with pytest.raises(ValueError, match=rf"{part}\.\w+ is damaged"):
            getattr(Published(target), part)


def test_a_comparison_of_scores_is_published_where_there_is_one(digits: Path, target: Path) -> None:
    write_results(digits, studies=FEW)
    assert Published(publish(CHOSEN, digits, target)).scores is None
    (digits / "scores.json").write_text('{"correlation": {"value": 0.5, "interval": [0.4, 0.6]}}')
    assert Published(publish(CHOSEN, digits, target)).scores == {"correlation": {"value": 0.5, "interval": [0.4, 0.6]}}
    (digits / "scores.json").write_text("{")
    with pytest.raises(ValueError, match=r"scores.json is damaged .*run `python -m deepnet scores --preset digits"):
        publish(CHOSEN, digits, target)
