"""A constant that several experiments or claims need is written in one place."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.places import ROOT

FOLDERS = ("theory/experiments", "theory/claims")
OF_EACH = {"__all__", "CLAIMS", "TOPIC"}


def constants(source: str) -> Iterator[tuple[str, str]]:
    """Name, without underscores, and value of each constant of a module; what is called or named elsewhere is none."""
    for node in ast.parse(source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        called = isinstance(value, ast.Call) and "unlearning_without" in ast.dump(value)
        elsewhere = isinstance(value, ast.Name) or called
        if isinstance(target, ast.Name) and value is not None and target.id not in OF_EACH and not elsewhere:
            yield target.id.strip("_"), ast.unparse(value)


def test_no_constant_is_written_twice() -> None:
    found: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))):
        for constant in constants(path.read_text(encoding="utf-8")):
            found[constant].append(path.relative_to(ROOT))
    assert {name: paths for (name, _), paths in found.items() if len(paths) > 1} == {}


def test_constants_of_a_module_are_seen() -> None:
    source = "_TINY = 1e-9\nb: int = 3\n__all__ = []\nc = d\ndef f(): pass\ne = choices.unlearning_without(g)"
    assert list(constants(source)) == [("TINY", "1e-09"), ("b", "3")]
