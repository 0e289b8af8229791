"""Rows as text: whole lines, damaged ones, and their order."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

from deepnet.matched.records import in_order, read_rows, write_rows

ROWS = [
    {"key": "a", "replicate": 0, "kind": "retrained"},
    {"key": "b", "replicate": 0, "kind": "trajectory", "arm": "x"},
]


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", ROWS)
    assert list(read_rows(path).values()) == ROWS
    assert read_rows(tmp_path / "none.jsonl") == {}


@pytest.mark.parametrize("line", ["{", "[]", '{"replicate": 1}', "[1]"])
def test_a_damaged_line_is_named(line: str, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", ROWS)
    path.write_text(path.read_text() + "\n" + line + "\n")
    with pytest.raises(ValueError, match=r"Line 4 of .*rows\.jsonl is damaged"):
        read_rows(path)


def test_one_key_is_one_row(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", [*ROWS, ROWS[0]])
    assert len(read_rows(path)) == 2
    write_rows(path, [*ROWS, ROWS[0] | {"kind": "other"}])
    with pytest.raises(ValueError, match=r"Line 3 of .* has the key a of an earlier one, but differs"):
        read_rows(path)


def test_numbers_that_json_cannot_hold_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        write_rows(tmp_path / "rows.jsonl", [{"key": "a", "loss": float("nan")}])


def test_order_is_by_replicate_then_networks_then_arms() -> None:
    made = [
        {"key": f"{replicate}{arm}", "replicate": replicate, "kind": "trajectory" if arm else "retrained"}
        | ({"arm": arm} if arm else {})
        for replicate in (1, 0)
        for arm in ("unknown", "second", "first", None)
    ]
    found = [(row["replicate"], row.get("arm")) for row in in_order(made, ["first", "second"])]
    assert found == [(n, arm) for n in (0, 1) for arm in (None, "first", "second", "unknown")]
