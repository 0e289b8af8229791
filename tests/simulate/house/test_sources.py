"""What is said of code changes nothing, what it does changes its text."""

from pathlib import Path

import pytest

from simulate.house.sources import code_of

CODE = '"""About."""\n\ndef f(x):\n    """Double it."""\n    return 2 * x  # twice\n'


def text_of(folder: Path, source: str) -> str:
    path = folder / "module.py"
    path.write_text(source, encoding="utf-8")
    return code_of(path)


@pytest.mark.parametrize(
    "source",
    ["def f(x):\n    return 2 * x\n", CODE.replace("twice", "two times"), CODE.replace("2 * x", "(2\n        * x)")],
    ids=["no words", "other words", "another form"],
)
def test_words_and_form_do_not_count(source: str, tmp_path: Path) -> None:
    assert text_of(tmp_path, source) == text_of(tmp_path, CODE)


@pytest.mark.parametrize(
    "source", [CODE.replace("2 * x", "3 * x"), CODE.replace("2 * x", "'2' * x"), CODE.replace("f(x)", "g(x)")]
)
def test_what_it_does_counts(source: str, tmp_path: Path) -> None:
    assert text_of(tmp_path, source) != text_of(tmp_path, CODE)
