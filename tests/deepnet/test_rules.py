"""The rules of deepnet/ that its sources can be read for, and that the reading finds what it looks for."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEEPNET = ROOT / "deepnet"
MAX_LINES = 300
MAX_FUNCTION = 40
MAX_METHOD_CLASS = 60

FROM_SIMULATE = ("simulate.checks", "simulate.palette", "simulate.version")
FROM_THEORY = ("theory.ledger", "theory.statistics")


def sources() -> Iterator[tuple[str, str]]:
    for path in sorted(DEEPNET.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def lines_of_code(source: str) -> set[int]:
    """Numbers of the lines that hold more than comments, blanks and docstrings."""
    noise = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in noise:
            found.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def sizes(source: str, kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> dict[str, int]:
    """Lines of code of every function or class."""
    code = lines_of_code(source)
    return {
        f"{node.name}:{node.lineno}": len(code & set(range(node.lineno, node.end_lineno + 1)))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, kind)
    }


def calls(source: str, pattern: str) -> list[str]:
    """Calls whose function, written out, ends in a pattern; what stands in text or comments does not count."""
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [ast.unparse(node.func) for node in nodes if re.search(pattern + "$", ast.unparse(node.func))]


def imported(source: str) -> Iterator[str]:
    """Absolute names of what is imported; `from a import b` counts as `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def foreign(source: str) -> list[str]:
    """Imports from other rooms of the house that deepnet/ may not have."""
    rooms = [name for name in imported(source) if re.match(r"(simulate|theory|paper_figs|tests|notebooks)\b", name)]
    return [name for name in rooms if not any(f"{name}.".startswith(f"{ok}.") for ok in FROM_SIMULATE + FROM_THEORY)]


def where(finder, *arguments: object) -> dict[str, list[str]]:
    found = {path: finder(source, *arguments) for path, source in sources()}
    return {path: hits for path, hits in found.items() if hits}


def test_devices_are_arguments() -> None:
    assert where(calls, r"\.cuda") == {}


def test_gradients_are_taken_in_one_place() -> None:
    """Hessians are curvlinops' business; a second place would be a second training."""
    assert where(calls, r"(\.backward|autograd\.grad|autograd\.backward)") == {
        "deepnet/sharpness.py": ["torch.autograd.grad"]
    }
    assert where(functional_gradients) == {}


def functional_gradients(source: str) -> list[str]:
    """torch.func and its relatives, by which a gradient could be taken elsewhere."""
    others = r"(torch\.func\b|torch\.autograd\.functional|functorch)"
    return [name for name in imported(source) if re.match(others, name)]


def test_optimizers_step_in_one_place() -> None:
    assert set(where(calls, r"optimizer\.step")) <= {"deepnet/loop.py"}
    assert set(where(calls, r"torch\.optim\.\w+")) <= {"deepnet/descent.py"}


def test_files_stay_small() -> None:
    assert {path: n for path, source in sources() if (n := len(source.splitlines())) > MAX_LINES} == {}


def too_long(source: str, kind: type[ast.AST] | tuple[type[ast.AST], ...], most: int) -> list[str]:
    return [f"{name} has {size}" for name, size in sizes(source, kind).items() if size > most]


def test_functions_stay_small() -> None:
    assert where(too_long, (ast.FunctionDef, ast.AsyncFunctionDef), MAX_FUNCTION) == {}


def test_methods_stay_small() -> None:
    found = where(too_long, ast.ClassDef, MAX_METHOD_CLASS)
    assert {path: hits for path, hits in found.items() if path.startswith("deepnet/methods/")} == {}


def test_other_rooms_stay_outside() -> None:
    assert where(foreign) == {}


def test_no_global_random_numbers() -> None:
    """But for torch's initialisations, which know no other: `test_models` holds that they put the state back."""
    seeding = r"(torch\.manual_seed|random\.seed|np\.random\.(seed|rand|randn|randint|choice|permutation|shuffle))"
    assert set(where(calls, seeding)) <= {"deepnet/models.py"}


def test_no_pickles() -> None:
    assert where(calls, r"(torch\.load|torch\.save|pickle\.loads?)") == {}
    assert [path for path, source in sources() if "allow_pickle=True" in source] == []


def test_no_checks_by_assert() -> None:
    found = {path: [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Assert)] for path, source in sources()}
    assert {path for path, nodes in found.items() if nodes} == set()


def test_every_public_name_says_what_it_is() -> None:
    """Functions and classes in `__all__`, and public methods of those classes, have docstrings."""
    bare = []
    for path, source in sources():
        tree = ast.parse(source)
        public = {
            constant.value
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            for constant in ast.walk(node.value)
            if isinstance(constant, ast.Constant)
        }
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in public:
                inner = [n for n in node.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]
                bare += [
                    f"{path}: {n.name}"
                    for n in [node, *(inner if isinstance(node, ast.ClassDef) else [])]
                    if not ast.get_docstring(n)
                ]
    assert bare == []


# Each rule above can fail:


def test_calls_are_found_and_text_is_not() -> None:
    source = '''
"""model.cuda() is not for us."""
# x.cuda()
model.cuda(0)
loss.backward()
g, = torch.autograd.grad(loss, w)
'''
    assert calls(source, r"\.cuda") == ["model.cuda"]
    assert calls(source, r"(\.backward|autograd\.grad|autograd\.backward)") == ["loss.backward", "torch.autograd.grad"]
    assert functional_gradients("from torch.func import grad") == ["torch.func.grad"]


def test_lines_of_code_are_counted_without_words() -> None:
    source = (
        'def f():\n    """One.\n\n    Two.\n    """\n    # three\n\n'
        '    x = """\n    text\n    """\n    return (\n        x\n    )\n'
    )
    assert sizes(source, ast.FunctionDef) == {"f:1": 7}
    long = "def g():\n" + "    x = 1\n" * MAX_FUNCTION
    assert too_long(long, ast.FunctionDef, MAX_FUNCTION) == [f"g:1 has {MAX_FUNCTION + 1}"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from simulate import checks", []),
        ("from simulate.version import __version__", []),
        ("from theory.statistics import interval", []),
        ("import simulate", ["simulate"]),
        ("from simulate import Problem, checks", ["simulate.Problem"]),
        ("from theory import claims", ["theory.claims"]),
        ("from tests.deepnet import oracles", ["tests.deepnet.oracles"]),
        ("import simulated", []),
    ],
)
def test_foreign_imports_are_found(source: str, found: list[str]) -> None:
    assert foreign(source) == found
