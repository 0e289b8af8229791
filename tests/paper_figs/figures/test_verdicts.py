"""The picture of all verdicts: one mark a claim, in the row of its topic and the column of whose it is."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from paper_figs import Results
from paper_figs.figures import verdicts
from paper_figs.workshop import ledgers
from paper_figs.workshop.style import house_style
from simulate.house.drawing.palette import VERDICT_MARKERS, VERDICTS
from tests.paper_figs.layout import misplaced
from tests.places import ROOT
from theory import claims

pytest.importorskip("tueplots", reason="needs the extra figures")

PUBLISHED = json.loads((ROOT / "docs/ledger.json").read_text(encoding="utf-8"))


def row(name: str, number: int, family: str = "ours", verdict: str = "supported") -> dict[str, Any]:
    rest = {"confidence": "95%", "budget": "full", "seed": 0, "version": "1", "n_runs": 1, "effect": None}
    return {"name": name, "number": number, "family": family, "verdict": verdict, **rest}


ROWS = [
    row("b", 2, "paper", "refuted"), row("a", 1), row("c", 3, "paper"), row("d", 2, "paper"),
    row("new", 9, "open", "not run"),
]  # fmt: skip
TOPICS = {"a": "first", "b": "second", "c": "first", "d": "second"}


def marks(made: Figure) -> Counter[tuple[int, str, str]]:
    """Rows, markers and colours of the marks."""
    lines = [line for line in made.axes[0].lines if len(line.get_xdata()) == 1]
    return Counter((int(line.get_ydata()[0]), str(line.get_marker()), to_hex(line.get_color())) for line in lines)


def expected(rows: list[dict[str, Any]], topics: Mapping[str, str]) -> Counter[tuple[int, str, str]]:
    ordered = sorted(rows, key=lambda each: each["number"])
    order = list(dict.fromkeys(topics.get(each["name"], f"Group {each['number']}") for each in ordered))
    return Counter(
        (order.index(topics.get(each["name"], f"Group {each['number']}")), VERDICT_MARKERS[each["verdict"]],
         VERDICTS[each["verdict"]].lower())
        for each in rows
    )  # fmt: skip


def test_topics_come_in_the_order_of_the_ledger_and_verdicts_in_that_of_the_palette() -> None:
    assert verdicts.by_topic(ROWS, TOPICS) == {
        "first": {"paper": ["supported"], "ours": ["supported"]},
        "second": {"paper": ["supported", "refuted"]},
        "Group 9": {"open": ["not run"]},
    }


def test_every_claim_is_a_mark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps(ROWS), encoding="utf-8")
    monkeypatch.setattr(ledgers, "PUBLISHED", path)
    monkeypatch.setattr(claims, "topics", lambda: TOPICS)
    made, caption = verdicts.main.drawn(Results("quick", folder=tmp_path))
    assert marks(made) == expected(ROWS, TOPICS)
    heads = [tick.get_text() for tick in made.axes[0].get_xticklabels()]
    assert heads == ["the paper's\n2 of 3 supported", "ours\n1 of 1 supported", "open questions\n0 of 1 supported"]
    words = [text.get_text() for text in made.legends[0].get_texts()]
    assert words == ["3 supported", "1 refuted", "1 not run"]
    assert "of the 3 that are the paper's, as its summaries state them: 2 supported, 1 refuted" in caption.answers
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"ledger\.json is not there.*`make ledger`"):
        verdicts.main.drawn(Results("quick", folder=tmp_path))


def test_the_published_ledger_is_drawn_whole(tmp_path: Path) -> None:
    results = Results("full", folder=tmp_path)
    made, _ = verdicts.main.drawn(results)
    assert marks(made) == expected(PUBLISHED, claims.topics())
    with house_style():
        assert misplaced(made) == []
    width, height = made.get_size_inches()
    assert width > 1.2 * height
    (source,) = results.used
    assert (source.path, source.budgeted) == ("docs/ledger.json", False)
    assert not any(tmp_path.iterdir())


def test_rows_of_topics_are_few() -> None:
    assert len(set(claims.topics().values())) <= 20
