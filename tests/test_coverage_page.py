"""The page of `make coverage` adds up what coverage found."""

from tests.coverage_page import page


def found(covered: int, lines: int, branched: int, branches: int, missing: list[int]) -> dict[str, object]:
    summary = {
        "covered_lines": covered,
        "num_statements": lines,
        "covered_branches": branched,
        "num_branches": branches,
    }
    return {"summary": summary, "missing_lines": missing}


def test_rooms_are_added_up_and_low_modules_listed() -> None:
    files = {
        "simulate/a.py": found(9, 10, 3, 4, [7]),
        "simulate/b.py": found(30, 30, 0, 0, []),
        "theory/c/d.py": found(6, 10, 2, 2, [1, 2, 3, 9]),
    }
    text = page({"files": files}, "on paper")
    assert "on paper." in text
    assert "| `simulate` | 2 | 97.5 | 75.0 |" in text
    assert "| `theory` | 1 | 60.0 | 100.0 |" in text
    assert "| all | 3 | 90.0 | 83.3 |" in text
    assert "| `simulate/a.py` | 7 | 90.0 | 75.0 |" in text
    assert "| `theory/c/d.py` | 1-3, 9 | 60.0 | 100.0 |" in text
    assert "b.py" not in text


def test_no_low_module_no_list() -> None:
    assert "less than" not in page({"files": {"simulate/b.py": found(30, 30, 0, 0, [])}}, "on paper")
